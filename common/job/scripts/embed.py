#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes scripts.gen.h and scripts.gen.c of the Lua scripts in this folder and of the tables in state.h.

usage: embed.py STATE_H OUTPUT_DIR SCRIPT.lua...

The first line of a script is its signature:
    -- name(argument, number:int, list...) conf(setting.name, ...) flags(allow-oom) gate(taken)
gate: checked (the default: open, and the same server), taken (its argument `taker` has the gate), either, unchecked.
Each argument is a local of the script and a field of `struct name_args` in C; a setting is a local with underscores (and
`_text` behind it: as it came, for redis.call()), and the field of struct config that its row in config.c (beside STATE_H) names.
_gate.lua comes first in every script; of _job.lua and the tables what it uses: Redis runs all of it at each call.
_permit.lua stands alone: it asks whether Redis' user may use the commands of all of them (permit_script)."""
import hashlib
import pathlib
import re
import sys

# what the programs send besides scripts
SENT = ['EVALSHA', 'INFO', 'XRANGE']
CALL = re.compile(r"redis\.p?call\((?:'([A-Z]+)')?")
# what _job.lua takes of the settings
JOB_CONF = ['log.timeline', 'events.kept', 'state.kept', 'job.keep_ms', 'job.keep_message_ms']
TAKEN = """local held = redis.call('HMGET', KEYS[1], 'taker', 'taker_until', 'taker_identity')
local is_taker = gate[1] ~= 'open' and taker ~= '' and held[1] == taker and held[3] == identity
    and tonumber(held[2] or '0') > now
"""
OPEN = "gate[1] == 'open' and gate[2] == identity"
# who a script listens to
GATES = {
    'checked': "if not (%s) then\n    return { 'GATE' }\nend" % OPEN,
    'taken': TAKEN + "if not is_taker then\n    return { 'FENCED' }\nend",
    'either': TAKEN + "if not is_taker and not (taker == '' and %s) then\n    return { 'GATE' }\nend" % OPEN,
    'unchecked': '',
}
SIGNATURE = re.compile(r'^-- (\w+)\(([^()]*)\)(?:\s+conf\(([^()]*)\))?(?:\s+flags\(([^()]*)\))?(?:\s+gate\((\w+)\))?\s*$')


def rows(text, macro, columns):
    body = re.search(r'#define %s\(X\)((?:.*\\\n)*.*)' % macro, text).group(1)
    found = re.findall(r'X\(([^()]*)\)', body)
    table = [[cell.strip() for cell in row.split(',')] for row in found]
    assert table and all(len(row) == columns for row in table), macro
    return table


def lua_tables(state_h):
    text = pathlib.Path(state_h).read_text()
    states = rows(text, 'JOB_STATES', 3)
    out = ["local ARROWS = '\\n%s\\n'" % '\\n'.join(' '.join(row) for row in rows(text, 'ARROWS', 3))]
    for name, column in (('IS_END', 1), ('IN_FLIGHT', 2)):
        out += ['local %s = { %s }' % (name, ', '.join('%s = true' % row[0] for row in states if row[column] == 'true'))]
    return '\n'.join(out) + '\n'


def config_fields(config_c):
    """the field of struct config of each setting"""
    return dict(re.findall(r'\{ "([\w.]+)", SET_\w+, AT\((\w+)\)', pathlib.Path(config_c).read_text()))


def shared_parts(text):
    """The top-level statements of what scripts share, in order: (the name that it defines, the statement)."""
    parts = re.split(r'^(?=local )', without_comments(text), flags=re.M)
    assert not parts[0].strip(), 'what is shared are locals'
    return [(re.match(r'local (?:function )?(\w+)', part).group(1), part.rstrip('\n')) for part in parts[1:]]


def used_parts(parts, text):
    """Those that the text uses, and what they use; how a job is loaded is made of what they name."""
    used, of_it, fields = [], text, []
    for name, part in reversed(parts):
        if name == 'FIELDS':
            fields = [field for field in re.findall(r"'(\w+)'", part) if re.search(r'\b%s\b' % field, of_it)]
        elif re.search(r'\b%s\b' % name, of_it):
            used.insert(0, part)
            of_it += '\n' + part
    return [maker(fields) for name, maker in (('load', lua_load), ('blank', lua_blank))
            if re.search(r'\b%s\(' % name, of_it)] + used


def lua_load(fields):
    """One call, one table of the right size: no list of names is built, none is walked."""
    assert fields[0] == 'state'
    return '\n'.join([
        'local function load(id, ...)',
        "    local v = redis.call('HMGET', P .. 'job:' .. id, %s, ...)" % ', '.join("'%s'" % field for field in fields),
        '    if not v[1] then', '        return nil', '    end',
        '    return { id = id, state = v[1], %s }, v[%d], v[%d], v[%d]' % (
            ', '.join("%s = v[%d] or ''" % (field, i + 2) for i, field in enumerate(fields[1:])),
            *(len(fields) + more for more in (1, 2, 3))),
        'end'])


def lua_blank(fields):
    return '\n'.join(['local function blank(id)', "    return { id = id, state = 'NONE', %s }" % ', '.join(
        "%s = ''" % field for field in fields[1:]), 'end'])


def names(text):
    return [word.strip() for word in (text or '').split(',') if word.strip()]


def without_comments(text):
    """Comments are for the reader of the files: Redis need not keep them."""
    return ''.join(line + '\n' for line in text.split('\n') if line.strip() and not re.match(r'^\s*--', line))


def c_text(text):
    return '\n'.join('    "%s\\n"' % line.replace('\\', '\\\\').replace('"', '\\"') for line in text.rstrip('\n').split('\n'))


def commands_of(scripts):
    """Every command that some script calls, or a program sends."""
    used = set(SENT)
    for script in scripts:
        for name in CALL.findall(script.text):
            if not name:
                sys.exit('%s.lua: redis.call() of something else than a literal: what Redis has to permit is read here'
                         % script.name)
            used.add(name)
    return sorted(used)


class Script:
    def __init__(self, path, gate, job, tables):
        self.source = path.read_text()
        match = SIGNATURE.match(self.source.split('\n', 1)[0])
        if not match or match.group(1) != path.stem:
            sys.exit('%s:1: the first line is not the signature of %s' % (path, path.stem))
        self.name = path.stem
        self.arguments = names(match.group(2))
        self.conf = names(match.group(3))
        if (match.group(5) or 'checked') not in GATES:
            sys.exit('%s:1: gate(%s) is not one of %s' % (path, match.group(5), ', '.join(GATES)))
        used = used_parts(shared_parts(tables + job), without_comments(self.source))
        whole = '\n'.join(used) + self.source
        self.conf += [c for c in JOB_CONF if c not in self.conf and re.search(r'\b%s(_text)?\b' % c.replace('.', '_'), whole)]
        flags = names(match.group(4))
        parts = ['#!lua' + (' flags=' + ','.join(flags) if flags else ''), gate.strip()]
        parts += [self.bind(whole), GATES[match.group(5) or 'checked']]
        parts += used + [self.source.strip()]
        self.text = without_comments('\n'.join(parts))
        self.sha1 = hashlib.sha1(self.text.encode()).hexdigest()

    def fixed(self):
        return [a for a in self.arguments if not a.endswith('...')]

    def list(self):
        lists = [a[:-3] for a in self.arguments if a.endswith('...')]
        return lists[0] if lists else None

    def bind(self, text):
        out, i = [], 0
        for setting in self.conf:
            i += 1
            name = setting.replace('.', '_')
            if re.search(r'\b%s\b' % name, text):
                out.append('local %s = tonumber(ARGV[%d])' % (name, i))
            if '%s_text' % name in text:
                out.append('local %s_text = ARGV[%d]' % (name, i))
        for argument in self.fixed():
            i += 1
            name, _, kind = argument.partition(':')
            out.append('local %s = %s' % (name, 'tonumber(ARGV[%d])' % i if kind else 'ARGV[%d]' % i))
        if self.list():
            out.append('local %s = {}\nfor i = %d, #ARGV do\n    %s[#%s + 1] = ARGV[i]\nend'
                       % (self.list(), i + 1, self.list(), self.list()))
        return '\n'.join(out)

    def header(self):
        fields = []
        for argument in self.fixed():
            name, _, kind = argument.partition(':')
            fields.append('    int64_t    %s;' % name if kind else '    struct str %s;' % name)
        if self.list():
            fields.append('    const struct str *%s;' % self.list())
            fields.append('    size_t %s_count;' % self.list())
        return 'struct %s_args {\n%s\n};\nvoid script_%s(struct store *store, const struct %s_args *args, ' \
            'struct redis_reply *reply, struct call *call, call_done *done);\n' % (
                self.name, '\n'.join(fields), self.name, self.name)

    def code(self, fields):
        fixed = len(self.conf) + len(self.fixed())
        ints = [a for a in self.fixed() if ':' in a]
        out = ['static const char %s_text[] =\n%s;' % (self.name, c_text(self.text)),
               'static const struct redis_script %s_script = { "%s", %s_text, sizeof %s_text - 1, "%s" };\n'
               % (self.name, self.name, self.name, self.name, self.sha1),
               'void script_%s(struct store *store, const struct %s_args *args, struct redis_reply *reply, '
               'struct call *call, call_done *done)\n{' % (self.name, self.name)]
        count = '%d + args->%s_count' % (fixed, self.list()) if self.list() else str(fixed)
        if self.list():
            out.append('    size_t count = %s;\n    struct str *argv = xcalloc(count, sizeof *argv);' % count)
        else:
            out.append('    size_t count = %d;\n    struct str argv[%d];' % (fixed, max(fixed, 1)))
        if self.conf:
            out.append('    const struct config *config = store_config(store);')
        if ints or self.conf:
            out.append('    char numbers[%d][I64_TEXT_BYTES];' % (len(ints) + len(self.conf)))
        i = n = 0
        for setting in self.conf:
            out.append('    argv[%d] = str_of_i64(numbers[%d], config->%s);' % (i, n, fields[setting]))
            i, n = i + 1, n + 1
        for argument in self.fixed():
            name, _, kind = argument.partition(':')
            if kind:
                out.append('    argv[%d] = str_of_i64(numbers[%d], args->%s);' % (i, n, name))
                n += 1
            else:
                out.append('    argv[%d] = args->%s;' % (i, name))
            i += 1
        if self.list():
            out.append('    for (size_t i = 0; i < args->%s_count; i++)\n        argv[%d + i] = args->%s[i];'
                       % (self.list(), fixed, self.list()))
        if not self.arguments:
            out.append('    (void)args;')
        out.append('    store_run(store, &%s_script, argv, count, reply, call, done);' % self.name)
        if self.list():
            out.append('    free(argv);')
        return '\n'.join(out) + '\n}\n'


def main():
    state_h, out = sys.argv[1], pathlib.Path(sys.argv[2])
    paths = [pathlib.Path(p) for p in sys.argv[3:]]
    shared = {p.stem: p.read_text() for p in paths if p.stem.startswith('_')}
    scripts = [Script(p, shared['_gate'], shared['_job'], lua_tables(state_h)) for p in sorted(paths)
               if not p.stem.startswith('_')]
    fields = config_fields(pathlib.Path(state_h).parent / 'config.c')
    permit = "local COMMANDS = '%s'\n" % ' '.join(commands_of(scripts)) + without_comments(shared['_permit'])
    out.mkdir(parents=True, exist_ok=True)
    banner = '// made by common/job/scripts/embed.py\n'
    (out / 'scripts.gen.h').write_text(
        banner + '#pragma once\n\n#include "io/redis.h"\n\nstruct store;\n\n' + '\n'.join(s.header() for s in scripts)
        + '\nextern const struct redis_script permit_script;'
        + '\nextern const struct redis_script *const all_scripts[];\nextern const size_t all_scripts_count;\n')
    (out / 'scripts.gen.c').write_text(
        banner + '#include "job/scripts.gen.h"\n\n#include <stdlib.h>\n\n#include "job/store.h"\n\n'
        + '\n'.join(s.code(fields) for s in scripts)
        + '\nconst struct redis_script permit_script = { "permit",\n%s,\n    %d, "%s" };\n'
        % (c_text(permit), len(permit.encode()), hashlib.sha1(permit.encode()).hexdigest())
        + '\nconst struct redis_script *const all_scripts[] = {\n'
        + ''.join('    &%s_script,\n' % s.name for s in scripts)
        + '};\nconst size_t all_scripts_count = sizeof all_scripts / sizeof all_scripts[0];\n')
    for script in scripts:
        (out / (script.name + '.lua')).write_text(script.text)
    (out / 'permit.lua').write_text(permit)


if __name__ == '__main__':
    main()

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Static checks. Each names what it found, file and line, and fails.
#
#     tests/check.sh [--build DIR] [settings] [metrics] [shell] [format] [cppcheck] [tidy]      all of them unless named
#
# settings   the tables of settings and of metrics in deploy/README.md are what `tokfleet-worker --reference` and
#            `--metrics` print (--write puts them there)
# metrics    what the alerts, the dashboard and the manual name is there (tests/metrics.py); promtool, where it is, takes it
# shell      shellcheck over every shell script
# format     the C files stand as .clang-format says
# cppcheck   over the C files of the programs and the simulators
# tidy       clang-tidy over them, by .clang-tidy
#
# DIR (build/debug) is a configured build: its compile_commands.json is used, and for `settings` its worker.
# Status 77: a tool was missing, and all others were content.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
BUILD=build/debug WRITE=false CHECKS=()
while (($#)); do
    case $1 in
        --build) BUILD=${2:?--build needs a folder}; shift ;;
        --write) WRITE=true ;;
        settings | metrics | shell | format | cppcheck | tidy) CHECKS+=("$1") ;;
        -h | --help) sed -n '3,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "check.sh: unknown argument $1" >&2; exit 2 ;;
    esac
    shift
done
((${#CHECKS[@]})) || CHECKS=(settings metrics shell format cppcheck tidy)

missing() {
    echo "check.sh: $1 is missing: $2 was not checked" >&2
    SKIPPED=true
}
have() { command -v "$1" >/dev/null 2>&1; }

# the C files that are compiled in BUILD, without what is generated
compiled() {
    /usr/bin/python3 - "$BUILD/compile_commands.json" "$ROOT" "$@" <<'PY'
import json, os, sys
root, parts = sys.argv[2] + '/', tuple(sys.argv[3:])
files = {os.path.normpath(os.path.join(c['directory'], c['file'])) for c in json.load(open(sys.argv[1]))}
print('\n'.join(sorted(f for f in files if f.startswith(root) and '/build/' not in f[len(root) - 1:]
                       and f[len(root):].startswith(parts))))
PY
}

# the table in deploy/README.md that begins with HEAD is what the worker prints by FLAG
check_table() {
    local readme=deploy/README.md flag=$1 head=$2 table
    table=$("$BUILD/worker/tokfleet-worker" "$flag")
    /usr/bin/python3 - "$readme" "$table" "$WRITE" "$flag" "$head" <<'PY'
import difflib, sys
path, table, write, flag, head = sys.argv[1], sys.argv[2], sys.argv[3] == 'true', sys.argv[4], sys.argv[5]
text = open(path, encoding='utf-8').read()
if text.count(head) != 1:
    sys.exit('%s: the table must be there once, beginning with: %s' % (path, head))
begin = text.index(head)
end = text.find('\n\n', begin)
end = len(text.rstrip('\n')) if end < 0 else end
if text[begin:end] == table:
    sys.exit(0)
if write:
    open(path, 'w', encoding='utf-8').write(text[:begin] + table + text[end:])
    print(path + ': written')
    sys.exit(0)
line = text[:begin].count('\n') + 1
for row in difflib.unified_diff(text[begin:end].split('\n'), table.split('\n'), path + ':%d' % line,
                                'tokfleet-worker ' + flag, lineterm='', n=0):
    print(row)
sys.exit('%s:%d: not what the program says. Mend it by: tests/check.sh settings --write' % (path, line))
PY
}

check_settings() {
    check_table --reference '| variable | default | allowed | what it is |' &&
        check_table --metrics '| metric | type | unit | labels | of | what it is |'
}

check_metrics() {
    local status=0
    /usr/bin/python3 tests/metrics.py "$BUILD/worker/tokfleet-worker" || status=$?
    ((status != 77)) || missing promtool "the PromQL of deploy/"
    ((status == 0 || status == 77))
}

check_shell() {
    have shellcheck || { missing shellcheck "the shell"; return 0; }
    local scripts=()
    # by their first line, whatever their name
    mapfile -t scripts < <(grep -rIlE '^#!.*\b(ba)?sh\b|^# shellcheck shell=' --include='*.sh' --include=run \
        deploy tests .ci .github 2>/dev/null | LC_ALL=C sort)
    shellcheck --external-sources --source-path=SCRIPTDIR/.. --format=gcc "${scripts[@]}"
}

check_format() {
    # other versions differ in small things
    [[ $(clang-format --version 2>/dev/null) == *' version 14.'* ]] ||
        { missing "clang-format 14, that of Debian 12," "how the C code is laid out"; return 0; }
    find common worker poller producer tests -name '*.[ch]' -type f -print0 |
        xargs -0 -P "$(nproc)" -n 40 clang-format --dry-run --Werror
}

check_cppcheck() {
    have cppcheck || { missing cppcheck "the C code by it"; return 0; }
    # How each of our files is compiled. cppcheck 2.10 does not know __VA_OPT__, so it sees a log.h without it; and of the
    # system's headers it sees the one that is all macros.
    /usr/bin/python3 - "$BUILD" "$(compiled common/ worker/ poller/ producer/ tests/sandbox/)" <<'PY'
import glob, json, os, shutil, sys
build, files = os.path.abspath(sys.argv[1]), set(sys.argv[2].split('\n'))
for part in ('base', 'sys'):
    os.makedirs(build + '/cppcheck/' + part, exist_ok=True)
for queue in glob.glob('/usr/include/sys/queue.h') + glob.glob('/usr/include/*/sys/queue.h'):
    shutil.copy(queue, build + '/cppcheck/sys/queue.h')
log = open('common/base/log.h').read()
assert '__VA_OPT__(,)' in log, 'common/base/log.h has changed: this is not needed any more'
open(build + '/cppcheck/base/log.h', 'w').write(log.replace('__VA_OPT__(,) { 0 }', ''))
commands = [c for c in json.load(open(build + '/compile_commands.json'))
            if os.path.normpath(os.path.join(c['directory'], c['file'])) in files]
for c in commands:
    c['command'] = c['command'].replace(' -', ' -I%s/cppcheck -' % build, 1)
json.dump(commands, open(build + '/cppcheck.json', 'w'))
PY
    cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress='*:/usr/include/*' --project="$BUILD/cppcheck.json" \
        --template='{file}:{line}: {severity}: {message} [{id}]'
}

check_tidy() {
    have clang-tidy || { missing clang-tidy "the C code by it"; return 0; }
    local files=()
    mapfile -t files < <(compiled common/ worker/ poller/ producer/ tests/sandbox/)
    # gcc's own warning flags are unknown to clang
    printf '%s\0' "${files[@]}" |
        xargs -0 -P "$(nproc)" -n 8 clang-tidy -p "$BUILD" --quiet --warnings-as-errors='*' \
            --extra-arg=-Wno-unknown-warning-option 2>&1 |
        { grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -header-filter|^$' || true; } >"$BUILD/tidy.log"
    cat "$BUILD/tidy.log"
    [[ ! -s $BUILD/tidy.log ]]
}

FAILED=false SKIPPED=false
for check in "${CHECKS[@]}"; do
    "check_$check" || { FAILED=true; echo "check.sh: $check FAILED" >&2; }
done
! $FAILED || exit 1
! $SKIPPED || exit 77

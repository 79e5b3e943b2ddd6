# SPDX-License-Identifier: Apache-2.0
"""The schemas of jobs and commands (producer/schema) and the worker's decoder say the same of every message: what one
takes the other takes, what one refuses the other refuses. What a schema cannot express is the list BEYOND below, and
nothing else; every entry of it is said in the schema's description."""
import datetime
import json
import math
import os
import pathlib
import random
import re
import subprocess

import job_cases
import pytest

try:
    import jsonschema
except ImportError:
    pytest.exit('SKIPPED: no python3-jsonschema, so no schema was held against the decoder', 77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('TOKFLEET_BUILD', ROOT / 'build' / 'debug'))
SEED = int(os.environ.get('TOKFLEET_TEST_SEED', random.SystemRandom().randrange(2 ** 32)))
RANDOM_ONES = 2500
BOM = '\ufeff'  # which a reader of JSON may ignore (RFC 8259), and ours does


def load(name):
    schema = json.loads((ROOT / 'producer/schema' / (name + '.schema.json')).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def decide(messages, *arguments):
    """(is good, why not) of each, by the decoder"""
    done = subprocess.run([BUILD / 'tests/contract/decide', *arguments], input=b'\n'.join(m.encode() for m in messages) + b'\n',
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.decode('utf-8', 'replace').splitlines()
    assert len(answers) == len(messages), (len(answers), len(messages))
    return [(answer == 'good', answer) for answer in answers]


# ---- what a schema cannot say

def walk(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(child)


def strings(value):
    for one in walk(value):
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one


def depth(value):
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if children is None else 1 + max(map(depth, children), default=0)


def units(text):
    return len(text.encode('utf-16-le', 'surrogatepass')) // 2


def member(value, name):
    return value.get(name) if isinstance(value, dict) else None


def text(value, name):
    found = member(value, name)
    return found if isinstance(found, str) else ''


def moment(value, name):
    """Milliseconds since 1970 of a good time, else None"""
    found = re.fullmatch(r'(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)', text(value, name), re.A)
    if not found:
        return None
    zone = '+00:00' if found[4] in 'Zz' else found[4]
    whole = datetime.datetime.fromisoformat('%sT%s%s' % (found[1], found[2], zone))
    return int(whole.timestamp()) * 1000 + int(((found[3] or '') + '000')[:3])


def ends_before_it_begins(message, _):
    first, last = moment(message, 'publish_at'), moment(message, 'expires_at')
    return first is not None and last is not None and last <= first


def odd_letters(message, written):
    """a key twice, numbers beyond a double, \\u0000, half of a pair"""
    twice = []

    def pairs(members):
        twice.extend(k for i, (k, _) in enumerate(members) if k in [name for name, _ in members[:i]])
        return dict(members)
    json.loads(written.removeprefix(BOM), object_pairs_hook=pairs)
    return bool(twice) or any(isinstance(v, float) and math.isinf(v) for v in walk(message)) or \
        any('\0' in s or re.search('[\ud800-\udfff]', s) for s in strings(message))


def too_long(message, _):
    media = member(message, 'media')
    is_photos = isinstance(media, list) and (len(media) > 1 or any(is_photo(m) for m in media))
    settings = member(message, 'settings')
    captions = [text(message, 'caption'), text(settings, 'description')]
    titles = [text(message, 'title'), text(settings, 'title')] if is_photos else []
    most = 4000 if is_photos else 2200
    # what has too many characters is for the schema to refuse
    return any(units(c) > most >= len(c) for c in captions) or any(units(t) > 90 >= len(t) for t in titles)


def is_photo(medium):
    if member(medium, 'type') is not None:
        return member(medium, 'type') == 'photo'
    path = re.split(r'[?#]', text(medium, 'url'))[0]
    return path.rsplit('/')[-1].rpartition('.')[2].lower() in ('jpg', 'jpeg', 'webp', 'png')


def differ(message, _):
    settings = member(message, 'settings')
    return any(text(message, top) and text(settings, below) and text(message, top) != text(settings, below)
               for top, below in (('title', 'title'), ('caption', 'description')))


def metadata_too_long(message, _):
    found = member(message, 'metadata')
    return isinstance(found, dict) and len(json.dumps(found, ensure_ascii=False, separators=(',', ':'))
                                           .encode('utf-8', 'surrogatepass')) > 4096


def more_bytes(message, _):
    limits = {'by': 128, 'reason': 512, 'account': 128, 'publish_id': 512, 'post_id': 512, 'post_url': 512}
    return any(len(text(message, name).encode('utf-8', 'surrogatepass')) > most >= len(text(message, name))
               for name, most in limits.items())


def no_privacy(default):
    """the fleet's default decides: a setting, which no schema knows"""
    def check(message, _):
        settings = member(message, 'settings')
        if member(settings, 'content_posting_method') == 'UPLOAD' or text(settings, 'privacy_level'):
            return False
        return not default or default == 'SELF_ONLY' and member(settings, 'brand_content_toggle') is True
    return check


def larger_than(bytes_, levels):
    return lambda message, written: len(written.encode()) > bytes_ or depth(message) > levels


# in the order, and as many, as the numbers in the schema's description
BEYOND = {
    'job': [('size and depth of the message', larger_than(256 * 1024, 16)), ('how the JSON is written', odd_letters),
            ('UTF-16 units', too_long), ('bytes of metadata', metadata_too_long),
            ('one time after another', ends_before_it_begins), ('one text equals another', differ),
            ('a setting of the fleet', no_privacy('PUBLIC_TO_EVERYONE'))],
    'command': [('size of the message', larger_than(256 * 1024, 8)), ('how the JSON is written', odd_letters),
                ('bytes of texts', more_bytes), ('one time after another', ends_before_it_begins)],
}


# ---- both sides

def compare(messages, rules, *arguments):
    """Fails on the first messages of which schema and decoder say different things; which rules beyond were needed."""
    validators = {name: jsonschema.Draft202012Validator(load(name)) for name in BEYOND}
    used, good, apart = set(), 0, []
    for written, (taken, why) in zip(messages, decide(messages, *arguments)):
        try:
            message = json.loads(written.removeprefix(BOM), parse_constant=lambda _: 1 / 0)
        except (ValueError, ZeroDivisionError):
            expected, valid = False, False
        else:
            name = 'command' if isinstance(message, dict) and 'command' in message else 'job'
            valid = validators[name].is_valid(message)
            broken = {rule for rule, check in rules[name] if check(message, written)} if valid else set()
            used |= {(name, rule) for rule in broken}
            expected = valid and not broken
        good += taken
        if expected != taken:
            apart.append('schema %s, decoder: %s: %.600s' % ('takes it' if valid else 'refuses it', why, written))
    assert not apart, 'seed %d: %d of %d are apart\n%s' % (SEED, len(apart), len(messages), '\n'.join(apart[:12]))
    return used, good


@pytest.fixture(scope='module')
def compared():
    messages = [m for m in [*job_cases.jobs(SEED, RANDOM_ONES), *job_cases.commands(SEED, RANDOM_ONES)] if '\n' not in m]
    return messages, compare(messages, BEYOND)


def test_schema_and_decoder_agree_on_every_job_and_command_around_every_limit(compared):
    messages, (_, good) = compared
    print('%d messages, %d of them good, seed %d' % (len(messages), good, SEED))
    assert len(messages) > 6000 and 1000 < good < len(messages) - 2000, (good, len(messages))


def test_each_rule_beyond_the_schema_is_needed_and_is_said_in_its_description(compared):
    _, (used, _) = compared
    for name, rules in BEYOND.items():
        without = {rule for rule, _ in rules} - {rule for of, rule in used if of == name} - {'a setting of the fleet'}
        assert not without, 'no message was refused by the rule %s alone' % without
        said = re.findall(r'\((\d+)\)', load(name)['description'])
        assert said == [str(i + 1) for i in range(len(rules))], said


@pytest.mark.parametrize('default', ['', 'SELF_ONLY'])
def test_they_agree_where_the_fleet_has_another_default_for_privacy_level(default):
    rules = dict(BEYOND, job=BEYOND['job'][:-1] + [('a setting of the fleet', no_privacy(default))])
    used, _ = compare([job_cases.written(job) for job in job_cases.two_fields()], rules, default)
    assert ('job', 'a setting of the fleet') in used


def test_the_schemas_know_every_state_and_event_that_there_is():
    state_h = (ROOT / 'common/job/state.h').read_text()
    states = set(re.findall(r'X\( (\w+), +(?:true|false),', state_h)) - {'NONE', 'CLAIMED'}
    names = re.findall(r'X\( (\w+) \)', state_h[state_h.index('#define JOB_EVENTS'):])
    event = load('event')['properties']
    of_accounts = set(re.findall(r"tell_account\('(\w+)'", (ROOT / 'common/job/scripts/account.lua').read_text()))
    assert len(of_accounts) == 2 and set(event['state']['enum']) == states | of_accounts
    assert set(event['event']['enum']) == set(names) - {'CLAIM'} | {'PUBLIC_ID'} | of_accounts
    ids = [set(re.search(r'\(\?:([A-Z_|]+)\)\$', one['pattern'])[1].split('|')) for one in event['event_id']['anyOf']]
    assert ids == [states | {'PUBLIC_ID'}, of_accounts]


def test_jobs_md_and_the_schemas_name_the_same_fields():
    document = (ROOT / 'producer/JOBS.md').read_text()
    job, command, event, dead = (load(name) for name in ('job', 'command', 'event', 'dead-letter'))
    fields = set(job['properties']) | set(job['properties']['settings']['properties'])
    fields |= set(job['$defs']['medium']['properties'])
    for branch in command['oneOf']:
        fields |= set(branch['properties'])
    fields = (fields | set(event['properties']) | set(dead['properties'])) - {'command'}
    assert not [name for name in fields if '`%s`' % name not in document and 'media[].%s`' % name not in document]


def test_every_example_in_jobs_md_is_what_its_schema_says():
    document = (ROOT / 'producer/JOBS.md').read_text()
    inline = re.findall(r'`(\{"job_id".*?\})`[.,]', document)
    found = []
    for block in re.findall(r'```json\n(.*?)```', document, re.S) + inline:
        reader, at = json.JSONDecoder(), 0
        while block[at:].strip():
            at += len(block[at:]) - len(block[at:].lstrip())
            message, at = reader.raw_decode(block, at)
            found.append(message)
    kinds = ['command' if 'command' in m else 'event' if 'event_id' in m else 'job' for m in found]
    for kind, message in zip(kinds, found):
        jsonschema.Draft202012Validator(load(kind)).validate(message)
    assert min(kinds.count('job') - 4, kinds.count('command') - 6, kinds.count('event') - 1) >= 0, kinds
    decided = decide([json.dumps(message) for kind, message in zip(kinds, found) if kind != 'event'])
    assert all(taken for taken, _ in decided), decided

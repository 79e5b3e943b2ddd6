# SPDX-License-Identifier: Apache-2.0
"""While the fleet runs, Redis holds no key outside the documented table, and none without its TTL."""
import json
import re
import signal
import time

from harness import ROOT, Fleet, video, wait_for
from schemas import assert_promised
from test_unsure import SCALED, lose_answers
from witness import mixed_jobs

DOCUMENT = (ROOT / 'common/job/REDIS.md').read_text()
NAMES = {'STATE': '[A-Z_]+', 'yyyymmdd': r'\d{8}', 'job_id': '(?P<id>.+)'}


def table():
    """The rows of the document: pattern, type, life. None: no TTL; 'job': one since its end; 'some': one."""
    rows = []
    for keys, kind, _, lives in re.findall(r'^\| (`.*?`) \| (\w+) \| (.*) \| ?(.*?) ?\|$', DOCUMENT, re.M):
        forever = lives in ('', 'for ever', 'while it has members', 'capped')
        life = None if forever else 'job' if '<job_id>' in keys else 'some'
        for key in re.findall(r'`([^`]+)`', keys):
            pattern = ''.join(NAMES.get(part[1:-1], '.+') if part.startswith('<') else re.escape(part)
                              for part in re.split(r'(<\w+>)', key))
            rows.append((pattern, kind, life))
    return rows


def commands():
    """The document's commands, word by word"""
    block = DOCUMENT[DOCUMENT.index('## Questions and the commands'):].split('```')[1]
    return [re.split(r' {2,}', line)[0].split() for line in block.strip().splitlines()]


TABLE = table()
APP = {'tiktok_client_key': 'key', 'tiktok_client_secret': 'secret',
       'tiktok_redirect_uri': 'https://posts.example.com/callback/'}
ENDED = ('PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED')


def strange_keys(fleet):
    found = []
    prefix = fleet.key('')
    cursor = '0'
    while True:
        cursor, keys = fleet.redis('SCAN', cursor, 'COUNT', 1000)
        for key in keys:
            if not key.startswith(prefix):
                found.append((key, 'outside the prefix'))
                continue
            name = key[len(prefix):]
            row = next(((kind, ttl, m) for pattern, kind, ttl in TABLE for m in [re.fullmatch(pattern, name)] if m), None)
            if not row:
                found.append((key, 'not in the table'))
                continue
            kind, ttl, match = row
            really, left = fleet.redis('TYPE', key), fleet.redis('PTTL', key)
            if really == 'none':
                continue
            if really != kind:
                found.append((key, 'is a %s' % really))
            elif ttl is None and left >= 0:
                found.append((key, 'has a TTL'))
            elif ttl == 'some' and left == -1:
                found.append((key, 'has no TTL'))
            elif ttl == 'job':
                state = fleet.redis('HGET', fleet.key('job:' + match['id']), 'state')
                if (state in ENDED) != (left >= 0) and left != -2 and \
                        state == fleet.redis('HGET', fleet.key('job:' + match['id']), 'state'):
                    found.append((key, 'TTL %s in state %s' % (left, state)))
        if cursor == '0':
            return found


def test_no_key_is_outside_the_table_or_without_its_ttl_while_the_fleet_runs():
    settings = {'limit_window_ms': 2000, 'poll_first_ms': 100, 'poll_interval_ms': 200}
    with Fleet(settings, sim=['--window-ms', '2000', '--processing-ms', '200-1500'], accounts=30) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(300, fleet.add_accounts())
        fleet.produce([(job['account'], job) for job in jobs] + [('k', 'garbage')])
        for _ in range(8):
            assert strange_keys(fleet) == []
        fleet.wait_ends([job['job_id'] for job in jobs], 120)
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        assert strange_keys(fleet) == []
        for place in ('slots', 'open', 'leases', 'ready', 'delayed', 'unsure'):
            assert fleet.redis('ZCARD', fleet.key(place)) == 0, place
        promised = assert_promised(fleet)
        assert not promised or promised[0] > 1000 and promised[1] >= 1, promised


def begin_consent(fleet):
    """The state of a consent that somebody began and has not come back from"""
    done = fleet.cli('account', 'connect', '--no-wait', '--json')
    assert done.returncode == 0, done.stderr
    return re.search(r'state=([\w-]+)', done.stdout).group(1)


class Reader:
    """Somebody who follows the document: asks each of its commands until it had an answer."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.left = commands()
        self.state = begin_consent(fleet)

    def fillings(self, command):
        """The command with everything that the fleet has in the place of what stands in <>"""
        fleet = self.fleet
        open_ids = list(fleet.redis.hash(fleet.key('alias')).values())
        places = {'<job_id>': ['one', 'refused'], '<open_id>': open_ids, '<text>': ['@nobody'],
                  '<program>': fleet.redis('ZRANGE', fleet.key('programs'), 0, -1),
                  '<publish_id>': [fleet.job('one').get('publish_id', '')], '@brand.de': ['@sim001'],
                  '<state>': [self.state],
                  '<yyyymmdd>': [time.strftime('%Y%m%d', time.gmtime(int(fleet.redis('TIME')[0])))]}
        text = '\t'.join(command).replace('tokfleet', fleet.name)
        place = next((p for p in places if p in text), None)
        return [text.replace(place, value).split('\t') for value in places[place]] if place else [text.split('\t')]

    def is_answered(self, command):
        for words in self.fillings(command):
            answer = self.fleet.redis(*words)
            if answer and (not isinstance(answer, list) or any(answer)):
                return True
        return False

    def ask(self):
        self.left = [command for command in self.left if not self.is_answered(command)]
        return self.left


def test_every_key_of_the_document_has_a_command_that_answers():
    asked = [command[1].replace('{tokfleet}:', '').replace('<yyyymmdd>', '20261201') for command in commands()]
    assert len(TABLE) > 35
    for pattern, _, _ in TABLE:
        assert any(re.fullmatch(pattern, key) for key in asked), pattern
    with Fleet(dict(SCALED, **APP), sim=['--window-ms', '3000', '--processing-ms', '1000-2000'],
               accounts=4) as fleet:
        fleet.start_programs()
        one, two, three, banned = fleet.add_accounts()
        fleet.sim('accounts', {'open_id': json.loads(fleet.sim('accounts'))[3]['open_id'], 'banned': True})
        reader = Reader(fleet)

        def ask_while(what, check):
            wait_for(what, lambda: (reader.ask(), check())[1], 60, 0.02)

        def all_have_answered():
            wait_for('all have answered', lambda: not reader.ask() or print(*reader.left, sep='\n'), 20, 0.5)
        draft = {'settings': {'content_posting_method': 'UPLOAD'}}
        fleet.produce([('k', job) for job in (
            video('one', one), video('draft', two, **draft), video('of-nobody', '@nobody'),
            video('never', banned), video('later', one, publish_at='2099-01-01T00:00:00Z'),
            video('refused', three, url='https://elsewhere.example.org/u.mp4'))])
        ask_while('they are where they stay', lambda: set(fleet.states(['one', 'draft', 'refused']).values()) ==
                  {'PUBLISHED', 'IN_INBOX', 'FAILED'})
        lose_answers(fleet, 'hang')
        fleet.produce([('k', video('doubt', one, caption='doubt'))] + [('k', video('many-%d' % i, three)) for i in range(12)])
        ask_while('it is a doubt', lambda: fleet.job('doubt').get('state') == 'UNSURE')
        assert fleet.cli('pause').returncode == 0
        ask_while('the poller has looked for it', lambda: fleet.job('doubt').get('evidence_looks', '0') != '0')
        fleet.kill('poller-1', signal.SIGSTOP)
        fleet.produce([('k', video('unsent', '@nobody'))])
        all_have_answered()

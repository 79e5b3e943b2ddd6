# SPDX-License-Identifier: Apache-2.0
"""While the fleet runs, Redis holds no key outside the documented table, and none without its TTL."""
import re

from harness import Fleet, wait_for
from schemas import assert_promised
from witness import mixed_jobs

DAY = 86400000
# name, type, (least, most) ms of TTL or None for no TTL; as common/job/REDIS.md has them
TABLE = [
    (r'job:(?P<id>.+)', 'hash', 'job'),
    (r'message:(?P<id>.+)', 'string', 'job'),
    (r'log:(?P<id>.+)', 'list', 'job'),
    (r'slots|open|leases|ready|delayed|polls|unsure|refresh|consent|parked|programs', 'zset', None),
    (r'queue:.+|unknown:.+|state:[A-Z_]+', 'zset', None),
    (r'flying:.+', 'set', None),
    (r'window:.+:(init|status|creator_info|sent|video_list)', 'zset', 'some'),
    (r'(day|inbox):.+', 'zset', 'some'),
    (r'active:\d{8}', 'set', 'some'),
    (r'publish:.+', 'string', 'some'),
    (r'account:.+|alias|watermark|count|breaker|gate', 'hash', None),
    (r'token:.+|unknown', 'string', None),
    (r'oauth:.+', 'string', 'some'),
    (r'outbox|events', 'stream', None),
    (r'count:\d{8}', 'hash', 'some'),
    (r'program:.+', 'hash', 'some'),
]
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

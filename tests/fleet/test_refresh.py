# SPDX-License-Identifier: Apache-2.0
"""Access tokens that end, under load: one refresh for each account, no rotated token twice, no job that fails for it; an
account that only a person's consent can help says so, and its jobs wait."""
import base64
import collections
import json
import random
import signal
import time

from harness import Fleet, video, wait_for
from schemas import assert_promised

SETTINGS = {'tiktok_client_key': 'a-key', 'tiktok_client_secret': 'a-secret', 'limit_window_ms': 1000,
            'poll_first_ms': 100, 'poll_interval_ms': 250, 'tiktok_timeout_ms': 2000, 'retry_delay_ms': 200,
            'refresh_retry_ms': 200, 'refresh_retry_max_ms': 1500, 'refresh_lease_ms': 4000, 'heartbeat_ms': 300,
            'reap_interval_ms': 200, 'lease_ms': 8000, 'gate_wait_ms': 300, 'limit_in_flight': 300}
SIM = ['--window-ms', '1000', '--processing-ms', '200-800', '--limit-day-posts', '0', '--seed', '11']


def sim_accounts(fleet):
    return json.loads(fleet.sim('accounts'))


def expire(fleet, ids):
    """All of these accounts' access tokens end now."""
    fleet.sim('accounts', [{'open_id': i, 'expires_in': 0} for i in ids])


def jobs_of(name, ids, count=1):
    return [video('%s-%d-%d' % (name, n, k), account) for k in range(count) for n, account in enumerate(ids)]


def all_published(fleet, jobs, timeout_s=90):
    ends = fleet.wait_ends([job['job_id'] for job in jobs], timeout_s)
    assert set(ends.values()) == {'PUBLISHED'}, collections.Counter(ends.values())


def refreshes(fleet):
    """How many refreshes so many accounts had; and uses of tokens that had been rotated."""
    accounts = sim_accounts(fleet)
    return (dict(collections.Counter(a['refreshes'] for a in accounts)), sum(a['refresh_reused'] for a in accounts))


def account_of(fleet, open_id):
    return fleet.redis.hash(fleet.key('account:' + open_id))


def connect_again(fleet, open_id):
    """The newest tokens that TikTok gave, as a new consent would."""
    tokens = next(a for a in sim_accounts(fleet) if a['open_id'] == open_id)
    names = ('access_token', 'refresh_token', 'open_id', 'scope', 'expires_in', 'refresh_expires_in', 'alias')
    done = fleet.cli('account', 'add', '-', stdin=json.dumps({n: tokens[n] for n in names}) + '\n')
    assert done.returncode == 0, done.stderr


def account_events(fleet, name):
    events = [json.loads(record['payload']) for record in fleet.consume('events')]
    return [e for e in events if e['event'] == name]


def log_of(fleet, kind):
    return ''.join(path.read_text(errors='replace') for path in fleet.dir.glob(kind + '-*.log'))


def test_200_tokens_end_in_one_second_and_each_account_is_refreshed_once():
    with Fleet(SETTINGS, sim=SIM, accounts=200) as fleet:
        fleet.environment['TOKFLEET_TOKEN_KEYS'] += ',k2:' + base64.b64encode(bytes(range(32))).decode()
        fleet.start_programs(workers=5, pollers=3)
        fleet.add_accounts()
        ids = [a['open_id'] for a in sim_accounts(fleet)]

        # under load, all in the same moment
        first = jobs_of('first', ids, 2)
        fleet.produce(first)
        wait_for('it is at work', lambda: fleet.stats()['inits'] > 20, 30)
        expire(fleet, ids)
        second = jobs_of('second', ids)
        fleet.produce(second)
        all_published(fleet, first + second)
        assert refreshes(fleet) == ({1: 200}, 0)

        # TikTok's token endpoint is down for a while: nobody is harmed, and nobody's token is used twice
        fault = json.loads(fleet.sim('fault', {'endpoint': 'token', 'do': 'status', 'http': 503, 'count': -1}))
        expire(fleet, ids)
        third = jobs_of('third', ids)
        fleet.produce(third)
        wait_for('each account has been asked for in vain', lambda: json.loads(fleet.sim('fault'))[0]['hits'] > 250, 60)
        assert not fleet.redis('ZCARD', fleet.key('state:FAILED')) and refreshes(fleet) == ({1: 200}, 0)

        # and meanwhile Redis forgets everything: accounts and tokens come back from Kafka
        fleet.redis('FLUSHALL')
        fleet.sim('fault?id=%d' % fault['id'], method='DELETE')
        all_published(fleet, third)
        assert refreshes(fleet) == ({2: 200}, 0)
        assert account_events(fleet, 'NEEDS_CONSENT') == []

        # our own key is refused: loud, and no account is harmed
        some = ids[:5]
        fleet.sim('fault', {'endpoint': 'token', 'do': 'error', 'code': 'invalid_client', 'count': 3})
        expire(fleet, some)
        fourth = jobs_of('fourth', some)
        fleet.produce(fourth)
        all_published(fleet, fourth)
        assert refreshes(fleet) == ({2: 195, 3: 5}, 0)
        assert '"error"' in next(line for line in log_of(fleet, 'poller').splitlines() if 'invalid_client' in line)

        # a refusal that nobody knows the reason of stops that account, and no other
        odd, even = ids[30], ids[31]
        fleet.sim('fault', {'endpoint': 'token', 'do': 'error', 'code': 'invalid_request', 'account': odd,
                            'count': 2})
        expire(fleet, [odd, even])
        refused = jobs_of('refused', [odd, even])
        fleet.produce(refused)
        all_published(fleet, refused)
        assert 'the tokens of an account' in next(line for line in log_of(fleet, 'poller').splitlines()
                                                  if '"error":"invalid_request"' in line)

        # the answer is lost, TikTok took the token and takes it once: that account needs its user, and says so
        lost, other = ids[10], ids[11]
        fleet.sim('fault', {'endpoint': 'token', 'do': 'effect_no_answer', 'account': lost})
        expire(fleet, [lost, other])
        fifth = jobs_of('fifth', [lost, other])
        fleet.produce(fifth)
        wait_for('it needs consent', lambda: account_of(fleet, lost).get('parked_why') == 'invalid_grant', 30)
        all_published(fleet, fifth[1:])
        assert fleet.states(['fifth-0-0']) == {'fifth-0-0': 'QUEUED'}
        event, = wait_for('its event is on Kafka', lambda: account_events(fleet, 'NEEDS_CONSENT'), 20)
        assert_promised(fleet)
        assert event['account'] == lost and 'job_id' not in event and event['error']['code'] == 'invalid_grant'
        record = json.loads([r['payload'] for r in fleet.consume('accounts') if r['key'] == lost][-1])
        assert (record['status'], record['why']) == ('parked', 'invalid_grant')
        assert sum(a['refresh_reused'] for a in sim_accounts(fleet)) == 1

        # a new consent heals it, and its job goes out
        connect_again(fleet, lost)
        all_published(fleet, fifth)

        # Redis holds an older pair than Kafka: its word that the account is dead is not believed
        behind = ids[20]
        old, new = [json.loads(r['payload']) for r in fleet.consume('accounts') if r['key'] == behind][-2:]
        fleet.redis('HSET', fleet.key('account:' + behind), 'rev', old['rev'])
        fleet.redis('SET', fleet.key('token:' + behind), old['sealed'])
        expire(fleet, [behind])
        sixth = jobs_of('sixth', [behind])
        fleet.produce(sixth)
        wait_for('the newer pair is taken from Kafka', lambda: int(account_of(fleet, behind)['rev']) > new['rev'], 30)
        all_published(fleet, sixth)

        # a person connects an account while it is refreshed: that pair stays, on Kafka, too
        raced = ids[21]
        fleet.sim('fault', {'endpoint': 'token', 'do': 'delay', 'ms': 1500, 'account': raced})
        expire(fleet, [raced])
        seventh = jobs_of('seventh', [raced])
        fleet.produce(seventh)
        was = next(a for a in sim_accounts(fleet) if a['open_id'] == raced)['refreshes']
        wait_for('TikTok has its refresh', lambda: next(
            a for a in sim_accounts(fleet) if a['open_id'] == raced)['refreshes'] > was, 20)
        connect_again(fleet, raced)
        wait_for('the refresh is over', lambda: 'refresh_until' not in account_of(fleet, raced), 20)
        all_published(fleet, seventh)
        record = [json.loads(r['payload']) for r in fleet.consume('accounts') if r['key'] == raced][-1]
        assert record['sealed'] == fleet.redis('GET', fleet.key('token:' + raced))
        assert record['rev'] == int(account_of(fleet, raced)['rev'])
        assert len(account_events(fleet, 'NEEDS_CONSENT')) == 1

        # all tokens are sealed with another key meanwhile: the new pair is not lost, which the next refresh shows
        sealed, reused = ids[22], refreshes(fleet)[1]
        was = next(a for a in sim_accounts(fleet) if a['open_id'] == sealed)['refreshes']
        fleet.sim('fault', {'endpoint': 'token', 'do': 'delay', 'ms': 1800, 'account': sealed})
        eighth = jobs_of('eighth', [sealed], 2)
        for n, job in enumerate(eighth):
            expire(fleet, [sealed])
            fleet.produce([job])
            wait_for('TikTok has its refresh', lambda: next(
                a for a in sim_accounts(fleet) if a['open_id'] == sealed)['refreshes'] == was + n + 1, 20)
            if n == 0:
                keys = fleet.environment['TOKFLEET_TOKEN_KEYS']
                fleet.environment['TOKFLEET_TOKEN_KEYS'] = ','.join(reversed(keys.split(',')))
                done = fleet.cli('account', 'reseal', '--json')
                assert done.returncode == 0 and json.loads(done.stdout)['resealed'] > 190, done.stdout + done.stderr
            all_published(fleet, [job])
        assert refreshes(fleet)[1] == reused and len(account_events(fleet, 'NEEDS_CONSENT')) == 1

        stats = fleet.stats()
        assert stats['doubled'] == 0 and stats['breaches']['total'] == 0, stats
        assert stats['posts'] == len(first + second + third + fourth + refused + fifth + sixth + seventh + eighth)


def test_short_lives_refreshed_before_their_end_while_pollers_are_killed():
    """TikTok takes a rotated token for a while: then a poller that dies between the refresh and its record costs
    nobody's consent."""
    settings = dict(SETTINGS, refresh_lease_ms=1500)
    with Fleet(settings, sim=SIM + ['--token-ttl-s', '6', '--refresh-grace-ms', '60000'], accounts=40) as fleet:
        fleet.start_programs(workers=2, pollers=3)
        fleet.add_accounts()
        ids = [a['open_id'] for a in sim_accounts(fleet)]
        fleet.sim('fault', {'endpoint': 'token', 'do': 'delay', 'ms': 300, 'count': -1, 'probability': 0.5})
        fleet.sim('fault', {'endpoint': 'token', 'do': 'effect_no_answer', 'count': 10, 'probability': 0.2})
        chance, jobs = random.Random(4), []
        for n in range(6):
            more = jobs_of('life%d' % n, ids)
            fleet.produce(more)
            jobs += more
            time.sleep(chance.uniform(0.6, 1.2))
            pollers = [name for name in fleet.processes if name.startswith('poller')]
            victim = chance.choice(pollers)
            fleet.kill(victim, signal.SIGKILL).wait(10)
            del fleet.processes[victim]
            fleet.start_program('poller')
        all_published(fleet, jobs, 120)
        accounts = sim_accounts(fleet)
        assert all(a['refreshes'] >= 1 for a in accounts), refreshes(fleet)
        assert account_events(fleet, 'NEEDS_CONSENT') == []
        assert {account_of(fleet, i)['status'] for i in ids} == {'ok'}
        # what Redis holds is what Kafka holds last
        last = {r['key']: json.loads(r['payload']) for r in fleet.consume('accounts')}
        wait_for('Redis and Kafka agree', lambda: all(
            last[i]['rev'] <= int(account_of(fleet, i)['rev']) for i in ids), 20)
        stats = fleet.stats()
        assert stats['doubled'] == 0 and stats['posts'] == len(jobs), stats
        refused = sum(n for name, n in stats['calls']['video_init'].items() if 'access_token' in name)
        print('refreshes %s, refused inits %d' % (refreshes(fleet), refused))

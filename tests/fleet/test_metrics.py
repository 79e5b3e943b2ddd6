# SPDX-License-Identifier: Apache-2.0
"""What /metrics says is what happened: counters are the ledger's of tiktok-sim and the topics', gauges are Redis', the
format is read strictly, and nobody's name is in it."""
import collections
import json
import os
import shutil
import subprocess
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest

from exposition import Wrong, by_label, parse, value
from harness import Fleet, ROOT, video, wait_for
from schemas import headers_of

FAST = {'poll_first_ms': 100, 'poll_interval_ms': 300, 'retry_delay_ms': 100, 'limit_window_ms': 2000,
        'metrics_interval_ms': 300, 'redis_backoff_max_ms': 200}
SIM = ['--window-ms', '2000', '--processing-ms', '200-400']
INITS = ('video/init', 'inbox/video/init', 'content/init')
GOOD = '''# HELP a_total words
# TYPE a_total counter
a_total{x="1"} 2
a_total{x="2"} 0
# HELP b_seconds words
# TYPE b_seconds histogram
b_seconds_bucket{le="0.5"} 1
b_seconds_bucket{le="+Inf"} 2
b_seconds_sum 1.25
b_seconds_count 2
'''


@pytest.mark.parametrize('bad', [
    GOOD[:-1], GOOD + '\n', GOOD.replace('# HELP b_seconds words\n', ''), GOOD.replace('# TYPE a_total counter\n', ''),
    GOOD.replace('counter', 'gauge'), GOOD.replace('x="2"', 'x="1"'), GOOD.replace('x="2"', 'y="2"'),
    GOOD.replace('x="2"', 'x="a"b"'), GOOD.replace('} 2\na', '}  2\na'), GOOD.replace('} 0', '} -1'),
    GOOD.replace('} 0', '} 0 1795807968000'), GOOD.replace('} 0', '} none'), GOOD.replace('a_total', 'a'),
    GOOD.replace('+Inf"} 2', '+Inf"} 3'), GOOD.replace('le="0.5"} 1', 'le="0.5"} 3'), GOOD.replace('b_seconds_sum 1.25\n', ''),
    GOOD.replace('b_seconds', 'b_ms'), GOOD.replace('le="+Inf"', 'le="2"'), GOOD.replace('sum 1.25', 'sum 0.25'),
    GOOD + GOOD, GOOD.replace('a_total{x="2"} 0\n', '') + 'a_total{x="2"} 0\n', GOOD.replace('# HELP a', '# help a')])
def test_the_strict_reader_refuses(bad):
    parse(GOOD)
    with pytest.raises(Wrong):
        parse(bad)


def scrape(fleet):
    """The text of each program that is alive, by its id."""
    texts = {}
    for program in fleet.redis('ZRANGE', fleet.key('programs'), 0, -1):
        port = fleet.redis('HGET', fleet.key('program:' + program), 'port')
        with urllib.request.urlopen('http://127.0.0.1:%s/metrics' % port, timeout=10) as answer:
            assert answer.headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8'
            texts[program] = answer.read().decode()
    return texts


def total(parsed, name, **labels):
    return sum(value(families, name, **labels) for families in parsed if name in families
               or name.rsplit('_', 1)[0] in families)


def sums(parsed, name, label):
    out = collections.Counter()
    for families in parsed:
        if name in families:
            out.update(by_label(families, name, label))
    return dict(out)


def at(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()


def check_by_promtool(texts):
    tool = shutil.which('promtool', path='%s:%s' % (ROOT / 'build/bin', os.environ['PATH']))
    if not tool:
        print('SKIPPED: promtool is not there: the format was read by exposition.py alone')
        return
    for program, text in texts.items():
        done = subprocess.run([tool, 'check', 'metrics'], input=text, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stdout + done.stderr, (program, done.stdout + done.stderr)


def send_all(fleet, aliases):
    """Jobs of every kind; those that reach an end, and the id of the one that will be unsure."""
    good = [video('canary-good-%02d' % i, aliases[i % 4]) for i in range(12)]
    good += [video('canary-draft', aliases[0], settings={'content_posting_method': 'UPLOAD'}),
             video('canary-late', aliases[1], publish_at=at(3))]
    failing = [video('canary-format-%d' % i, aliases[4], url='https://cdn.example.com/fail/file_format_check_failed/%d.mp4' % i)
               for i in range(2)]
    failing += [video('canary-foreign', aliases[4], url='https://elsewhere.example.org/canary.mp4')]
    fleet.sim('fault', {'endpoint': 'video_init', 'do': 'error', 'http': 429, 'code': 'rate_limit_exceeded',
                        'url_contains': 'canary-good-03'})
    fleet.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'url_contains': 'canary-doubt'})
    doubt = video('canary-doubt', aliases[5], settings={'privacy_level': 'SELF_ONLY'})
    fleet.produce([('k', job) for job in good + failing + [doubt, good[0], dict(good[1], caption='another'),
                                                           video('canary-nobody', '@canary-nobody')]]
                  + [('k', 'canary: no JSON'), ('k', {'command': 'cancel', 'id': 'canary-command', 'job_id': 'canary-none'})])
    fleet.wait_ends([job['job_id'] for job in good + failing], 60)
    wait_for('the doubt is one', lambda: fleet.job('canary-doubt').get('state') == 'UNSURE')
    return [job['job_id'] for job in good + failing]


def check_counters(fleet, parsed):
    stats, ledger = fleet.stats(), fleet.ledger()
    asked = sum(total(parsed, 'tokfleet_tiktok_request_seconds_count', endpoint=endpoint) for endpoint in INITS)
    calls = {name: sum(codes.values()) for name, codes in stats['calls'].items()}
    assert asked == sum(n for name, n in calls.items() if name.endswith('_init')), (asked, stats['calls'])
    assert total(parsed, 'tokfleet_tiktok_request_seconds_count', endpoint='status/fetch') == calls['status'], stats['calls']
    attempts = sums(parsed, 'tokfleet_attempts_total', 'result')
    assert attempts['accepted'] + attempts['unsure'] == len(ledger), (attempts, len(ledger))
    assert attempts == {'accepted': 16, 'unsure': 1, 'held': 1, 'refused': 1}, attempts
    assert sums(parsed, 'tokfleet_claims_total', 'result')['claimed'] == sum(attempts.values())
    assert total(parsed, 'tokfleet_intent_seconds_count') == sum(attempts.values())
    codes = sums(parsed, 'tokfleet_tiktok_answers_total', 'code')
    assert (codes['rate_limit_exceeded'], codes['url_ownership_unverified'], codes['connection_lost']) == (1, 1, 1), codes
    # the topics: what went in, what came out
    assert total(parsed, 'tokfleet_ingested_total') == len(fleet.consume('jobs'))
    assert sums(parsed, 'tokfleet_ingested_total', 'result') == {'QUEUED': 19, 'KNOWN': 1, 'SKIPPED': 2, 'command': 1}
    letters = collections.Counter(headers_of(record)['code'] for record in fleet.consume('dlq'))
    assert sums(parsed, 'tokfleet_dead_letters_total', 'reason') == letters, letters
    assert set(letters) == {'bad_message', 'other_content', 'unknown_target'}
    events = collections.Counter(json.loads(record['payload'])['event_id'].rsplit('/', 1)[1]
                                 for record in fleet.consume('events'))
    assert sums(parsed, 'tokfleet_events_relayed_total', 'name') == events, events
    outcomes = sums(parsed, 'tokfleet_job_outcomes_total', 'code')
    assert outcomes['file_format_check_failed'] == 2 and outcomes['connection_lost'] == 1, outcomes


def check_times(parsed):
    assert total(parsed, 'tokfleet_lateness_seconds_count') == 1
    assert total(parsed, 'tokfleet_lateness_seconds_sum') < 30
    assert total(parsed, 'tokfleet_ingest_lag_seconds_count') == 19
    for state, count in (('QUEUED', 19), ('CLAIMED', 19), ('SENDING', 19), ('PROCESSING', 16)):
        assert total(parsed, 'tokfleet_state_seconds_count', state=state) == count, state
    assert total(parsed, 'tokfleet_queue_wait_seconds_sum') <= total(parsed, 'tokfleet_state_seconds_sum', state='QUEUED')
    # the scheduled one was queued for its three seconds, and waited for nobody
    assert total(parsed, 'tokfleet_state_seconds_sum', state='QUEUED') > 2
    assert total(parsed, 'tokfleet_state_seconds_sum', state='PROCESSING') > 16 * 0.1
    assert total(parsed, 'tokfleet_job_seconds_count') == 17
    assert total(parsed, 'tokfleet_redis_script_seconds_count', script='claim') >= 19


def check_gauges(fleet, poller):
    redis = fleet.redis
    for name, key in (('slots_used', 'slots'), ('commit_points_open', 'open'), ('leases', 'leases'), ('polls', 'polls'),
                      ('unsure_jobs', 'unsure'), ('delayed_jobs', 'delayed')):
        assert value(poller, 'tokfleet_' + name) == redis('ZCARD', fleet.key(key)), name
    assert by_label(poller, 'tokfleet_jobs', 'state') == fleet.counts()
    assert value(poller, 'tokfleet_unknown_account_jobs') == 1 and value(poller, 'tokfleet_unsure_jobs') == 1
    assert value(poller, 'tokfleet_outbox_events') == value(poller, 'tokfleet_outbox_age_seconds') == 0
    assert by_label(poller, 'tokfleet_programs_alive', 'program') == {'worker': 2, 'poller': 1}
    assert (value(poller, 'tokfleet_gate_open'), value(poller, 'tokfleet_slots_limit')) == (1, 300)
    assert value(poller, 'tokfleet_redis_memory_bytes') > 500000
    assert value(poller, 'tokfleet_eligible_work') == value(poller, 'tokfleet_paused') == 0


def names_of_people(fleet, aliases):
    accounts = [json.loads(line) for line in fleet.accounts_file.read_text().splitlines()]
    words = [account[field] for account in accounts for field in ('open_id', 'access_token', 'refresh_token')]
    words += [alias.lstrip('@') for alias in aliases] + [line['publish_id'] for line in fleet.ledger()]
    return words + ['canary', 'example.com', '://', fleet.environment['TOKFLEET_TOKEN_KEYS'].split(':')[1]]


def test_the_metrics_are_what_the_ledger_the_topics_and_redis_say():
    with Fleet(FAST, sim=SIM, accounts=6) as fleet:
        fleet.start_programs(workers=2)
        aliases = fleet.add_accounts()
        job_ids = send_all(fleet, aliases)
        assert 'FAILED' in fleet.states(job_ids).values()
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        time.sleep(1)  # the next figures of the fleet
        texts = scrape(fleet)
        assert len(texts) == 3
        check_by_promtool(texts)
        for word in names_of_people(fleet, aliases):
            assert not any(word in text for text in texts.values()), word
        parsed = [parse(text) for text in texts.values()]
        poller = next(parse(text) for program, text in texts.items() if program.startswith('poller'))
        check_counters(fleet, parsed)
        check_times(parsed)
        check_gauges(fleet, poller)
        for text in texts.values():
            assert value(parse(text), 'process_cpu_seconds_total') > 0 and value(parse(text), 'process_open_fds') > 5

        # without Redis: told, and no figure of the fleet is left that might be old
        ports = {program: fleet.redis('HGET', fleet.key('program:' + program), 'port') for program in texts}
        fleet.kill('redis').wait()

        def without_redis():
            for port in ports.values():
                with urllib.request.urlopen('http://127.0.0.1:%s/metrics' % port, timeout=10) as answer:
                    yield parse(answer.read().decode())
        wait_for('they know', lambda: all(value(p, 'tokfleet_redis_up') == 0 for p in without_redis()), 20)
        for program in without_redis():
            assert value(program, 'tokfleet_ready') == 0
            assert not {'tokfleet_slots_used', 'tokfleet_jobs', 'tokfleet_eligible_work', 'tokfleet_gate_open',
                        'tokfleet_redis_memory_bytes'} & set(program)

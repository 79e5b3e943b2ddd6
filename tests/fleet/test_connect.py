# SPDX-License-Identifier: Apache-2.0
"""Accounts by consent: the source document's sections "Authentication" and "Required Permissions", a test a row; every
wrong way back; and that nothing secret is anywhere but sealed. A browser is played by a real HTTP client."""
import base64
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness import BUILD, Fleet, video, wait_for

KEY, SECRET = 'client-key-canary', 'client-secret-canary'
SCOPES = ['video.list', 'user.info.basic', 'video.publish', 'video.upload', 'user.info.profile', 'user.info.stats']
WEB = 'https://posts.example.com/callback/'
DESKTOP = 'http://127.0.0.1:*/callback/'
CODES = []  # that TikTok gave, for the search for secrets


@pytest.fixture(scope='module')
def fleet():
    sim = ['--client-key', KEY, '--client-secret', SECRET, '--redirect-uris',
           ','.join([DESKTOP, WEB, 'https://redirectmeto.com/http://posts.example.com/callback/']),
           '--processing-ms', '100-200', '--window-ms', '900']
    settings = {'tiktok.client_key': KEY, 'tiktok.client_secret': SECRET, 'tiktok.redirect_uri': WEB,
                'limit.window_ms': 1000, 'gate.wait_ms': 500, 'gate.lease_ms': 5000, 'poll.first_ms': 100,
                'poll.interval_ms': 200, 'connect.retry_ms': 100}
    with Fleet(settings, sim, accounts=12) as fleet:
        fleet.environment['TOKFLEET_TIKTOK_AUTHORIZE_URL'] = fleet.sim_url + '/v2/auth/authorize/'
        fleet.start_programs(workers=1)
        yield fleet


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(address, **user):
    """What the browser is sent to when the user (sim_account, sim_grant, sim_deny) has decided."""
    address += ''.join('&%s=%s' % (k, urllib.parse.quote(v)) for k, v in user.items())
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(NoRedirect).open(address, timeout=20)
    assert answer.value.code == 302, answer.value.read()
    where = answer.value.headers['Location']
    CODES.extend(urllib.parse.parse_qs(urllib.parse.urlsplit(where).query).get('code', []))
    return where


def query_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def ask(fleet, *arguments, **settings):
    """An address to consent at; its callback will be given by hand."""
    environment = {'TOKFLEET_' + k.upper(): v for k, v in settings.items()}
    done = subprocess.run([BUILD / 'producer/tokfleet', 'account', 'connect', '--no-wait', '--json', *arguments],
                          env={**fleet.environment, **environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)['authorize_url']


def give(fleet, callback):
    return fleet.cli('account', 'connect', '--json', '--callback', '-', stdin=callback + '\n')


def connect(fleet, *arguments, **user):
    done = give(fleet, browse(ask(fleet, *arguments), **user))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def records(fleet):
    found = {}
    for message in fleet.consume('accounts'):
        record = json.loads(message['payload'])
        if record['rev'] > found.get(message['key'], {'rev': -1})['rev']:
            found[message['key']] = record
    return found


def refused(fleet, callback, *words):
    """A callback that connects nobody: the exit status says so, the words say why, and nothing is stored."""
    before = records(fleet), sorted(fleet.redis('KEYS', fleet.key('token:*')))
    done = give(fleet, callback)
    assert done.returncode == 1 and not done.stdout, done.stdout
    for word in words:
        assert word in done.stderr, done.stderr
    assert (records(fleet), sorted(fleet.redis('KEYS', fleet.key('token:*')))) == before
    return done.stderr


# ---- "Authentication"

def test_connect_tiktok_authorize_and_the_account_is_there(fleet):
    """Rows 1 and 2: connect, authorize. A web app: https, no PKCE."""
    address = ask(fleet, '--name', '@brand.de')
    asked = query_of(address)
    assert set(asked) == {'client_key', 'response_type', 'scope', 'redirect_uri', 'state'}
    assert asked['redirect_uri'] == WEB and asked['client_key'] == KEY
    fleet.produce([video('waits', '@brand.de')])
    done = give(fleet, browse(address, sim_account='@sim001'))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told['aliases'] == ['@brand.de'] and told['new'] and told['username'] == 'sim001' and not told['missing']
    record = records(fleet)[told['open_id']]
    assert record['v'] == 2 and record['status'] == 'ok' and record['sealed'].startswith('k1:')
    assert record['profile']['username'] == 'sim001' and record['aliases'] == ['@brand.de']
    # what waited for the account goes on by itself, and the pair of tokens is good
    assert fleet.wait_ends(['waits'])['waits'] == 'PUBLISHED'


def test_a_desktop_app_is_waited_for_and_uses_pkce_as_tiktok_wants_it(fleet):
    environment = {**fleet.environment, 'TOKFLEET_TIKTOK_REDIRECT_URI': DESKTOP}
    waiting = subprocess.Popen([BUILD / 'producer/tokfleet', 'account', 'connect', '--name', '@desk'], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = next(line.strip() for line in waiting.stdout if line.startswith('  http'))
    asked = query_of(address)
    assert re.fullmatch(r'[0-9a-f]{64}', asked['code_challenge']) and asked['code_challenge_method'] == 'S256'
    assert re.fullmatch(r'http://127\.0\.0\.1:\d+/callback/', asked['redirect_uri'])
    where = browse(address, sim_account='@sim002')
    stray = urllib.request.urlopen(where.replace(asked['state'], '0' * 32), timeout=20).read().decode()
    assert 'code=' not in stray
    page = urllib.request.urlopen(where, timeout=20).read().decode()
    assert query_of(where)['code'] not in page and 'One moment' in page
    path = re.search(r'0;url=([^"]+)"', page).group(1)

    def connected():
        text = urllib.request.urlopen(asked['redirect_uri'].split('/callback')[0] + path, timeout=20).read().decode()
        return 'Connected' in text and '(@sim002) is connected' in text
    wait_for('the page says that it is connected', connected, 20)
    out, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 0 and 'connected' in out and '@desk' in out
    assert 'a callback came that is not of this address' in err


def test_an_exchange_under_way_is_ended_whatever_comes_meanwhile(fleet):
    """The page is loaded twice, asked for with HEAD, and the time is over: the code is used up, so its account is kept."""
    environment = {**fleet.environment, 'TOKFLEET_TIKTOK_REDIRECT_URI': DESKTOP}
    waiting = subprocess.Popen([BUILD / 'producer/tokfleet', 'account', 'connect', '--name', '@twice', '--timeout', '5'],
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = next(line.strip() for line in waiting.stdout if line.startswith('  http'))
    where = browse(address, sim_account='@sim002')
    fleet.sim('fault', {'endpoint': 'token', 'do': 'delay', 'ms': 7000, 'count': 1})
    with pytest.raises(urllib.error.HTTPError) as head:
        urllib.request.urlopen(urllib.request.Request(where, method='HEAD'), timeout=20)
    assert head.value.code == 405
    pages = [urllib.request.urlopen(where, timeout=20).read().decode() for _ in range(2)]
    assert 'One moment' in pages[0] and pages[0] == pages[1]
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and 'connected' in out and '@twice' in out, err
    assert 'waiting for its end' in err and 'used before' not in err and 'nobody came back' not in err


def test_tokens_are_short_lived_and_their_end_is_known(fleet):
    """Row: short-lived tokens (24 hours). Row 3, refreshing them, is the poller's: test_refresh."""
    told = connect(fleet, sim_account='@sim003')
    record = records(fleet)[told['open_id']]
    assert record['expires_at'] - record['token_at'] == 86400 * 1000
    assert record['refresh_expires_at'] - record['token_at'] == 31536000 * 1000
    assert fleet.redis('ZSCORE', fleet.key('refresh'), told['open_id'])


def test_plain_http_goes_through_a_relay_only_when_told_and_with_a_warning(fleet):
    """Row: if using HTTP, through redirectmeto.com."""
    plain = {'TOKFLEET_TIKTOK_REDIRECT_URI': 'http://posts.example.com/callback/'}
    run = lambda **more: subprocess.run([BUILD / 'producer/tokfleet', 'account', 'connect', '--no-wait', '--json'],
                                        env={**fleet.environment, **plain, **more}, capture_output=True, text=True, timeout=60)
    done = run()
    assert done.returncode == 2 and 'TOKFLEET_TIKTOK_REDIRECT_RELAY=https://redirectmeto.com/' in done.stderr
    done = run(TOKFLEET_TIKTOK_REDIRECT_RELAY='https://redirectmeto.com/')
    assert done.returncode == 0 and 'warning' in done.stderr and 'sees every code' in done.stderr
    where = browse(json.loads(done.stdout)['authorize_url'], sim_account='@sim004')
    assert where.startswith('https://redirectmeto.com/http://posts.example.com/callback/?code=')
    # the relay sends the browser on; its query is the same
    done = give(fleet, where.replace('https://redirectmeto.com/', ''))
    assert done.returncode == 0, done.stderr


# ---- "Required Permissions"

@pytest.mark.parametrize('scope', SCOPES)
def test_each_required_permission_is_asked_for_and_missed_in_words(fleet, scope):
    address = ask(fleet)
    assert query_of(address)['scope'].split(',') == SCOPES
    kept = [s for s in SCOPES if s != scope]
    if scope == 'user.info.basic':  # every app of Login Kit has it: it cannot be refused, only not asked for
        address = address.replace('user.info.basic%2C', '')
    done = give(fleet, browse(address, sim_account='@sim005', sim_grant=','.join(kept)))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    words = {'video.list': 'nobody can look', 'user.info.basic': 'display name', 'video.publish': 'drafts only',
             'video.upload': 'no drafts', 'user.info.profile': '@handle', 'user.info.stats': 'followers'}
    assert [m['scope'] for m in told['missing']] == [scope] and words[scope] in told['missing'][0]['without']
    record = records(fleet)[told['open_id']]
    assert set(record['scopes'].split(',')) == set(kept)
    profile = record['profile']
    assert (profile['username'] == '') == (scope == 'user.info.profile')
    assert (profile['display_name'] == '') == (scope == 'user.info.basic')
    assert (profile['followers'] == -1) == (scope == 'user.info.stats')


def test_fewer_scopes_are_asked_for_when_told_and_an_unknown_one_is_refused(fleet):
    told = connect(fleet, '--scopes', 'user.info.basic,video.upload', sim_account='@sim006')
    assert {m['scope'] for m in told['missing']} == set(SCOPES) - {'user.info.basic', 'video.upload'}
    assert not any(m['asked'] for m in told['missing'])
    shown = fleet.cli('account', 'connect', '--no-wait', '--scopes', 'video.publis')
    assert shown.returncode == 1 and '"video.publis" is not known' in shown.stderr


# ---- every wrong way back

def test_denied(fleet):
    refused(fleet, browse(ask(fleet), sim_deny='1'), 'access_denied', 'The user said no', 'Authorize')


def test_a_state_that_nobody_asked_for(fleet):
    where = browse(ask(fleet), sim_account='@sim007')
    refused(fleet, where.replace(query_of(where)['state'], 'f' * 32), 'no consent is under way')
    refused(fleet, where.replace('&state=', '&stat='), 'has no state')


def test_a_callback_twice(fleet):
    where = browse(ask(fleet), sim_account='@sim007')
    assert give(fleet, where).returncode == 0
    refused(fleet, where, 'used before')


def test_a_state_that_is_too_old(fleet):
    where = browse(ask(fleet, CONNECT_STATE_MS='1000'), sim_account='@sim007')
    wait_for('the state is gone', lambda: not fleet.redis('EXISTS', fleet.key('oauth:' + query_of(where)['state'])), 10)
    refused(fleet, where, 'no consent is under way', 'begin again')


def test_a_code_twice_and_a_code_that_is_none(fleet):
    first, second = (browse(ask(fleet), sim_account='@sim007') for _ in range(2))
    assert give(fleet, first).returncode == 0
    used = second.replace(urllib.parse.quote(query_of(second)['code'], safe=''),
                          urllib.parse.quote(query_of(first)['code'], safe=''))
    assert used != second
    refused(fleet, used, 'invalid_grant', 'Connect the account again')


def test_a_redirect_that_is_not_the_one_of_the_consent(fleet):
    """Somebody takes the code of another consent, whose redirect URI was another."""
    desktop = browse(ask(fleet, TIKTOK_REDIRECT_URI='http://127.0.0.1:4000/callback/'), sim_account='@sim007')
    web = browse(ask(fleet), sim_account='@sim007')
    code = lambda where: urllib.parse.quote(query_of(where)['code'], safe='')
    refused(fleet, web.replace(code(web), code(desktop)), 'invalid_request', 'Redirect_uri is not matched')


def test_a_challenge_in_another_encoding(fleet):
    """As RFC 7636 has it: the browser's step succeeds, the exchange does not."""
    address = ask(fleet, TIKTOK_REDIRECT_URI='http://127.0.0.1:4000/callback/')
    wrong = address.replace(query_of(address)['code_challenge'], 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
    refused(fleet, browse(wrong, sim_account='@sim007'), 'invalid_request', 'Code verifier or code challenge is invalid')


def test_a_wrong_secret_is_ours_and_not_the_users(fleet):
    where = browse(ask(fleet), sim_account='@sim007')
    environment = {**fleet.environment, 'TOKFLEET_TIKTOK_CLIENT_SECRET': 'wrong'}
    done = subprocess.run([BUILD / 'producer/tokfleet', 'account', 'connect', '--callback', '-'], env=environment,
                          input=where, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'invalid_client' in done.stderr and 'CLIENT_SECRET' in done.stderr


def test_what_cannot_be_a_callback(fleet):
    for text in ('hello', 'https://posts.example.com/callback/', 'code=a&code=b&state=c', 'code=%zz&state=c'):
        done = give(fleet, text)
        assert done.returncode == 1 and 'callback' in done.stderr, done.stderr
    done = fleet.cli('account', 'connect', '--code', 'x')
    assert done.returncode == 2 and '--state' in done.stderr


def test_code_and_state_by_hand(fleet):
    where = query_of(browse(ask(fleet), sim_account='@sim008'))
    done = fleet.cli('account', 'connect', '--code', where['code'], '--state', where['state'])
    assert done.returncode == 0, done.stderr


# ---- TikTok in trouble

def test_the_exchange_is_tried_again_while_tiktok_fails(fleet):
    fleet.sim('fault', {'endpoint': 'token', 'do': 'error', 'code': 'temporarily_unavailable', 'count': 1})
    assert connect(fleet, sim_account='@sim008')['username'] == 'sim008'


def test_an_answer_that_was_lost_says_that_the_code_is_used(fleet):
    fleet.sim('fault', {'endpoint': 'token', 'do': 'effect_no_answer', 'count': 1})
    refused(fleet, browse(ask(fleet), sim_account='@sim009'), 'first answer was lost', 'begin again')


def test_a_profile_that_fails_loses_no_tokens(fleet):
    fleet.sim('fault', {'endpoint': 'user_info', 'do': 'status', 'http': 503, 'count': 1})
    told = connect(fleet, '--name', '@noprofile', sim_account='@sim009')
    assert told['username'] is None and told['no_profile']
    fleet.produce([video('after', '@noprofile')])
    assert fleet.wait_ends(['after'])['after'] == 'PUBLISHED'


# ---- names, and again

def withdraw(fleet, open_id):
    """The user takes the consent back: every token is dead."""
    token = next(a['access_token'] for a in json.loads(fleet.sim('accounts')) if a['open_id'] == open_id)
    form = urllib.parse.urlencode({'client_key': KEY, 'client_secret': SECRET, 'token': token}).encode()
    urllib.request.urlopen(fleet.sim_url + '/v2/oauth/revoke/', form, timeout=20)


def test_a_name_belongs_to_one_account_for_ever(fleet):
    connect(fleet, '--name', '@mine', sim_account='@sim008')
    done = give(fleet, browse(ask(fleet, '--name', '@mine'), sim_account='@sim009'))
    assert done.returncode == 1 and 'belongs to another account' in done.stderr
    told = json.loads(done.stdout)
    assert told['name_refused'] == '@mine' and '@mine' not in told['aliases'] and told['aliases'] == ['@noprofile']


def test_connected_again_in_place_and_its_jobs_go_on(fleet):
    told = connect(fleet, '--name', '@again', sim_account='@sim010')
    withdraw(fleet, told['open_id'])
    fleet.produce([video('parked', '@again')])
    account = fleet.key('account:' + told['open_id'])
    wait_for('it is parked', lambda: fleet.redis('HGET', account, 'status') == 'parked', 30)
    again = connect(fleet, sim_account='@sim010')
    assert again['open_id'] == told['open_id'] and again['was_parked'] and not again['new']
    assert again['aliases'] == ['@again']
    assert fleet.wait_ends(['parked'])['parked'] == 'PUBLISHED'


# ---- its end

def test_the_key_is_changed_and_what_cannot_be_opened_is_named(fleet):
    old = fleet.environment['TOKFLEET_TOKEN_KEYS']
    new = 'k2:' + base64.b64encode(bytes(range(32))).decode()
    reseal = lambda keys: subprocess.run([BUILD / 'producer/tokfleet', 'account', 'reseal', '--json'], timeout=60, text=True,
                                         env={**fleet.environment, 'TOKFLEET_TOKEN_KEYS': keys}, capture_output=True)
    tokens = fleet.redis('KEYS', fleet.key('token:*'))
    done = reseal(new)  # the old key is not there: nothing changes
    assert done.returncode == 1 and json.loads(done.stdout)['failed'] == len(tokens)
    assert 'the key "k1" is not among the token keys' in done.stderr
    # a flipped bit, and another account's record
    broken, swapped, whole = sorted(tokens)[:3]
    kept = {key: fleet.redis('GET', key) for key in (broken, swapped)}
    fleet.redis('SET', broken, kept[broken][:-6] + ('A' if kept[broken][-6] != 'A' else 'B') + kept[broken][-5:])
    fleet.redis('SET', swapped, fleet.redis('GET', whole))
    done = reseal('%s,%s' % (new, old))
    assert done.returncode == 1 and json.loads(done.stdout)['failed'] == 2, done.stderr
    assert done.stderr.count('does not open: sealed for something else, or changed') == 2
    for key, value in kept.items():
        fleet.redis('SET', key, value)
    done = reseal('%s,%s' % (new, old))
    assert done.returncode == 0 and json.loads(done.stdout) == {
        'key': 'k2', 'resealed': 2, 'had_it': len(tokens) - 2, 'failed': 0}, done.stderr
    assert all(r['sealed'].startswith('k2:') for r in records(fleet).values())
    # and back, for the programs that run with the old one
    assert reseal('%s,%s' % (old, new)).returncode == 0


def test_a_removed_account_is_gone_and_its_name_is_not(fleet):
    told = connect(fleet, '--name', '@gone', sim_account='@sim011')
    soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 3600))
    fleet.produce([video('later-%d' % i, '@gone', publish_at=soon) for i in range(3)])
    wait_for('they wait', lambda: set(fleet.states(['later-%d' % i for i in range(3)]).values()) == {'QUEUED'}, 30)
    done = fleet.cli('account', 'remove', '@gone')
    assert done.returncode == 2 and '3 jobs wait' in done.stderr and '--jobs cancel' in done.stderr
    done = fleet.cli('account', 'remove', '@gone', '--jobs', 'cancel', '--json')
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report['revoked'] == 'yes' and report['tokens'] and report['profile'] and report['jobs_cancelled'] == 3
    assert report['names_reserved'] == ['@gone']
    assert set(fleet.states(['later-%d' % i for i in range(3)]).values()) == {'CANCELLED'}
    record = records(fleet)[told['open_id']]
    assert (record['status'], record['sealed'], record['profile'], record['aliases']) == ('removed', '', None, ['@gone'])
    assert not fleet.redis('EXISTS', fleet.key('token:' + told['open_id']))
    account = fleet.redis.hash(fleet.key('account:' + told['open_id']))
    assert account['status'] == 'removed' and 'username' not in account and 'avatar_url' not in account
    assert len([e for e in (fleet.dir / 'ledger.ndjson').read_text().splitlines()
                if '"revoke"' in e and told['open_id'] in e]) == 1
    # its name is its own for ever, also now
    done = give(fleet, browse(ask(fleet, '--name', '@gone'), sim_account='@sim012'))
    assert done.returncode == 1 and 'belongs to another account' in done.stderr
    # and it may come back, under it
    again = connect(fleet, sim_account='@sim011')
    assert again['aliases'] == ['@gone'] and not again['new']
    fleet.produce([video('back', '@gone')])
    assert fleet.wait_ends(['back'])['back'] == 'PUBLISHED'


def test_tokens_whose_consent_may_stand_are_not_thrown_away(fleet):
    told = connect(fleet, '--name', '@stands', sim_account='@sim006')
    sealed = records(fleet)[told['open_id']]['sealed']
    for code in ('access_token_invalid', 'invalid_request'):
        fleet.sim('fault', {'endpoint': 'revoke', 'do': 'error', 'code': code, 'count': 1})
        done = fleet.cli('account', 'remove', '@stands', '--json')
        assert done.returncode == 1 and not done.stdout and code in done.stderr, done.stderr
        assert 'nothing was changed' in done.stderr and '--no-revoke' in done.stderr and "TikTok's app" in done.stderr
    record = records(fleet)[told['open_id']]
    assert record['status'] == 'ok' and record['sealed'] == sealed
    # which asks nothing of TikTok, and so needs nothing of the app
    bare = {name: value for name, value in fleet.environment.items() if 'TIKTOK_CLIENT' not in name}
    done = subprocess.run([BUILD / 'producer/tokfleet', 'account', 'remove', '@stands', '--no-revoke', '--json'], env=bare,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout)['revoked'] == 'no', done.stderr


def test_a_person_is_forgotten_with_a_report_and_nothing_is_posted_again(fleet):
    told = connect(fleet, '--name', '@person', sim_account='@sim012')
    job = video('theirs', '@person', caption='a caption that is personal', metadata={'who': 'a name that is personal'})
    fleet.produce([job])
    assert fleet.wait_ends(['theirs'])['theirs'] == 'PUBLISHED'
    wait_for('the end is in the journal', lambda: any(m['key'].startswith('end/theirs/') for m in fleet.consume('journal')), 20)
    # one that waits is cancelled; its end, which nobody sends to Kafka yet, would come into the journal after it was cleaned
    soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 3600))
    fleet.produce([video('theirs-too', '@person', publish_at=soon, metadata={'who': 'a name that is personal'})])
    wait_for('it waits', lambda: fleet.states(['theirs-too'])['theirs-too'] == 'QUEUED', 30)
    fleet.kill('poller-1', signal.SIGSTOP)
    try:
        done = fleet.cli('account', 'forget', '@person', '--json', '--timeout', '5')
        assert done.returncode == 4 and 'Give the same command again' in done.stderr, done.stderr
        report = json.loads(done.stdout)
        assert report['waits_for_ends'] and report['jobs_cancelled'] == 1 and report['revoked'] == 'yes' and report['tokens'] and report['profile']
        assert 'personal' in str(fleet.job('theirs'))
        assert fleet.redis('XLEN', fleet.key('outbox')) > 0
    finally:
        fleet.kill('poller-1', signal.SIGCONT)
    wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 30)
    done = fleet.cli('account', 'forget', '@person', '--json')
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert not report['waits_for_ends'] and report['revoked'] == 'no'
    assert report['jobs_forgotten'] == 2 and report['fields_forgotten'] >= 3 and report['journal_ends_cleaned'] >= 2
    newest = {m['key']: m['payload'] for m in fleet.consume('journal')}
    for key in fleet.redis('KEYS', fleet.key('*theirs*')) + [fleet.key('account:' + told['open_id'])]:
        text = str(fleet.redis.hash(key)) if fleet.redis('TYPE', key) == 'hash' else str(fleet.redis('GET', key))
        assert 'personal' not in text and 'sim012' not in text, key
    ends = [payload for key, payload in newest.items() if key.startswith('end/theirs/')]
    late = [payload for key, payload in newest.items() if key.startswith('end/theirs-too/')]
    assert late and 'personal' not in str(late)
    assert ends and not any('personal' in e or 'sim012' in e for e in ends)
    assert json.loads(ends[-1])['event']['job_id'] == 'theirs' and json.loads(ends[-1])['state'] == 'PUBLISHED'
    assert 'sim012' not in json.dumps(records(fleet)[told['open_id']])
    # the same job again is the same job: known, and not made
    fleet.produce([job])
    again = fleet.cli('account', 'forget', '@person', '--json')
    assert again.returncode == 0 and not json.loads(again.stdout)['tokens'], again.stderr
    assert fleet.job('theirs')['state'] == 'PUBLISHED' and fleet.stats()['doubled'] == 0


def test_post_urls_are_built_from_the_handle(fleet):
    urls = [fleet.job(j).get('post_url', '') for j in ('after', 'back', 'waits')]
    assert all(re.fullmatch(r'https://www\.tiktok\.com/@sim\d{3}/video/\d{19}', u) for u in urls if u), urls
    assert any(urls)
    shown = json.loads(fleet.cli('account', 'show', '@brand.de', '--json').stdout)
    assert shown['username'] == 'sim001' and shown['display_name'] and shown['token_at'] and shown['next_refresh_at']
    listed = fleet.cli('account', 'list').stdout
    assert 'sim001' in listed and 'removed' in listed


# ---- what must hold in the end

def test_nothing_secret_is_anywhere_but_sealed(fleet):
    tokens = [a[k] for a in json.loads(fleet.sim('accounts')) for k in ('access_token', 'refresh_token') if a[k]]
    secrets = tokens + CODES + [urllib.parse.quote(c, safe='') for c in CODES] + [SECRET]
    assert len(tokens) >= 24 and len(CODES) > 15
    places = {path.name: path.read_text(errors='replace') for path in fleet.dir.glob('*.log')}
    for topic in ('jobs', 'journal', 'accounts', 'events', 'dlq'):
        places[topic] = json.dumps(fleet.consume(topic))
    for key in fleet.redis('KEYS', '*'):
        kind = fleet.redis('TYPE', key)
        read = {'hash': ('HGETALL',), 'string': ('GET',), 'zset': ('ZRANGE', 0, -1), 'set': ('SMEMBERS',),
                'list': ('LRANGE', 0, -1), 'stream': ('XRANGE', '-', '+')}[kind]
        places[key] = key + str(fleet.redis(read[0], key, *read[1:]))
    for name, text in places.items():
        for secret in secrets:
            assert secret not in text, 'a secret in %s' % name


def test_after_flushall_accounts_and_tokens_are_back_without_a_person(fleet):
    names = fleet.redis.hash(fleet.key('alias'))
    before = {a: {k: v for k, v in fleet.redis.hash(fleet.key('account:' + a)).items()
                  if k in ('rev', 'aliases', 'scopes', 'status', 'username', 'connected_at', 'token_at', 'expires_at')}
              for a, r in records(fleet).items() if r['status'] != 'removed'}
    tokens = {a: fleet.redis('GET', fleet.key('token:' + a)) for a in before}
    fleet.redis('FLUSHALL')
    wait_for('the gate is open again', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 60)
    assert fleet.redis.hash(fleet.key('alias')) == names
    after = {a: fleet.redis.hash(fleet.key('account:' + a)) for a in before}
    assert {a: {k: v for k, v in after[a].items() if k in before[a]} for a in before} == before
    assert {a: fleet.redis('GET', fleet.key('token:' + a)) for a in before} == tokens
    fleet.produce([video('later', '@brand.de')])
    assert fleet.wait_ends(['later'])['later'] == 'PUBLISHED'
    assert fleet.stats()['doubled'] == 0

# SPDX-License-Identifier: Apache-2.0
"""Creator info: asked before an account's first direct post, and what it says is heeded before an init is spent."""
import collections
import json

from harness import Fleet, video, wait_for

SETTINGS = {'limit_window_ms': 2000, 'poll_first_ms': 100, 'poll_interval_ms': 200, 'retry_delay_ms': 100,
            'creator_tries': 3, 'limit_creator_info': 2, 'creator_sure_ms': 2000}
SIM = ['--window-ms', '2000', '--processing-ms', '200', '--seed', '5']
DRAFT = {'content_posting_method': 'UPLOAD'}


def calls(fleet, name, account):
    found = [c for c in json.loads(fleet.sim('calls?limit=10000')) if c['call'] == name and c['account'] == account]
    return collections.Counter(c['code'] or c['http'] for c in found)


def test_what_an_account_allows_is_asked_first_and_heeded_before_an_init_is_spent():
    names = ('plain', 'private', 'quiet', 'drafts', 'banned', 'capped', 'down', 'throttled', 'opened', 'late')
    with Fleet(SETTINGS, sim=SIM, accounts=len(names)) as fleet:
        ids = {name: account['open_id'] for name, account in zip(names, json.loads(fleet.sim('accounts')))}

        def tell(name, **fields):
            fleet.sim('accounts', dict(fields, open_id=ids[name]))
        tell('private', private=True)
        tell('quiet', comment_disabled=True, duet_disabled=True)
        tell('drafts', scopes='user.info.basic,video.upload')
        tell('banned', banned=True)
        tell('capped', day_cap=0)
        tell('opened', private=True)
        for name, fault in (('down', {'do': 'status', 'http': 503}), ('throttled', {'do': 'error', 'http': 429,
                                                                                     'code': 'rate_limit_exceeded'})):
            fleet.sim('fault', dict(fault, endpoint='creator_info', account=ids[name], count=-1))
        # what the accounts file says of scopes is of before
        lines = [json.loads(line) for line in fleet.accounts_file.read_text().splitlines()]
        next(line for line in lines if line['open_id'] == ids['drafts'])['scope'] = 'user.info.basic,video.upload'
        fleet.accounts_file.write_text(''.join(json.dumps(line) + '\n' for line in lines))
        fleet.start_programs()
        fleet.add_accounts()
        open_all = {'duet': True, 'comment': True, 'stitch': True}
        jobs = [video('plain-%d' % i, ids['plain']) for i in range(3)]
        jobs += [video('%s-0' % name, ids[name]) for name in ('private', 'banned', 'capped', 'down', 'throttled', 'drafts')]
        jobs += [video('private-1', ids['private'], settings={'privacy_level': 'SELF_ONLY'}),
                 video('quiet-0', ids['quiet'], settings=open_all),
                 video('drafts-1', ids['drafts'], settings=DRAFT),
                 video('opened-0', ids['opened'], settings={'privacy_level': 'MUTUAL_FOLLOW_FRIENDS'})]
        fleet.produce(jobs)
        ends = {'plain-0': 'PUBLISHED', 'plain-1': 'PUBLISHED', 'plain-2': 'PUBLISHED', 'private-0': 'REJECTED',
                'private-1': 'PUBLISHED', 'quiet-0': 'PUBLISHED', 'drafts-0': 'REJECTED', 'drafts-1': 'IN_INBOX',
                'down-0': 'PUBLISHED', 'throttled-0': 'PUBLISHED', 'opened-0': 'PUBLISHED'}
        assert fleet.wait_ends(ends, 60) == ends

        # asked once, good for all its jobs
        assert calls(fleet, 'creator_info', ids['plain']) == {'ok': calls(fleet, 'creator_info', ids['plain'])['ok']}
        assert calls(fleet, 'creator_info', ids['plain'])['ok'] <= 3
        # refused before an init was spent, with the options named
        private = fleet.job('private-0')
        assert private['error_code'] == 'privacy_not_offered'
        assert 'FOLLOWER_OF_CREATOR' in private['error_cause'] and 'PUBLIC_TO_EVERYONE' in private['error_cause']
        assert fleet.job('drafts-0')['error_code'] == 'scope_missing'
        # what is switched off was sent as off, and the job says so
        fields = next(line['fields'] for line in fleet.ledger() if line['account'] == ids['quiet'])
        assert (fields['disable_comment'], fields['disable_duet'], fields['disable_stitch']) == (True, True, False)
        warnings = fleet.job('quiet-0')['warnings']
        assert 'comment:' in warnings and 'duet:' in warnings and 'stitch' not in warnings
        # an account that may not ask sends its drafts
        assert not calls(fleet, 'creator_info', ids['drafts'])
        # HTTP 200 that says no: the account's next moment, not the job's end, and no init
        for name, code, why in (('banned', 'spam_risk_user_banned_from_posting', 'parked_why'),
                                ('capped', 'spam_risk_too_many_posts', 'after_why')):
            wait_for(code, lambda: fleet.redis('HGET', fleet.key('account:' + ids[name]), why) == code, 20)
            assert fleet.states([name + '-0']) == {name + '-0': 'QUEUED'}
            assert not calls(fleet, 'video_init', ids[name])
        # a question that fails delays a post and does not stop it, nor makes it a doubt
        assert calls(fleet, 'creator_info', ids['down']) == {503: 3} or \
            sum(calls(fleet, 'creator_info', ids['down']).values()) == 3
        assert calls(fleet, 'creator_info', ids['throttled']) == {'rate_limit_exceeded': 3}
        whys = {line.split('\t')[6] for line in fleet.redis('LRANGE', fleet.key('log:down-0'), 0, -1)}
        assert {'creator_info_failed', 'creator_info_full'} <= whys, whys

        # a no that is not young is asked again before it is believed
        tell('opened', private=False)
        wait_for('what is known is old', lambda: fleet.redis('TIME')[0] and
                 int(fleet.redis('TIME')[0]) * 1000 - int(fleet.redis('HGET', fleet.key('account:' + ids['opened']),
                                                                      't_creator')) > 3000, 20)
        fleet.produce([video('opened-1', ids['opened'])])
        assert fleet.wait_ends(['opened-1'], 30) == {'opened-1': 'PUBLISHED'}

        # the app's cap of accounts: a new one waits for the next day, those of today go on
        fleet.sim('fault', {'endpoint': 'creator_info', 'account': ids['late'], 'do': 'error', 'http': 200,
                            'code': 'reached_active_user_cap', 'count': -1})
        fleet.produce([video('late-0', ids['late'])])
        wait_for('the cap is known', lambda: fleet.redis('HGET', fleet.key('breaker'), 'users_why') ==
                 'reached_active_user_cap', 20)
        fleet.produce([video('plain-9', ids['plain'])])
        assert fleet.wait_ends(['plain-9'], 30) == {'plain-9': 'PUBLISHED'}
        assert fleet.states(['late-0']) == {'late-0': 'QUEUED'} and not calls(fleet, 'video_init', ids['late'])
        stats = fleet.stats()
        assert stats['breaches']['total'] == 0 and stats['doubled'] == 0, stats
        assert set(stats['calls']['video_init']) == {'200 ok'}, stats['calls']

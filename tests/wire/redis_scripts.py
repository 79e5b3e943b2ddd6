# SPDX-License-Identifier: Apache-2.0
"""The state machine's scripts against a redis-server of their own: a small RESP client, the scripts as the build makes
them, and the keyspace as one Python value, with the rules that hold for it after every script."""
import importlib.util
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOB = ROOT / 'common' / 'job'
SCRIPTS = JOB / 'scripts'
PREFIX = '{f}:'
UNITS = {'': 1, 'ms': 1, 's': 1000, 'm': 60000, 'h': 3600000, 'd': 86400000, 'KiB': 1024, 'MiB': 1024 ** 2, 'GiB': 1024 ** 3}


class RedisError(Exception):
    pass


class Redis:
    """One connection; a reply is str, int, None or a list of them; an error reply is raised."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.file = self.socket.makefile('rb')

    def close(self):
        self.file.close()
        self.socket.close()

    @staticmethod
    def pack(words):
        out = [b'*%d\r\n' % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            out.append(b'$%d\r\n%s\r\n' % (len(word), word))
        return b''.join(out)

    def read(self):
        line = self.file.readline()
        assert line.endswith(b'\r\n'), 'the server hung up'
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest.decode()
        if kind == b'-':
            return RedisError(rest.decode())
        if kind == b':':
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b'$':
            return self.file.read(int(rest) + 2)[:-2].decode()
        return [self.read() for _ in range(int(rest))]

    def __call__(self, *words):
        self.socket.sendall(self.pack(words))
        reply = self.read()
        if isinstance(reply, RedisError):
            raise reply
        return reply


def defaults():
    """The settings' defaults, from their own table."""
    found = {}
    for name, kind, text in re.findall(r'\{ "([\w.]+)", SET_(\w+), AT\(\w+\), "([^"]*)"', (JOB / 'config.c').read_text()):
        if kind in ('COUNT', 'MS', 'BYTES'):
            number, unit = re.match(r'(-?\d+)(\w*)$', text).groups()
            found[name] = int(number) * UNITS[unit]
    return found


def embed():
    spec = importlib.util.spec_from_file_location('embed', SCRIPTS / 'embed.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Scripts:
    """The generated texts, and what each takes."""

    def __init__(self, folder):
        paths = sorted(SCRIPTS.glob('*.lua'))
        subprocess.run([sys.executable, SCRIPTS / 'embed.py', JOB / 'state.h', folder, *paths], check=True)
        module = embed()
        shared = {p.stem: p.read_text() for p in paths}
        self.all = {p.stem: module.Script(p, shared['_gate'], shared['_job'], module.lua_tables(JOB / 'state.h'))
                    for p in paths if not p.stem.startswith('_')}
        self.texts = {name: (pathlib.Path(folder) / (name + '.lua')).read_text() for name in self.all}

    def argv(self, name, conf, arguments):
        script = self.all[name]
        left = dict(arguments)
        argv = [conf[setting] for setting in script.conf]
        for argument in script.fixed():
            key, _, kind = argument.partition(':')
            argv.append(left.pop(key, 0 if kind else ''))
        if script.list():
            argv += left.pop(script.list(), [])
        assert not left, '%s takes no %s' % (name, ', '.join(left))
        return argv


class Server:
    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix='scripts-')
        self.path = self.folder + '/redis'
        self.process = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', self.path, '--dir', self.folder, '--save', '',
             '--appendonly', 'no', '--enable-debug-command', 'local', *options], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                Redis(self.path).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, 'redis-server does not start'
                time.sleep(0.01)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


# ---- the keyspace

DUMP = '''
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local value
    if kind == 'hash' then value = redis.call('HGETALL', key)
    elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    elseif kind == 'set' then value = redis.call('SMEMBERS', key)
    elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'stream' then value = redis.call('XRANGE', key, '-', '+')
    else value = redis.call('GET', key) end
    out[#out + 1] = { key, kind, redis.call('PTTL', key), value }
end
return out
'''


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def as_value(kind, value):
    if kind == 'hash':
        return pairs(value)
    if kind == 'zset':
        return {member: float(score) for member, score in pairs(value).items()}
    if kind == 'set':
        return set(value)
    if kind == 'stream':
        return [(entry, pairs(fields)) for entry, fields in value]
    return value


class Keyspace:
    """All of it: value and TTL (ms; -1: none) of each key, without the fleet's prefix."""

    def __init__(self, redis):
        self.values, self.ttls = {}, {}
        for key, kind, ttl, value in redis('EVAL', DUMP, 0):
            assert key.startswith(PREFIX), key
            self.values[key[len(PREFIX):]] = as_value(kind, value)
            self.ttls[key[len(PREFIX):]] = ttl

    def get(self, key, default=None):
        return self.values.get(key, {} if default is None else default)

    def family(self, name):
        return {key[len(name) + 1:]: value for key, value in self.values.items() if key.startswith(name + ':')}

    def jobs(self):
        return self.family('job')

    def settled(self):
        """What running a script again must not change: all but times, scores that are times, and looks counted."""
        out = {}
        for key, value in self.values.items():
            if key.startswith('log:') or key == 'events':
                out[key] = len(value)
            elif key == 'gate':
                out[key] = {k: v for k, v in value.items() if k != 'taker_until'}
            elif isinstance(value, dict) and key.startswith(('job:', 'account:', 'program:')):
                out[key] = {k: v for k, v in value.items() if not k.startswith('t_') and k != 'looks'}
            elif isinstance(value, dict) and key.startswith(('window:', 'polls', 'ready', 'programs')):
                out[key] = set(value)
            else:
                out[key] = value
        return out


# Every key that may be, and whether it has a TTL: yes, no, or (for a job's) from its end on.
KEYS = [(re.compile(pattern + '$', re.S), ttl) for pattern, ttl in [
    (r'job:.+', 'end'), (r'message:.+', 'end'), (r'log:.+', 'end'), (r'slots', 'no'), (r'open', 'no'), (r'leases', 'no'),
    (r'ready', 'no'), (r'queue:.+', 'no'), (r'unknown:.+', 'no'), (r'unknown', 'no'), (r'flying:.+', 'no'), (r'delayed', 'no'),
    (r'window:.+:(init|creator_info|status|sent|video_list)', 'yes'), (r'day:.+', 'yes'), (r'inbox:.+', 'yes'), (r'active:\d{8}', 'yes'),
    (r'polls', 'no'), (r'unsure', 'no'), (r'publish:.+', 'yes'), (r'account:.+', 'no'), (r'alias', 'no'),
    (r'token:.+', 'no'), (r'refresh', 'no'), (r'consent', 'no'), (r'parked', 'no'), (r'oauth:.+', 'yes'), (r'watermark', 'no'), (r'outbox', 'no'),
    (r'events', 'no'), (r'state:[A-Z_]+', 'no'), (r'count', 'no'), (r'count:\d{8}', 'yes'), (r'breaker', 'no'),
    (r'programs', 'no'), (r'program:.+', 'yes'), (r'gate', 'no')]]

ENDS = {'PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED'}
FLYING = {'CLAIMED', 'UPLOADING', 'SENDING', 'PROCESSING', 'UNSURE'}
HELD = 1e14  # where the drafts begin, in a queue, that wait for another one to leave the inbox


def check_keys(space):
    jobs = space.jobs()
    for key, ttl in space.ttls.items():
        rule = next((rule for pattern, rule in KEYS if pattern.match(key)), None)
        assert rule, 'a key that no table knows: ' + key
        if rule == 'end':
            job = jobs.get(key.split(':', 1)[1])
            assert job, 'no job to ' + key
            rule = 'yes' if job['state'] in ENDS else 'no'
        assert (ttl >= 0) == (rule == 'yes'), '%s has the TTL %d' % (key, ttl)


def came_late(space, ids):
    """Those whose answer came after a retry: TikTok was at work on them, whether there was room or not."""
    return {id for id in ids if any(line.split('\t')[1:4] == [space.jobs()[id]['attempt_epoch'], 'QUEUED', 'ACCEPT']
                                    for line in space.get('log:' + id, []))}


def check_places(space, conf):
    """Each job in exactly the places of its state."""
    jobs = space.jobs()
    of = lambda *states: {id for id, job in jobs.items() if job['state'] in states}
    slots, unsure = set(space.get('slots')), of('UNSURE')
    assert len(slots - came_late(space, slots)) <= conf['limit.in_flight']
    assert slots <= of(*FLYING), 'a slot without a job'
    assert of('CLAIMED', 'UPLOADING', 'SENDING') <= slots, 'a job without a slot'
    assert set(space.get('open')) == of('CLAIMED', 'SENDING')
    assert len(space.get('open')) <= conf['limit.open']
    assert set(space.get('leases')) == of('CLAIMED', 'UPLOADING', 'SENDING')
    assert set(space.get('unsure')) == unsure
    assert of('PROCESSING') <= set(space.get('polls')) <= of('PROCESSING', 'IN_INBOX', 'PUBLISHED')
    flying = {}
    for id in slots:
        flying.setdefault(jobs[id]['account'], set()).add(id)
    assert space.family('flying') == flying
    for account, ids in flying.items():
        assert len(ids - came_late(space, ids)) <= conf['limit.account'], account


def check_waiting(space, conf):
    """Each QUEUED job waits in one place, and no account that could act is forgotten."""
    jobs, delayed = space.jobs(), space.get('delayed')
    queues, unknown, accounts = space.family('queue'), space.family('unknown'), space.family('account')
    queued = {id: job for id, job in jobs.items() if job['state'] == 'QUEUED'}
    places = {}
    for kind in (queues, unknown):
        for name, members in kind.items():
            for id in members:
                assert id in queued, 'not waiting: ' + id
                assert id not in places, 'waits twice: ' + id
                places[id] = (kind is queues, name, members[id])
    assert set(delayed) <= set(queued), 'delayed, but not waiting'
    assert int(space.get('unknown', '0')) == sum(len(members) for members in unknown.values())
    counts = {}
    for id, job in queued.items():
        known, name, rank = places.get(id, (None, None, 0))
        if not job['account']:
            assert (known, name) == (False, job['account_text']) and id in delayed
            continue
        counts[job['account']] = counts.get(job['account'], 0) + 1
        if known is None:
            assert id in delayed, 'waits nowhere: ' + id
        else:
            assert (known, name) == (True, job['account'])
            if int(job.get('t_expires') or 0) or rank >= HELD:
                assert id in delayed, id
            else:
                assert id not in delayed, id
    for name, account in accounts.items():
        assert int(account.get('queued', 0)) == counts.get(name, 0), name
    for name, members in queues.items():
        account = accounts.get(name, {})
        may_act = account.get('status', 'ok') == 'ok' and account.get('refused_rev') != account.get('rev', '')
        if may_act and 'paused' not in account \
                and len(space.get('flying:' + name)) < conf['limit.account'] and any(rank < HELD for rank in members.values()):
            assert name in space.get('ready'), 'forgotten: ' + name
    assert set(space.get('parked')) == {name for name, account in accounts.items() if account.get('status') == 'parked'}
    for name in space.get('ready'):
        assert accounts[name].get('status', 'ok') == 'ok', 'parked and ready: ' + name
        assert accounts[name].get('refused_rev') != accounts[name].get('rev', ''), 'refused and ready: ' + name
        assert 'paused' not in accounts[name], 'paused and ready: ' + name


def check_counts(space):
    states = {}
    for id, job in space.jobs().items():
        states.setdefault(job['state'], set()).add(id)
    counts = {k: int(v) for k, v in space.get('count').items() if k != 'epoch'}
    assert all(n >= 0 for n in counts.values()), counts
    assert {k: n for k, n in counts.items() if n} == {k: len(ids) for k, ids in states.items()}
    zsets = {k: set(v) for k, v in space.family('state').items()}
    assert zsets == {k: ids for k, ids in states.items() if k != 'QUEUED'}


def check(space, conf):
    check_keys(space)
    check_places(space, conf)
    check_waiting(space, conf)
    check_counts(space)


def without(values, told):
    """All that is in Redis but for what is only told."""
    if not told:
        return values
    job = {name: value for name, value in values['job:one'].items() if name not in told}
    return {**values, 'job:one': job, 'events': None}


# ---- a fleet

class Fleet:
    """Scripts with a memory of what ingest and claim answered, on an empty Redis with an open gate."""

    def __init__(self, server, scripts, **conf):
        self.redis = Redis(server.path)
        self.redis('FLUSHALL')
        self.redis('CONFIG', 'SET', 'maxmemory', 0)
        self.scripts, self.known = scripts, set()
        self.conf = {**defaults(), **{name.replace('__', '.'): value for name, value in conf.items()}}
        self.marks, self.offset, self.pid, self.commands = {}, {}, 0, 0
        self.open_gate()

    def close(self):
        self.redis('CONFIG', 'SET', 'maxmemory', 0)
        self.redis.close()

    def open_gate(self):
        assert self.run('gate_take', taker='poller-0', lease_ms=10000)[0] == 'OK'
        assert self.run('gate_open', taker='poller-0', generation='1') == ['OK']

    def run(self, name, **arguments):
        argv = self.scripts.argv(name, self.conf, arguments)
        script = self.scripts.all[name]
        if name in self.known:
            return self.redis('EVALSHA', script.sha1, 1, PREFIX + 'gate', *argv)
        self.known.add(name)
        return self.redis('EVAL', self.scripts.texts[name], 1, PREFIX + 'gate', *argv)

    def key(self, command, key, *words):
        return self.redis(command, PREFIX + key, *words)

    def now(self):
        seconds, micros = self.redis('TIME')
        return int(seconds) * 1000 + int(micros) // 1000

    def space(self):
        return Keyspace(self.redis)

    def check(self):
        space = self.space()
        check(space, self.conf)
        return space

    def job(self, job_id):
        return pairs(self.key('HGETALL', 'job:' + job_id))

    def state(self, job_id):
        return self.key('HGET', 'job:' + job_id, 'state')

    def account(self, open_id='u1', rev='1', alias='', status='ok', **more):
        return self.run('account', open_id=open_id, rev=rev, alias=alias, sealed='k:sealed', aliases=more.pop('aliases', alias), scopes='video.publish',
                        status=status, expires_at='0', refresh_expires_at='0', by='cli', **more)

    def ingest_arguments(self, job_id, account='u1', partition='0', **more):
        offset = self.offset.get(partition, 0)
        arguments = dict(partition=partition, shown=self.marks.get(partition, ''), next_offset=str(offset + 1),
                         timestamp=self.now(), crc='abc', verdict='job', job_id=job_id, account=account,
                         hash='h-' + job_id, message='{"job_id": "%s"}' % job_id, kind='direct', media='video', priority=5,
                         on_unsure='hold', source='jobs-%s@%d' % (partition, offset), by='worker-1')
        arguments.update(more)
        return arguments

    def ingest_raw(self, arguments):
        reply = self.run('ingest', **arguments)
        if reply[0] == 'OK':
            self.marks[arguments['partition']] = '%s %s %s' % tuple(arguments[k] for k in ('next_offset', 'timestamp', 'crc'))
            self.offset[arguments['partition']] = int(arguments['next_offset'])
        return reply

    def ingest(self, job_id, account='u1', **more):
        return self.ingest_raw(self.ingest_arguments(job_id, account, **more))

    def claim(self, worker='worker-1'):
        """The reply by name, or the reply itself when it is none."""
        reply = self.run('claim', worker=worker)
        if reply[0] != 'OK':
            return reply
        names = ('word', 'job_id', 'epoch', 'attempt', 'retries', 'account', 'message', 'sealed', 'publish_id',
                 'queued_ms', 'waited_ms', 'due_told', 'source', 'unreadable', 'scopes', 'rev',
                 'creator_age', 'privacy_options', 'comment_disabled', 'duet_disabled', 'stitch_disabled', 'creator_failures',
                 'failed_age')
        assert len(reply) == len(names)
        return dict(zip(names, reply))

    def sending(self, claimed, **more):
        return self.run('sending', **{**dict(job_id=claimed['job_id'], epoch=claimed['epoch'], worker='worker-1'), **more})

    def result(self, claimed, publish_id=None, **more):
        self.pid += 1
        return self.run('result', **{**dict(job_id=claimed['job_id'], epoch=claimed['epoch'], log_id='log',
                                            publish_id=publish_id or 'v_pub~%d' % self.pid, first_poll_ms=0,
                                            worker='worker-1'), **more})

    def refuse(self, claimed, event, **more):
        return self.run('refuse', **{**dict(job_id=claimed['job_id'], epoch=claimed['epoch'], event=event,
                                            code='code', cause='cause', remedy='remedy', worker='worker-1'), **more})

    def cancel(self, job_id):
        """A command of its own, without the watermark of a partition."""
        self.commands += 1
        return self.run('command', mode='do', id='cancel-%d' % self.commands, what='cancel', job_id=job_id,
                        commander='cli', by='worker-1')[:2]

    def poll(self, count=10, timeout_ms=10000):
        reply = self.run('poll_claim', poller='poller-1', count=count, timeout_ms=timeout_ms)
        if reply[0] != 'OK':
            return reply
        names = ('job_id', 'state', 'publish_id', 'account', 'epoch', 'looks', 't_accepted', 'member', 'sealed', 'privacy',
                 'retries', 'now', 'late', 'rev')
        assert len(reply) % len(names) == 1
        return [dict(zip(names, reply[i:])) for i in range(1, len(reply), len(names))]

    def look(self, polled, **more):
        return self.run('look', **{**dict(job_id=polled['job_id'], publish_id=polled['publish_id'], member=polled['member'],
                                          answered=1, next_ms=0, status='PROCESSING_DOWNLOAD', poller='poller-1'), **more})

    def finish(self, polled, event, **more):
        return self.run('finish', **{**dict(job_id=polled['job_id'], publish_id=polled['publish_id'],
                                            member=polled['member'], event=event, next_ms=-1, poller='poller-1'), **more})

    def to_sending(self, job_id, account='u1', **more):
        assert self.ingest(job_id, account, **more) == ['OK', 'QUEUED']
        claimed = self.claim()
        assert claimed['job_id'] == job_id
        assert self.sending(claimed) == ['OK']
        return claimed

    def to_processing(self, job_id, account='u1', **more):
        claimed = self.to_sending(job_id, account, **more)
        assert self.result(claimed) == ['OK', 'PROCESSING']
        polled, = self.poll()
        assert polled['job_id'] == job_id
        return claimed, polled

    def outbox(self):
        return [fields for _, fields in self.space().get('outbox', [])]

    def names(self, job_id):
        return ['%s %s' % (e['epoch'], e['name']) for e in self.outbox() if e['job_id'] == job_id]

    def wait(self, ms):
        time.sleep(ms / 1000 + 0.002)


@pytest.fixture(scope='session')
def scripts(tmp_path_factory):
    return Scripts(tmp_path_factory.mktemp('scripts'))


@pytest.fixture(scope='session')
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def make_fleet(server, scripts):
    made = []

    def make(**conf):
        made.append(Fleet(server, scripts, **conf))
        return made[-1]
    yield make
    for fleet in made:
        fleet.close()


@pytest.fixture
def fleet(make_fleet):
    fleet = make_fleet()
    fleet.account()
    return fleet

# SPDX-License-Identifier: Apache-2.0
"""A whole fleet for tests: a redis-server of its own, a Kafka (kafka-sim, or a real one), tiktok-sim, and the programs,
each a process that can be killed. The witness is tiktok-sim's ledger, never our own Redis."""
import base64
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('TOKFLEET_BUILD', ROOT / 'build' / 'debug'))
ENDS = ('PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(what, check, timeout_s=60.0, every_s=0.05):
    """check() until it is true; its value. Fails with `what` in words."""
    end = time.monotonic() + timeout_s
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('after %g s: %s (last: %r)' % (timeout_s, what, value))
        time.sleep(every_s)


class Redis:
    """A small RESP client: texts in, texts out."""

    def __init__(self, port, host='127.0.0.1'):
        self.port = port
        self.host = host
        self.socket = None
        self.file = None

    def connect(self, timeout_s=20):
        self.socket = socket.create_connection((self.host, self.port), timeout=timeout_s)
        self.file = self.socket.makefile('rb')

    def __call__(self, *words):
        if not self.socket:
            self.connect()
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        return self.read()

    def read(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            raise RuntimeError(rest.decode())
        if kind == b'+':
            return rest.decode()
        if kind == b':':
            return int(rest)
        if kind == b'$':
            if int(rest) < 0:
                return None
            return self.file.read(int(rest) + 2)[:-2].decode('utf-8', 'replace')
        if kind == b'*':
            return [self.read() for _ in range(int(rest))]
        raise RuntimeError('not RESP: %r' % line)

    def hash(self, key):
        flat = self('HGETALL', key)
        return dict(zip(flat[::2], flat[1::2]))


class Fleet:
    def __init__(self, settings=None, sim=(), accounts=12, kafka=None, keep=False, redis_arguments=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='tokfleet-fleet-'))
        self.keep = keep
        self.processes = {}
        self.settings = dict(settings or {})
        self.sim_arguments = list(sim)
        self.account_count = accounts
        self.kafka = kafka
        self.redis_arguments = redis_arguments
        self.numbers = collections.Counter()
        self.sim_host = '127.0.0.1'
        self.name = 'f%d' % (time.time() * 1000 % 1e9)

    # ---- life

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure):
        if failure[0]:
            self.tell()
        self.stop()

    def start(self):
        self.start_redis()
        self.start_kafka()
        self.start_sim()
        key = base64.b64encode(os.urandom(32)).decode()
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': str(self.dir),
            'TOKFLEET_FLEET': self.name,
            'TOKFLEET_KAFKA_BROKERS': self.brokers,
            'TOKFLEET_REDIS_URL': 'redis://127.0.0.1:%d' % self.redis_port,
            'TOKFLEET_TIKTOK_API_URL': self.sim_url,
            'TOKFLEET_TOKEN_KEYS': 'k1:' + key,
            'TOKFLEET_KAFKA_SESSION_MS': '6s',
        }
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.environment.update({'TOKFLEET_' + k.upper().replace('.', '_'): str(v) for k, v in self.settings.items()})

    def spawn(self, name, arguments, **keywords):
        log = open(self.dir / (name + '.log'), 'ab')
        process = subprocess.Popen([str(a) for a in arguments], stdout=log, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, **keywords)
        log.close()
        self.processes[name] = process
        return process

    def start_redis(self):
        self.redis_port = free_port()
        self.spawn('redis', ['redis-server', '--port', self.redis_port, '--bind', '127.0.0.1', '--save', '',
                             '--appendonly', 'no', '--dir', self.dir, '--maxmemory-policy', 'noeviction',
                             *self.redis_arguments])
        self.redis = Redis(self.redis_port)

        def up():
            with contextlib.suppress(OSError, RuntimeError):
                return self.redis('PING')
        wait_for('redis-server is up', up)

    def start_kafka(self):
        if self.kafka:
            self.brokers = self.kafka.start(self)
            return
        bootstrap = self.dir / 'kafka.bootstrap'
        self.kafka_control = self.dir / 'kafka.control'
        self.spawn('kafka-sim', [BUILD / 'tests/sandbox/kafka-sim/kafka-sim', '--bootstrap-file', bootstrap, '--control',
                                 self.kafka_control, '--fleet', self.name])
        wait_for('kafka-sim is up', lambda: bootstrap.exists() and bootstrap.read_text().strip())
        self.brokers = bootstrap.read_text().strip()

    def start_sim(self):
        port_file = self.dir / 'sim.port'
        self.accounts_file = self.dir / 'accounts.ndjson'
        self.spawn('tiktok-sim', [BUILD / 'tests/sandbox/tiktok-sim/tiktok-sim', '--listen', self.sim_host + ':0', '--port-file',
                                  port_file, '--ledger', self.dir / 'ledger.ndjson', '--accounts', self.account_count,
                                  '--accounts-file', self.accounts_file, *self.sim_arguments])
        wait_for('tiktok-sim is up', lambda: port_file.exists() and port_file.read_text().strip())
        self.sim_url = 'http://' + port_file.read_text().strip()

    def start_program(self, kind, more=None, **keywords):
        """`more` goes into its environment, the keywords to Popen."""
        self.numbers[kind] += 1
        name = '%s-%d' % (kind, self.numbers[kind])
        self.spawn(name, [BUILD / kind / ('tokfleet-' + kind)], env=dict(self.environment, **(more or {})), **keywords)
        return name

    def start_programs(self, workers=1, pollers=1):
        names = [self.start_program('poller') for _ in range(pollers)]
        names += [self.start_program('worker') for _ in range(workers)]
        wait_for('the gate is open', lambda: self.redis('HGET', self.key('gate'), 'state') == 'open', 60)
        return names

    def add_accounts(self):
        done = self.cli('account', 'add', self.accounts_file)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line)['alias'] for line in self.accounts_file.read_text().splitlines()]

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes[name]
        process.send_signal(number)
        return process

    def stop_program(self, name, number=signal.SIGTERM, timeout_s=40):
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(timeout_s)

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes.values():
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.send_signal(signal.SIGCONT)
                        process.send_signal(number)
            end = time.monotonic() + 15
            for process in self.processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, end - time.monotonic()))
        if self.kafka:
            self.kafka.stop(self)
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def tell(self):
        """What a failed test wants to see: the end of each log."""
        for path in sorted(self.dir.glob('*.log')):
            lines = path.read_text(errors='replace').splitlines()
            print('---- %s (%d lines)' % (path.name, len(lines)))
            print('\n'.join(line for line in lines[-400:] if '"info"' not in line)[-4000:])

    # ---- words to the fleet

    def key(self, what):
        return '{%s}:%s' % (self.name, what)

    def cli(self, *arguments, stdin=None, timeout_s=120):
        return subprocess.run([str(BUILD / 'producer' / 'tokfleet'), *[str(a) for a in arguments]], input=stdin,
                              capture_output=True, text=True, env=self.environment, timeout=timeout_s)

    def produce(self, messages, topic='jobs'):
        """Raw messages, as any upstream would put them: (key, value) or value."""
        lines = []
        for message in messages:
            key, value = message if isinstance(message, tuple) else ('', message)
            lines.append('%s\x1f%s' % (key, value if isinstance(value, str) else json.dumps(value)))
        done = subprocess.run(['kcat', '-b', self.brokers, '-P', '-t', '%s.%s' % (self.name, topic), '-K', '\x1f',
                               '-D', '\x1e', '-X', 'partitioner=murmur2_random', '-X', 'message.max.bytes=2000000'],
                              input='\x1e'.join(lines).encode(), capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def consume(self, topic):
        """Every record of a topic: dicts of key, payload, partition, offset, headers."""
        done = subprocess.run(['kcat', '-b', self.brokers, '-C', '-t', '%s.%s' % (self.name, topic), '-o', 'beginning',
                               '-e', '-q', '-J'], capture_output=True, timeout=300)
        return [json.loads(line) for line in done.stdout.decode('utf-8', 'replace').splitlines() if line.strip()]

    def job(self, job_id):
        return self.redis.hash(self.key('job:' + job_id))

    def states(self, job_ids):
        return {job_id: self.redis('HGET', self.key('job:' + job_id), 'state') for job_id in job_ids}

    def counts(self):
        return {k: int(v) for k, v in self.redis.hash(self.key('count')).items() if k != 'epoch' and int(v)}

    def wait_ends(self, job_ids, timeout_s=120, ends=ENDS):
        job_ids = list(job_ids)

        def left():
            states = self.states(job_ids)
            waiting = [j for j in job_ids if states[j] not in ends]
            return not waiting or None
        try:
            wait_for('%d jobs reach an end' % len(job_ids), left, timeout_s, 0.2)
        except AssertionError:
            states = self.states(job_ids)
            raise AssertionError('not at an end: %s; counts %s' % (
                {j: s for j, s in list(states.items()) if s not in ends} if len(job_ids) < 50 else
                collections.Counter(states.values()), self.counts())) from None
        return self.states(job_ids)

    # ---- the witness

    def sim(self, path, body=None, method=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.sim_url + '/_sim/' + path, data=data,
                                         method=method or ('POST' if data is not None else 'GET'),
                                         headers={'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        return text

    def stats(self):
        return json.loads(self.sim('stats'))

    def ledger(self):
        return [json.loads(line) for line in self.sim('ledger').splitlines() if line.strip()]


def video(job_id, account, **more):
    return {'job_id': job_id, 'account': account,
            'media': [{'url': more.pop('url', 'https://cdn.example.com/%s.mp4' % job_id)}],
            'caption': more.pop('caption', 'clip ' + job_id), **more}


def photos(job_id, account, count=3, **more):
    return {'job_id': job_id, 'account': account,
            'media': [{'url': 'https://cdn.example.com/%s-%d.jpg' % (job_id, i), 'type': 'photo'} for i in range(count)],
            'caption': 'photos ' + job_id, 'title': 'title ' + job_id, **more}

# SPDX-License-Identifier: Apache-2.0
"""A fleet on a Redis that fails over: a primary, two replicas and three sentinels, each a process that can be killed or
stopped. Its `redis` asks the sentinels and follows the primary."""
import contextlib
import socket
import time

from harness import Fleet, Redis, free_port, wait_for

SERVICE = 'main'
DOWN_AFTER_MS = 1500
# of those that may be promoted the one with the lowest number is, however far behind it is
PRIORITY = {'redis-1': 1, 'redis-2': 10, 'redis-3': 100}
LAG_S = 2                    # min-replicas-max-lag
GATE_WAIT_MS = LAG_S * 1000 + 1500
SET_SETTINGS = {'gate_wait_ms': GATE_WAIT_MS, 'gate_lease_ms': 8000, 'redis_timeout_ms': 1500,
                'redis_backoff_max_ms': 400}


class Link(Redis):
    """One that gives up soon: who is asked may be stopped."""

    def connect(self):
        self.socket = socket.create_connection(('127.0.0.1', self.port), timeout=2)
        self.file = self.socket.makefile('rb')


class Steady(Link):
    """One that asks again while the server is away or not yet itself."""

    def forget(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def look(self):
        pass

    def __call__(self, *words):
        end = time.monotonic() + 60
        while True:
            try:
                self.look()
                return super().__call__(*words)
            except (OSError, RuntimeError, ValueError) as failure:
                passes = str(failure).startswith(('READONLY', 'MASTERDOWN', 'LOADING', 'not RESP'))
                if isinstance(failure, RuntimeError) and not passes or time.monotonic() > end:
                    raise
                self.forget()
                time.sleep(0.1)


class Primary(Steady):
    """Each call goes to whom the sentinels name now."""

    def __init__(self, sentinels):
        super().__init__(0)
        self.sentinels = sentinels
        self.asked = 0.0

    def look(self):
        if self.socket and time.monotonic() - self.asked < 0.3:
            return
        for sentinel in self.sentinels:
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                port = int(Link(sentinel)('SENTINEL', 'get-master-addr-by-name', SERVICE)[1])
                if port != self.port:
                    self.forget()
                self.port, self.asked = port, time.monotonic()
                return
        raise OSError('no sentinel answers')


class FleetOnSet(Fleet):
    """redis-1, redis-2, redis-3 and sentinel-1 to -3 among its processes; redis-1 begins as the primary."""

    def __init__(self, settings=None, **keywords):
        super().__init__(dict(SET_SETTINGS, **(settings or {})), **keywords)

    def start_redis(self):
        self.ports = {'redis-%d' % i: free_port() for i in (1, 2, 3)}
        self.sentinel_ports = [free_port() for _ in range(3)]
        for name in self.ports:
            self.spawn_redis(name, None if name == 'redis-1' else 'redis-1')
        wait_for('both replicas are attached', lambda: self.link_count('redis-1') == 2)
        for i, port in enumerate(self.sentinel_ports, 1):
            self.spawn_sentinel('sentinel-%d' % i, port)
        wait_for('the sentinels know each other and the replicas', lambda: all(map(self.sees_all, self.sentinel_ports)))
        self.redis_port, self.redis = self.ports['redis-1'], Primary(self.sentinel_ports)
        self.settings['redis_url'] = 'redis+sentinel://%s/%s' % (
            ','.join('127.0.0.1:%d' % port for port in self.sentinel_ports), SERVICE)

    def spawn_redis(self, name, primary):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        self.spawn(name, ['redis-server', '--port', self.ports[name], '--bind', '127.0.0.1', '--dir', folder, '--save', '',
                          '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--min-replicas-to-write', '1',
                          '--min-replicas-max-lag', LAG_S, '--repl-backlog-ttl', '0', '--repl-diskless-sync', 'yes',
                          '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1',
                          '--replica-priority', PRIORITY[name],
                          *(['--replicaof', '127.0.0.1', self.ports[primary]] if primary else []),
                          *self.redis_arguments])
        wait_for('%s is up' % name, lambda: self.ask(name, 'PING'))

    def spawn_sentinel(self, name, port):
        folder = self.dir / name
        folder.mkdir()
        file = folder / 'sentinel.conf'
        file.write_text('port %d\nbind 127.0.0.1\ndir %s\n'
                        'sentinel monitor %s 127.0.0.1 %d 2\nsentinel down-after-milliseconds %s %d\n'
                        'sentinel failover-timeout %s 6000\nsentinel parallel-syncs %s 2\n'
                        % (port, folder, SERVICE, self.ports['redis-1'], SERVICE, DOWN_AFTER_MS, SERVICE, SERVICE))
        self.spawn(name, ['redis-server', file, '--sentinel'])

    # ---- looking

    def ask(self, name, *words):
        """One of the servers by name, whatever its role; None when it does not answer."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            return Link(self.ports[name])(*words)
        return None

    def link_count(self, name):
        role = self.ask(name, 'ROLE')
        return len(role[2]) if role and role[0] == 'master' else 0

    def sees_all(self, port):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            flat = Link(port)('SENTINEL', 'MASTER', SERVICE)
            known = dict(zip(flat[::2], flat[1::2]))
            return known['num-slaves'] == '2' and known['num-other-sentinels'] == '2' and known['flags'] == 'master'
        return False

    def named(self):
        """The server that the sentinels agree on as the primary; None while they do not."""
        ports = set()
        for port in self.sentinel_ports:
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                ports.add(int(Link(port)('SENTINEL', 'get-master-addr-by-name', SERVICE)[1]))
        names = [name for name, port in self.ports.items() if ports == {port}]
        return names[0] if names else None

    def identity(self, name):
        told = self.ask(name, 'INFO', 'replication')
        return told.split('master_replid:', 1)[1].split()[0] if told else None

    # ---- doing

    def wait_known(self, name):
        """Every sentinel has seen this one as a healthy replica, with its priority."""
        def knows(port):
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                for flat in Link(port)('SENTINEL', 'REPLICAS', SERVICE):
                    told = dict(zip(flat[::2], flat[1::2]))
                    if told['port'] == str(self.ports[name]):
                        return told['flags'] == 'slave' and told['slave-priority'] == str(PRIORITY[name]) \
                            and told['master-link-status'] == 'ok'
            return False
        wait_for('the sentinels know %s as a replica' % name, lambda: all(map(knows, self.sentinel_ports)), 40, 0.1)

    def fail_over(self):
        """By force, the old primary living on; returns the new one's name."""
        old = wait_for('the sentinels agree', self.named)

        def begin():
            with contextlib.suppress(OSError, RuntimeError):
                return Link(self.sentinel_ports[0])('SENTINEL', 'FAILOVER', SERVICE)
        wait_for('a failover may begin', begin, 30, 0.2)
        return self.wait_promoted(old)

    def wait_promoted(self, old, timeout_s=40):
        """Until the sentinels name another one than `old`, and it says so itself and has a replica."""
        def look():
            name = self.named()
            return name and name != old and self.link_count(name) >= 1 and name
        return wait_for('a replica takes the place of %s' % old, look, timeout_s)

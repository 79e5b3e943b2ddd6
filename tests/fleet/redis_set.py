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

    def connect(self, timeout_s=2):
        super().connect(timeout_s)


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

    def __init__(self, fleet):
        super().__init__(0)
        self.fleet = fleet
        self.asked = 0.0

    def look(self):
        if self.socket and time.monotonic() - self.asked < 0.3:
            return
        for sentinel in self.fleet.sentinels_heard():
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                host, port = Link(*sentinel)('SENTINEL', 'get-master-addr-by-name', SERVICE)
                if (host, int(port)) != (self.host, self.port):
                    self.forget()
                self.host, self.port, self.asked = host, int(port), time.monotonic()
                return
        raise OSError('no sentinel answers')


class FleetOnSet(Fleet):
    """redis-1, redis-2, redis-3 and sentinel-1 to -3 among its processes; redis-1 begins as the primary."""

    def __init__(self, settings=None, **keywords):
        super().__init__(dict(SET_SETTINGS, **(settings or {})), **keywords)

    def host(self, name):  # where one of the servers or sentinels listens
        return '127.0.0.1'

    def start_redis(self):
        self.places = {'redis-%d' % i: (free_port(), self.host('redis-%d' % i)) for i in (1, 2, 3)}
        self.sentinels = {'sentinel-%d' % i: (free_port(), self.host('sentinel-%d' % i)) for i in (1, 2, 3)}
        for name in self.places:
            self.spawn_redis(name, None if name == 'redis-1' else 'redis-1')
        wait_for('both replicas are attached', lambda: self.link_count('redis-1') == 2)
        for name, place in self.sentinels.items():
            self.spawn_sentinel(name, *place)
        wait_for('the sentinels know each other and the replicas', lambda: all(map(self.sees_all, self.sentinels.values())))
        self.redis_port, self.redis = self.places['redis-1'][0], Primary(self)
        self.settings['redis_url'] = 'redis+sentinel://%s/%s' % (
            ','.join('%s:%d' % (host, port) for port, host in self.sentinels.values()), SERVICE)

    def spawn_redis(self, name, primary):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        port, host = self.places[name]
        self.spawn(name, ['redis-server', '--port', port, '--bind', host, '--dir', folder, '--save', '',
                          '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--min-replicas-to-write', '1',
                          '--min-replicas-max-lag', LAG_S, '--repl-backlog-ttl', '0', '--repl-diskless-sync', 'yes',
                          '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1',
                          '--replica-priority', PRIORITY[name], '--protected-mode', 'no',
                          *(['--replicaof', *reversed([str(part) for part in self.places[primary]])] if primary else []),
                          *self.redis_arguments])
        wait_for('%s is up' % name, lambda: self.ask(name, 'PING'))

    def spawn_sentinel(self, name, port, host):
        folder = self.dir / name
        folder.mkdir()
        file = folder / 'sentinel.conf'
        first_port, first_host = self.places['redis-1']
        file.write_text('port %d\nbind %s\nprotected-mode no\ndir %s\n'
                        'sentinel monitor %s %s %d 2\nsentinel down-after-milliseconds %s %d\n'
                        'sentinel failover-timeout %s 6000\nsentinel parallel-syncs %s 2\n'
                        % (port, host, folder, SERVICE, first_host, first_port, SERVICE, DOWN_AFTER_MS, SERVICE, SERVICE))
        self.spawn(name, ['redis-server', file, '--sentinel'])
        # what takes 10 s by default: to see who is whose replica, and to make an old primary one
        wait_for('%s hastens' % name, lambda: self.ask(name, 'SENTINEL', 'DEBUG', 'info-period', 1000,
                                                       'publish-period', 500) == 'OK')

    # ---- looking

    def ask(self, name, *words):
        """One of the servers by name, whatever its role; None when it does not answer."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            return Link(*{**self.places, **self.sentinels}[name])(*words)
        return None

    def sentinels_heard(self):
        """Where the sentinels are that the test hears."""
        return list(self.sentinels.values())

    def link_count(self, name):
        role = self.ask(name, 'ROLE')
        return len(role[2]) if role and role[0] == 'master' else 0

    def sees_all(self, place):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            flat = Link(*place)('SENTINEL', 'MASTER', SERVICE)
            known = dict(zip(flat[::2], flat[1::2]))
            return known['num-slaves'] == '2' and known['num-other-sentinels'] == '2' and known['flags'] == 'master'
        return False

    def named(self):
        """The server that the sentinels agree on as the primary; None while they do not."""
        places = set()
        for sentinel in self.sentinels_heard():
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                host, port = Link(*sentinel)('SENTINEL', 'get-master-addr-by-name', SERVICE)
                places.add((int(port), host))
        names = [name for name, place in self.places.items() if places == {place}]
        return names[0] if names else None

    def identity(self, name):
        told = self.ask(name, 'INFO', 'replication')
        return told.split('master_replid:', 1)[1].split()[0] if told else None

    # ---- doing

    def wait_known(self, name):
        """Every sentinel has seen this one as a healthy replica, with its priority."""
        def knows(sentinel):
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                for flat in Link(*sentinel)('SENTINEL', 'REPLICAS', SERVICE):
                    told = dict(zip(flat[::2], flat[1::2]))
                    if (int(told['port']), told['ip']) == self.places[name]:
                        return told['flags'] == 'slave' and told['slave-priority'] == str(PRIORITY[name]) \
                            and told['master-link-status'] == 'ok'
            return False
        wait_for('the sentinels know %s as a replica' % name, lambda: all(map(knows, self.sentinels_heard())), 40, 0.1)

    def wait_whole(self):
        """The sentinels agree on a primary, and both others are its replicas: the next fault finds somebody to promote."""
        def whole():
            name = self.named()
            return name and self.link_count(name) == 2 and name
        return wait_for('there is a primary with two replicas', whole, 60)

    def fail_over(self):
        """By force, the old primary living on; returns the new one's name."""
        old = wait_for('the sentinels agree', self.named)

        def begin():
            with contextlib.suppress(OSError, RuntimeError):
                return Link(*self.sentinels_heard()[0])('SENTINEL', 'FAILOVER', SERVICE)
        # sentinels give a failover up whose replica another one of them has just told whom to follow
        for _ in range(4):
            wait_for('a failover may begin', begin, 30, 0.2)
            with contextlib.suppress(AssertionError):
                return self.wait_promoted(old, 10)
        return self.wait_promoted(old)

    def wait_promoted(self, old, timeout_s=40):
        """Until the sentinels name another one than `old`, and it says so itself and has a replica."""
        def look():
            name = self.named()
            return name and name != old and self.link_count(name) >= 1 and name
        return wait_for('a replica takes the place of %s' % old, look, timeout_s)

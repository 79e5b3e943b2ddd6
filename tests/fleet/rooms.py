# SPDX-License-Identifier: Apache-2.0
"""Rooms without any network but their cables: a hall and two islands, each a network namespace of the kernel.

            redis, kafka, tiktok: a cable each                the same
    hall ═══════════════════════════════════ wire ═══════════════════════════ a
                                               ╚══════════════════════════════ b

The wire is a room too, in which nothing runs: it forwards. A cable that is pulled on the wire's side swallows what is sent
in either direction, as a switch does that lost its power; with `reject` the wire says that there is no way there, as a
router does. Nobody hears that a connection has ended.

kafka-sim listens on 127.0.0.1 and says so to everybody; so on an island 127.0.0.1 is the hall's, by the kafka cable.

The namespaces have no names. They are held by this process alone and those that it starts in them, and go with them,
however they end. The test's own thread is in the hall while `with Rooms()` lasts."""
import contextlib
import ctypes
import os
import shutil
import subprocess

CLONE_NEWNET = 0x40000000
CABLES = {'redis': 1, 'kafka': 2, 'tiktok': 3}
NUMBERS = {'hall': 0, 'a': 1, 'b': 2}
ISLANDS = ('a', 'b')

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def open_own():
    return os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)


def why_not():
    """Why there can be no rooms here, in words; None when there can."""
    if not shutil.which('ip'):
        return 'no program ip (apt-get install iproute2)'
    home = open_own()
    try:
        call(libc.unshare, CLONE_NEWNET)
        call(libc.setns, home, CLONE_NEWNET)
    except OSError as failure:
        return 'this user may not make network namespaces (%s): root may, or a container with CAP_SYS_ADMIN' % failure.strerror
    finally:
        os.close(home)
    try:
        with Rooms():
            return None
    except (OSError, subprocess.CalledProcessError) as failure:
        return 'the kernel refuses the cables between network namespaces: %s' % (
            getattr(failure, 'stderr', None) or failure)


def address(room, cable):
    return '10.%d.%d.2' % (CABLES[cable], NUMBERS[room])


class Rooms:
    def __enter__(self):
        self.files = {'home': open_own()}
        try:
            for room in ('wire', *NUMBERS):
                call(libc.unshare, CLONE_NEWNET)
                self.files[room] = open_own()
            self.furnish()
            self.enter('hall')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.enter('home')
        for file in self.files.values():
            os.close(file)

    def enter(self, room):
        call(libc.setns, self.files[room], CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self, room):
        """This thread is in another room for a moment; a socket made there stays there."""
        here = open_own()
        try:
            self.enter(room)
            yield
        finally:
            call(libc.setns, here, CLONE_NEWNET)
            os.close(here)

    def way_in(self, room):
        """For subprocess' preexec_fn."""
        return lambda: self.enter(room)

    # ---- building

    def ip(self, room, *lines):
        with self.inside(room):
            subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines) + '\n', text=True, check=True, capture_output=True,
                           timeout=20)

    def allow(self, room, *names):
        with self.inside(room):
            for name, value in names:
                with open('/proc/sys/net/ipv4/' + name, 'w', encoding='ascii') as file:
                    file.write(str(value))

    def furnish(self):
        wire = '/proc/%d/fd/%d' % (os.getpid(), self.files['wire'])
        for room in ('wire', *NUMBERS):
            self.ip(room, 'link set lo up')
            if room != 'hall':
                self.ip(room, 'addr del 127.0.0.1/8 dev lo')
            self.allow(room, ('conf/all/rp_filter', 0), ('conf/default/rp_filter', 0), ('conf/default/route_localnet', 1))
        self.allow('wire', ('ip_forward', 1))
        for room, place in NUMBERS.items():
            for cable, number in CABLES.items():
                net = '10.%d.%d' % (number, place)
                self.ip(room, 'link add %s type veth peer name %s-%s netns %s' % (cable, cable, room, wire),
                        'addr add %s.2/24 dev %s' % (net, cable), 'link set %s up' % cable,
                        'route add 10.%d.0.0/16 via %s.1' % (number, net))
                self.ip('wire', 'addr add %s.1/24 dev %s-%s' % (net, cable, room), 'link set %s-%s up' % (cable, room))
            if room != 'hall':
                self.ip(room, 'route add 127.0.0.0/8 via 10.%d.%d.1 src %s' % (
                    CABLES['kafka'], place, address(room, 'kafka')))
        self.ip('wire', 'route add 127.0.0.0/8 via %s' % address('hall', 'kafka'), 'route add blackhole default')

    # ---- pulling

    def pull(self, island, cables, reject=False):
        self.ip('wire', 'route replace %s default' % ('unreachable' if reject else 'blackhole'),
                *['link set %s-%s down' % (cable, island) for cable in cables])

    def plug(self, island, cables=tuple(CABLES)):
        self.ip('wire', *['link set %s-%s up' % (cable, island) for cable in cables])

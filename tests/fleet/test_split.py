# SPDX-License-Identifier: Apache-2.0
"""A split brain by pulled cables, and healed. The primary sits on an island together with a sentinel, a worker and a poller,
and goes on there; the rest of the world promotes another one. On the island Kafka and TikTok can be reached or not, by seed.

    hall: redis-3 sentinel-3 worker-2 poller-2, Kafka, TikTok, the test     a: redis-1 sentinel-1 worker-1 poller-1     b: redis-2 sentinel-2
"""
import random
import time

import faults
import pytest
import rooms
from harness import wait_for
from redis_set import SET_SETTINGS, FleetOnSet
from rooms import Rooms, address
from test_load import SCALED
from witness import mixed_jobs

JOBS = 120
IN_FLIGHT = 24   # so few that the load lasts through the fault
# a doubt keeps its place in its account and in the fleet: there is room for some, and for the rest of the load
SETTINGS = dict(SCALED, limit_in_flight=IN_FLIGHT, limit_account=10, **SET_SETTINGS)
CUTS = (('redis', 'kafka', 'tiktok'), ('redis',), ('redis', 'tiktok'), ('redis', 'kafka'))
SIM = ['--window-ms', '3000', '--processing-ms', '3:300-1200,1:1200-3000', '--seed', '7']
HOMES = {'redis-1': 'a', 'sentinel-1': 'a', 'worker-1': 'a', 'poller-1': 'a', 'redis-2': 'b', 'sentinel-2': 'b'}


@pytest.fixture(scope='module', autouse=True)
def may_have_rooms():
    why = rooms.why_not()
    if why:
        pytest.skip('no split brain by network namespaces: ' + why)


class FleetInRooms(FleetOnSet):
    """Each process in its room."""

    def __init__(self, the_rooms):
        super().__init__(SETTINGS, sim=SIM, accounts=JOBS // 10)
        self.rooms = the_rooms
        self.away = set()   # islands whose Redis cable is pulled
        self.split = None   # since when, and until when there was no other primary
        self.sim_host = address('hall', 'tiktok')
        self.excuses = faults.Excuses(self)

    def host(self, name):
        return address(HOMES.get(name, 'hall'), 'redis')

    def spawn(self, name, arguments, **keywords):
        room = HOMES.get(name, 'hall')
        if name.startswith(('worker', 'poller')):
            keywords['env'] = dict(keywords['env'], TOKFLEET_HTTP_LISTEN=address(room, 'redis') + ':0')
        return super().spawn(name, arguments, preexec_fn=self.rooms.way_in(room), **keywords)

    def ask(self, name, *words):
        with self.rooms.inside(HOMES.get(name, 'hall')):
            return super().ask(name, *words)

    def sentinels_heard(self):
        return [place for name, place in self.sentinels.items() if HOMES.get(name) not in self.away]

    def alone(self):
        """How long island a had a primary of its own, and what was posted by it meanwhile: nobody else could write then."""
        mine = [line for line in self.ledger() if self.split[0] + 300 < line['time_ms'] < self.split[1]]
        return {'split s': round((self.split[1] - self.split[0]) / 1000, 1), 'posts of it': len(mine)}

    def pull(self, island, cables, reject):
        for name in ('worker-1', 'poller-1') if island == 'a' and 'tiktok' in cables else ():
            self.excuses.begin(name, 'cut off')
        self.away.add(island)
        self.rooms.pull(island, cables, reject)
        self.split = self.split or [faults.now_ms(), 0]

    def wait_promoted(self, old, timeout_s=40):
        name = super().wait_promoted(old, timeout_s)
        self.split[1] = self.split[1] or faults.now_ms()
        return name

    def plug(self, island):
        self.rooms.plug(island)
        self.away.discard(island)
        for name in ('worker-1', 'poller-1') if island == 'a' else ():
            self.excuses.end(name, 'cut off')


def run(seed, tell, fault):
    """The load, `fault(fleet, chance, wake, cables, reject)` in the middle of it, and what the ledger says of it."""
    chance = random.Random(seed * 1000 + len(fault.__name__))
    cables, reject = CUTS[seed % len(CUTS)], chance.random() < 0.3
    # without Kafka the answers of the island wait for the journal, which is what that cut is about: its worker is awake
    sleeper = chance.choice((None, 'worker-2') if cables == ('redis', 'kafka') else (None, 'worker-1', 'worker-2'))
    with Rooms() as the_rooms, FleetInRooms(the_rooms) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(JOBS, fleet.add_accounts(), seed=seed)
        faults.slow_inits(fleet, probability=0.6 if cables == ('redis', 'kafka') else 0.3)
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > JOBS // 10, 90)
        time.sleep(chance.uniform(0, 0.7))
        generation = faults.generation(fleet)
        if sleeper:
            fleet.excuses.stop(sleeper)

        def wake():
            if sleeper:
                fleet.excuses.wake(sleeper)
        fault(fleet, chance, wake, cables, reject)
        faults.wait_gate(fleet, generation)
        wake()
        alone = fleet.alone()
        assert cables != ('redis',) or sleeper == 'worker-1' or alone['posts of it'], 'nothing was posted by the island alone'
        faults.check(fleet, fleet.excuses, jobs, IN_FLIGHT, tell, seed=seed, cut=' '.join(cables), how='reject' if reject else 'drop',
                     asleep=sleeper or '', **alone)
        faults.stop_all(fleet)


@pytest.mark.seeds(3)
def test_a_primary_cut_off_with_a_worker_and_a_poller_that_reach_it_and_healed(seed, tell):
    def split(fleet, chance, wake, cables, reject):
        generation = faults.generation(fleet)
        fleet.pull('a', cables, reject)
        fleet.wait_promoted('redis-1')
        assert fleet.ask('redis-1', 'ROLE')[0] == 'master'
        if chance.random() < 0.3:
            wake()
        if cables == ('redis', 'kafka') or chance.random() < 0.7:
            faults.wait_gate(fleet, generation)
            time.sleep(chance.uniform(0, 1))
        fleet.plug('a')
        time.sleep(chance.uniform(0, 0.3))
    run(seed, tell, split)


@pytest.mark.seeds(3)
def test_there_and_back_within_seconds_by_pulled_cables(seed, tell):
    def there_and_back(fleet, chance, wake, cables, reject):
        fleet.pull('a', cables, reject)
        assert fleet.wait_promoted('redis-1') == 'redis-2'
        time.sleep(chance.uniform(0, 2))
        fleet.plug('a')
        if chance.random() < 0.3:
            wake()
        fleet.wait_known('redis-1')
        fleet.pull('b', ('redis',), not reject)
        assert fleet.wait_promoted('redis-2') == 'redis-1'
        time.sleep(chance.uniform(0, 2))
        fleet.plug('b')
    run(seed, tell, there_and_back)

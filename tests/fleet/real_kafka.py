# SPDX-License-Identifier: Apache-2.0
"""A fleet on a real Apache Kafka (KRaft), where Java and Maven are there: one node or several, plain or with users."""
import os
import pathlib
import shutil
import subprocess
import sys

import harness
import pytest
from harness import BUILD, ROOT, wait_for

KAFKA = ROOT / 'tests/sandbox/kafka-real/kafka-real'
LIBS = pathlib.Path(os.environ.get('KAFKA_REAL_LIBS', BUILD.parent / 'kafka-libs'))


def need_real_kafka():
    """Skips, loudly, where it cannot run; fetches it else."""
    missing = [tool for tool in ('java', 'mvn') if not shutil.which(tool)]
    if missing:
        print('SKIPPED: no %s, so nothing was run on a real Kafka' % ' and no '.join(missing))
        pytest.skip('no %s: nothing was run on a real Kafka' % ' and no '.join(missing))
    done = subprocess.run([sys.executable, str(KAFKA), 'fetch', '--libs', str(LIBS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class RealKafka:
    """For one fleet, in the fleet's folder."""

    def __init__(self, *options):
        self.options = options

    def start(self, fleet):
        bootstrap = fleet.dir / 'kafka.bootstrap'
        fleet.spawn('kafka-real', [sys.executable, KAFKA, 'start', '--dir', fleet.dir / 'kafka', '--bootstrap-file',
                                   bootstrap, '--libs', LIBS, *self.options])
        wait_for('Kafka is up', lambda: bootstrap.exists() and bootstrap.read_text().strip(), 90)
        return bootstrap.read_text().strip()

    def stop(self, fleet):
        pass


class OnRealKafka(harness.Fleet):
    REPLICATION = '1'

    def __init__(self, *arguments, options=(), **keywords):
        super().__init__(*arguments, kafka=RealKafka(*options), **keywords)

    def start(self):
        super().start()
        self.ensure_topics()

    def ensure_topics(self):
        done = self.cli('topics', 'ensure', '--partitions', '12', '--replication', self.REPLICATION)
        assert done.returncode == 0, done.stdout + done.stderr

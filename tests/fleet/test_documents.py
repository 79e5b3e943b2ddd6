# SPDX-License-Identifier: Apache-2.0
"""What producer/JOBS.md shows is run as it stands there, but for the names of the fleet and of its account."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT, Fleet, wait_for

DOCUMENT = (ROOT / 'producer/JOBS.md').read_text()
LIBS = pathlib.Path(os.environ.get('KAFKA_REAL_LIBS', BUILD.parent / 'kafka-libs'))
FAST = {'poll_first_ms': 100, 'poll_interval_ms': 200}
SIM = ['--processing-ms', '100-300']


def section(name):
    return DOCUMENT[DOCUMENT.index('\n## %s\n' % name):].split('\n## ')[1]


def blocks(language, text):
    return re.findall(r'```%s\n(.*?)```' % language, text, re.S)


class Example:
    """The examples of the document, in a folder of their own, for this fleet and this account."""

    def __init__(self, fleet, alias):
        self.fleet, self.alias, self.section = fleet, alias, section('From your program')
        self.folder = fleet.dir / 'examples'
        self.folder.mkdir()
        for name, content in re.findall(r'^`(\w+\.json)`,.*?```json\n(.*?)```', self.section, re.M | re.S):
            (self.folder / name).write_text(self.named(content))

    def named(self, text):
        return text.replace('tokfleet.', self.fleet.name + '.').replace('$TOKFLEET_FLEET.', self.fleet.name + '.') \
            .replace('@brand.de', self.alias)

    def run(self, *command, stdin=None):
        environment = dict(os.environ, TOKFLEET_KAFKA_BROKERS=self.fleet.brokers)
        done = subprocess.run(command, cwd=self.folder, env=environment, input=stdin, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def kcat(self):
        for script in blocks('sh', self.section):
            self.run('bash', '-euc', self.named(script))
        return ['spring-1:video', 'spring-1:photos', 'spring-1:draft']

    def python(self):
        put, _ = blocks('python', self.section)
        self.run('/usr/bin/python3', '-', stdin=self.named(put))
        return ['spring-2:video']

    def java(self):
        (self.folder / 'PutJob.java').write_text(self.named(blocks('java', self.section)[0]))
        self.run('java', '-cp', '%s/*' % LIBS, 'PutJob.java')
        return ['spring-3:video']

    def events(self):
        _, heard = blocks('python', self.section)
        return self.run('/usr/bin/python3', '-', stdin=self.named(heard))


def has_confluent_kafka():
    return subprocess.run(['/usr/bin/python3', '-c', 'import confluent_kafka'], capture_output=True).returncode == 0


def run_the_examples(fleet, with_java):
    fleet.start_programs()
    example = Example(fleet, fleet.add_accounts()[0])
    ways, left_out = [example.kcat], []
    for what, there, way in (('Python: no python3-confluent-kafka', has_confluent_kafka(), example.python),
                             ('Java: no java, or no kafka-clients', shutil.which('java') and LIBS.exists(), example.java)):
        if way == example.java and not with_java:
            continue
        ways += [way] if there else []
        left_out += [] if there else [what]
    ids = [job_id for way in ways for job_id in way()]
    states = fleet.wait_ends(ids, 60)
    assert states.pop('spring-1:draft') == 'IN_INBOX' and set(states.values()) == {'PUBLISHED'}, states
    posted = {line['media'][0].split('/')[-1]: line['fields'] for line in fleet.ledger()}
    assert len(posted) == len(ids) and fleet.stats()['doubled'] == 0
    assert posted['spring.mp4']['title'] == 'First light 🌅 #spring'
    assert not any(fleet.job(job_id).get('warnings') for job_id in ids)
    if example.python in ways:
        wait_for('the events are on Kafka', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        told = example.events().splitlines()
        assert {'%s PUBLISHED' % job_id for job_id in states} <= {line.strip() for line in told}, told
    check_dead_letters(fleet)
    return left_out


def check_dead_letters(fleet):
    """The document's way to read them"""
    fleet.produce([('k', 'no job at all')])
    wait_for('a dead letter', lambda: fleet.consume('dlq'))
    script = next(block for block in blocks('', section('Dead letters: `<fleet>.dlq`')) if block.startswith('kcat'))
    done = subprocess.run(['bash', '-euc', script.replace('tokfleet.dlq', fleet.name + '.dlq')], capture_output=True, text=True,
                          env=dict(os.environ, TOKFLEET_KAFKA_BROKERS=fleet.brokers), timeout=60)
    assert done.returncode == 0 and 'bad_message' in done.stdout and 'no job at all' in done.stdout, done


def show_skipped(left_out):
    if left_out:
        pytest.skip('; '.join(left_out) + ': its example was not run')


def test_the_examples_of_jobs_md_put_jobs_on_kafka_and_each_ends():
    with Fleet(FAST, sim=SIM, accounts=1) as fleet:
        left_out = run_the_examples(fleet, with_java=False)
    show_skipped(left_out)

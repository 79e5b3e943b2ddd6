# SPDX-License-Identifier: Apache-2.0
"""kafka-real with ordinary clients (kcat). KAFKA_REAL_LIBS names the folder of the jars."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = pathlib.Path(__file__).with_name("kafka-real")
KCAT = os.environ.get("KCAT", "kcat")


def call(*args, **env):
    return subprocess.run([sys.executable, PROGRAM, *map(str, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                          check=False, env={**os.environ, **env})


class Node:
    """One `kafka-real start`."""

    def __init__(self, folder, libs, *options):
        self.bootstrap_file = folder.with_name(folder.name + "-bootstrap")
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "start", "--dir", str(folder), "--libs", str(libs),
             "--bootstrap-file", str(self.bootstrap_file), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 90
        while not self.bootstrap_file.exists():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < until, "not ready"
            time.sleep(0.05)
        self.bootstrap = self.bootstrap_file.read_text(encoding="utf-8").strip()

    def java(self):
        """The process id of its java."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return int(pathlib.Path(path).read_text(encoding="ascii").split()[0])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)

    def topics(self, *topics):
        return call("topics", "--bootstrap", self.bootstrap, *topics)

    def produce(self, topic, partition, text):
        done = subprocess.run([KCAT, "-b", self.bootstrap, "-P", "-t", topic, "-p", str(partition),
                               "-K:"], input=text, text=True, timeout=30, check=False,
                              stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr

    def consume(self, topic, partition):
        done = subprocess.run([KCAT, "-b", self.bootstrap, "-C", "-q", "-e", "-o", "beginning",
                               "-t", topic, "-p", str(partition), "-K:"], text=True, timeout=30,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def listing(self):
        return subprocess.run([KCAT, "-b", self.bootstrap, "-L"], text=True, timeout=30,
                              check=True, stdout=subprocess.PIPE).stdout


def gone(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.fixture(scope="session", name="libs")
def fixture_libs(tmp_path_factory):
    libs = os.environ.get("KAFKA_REAL_LIBS") or tmp_path_factory.mktemp("jars") / "libs"
    done = call("fetch", "--libs", libs)
    if done.returncode == 77:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return libs


@pytest.fixture(scope="module", name="node")
def fixture_node(libs, tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("real") / "node", libs)
    yield node
    assert node.stop() == 0


def test_what_is_produced_is_consumed(node):
    assert node.topics("fruit:3").returncode == 0
    node.produce("fruit", 2, "k:apple\nk:pear\n")
    assert node.consume("fruit", 2) == ["k:apple", "k:pear"]
    assert 'topic "fruit" with 3 partitions' in node.listing()


def test_a_group_consumes_at_once(node):
    assert node.topics("soup:1").returncode == 0
    node.produce("soup", 0, "k:leek\n")
    done = subprocess.run([KCAT, "-b", node.bootstrap, "-G", "eaters", "-q", "-c", "1", "-X",
                           "auto.offset.reset=earliest", "soup"], text=True, timeout=30,
                          check=False, stdout=subprocess.PIPE)
    assert done.stdout.split() == ["leek"]


def test_no_topic_comes_by_itself(node):
    done = subprocess.run([KCAT, "-b", node.bootstrap, "-P", "-t", "nobody", "-X",
                           "message.timeout.ms=1500", "-X",
                           "topic.metadata.propagation.max.ms=500"], input="x\n", text=True,
                          timeout=30, check=False, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert "nobody" not in node.listing()


def test_a_topic_that_is_there_is_refused_unless_allowed(node):
    assert node.topics("twice:1").returncode == 0
    done = node.topics("twice:1")
    assert done.returncode == 1 and "already exists" in done.stderr
    assert node.topics("--if-missing", "twice:1", "thrice:1").returncode == 0


def test_a_wrong_config_is_refused(node):
    done = node.topics("odd:1:no.such=1")
    assert done.returncode == 1 and "no.such" in done.stderr


@pytest.mark.parametrize("topic", ["x", "x:0", "x:y", ":1", "x:1:policy"])
def test_a_wrong_topic_is_a_wrong_option(node, topic):
    assert node.topics(topic).returncode == 2


def test_a_topic_is_compacted_within_seconds(node):
    topic = "book:1:cleanup.policy=compact,segment.ms=200,min.cleanable.dirty.ratio=0.01," \
            "min.compaction.lag.ms=0"
    assert node.topics(topic).returncode == 0
    for value in range(5):
        node.produce("book", 0, f"k:{value}\n")
        time.sleep(0.25)
    node.produce("book", 0, "end:x\n")
    until = time.monotonic() + 15
    while node.consume("book", 0) != ["k:4", "end:x"]:
        assert time.monotonic() < until, node.consume("book", 0)
        time.sleep(0.2)


def test_it_stops_and_starts_again_with_all_it_had(libs, tmp_path):
    node = Node(tmp_path / "node", libs, "--properties", "message.max.bytes=2000000")
    assert node.topics("fruit:1").returncode == 0
    node.produce("fruit", 0, "k:apple\n")
    java, before = node.java(), node.bootstrap
    assert call("start", "--dir", tmp_path / "node", "--libs", libs, "--bootstrap-file",
                tmp_path / "other").returncode == 1
    assert node.stop() == 0
    assert gone(java) and not node.bootstrap_file.exists()
    assert "message.max.bytes=2000000" in (tmp_path / "node/server.properties").read_text()

    again = Node(tmp_path / "node", libs)
    assert again.bootstrap == before
    assert again.consume("fruit", 0) == ["k:apple"]
    java = again.java()
    again.process.send_signal(signal.SIGKILL)
    again.process.wait(10)
    time.sleep(0.5)
    assert gone(java)


def test_a_java_that_dies_ends_it(libs, tmp_path):
    node = Node(tmp_path / "node", libs)
    os.kill(node.java(), signal.SIGKILL)
    assert node.process.wait(10) == 1
    assert not node.bootstrap_file.exists()


def test_a_strange_folder_is_left_alone(libs, tmp_path):
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    done = call("start", "--dir", tmp_path, "--libs", libs, "--bootstrap-file", tmp_path / "b")
    assert done.returncode == 1 and "neither empty" in done.stderr
    done = call("fetch", "--libs", tmp_path)
    assert done.returncode == 1 and "neither empty" in done.stderr


def test_a_missing_java_is_said(tmp_path):
    done = call("start", "--dir", tmp_path / "n", "--bootstrap-file", tmp_path / "b",
                PATH=str(tmp_path))
    assert done.returncode == 77 and "java is missing" in done.stderr
    done = call("fetch", "--libs", tmp_path / "libs", PATH=str(tmp_path))
    assert done.returncode == 77 and "mvn is missing" in done.stderr

# SPDX-License-Identifier: Apache-2.0
"""kafka-sim from outside: what it serves, how it starts and how it stops."""
import os
import signal
import subprocess
import time

import pytest

from conftest import KAFKA_SIM, Sim


def run(*args):
    return subprocess.run([KAFKA_SIM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=10, check=False)


def test_the_bootstrap_list_is_printed_and_written_whole(start):
    sim = start("--brokers", "3")
    printed = sim.process.stdout.readline().decode().strip()
    assert printed == sim.bootstraps
    assert len(printed.split(",")) == 3
    assert all(address.startswith("127.0.0.1:") for address in printed.split(","))
    assert sorted(os.listdir(sim.folder)) == ["bootstrap", "control", "stderr"]


def test_what_is_produced_is_consumed(start):
    sim = start("--topic", "fruit:2")
    assert sim.produce("fruit", 1, "apple\npear\n").returncode == 0
    assert sim.consume("fruit", 1) == ["apple", "pear"]
    assert sim.consume("fruit", 0) == []
    assert sim.marks() == {("fruit", 0): (0, 0), ("fruit", 1): (0, 2)}


def test_a_group_consumes(start):
    sim = start("--topic", "fruit:2")
    sim.produce("fruit", 0, "apple\n")
    done = sim.kcat("-G", "eaters", "-q", "-c", "1", "-X", "auto.offset.reset=earliest", "fruit")
    assert done.stdout.decode().split() == ["apple"]


def test_a_fleet_has_its_topics(start):
    sim = start("--fleet", "demo")
    assert sim.say("topics") == ["demo.accounts 8", "demo.dlq 8", "demo.events 32",
                                 "demo.jobs 32", "demo.journal 32"]
    assert 'topic "demo.jobs" with 32 partitions' in sim.listing()


def test_a_fleets_partitions_can_be_chosen(start):
    sim = start("--fleet", "demo", "--jobs-partitions", "4", "--journal-partitions", "3",
                "--accounts-partitions", "2", "--events-partitions", "5", "--dlq-partitions", "1",
                "--topic", "other:7")
    assert sim.say("topics") == ["demo.accounts 2", "demo.dlq 1", "demo.events 5", "demo.jobs 4",
                                 "demo.journal 3", "other 7"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_the_files_go(start, how):
    sim = start()
    assert sim.stop(how) == 0
    assert os.listdir(sim.folder) == ["stderr"]


def test_quit_stops_it(start):
    sim = start()
    assert sim.say("quit") == []
    assert sim.process.wait(10) == 0
    assert not sim.socket_path.exists()


def test_it_stops_while_a_broker_is_down_and_another_slow(start):
    sim = start("--brokers", "2", "--topic", "fruit:2", "--watch-ms", "100")
    sim.say("down 1")
    sim.say("rtt 2 60000")
    time.sleep(0.3)
    begun = time.monotonic()
    assert sim.stop() == 0
    assert time.monotonic() - begun < 9


def test_the_watch_ends_it_with_3_when_records_are_dropped(start):
    sim = start("--topic", "fruit:2", "--watch-ms", "200")
    text = ("x" * 999 + "\n") * 6000
    sim.produce("fruit", 1, text, "-X", "linger.ms=5")
    assert sim.process.wait(10) == 3
    assert "records dropped: topic=fruit partition=1 low=" in sim.err()
    assert not sim.socket_path.exists()


def test_the_last_look_finds_what_a_paused_watch_did_not(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "100")
    sim.say("watch pause")
    sim.produce("fruit", 0, ("x" * 999 + "\n") * 6000)
    time.sleep(0.4)
    assert sim.process.poll() is None
    sim.say("push-errors ListOffsets _TRANSPORT:100")
    assert sim.stop() == 3
    assert "records dropped: topic=fruit" in sim.err()


def test_without_a_watch_nothing_ends_it(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "0")
    sim.produce("fruit", 0, ("x" * 999 + "\n") * 6000)
    low, high = sim.marks()[("fruit", 0)]
    assert low > 0 and high == 6000
    assert sim.stop() == 0


def test_four_mebibytes_are_kept(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "100")
    sim.produce("fruit", 0, ("x" * 1023 + "\n") * 4096)
    assert sim.marks() == {("fruit", 0): (0, 4096)}
    assert sim.stop() == 0


def test_a_dead_ones_socket_is_taken_over(start):
    sim = start()
    sim.process.kill()
    sim.process.wait(10)
    assert sim.socket_path.exists()
    sim.bootstrap_file.unlink()
    again = Sim(sim.folder)
    try:
        assert again.wait_ready().say("topics") == []
    finally:
        assert again.stop() == 0


def test_a_living_ones_socket_is_left_alone(start, tmp_path):
    sim = start()
    done = run("--bootstrap-file", str(tmp_path / "other"), "--control", str(sim.socket_path))
    assert done.returncode == 1 and b"somebody listens there" in done.stderr
    assert sim.say("topics") == []


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("mine")
    done = run("--bootstrap-file", str(tmp_path / "b"), "--control", str(path))
    assert done.returncode == 1 and b"is no socket" in done.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("options", [
    [], ["--control", "c"], ["--brokers", "4"], ["--brokers", "x"], ["--topic", "fruit"],
    ["--topic", "fruit:0"], ["--topic", "fruit:1001"], ["--topic", "a b:1"], ["--unknown"],
    ["--watch-ms", "-1"], ["stray"], ["--topic", "a:1", "--topic", "a:1"], ["--fleet", "a/b"],
    ["--jobs-partitions", "0"], ["--rtt-ms", "1s"],
])
def test_bad_options_stop_the_start(tmp_path, options):
    files = ["--bootstrap-file", str(tmp_path / "b"), "--control", str(tmp_path / "c")]
    done = run(*(files if options and options[0] != "--control" else []), *options)
    assert done.returncode == 2 and done.stderr
    assert os.listdir(tmp_path) == []


def test_help_is_printed():
    done = run("--help")
    assert done.returncode == 0 and b"--bootstrap-file" in done.stdout

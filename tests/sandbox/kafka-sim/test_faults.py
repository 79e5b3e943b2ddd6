# SPDX-License-Identifier: Apache-2.0
"""Every command of the control socket, seen in its effect on an ordinary client."""
import signal
import time

import pytest

NO_RETRY = ("-X", "retries=0")


def test_topic_creates_one(start):
    sim = start()
    sim.say("topic fruit 5")
    assert sim.say("topics") == ["fruit 5"]
    with pytest.raises(ValueError, match="TOPIC_ALREADY_EXISTS"):
        sim.say("topic fruit 5")


def test_topic_error_is_in_the_metadata_until_healed(start):
    sim = start("--topic", "fruit:1")
    sim.say("topic-error fruit TOPIC_AUTHORIZATION_FAILED")
    done = sim.kcat("-L", "-t", "fruit")
    if done.returncode == -signal.SIGSEGV:
        pytest.skip("librdkafka 2.8.0, Debian 13's, crashes over the mock cluster's topic with an error, in any client")
    assert "Topic authorization failed" in done.stdout.decode()
    sim.say("topic-error fruit NO_ERROR")
    assert "authorization" not in sim.listing("-t", "fruit")


def test_pushed_errors_fail_so_many_requests(start):
    sim = start("--topic", "fruit:1")
    sim.say("push-errors Produce TOPIC_AUTHORIZATION_FAILED:2 MSG_SIZE_TOO_LARGE")
    for words in (b"authorization", b"authorization", b"Message size too large"):
        done = sim.produce("fruit", 0, "apple\n", *NO_RETRY)
        assert done.returncode != 0 and words in done.stderr, done.stderr
    assert sim.produce("fruit", 0, "pear\n").returncode == 0
    assert sim.consume("fruit", 0) == ["pear"]


def test_pushed_errors_can_be_cleared(start):
    sim = start("--topic", "fruit:1")
    sim.say("push-errors 0 RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:100")
    sim.say("clear-errors produce")
    assert sim.produce("fruit", 0, "apple\n").returncode == 0


def test_a_retriable_error_is_retried(start):
    sim = start("--topic", "fruit:1")
    sim.say("push-errors Produce NOT_LEADER_FOR_PARTITION:2")
    assert sim.produce("fruit", 0, "apple\n").returncode == 0
    assert sim.consume("fruit", 0) == ["apple"]


def test_transport_closes_the_connection_before_anything_is_written(start):
    sim = start("--topic", "fruit:1")
    sim.say("push-errors Produce _TRANSPORT")
    done = sim.produce("fruit", 0, "apple\n", *NO_RETRY)
    assert done.returncode != 0
    assert sim.marks()[("fruit", 0)] == (0, 0)


def test_a_late_answer_is_applied_but_lost(start):
    sim = start("--topic", "fruit:1")
    sim.say("push-errors-rtt 1 Produce NO_ERROR:2500")
    assert sim.say("pending 1 Produce") == ["1"]
    done = sim.produce("fruit", 0, "apple\n", *NO_RETRY, "-X", "request.timeout.ms=300",
                       "-X", "socket.timeout.ms=1000", "-X", "message.timeout.ms=1500")
    assert done.returncode != 0 and b"timed out" in done.stderr, done.stderr
    assert sim.say("pending 1 Produce") == ["0"]
    assert sim.consume("fruit", 0) == ["apple"]


def test_an_error_with_a_round_trip_is_both(start):
    sim = start("--brokers", "2", "--topic", "fruit:1")
    sim.say("push-errors-rtt all Produce TOPIC_AUTHORIZATION_FAILED:400 MSG_SIZE_TOO_LARGE:0")
    assert sim.say("pending all Produce") == ["4"]
    begun = time.monotonic()
    done = sim.produce("fruit", 0, "apple\n", *NO_RETRY)
    assert b"authorization" in done.stderr and time.monotonic() - begun >= 0.4


def test_rtt_delays_every_answer(start):
    sim = start("--topic", "fruit:1", "--rtt-ms", "200")
    begun = time.monotonic()
    sim.listing()
    assert time.monotonic() - begun >= 0.4  # ApiVersion and Metadata
    sim.say("rtt all 0")
    begun = time.monotonic()
    sim.listing()
    assert time.monotonic() - begun < 0.4


def test_a_broker_goes_down_and_comes_back_on_its_port(start):
    sim = start("--topic", "fruit:1")
    sim.say("down 1")
    assert sim.kcat("-L", "-m", "1").returncode != 0
    with pytest.raises(ValueError):
        sim.say("topics")
    sim.say("up 1")
    assert 'topic "fruit"' in sim.listing()
    assert sim.say("topics") == ["fruit 1"]


def test_records_survive_their_broker_being_down(start):
    sim = start("--topic", "fruit:1")
    sim.produce("fruit", 0, "apple\n")
    sim.say("down all")
    sim.say("up all")
    assert sim.consume("fruit", 0) == ["apple"]


def test_a_group_finds_the_coordinator_it_was_given(start):
    sim = start("--brokers", "3", "--topic", "fruit:1")
    sim.produce("fruit", 0, "apple\n")
    for broker in ("2", "3"):
        sim.say(f"coordinator group eaters{broker} {broker}")
        done = sim.kcat("-G", f"eaters{broker}", "-c", "1", "-X", "auto.offset.reset=earliest",
                        "-X", "debug=cgrp", "-X", "log_level=7", "fruit")
        assert f"coordinator is 127.0.0.1:{sim.bootstraps.split(',')[int(broker) - 1][10:]} " \
               f"id {broker}" in done.stderr.decode(), done.stderr.decode()


def test_a_transaction_finds_the_coordinator_it_was_given(start):
    sim = start("--brokers", "2", "--topic", "fruit:1")
    sim.say("coordinator transaction meal 2")
    done = sim.produce("fruit", 0, "apple\n", "-X", "transactional.id=meal", "-X", "debug=eos",
                       "-X", "log_level=7")
    assert done.returncode == 0, done.stderr
    assert "TxnCoordinator/2" in done.stderr.decode()


def test_a_partition_has_the_leader_it_was_given(start):
    sim = start("--brokers", "3", "--topic", "fruit:2")
    for broker in ("3", "1", "2"):
        sim.say(f"leader fruit 1 {broker}")
        assert f"partition 1, leader {broker}," in sim.listing("-t", "fruit")
    sim.say("leader fruit 0 none")
    assert "partition 0, leader -1," in sim.listing("-t", "fruit")
    assert sim.marks() == {("fruit", 0): (-1, -1), ("fruit", 1): (0, 0)}


def test_the_watch_leaves_pushed_errors_to_others(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "20")
    sim.say("push-errors-rtt 1 ListOffsets NO_ERROR:1 NO_ERROR:1")
    time.sleep(0.3)
    assert sim.say("pending 1 ListOffsets") == ["2"]
    assert "the watch is paused" in sim.err()
    sim.say("watch resume")
    time.sleep(0.3)
    assert sim.say("pending 1 ListOffsets") == ["0"]


def test_commands_in_a_row_do_not_wait(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "0")
    begun = time.monotonic()
    for _ in range(50):
        sim.say("rtt all 0")
    assert time.monotonic() - begun < 1


def test_a_blind_watch_says_so_and_sees_again(start):
    sim = start("--topic", "fruit:1", "--watch-ms", "50")
    sim.say("down 1")
    time.sleep(3.5)
    sim.say("up 1")
    time.sleep(1)
    assert sim.err().count("the watch is blind") == 1
    assert sim.err().count("the watch sees again") == 1


@pytest.mark.parametrize("line, words", [
    ("", "an empty line"),
    ("dance", "unknown command"),
    ("topic fruit", "usage: topic NAME PARTITIONS"),
    ("topic fruit 0", "not a number from 1 to 1000"),
    ("topic a/b 1", "only letters"),
    ("topic " + "a" * 250 + " 1", "1 to 249"),
    ("topic-error fruit WHAT", "unknown error"),
    ("push-errors Dance NO_ERROR", "unknown request"),
    ("push-errors Metadata _TRANSPORT", "ignores errors pushed for Metadata"),
    ("push-errors Produce", "usage"),
    ("push-errors Produce NO_ERROR:0", "count"),
    ("push-errors Produce NO_ERROR:99999999999999999999", "count"),
    ("push-errors-rtt 1 Produce NO_ERROR", "needs :RTT_MS"),
    ("push-errors-rtt 2 Produce NO_ERROR:1", "broker"),
    ("push-errors Produce " + "NO_ERROR " * 100, "more than 64 words"),
    ("rtt 1 -1", "rtt"),
    ("rtt one 1", "broker"),
    ("down 0", "broker"),
    ("leader fruit 7 1", "UNKNOWN_TOPIC_OR_PART"),
    ("leader fruit 0 all", "one broker"),
    ("coordinator family g 1", "group or transaction"),
    ("watch out", "watch pause"),
])
def test_a_wrong_line_is_answered_with_the_reason(start, line, words):
    sim = start("--topic", "fruit:1")
    with pytest.raises(ValueError, match=words):
        sim.say(line)
    assert sim.say("topics") == ["fruit 1"]


def test_help_names_every_command(start):
    names = {line.split()[0] for line in start().say("help")}
    assert names == {"topic", "topic-error", "push-errors", "push-errors-rtt", "pending",
                     "clear-errors", "rtt", "down", "up", "coordinator", "leader", "watch",
                     "topics", "help", "quit"}


def test_lines_may_come_together_or_in_pieces(start):
    sim = start()
    with sim.connect() as link, link.makefile("r") as answers:
        link.sendall(b"topic a 1\ntopic b 2\r\ntop")
        time.sleep(0.1)
        link.sendall(b"ics\n")
        assert [answers.readline() for _ in range(5)] == ["ok\n", "ok\n", "a 1\n", "b 2\n", "ok\n"]


def test_a_line_without_end_is_refused(start):
    sim = start()
    with sim.connect() as link, link.makefile("r") as answers:
        link.sendall(b"x" * 4096)
        assert answers.readline() == "error: a line has at most 4095 bytes\n"
        assert answers.readline() == ""
    assert sim.say("topics") == []


def test_a_seventeenth_connection_is_refused(start):
    sim = start()
    links = [sim.connect() for _ in range(16)]
    for link in links:
        link.sendall(b"topics\n")
        assert link.recv(100) == b"ok\n"
    with sim.connect() as link:
        assert link.recv(100) == b"error: too many connections\n"
    for link in links:
        link.close()
    time.sleep(0.1)
    assert sim.say("topics") == []


def test_a_peer_that_reads_nothing_holds_nobody_up_for_long(start):
    sim = start("--topic", "fruit:1000", "--watch-ms", "0")
    with sim.connect() as deaf:
        deaf.sendall(b"watch\n" * 100)
        begun = time.monotonic()
        assert len(sim.say("watch")) == 1000
        assert time.monotonic() - begun < 8

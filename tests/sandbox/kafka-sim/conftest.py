# SPDX-License-Identifier: Apache-2.0
"""A running kafka-sim and a few words to speak to it."""
import os
import signal
import socket
import subprocess
import time

import pytest

KAFKA_SIM = os.environ.get("KAFKA_SIM", "kafka-sim")
KCAT = os.environ.get("KCAT", "kcat")


class Sim:
    """One kafka-sim in a folder of its own."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.bootstrap_file = folder / "bootstrap"
        self.socket_path = folder / "control"
        self.err_path = folder / "stderr"
        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(
                [KAFKA_SIM, "--bootstrap-file", str(self.bootstrap_file),
                 "--control", str(self.socket_path), *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)

    def wait_ready(self):
        until = time.monotonic() + 10
        while not self.bootstrap_file.exists():
            assert self.process.poll() is None, self.err()
            assert time.monotonic() < until, "not ready in 10 s"
            time.sleep(0.01)
        self.bootstraps = self.bootstrap_file.read_text().strip()
        return self

    def err(self):
        return self.err_path.read_text()

    def connect(self):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(10)
        link.connect(str(self.socket_path))
        return link

    def say(self, line):
        """The lines before `ok`; an error is raised as ValueError."""
        with self.connect() as link, link.makefile("rw") as stream:
            stream.write(line + "\n")
            stream.flush()
            answer = []
            for text in stream:
                text = text.rstrip("\n")
                if text == "ok":
                    return answer
                if text.startswith("error: "):
                    raise ValueError(text)
                answer.append(text)
            raise EOFError(answer)

    def marks(self):
        """{(topic, partition): (low, high)}"""
        rows = [line.split() for line in self.say("watch")]
        return {(row[0], int(row[1])): (int(row[2]), int(row[3])) for row in rows}

    def kcat(self, *args, stdin="", timeout=20):
        return subprocess.run(
            [KCAT, "-b", self.bootstraps, "-X", "log_level=3", *args], input=stdin.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)

    def produce(self, topic, partition, text, *options, timeout=20):
        return self.kcat("-P", "-t", topic, "-p", str(partition), *options, stdin=text,
                         timeout=timeout)

    def consume(self, topic, partition):
        done = self.kcat("-C", "-q", "-e", "-o", "beginning", "-t", topic, "-p", str(partition))
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().split()

    def listing(self, *options):
        done = self.kcat("-L", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(15)
        finally:
            self.process.kill()
            self.process.stdout.close()
        return status


@pytest.fixture
def start(tmp_path):
    """start(option, ...) -> a ready Sim; whoever still runs is stopped at the end."""
    sims = []

    def run(*options):
        folder = tmp_path / str(len(sims))
        folder.mkdir()
        sims.append(Sim(folder, *options))
        return sims[-1].wait_ready()

    yield run
    for sim in sims:
        sim.stop()
        assert "ERROR: " not in sim.err() and "runtime error" not in sim.err(), sim.err()

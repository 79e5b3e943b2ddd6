# SPDX-License-Identifier: Apache-2.0
"""One tiktok-sim for a test, or as many as it starts."""

import pytest

from simulator import Sim


@pytest.fixture
def start(tmp_path):
    running = []

    def starter(*flags, **more):
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Sim(folder, *flags, **more))
        return running[-1]

    yield starter
    for sim in running:
        if sim.process.poll() is None:
            sim.stop()


@pytest.fixture
def sim(start):
    return start("--limit-init", 0, "--limit-status", 0, "--limit-day-posts", 0, "--limit-drafts", 0)

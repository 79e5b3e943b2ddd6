# SPDX-License-Identifier: Apache-2.0
"""Posts that were made twice."""

from simulator import CONTENT, VIDEO, fresh_url, ok, photos, put, upload, video


def test_doubles_are_found(sim):
    url = fresh_url()
    ok(sim.api(VIDEO, video(url)))
    ok(sim.api(VIDEO, video()))
    ok(sim.api(VIDEO, video(url), account=1))
    ok(sim.api(VIDEO, video(url, title="another")))
    assert sim.stats()["doubled"] == 0 and sim.control("doubles") == []
    second = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert sim.stats()["doubled"] == 1
    double = sim.control("doubles")[0]
    assert double["by"] == "url" and double["first"]["seq"] == 1
    assert double["second"]["publish_id"] == second
    assert sim.events("double")[0]["publish_id"] == second
    ok(sim.api(VIDEO, video(url)))
    assert sim.stats()["doubled"] == 2


def test_photo_and_upload_doubles(sim):
    urls = [fresh_url(), fresh_url()]
    for _ in range(2):
        ok(sim.api(CONTENT, photos(urls=urls)))
    ok(sim.api(CONTENT, photos(urls=urls[::-1])))
    assert sim.stats()["doubled"] == 1
    for content in (b"0123456789", b"0123456789", b"another..."):
        url = ok(sim.api(VIDEO, video(source=upload(10, 10, 1))))["upload_url"]
        assert put(sim, url, 0, 9, 10, body=content).http == 201
    ok(sim.api(VIDEO, video(source=upload(10, 10, 1))))
    assert sim.stats()["doubled"] == 2
    assert sorted(d["by"] for d in sim.control("doubles")) == ["bytes", "url"]


def test_no_double_when_the_first_fails_later(sim):
    url = fresh_url("slow/200/fail/internal/a.mp4")
    first = ok(sim.api(VIDEO, video(url)))["publish_id"]
    ok(sim.api(VIDEO, video(url)))
    assert sim.stats()["doubled"] == 1
    sim.wait_end(first)
    assert sim.stats()["doubled"] == 0

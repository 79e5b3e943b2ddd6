# SPDX-License-Identifier: Apache-2.0
"""Bytes that come in chunks."""

import json
import re
import time

import pytest

from simulator import CANCEL, INBOX, JSON, VIDEO, bad, ok, put, upload, video


def test_upload_vector(sim):
    size, chunk = 50000123, 10000000
    data = ok(sim.api(VIDEO, video(source=upload(size, chunk, 5))))
    publish_id, url = data["publish_id"], data["upload_url"]
    assert re.fullmatch(r"v_pub_file~v2-1\.\d{19}", publish_id)
    assert url.startswith(f"http://{sim.address}/video/?upload_id=") and len(url) <= 256
    assert ok(sim.status(publish_id)) == {"status": "PROCESSING_UPLOAD"}
    assert sim.stats()["posts"] == 0
    codes = []
    for i in range(5):
        first, last = i * chunk, size - 1 if i == 4 else (i + 1) * chunk - 1
        answer = put(sim, url, first, last, size)
        codes.append(answer.http)
        assert answer.headers["Content-Range"] == f"bytes 0-{last + 1}/{size}"
        if i == 0:
            assert ok(sim.status(publish_id))["uploaded_bytes"] == chunk
    assert codes == [206, 206, 206, 206, 201]
    assert sim.stats()["posts"] == 1
    assert sim.wait_end(publish_id)["status"] == "PUBLISH_COMPLETE"


def test_upload_url_is_on_the_host_that_was_called(sim):
    head = {"Authorization": f"Bearer {sim.accounts[0]['access_token']}", "Content-Type": JSON}
    body = json.dumps(video(source=upload(10, 10, 1)))
    for host, shown in (("sim.test:8080", "sim.test:8080"), ("a b", sim.address)):
        data = ok(sim.raw("POST", VIDEO, body, {**head, "Host": host}))
        assert data["upload_url"].startswith(f"http://{shown}/video/?")


@pytest.mark.parametrize("size, chunk, count", [
    (1, 1, 1), (4194304, 4194304, 1), (64000000, 64000000, 1), (64000001, 32000000, 2),
    (128000000, 32000000, 4), (602285541, 32000000, 18), (4294967296, 32000000, 134),
    (50000123, 10000000, 5), (12000000, 10000000, 1)])
def test_good_chunk_plans(sim, size, chunk, count):
    ok(sim.api(VIDEO, video(source=upload(size, chunk, count))))
    ok(sim.api(INBOX, {"source_info": upload(size, chunk, count)}))


@pytest.mark.parametrize("size, chunk, count, part", [
    (50000123, 10000000, 6, "chunk count"), (50000123, 10000000, 4, "chunk count"),
    (602285541, 67108864, 9, "chunk size"), (602285541, 64000000, 10, "chunk count"),
    (64000001, 64000001, 1, "chunk size"), (94000000, 64000000, 1, "chunk size"),
    (20000000, 4999999, 4, "chunk size"), (20000000, 5000000, 4, "chunk size"),
    (1000, 2000, 1, "chunk size"), (1000, 500, 2, "chunk size"),
    (4294967297, 32000000, 134, "video size"), (0, 1, 1, "video size"), ("9", 9, 1, "video size"),
    (9, None, 1, "chunk size"), (9, 9, 1.5, "chunk count")])
def test_bad_chunk_plans(sim, size, chunk, count, part):
    bad(sim.api(VIDEO, video(source=upload(size, chunk, count))), part)


def test_upload_refusals(sim):
    size = 20000000
    publish_id, url = ok(sim.api(VIDEO, video(source=upload(size, 10000000, 2)))).values()
    one = (0, 9999999, size)
    assert put(sim, url, *one, **{"Content-Type": "text/plain"}).http == 400
    assert put(sim, url, *one, **{"Content-Type": None}).http == 400
    assert put(sim, url, *one, **{"Content-Range": None}).http == 400
    assert put(sim, url, *one, **{"Content-Range": "bytes 0-9999999"}).http == 400
    assert put(sim, url, *one, body=b"short").http == 400
    assert put(sim, url, 0, 9999999, size + 1).http == 400
    assert put(sim, url, 10000000, size - 1, size).http == 416
    assert put(sim, url, 0, 4999999, size).http == 416
    assert put(sim, url[:-1], *one).http == 404
    assert put(sim, url.replace("upload_id=7", "upload_id=8"), *one).http == 404
    assert put(sim, url, *one, **{"Content-Type": "video/webm"}).http == 206
    assert put(sim, url, *one).http == 416
    assert put(sim, url, 10000000, size - 1, size, **{"Content-Type": "video/quicktime"}).http == 201
    assert put(sim, url, 10000000, size - 1, size).http == 416
    assert sim.ledger()[0]["uploaded_bytes"] == size


def test_upload_url_expires(start):
    sim = start("--upload-ttl-ms", 100)
    publish_id, url = ok(sim.api(VIDEO, video(source=upload(10, 10, 1)))).values()
    time.sleep(0.2)
    assert put(sim, url, 0, 9, 10).http == 403
    assert ok(sim.status(publish_id)) == {"status": "FAILED", "fail_reason": "internal"}


def test_cancelled_upload_is_gone(sim):
    publish_id, url = ok(sim.api(VIDEO, video(source=upload(10, 10, 1)))).values()
    assert sim.api(CANCEL, {"publish_id": publish_id}).json["error"]["code"] == "ok"
    assert put(sim, url, 0, 9, 10).http == 404

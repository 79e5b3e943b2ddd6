# SPDX-License-Identifier: Apache-2.0
"""What becomes of a post, and cancelling it."""

import json
import time

from simulator import CANCEL, CONTENT, STATUS, VIDEO, check, fresh_url, ok, photos, video


def test_publish_id_errors(sim):
    publish_id = ok(sim.api(VIDEO, video()))["publish_id"]
    for path in (STATUS, CANCEL):
        check(sim.api(path, {"publish_id": "v_pub_url~v2-1.1"}), 400, "invalid_publish_id")
        check(sim.api(path, {"publish_id": 5}), 400, "invalid_publish_id")
        check(sim.api(path, {"publish_id": publish_id}, account=1), 400,
              "token_not_authorized_for_specified_publish_id")


def test_cancel(start):
    sim = start("--processing-ms", "5000-5000")
    publish_id = ok(sim.api(VIDEO, video()))["publish_id"]
    answer = sim.api(CANCEL, {"publish_id": publish_id})
    assert answer.http == 200 and "data" not in answer.json and answer.json["error"]["code"] == "ok"
    assert ok(sim.status(publish_id)) == {"status": "FAILED", "fail_reason": "publish_cancelled"}
    check(sim.api(CANCEL, {"publish_id": publish_id}), 400, "publish_not_cancellable")
    late = ok(sim.api(VIDEO, video(fresh_url("slow/1000/a.mp4"))))["publish_id"]
    time.sleep(0.93)
    check(sim.api(CANCEL, {"publish_id": late}), 400, "publish_not_cancellable")


def test_url_markers(sim):
    url = fresh_url("fail/file_format_check_failed/a.mp4")
    publish_id = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert sim.wait_end(publish_id) == {"status": "FAILED", "fail_reason": "file_format_check_failed"}
    url = fresh_url("fail-once/video_pull_failed/a.mp4")
    first = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert sim.wait_end(first)["fail_reason"] == "video_pull_failed"
    second = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert sim.wait_end(second)["status"] == "PUBLISH_COMPLETE"
    assert sim.stats()["doubled"] == 0, "a repeat of a failed post is no double"
    began = time.time()
    sim.wait_end(ok(sim.api(VIDEO, video(fresh_url("slow/600/a.mp4"))))["publish_id"])
    assert 0.5 < time.time() - began < 2
    check(sim.api(VIDEO, video(fresh_url("refuse/403/spam_risk_text/a"))), 403, "spam_risk_text")
    check(sim.api(CONTENT, photos(urls=[fresh_url("refuse/400/app_version_check_failed/a")])), 400,
          "app_version_check_failed")
    stuck = ok(sim.api(VIDEO, video(fresh_url("stuck/a.mp4"))))["publish_id"]
    time.sleep(0.3)
    assert ok(sim.status(stuck))["status"] == "PROCESSING_DOWNLOAD"
    sim.control("finish", {"publish_id": stuck, "status": "FAILED", "fail_reason": "auth_removed"})
    assert ok(sim.status(stuck))["fail_reason"] == "auth_removed"
    body = json.dumps({"publish_id": stuck, "status": "PUBLISH_COMPLETE"})
    assert sim.raw("POST", "/_sim/finish", body).http == 409


def test_weighted_processing_times(start):
    sim = start("--processing-ms", "1:20-20,1:400-400", "--limit-init", 0, "--limit-day-posts", 0)
    for _ in range(40):
        ok(sim.api(VIDEO, video()))
    time.sleep(0.5)
    took = [e["end_ms"] - e["time_ms"] for e in sim.ledger()]
    assert set(took) == {20, 400} and 8 < took.count(20) < 32

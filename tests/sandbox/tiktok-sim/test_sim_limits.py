# SPDX-License-Identifier: Apache-2.0
"""Windows, caps and posts in flight."""

import time

from simulator import (
    CONTENT, CREATOR, INBOX, INIT_PATHS, VIDEO, body_for, check, draft, ok, photos, video)


def test_the_three_inits_share_one_window(start):
    sim = start("--window-ms", 1500, "--limit-drafts", 0)
    for path in INIT_PATHS * 2:
        ok(sim.api(path, body_for(path)))
    for path in INIT_PATHS:
        check(sim.api(path, body_for(path)), 429, "rate_limit_exceeded")
    ok(sim.api(VIDEO, video(), account=1))
    assert sim.stats()["breaches"]["init"] == 3
    assert [b["kind"] for b in sim.events("breach")] == ["init"] * 3
    time.sleep(1.6)
    for _ in range(6):
        ok(sim.api(VIDEO, video()))
    check(sim.api(VIDEO, video()), 429, "rate_limit_exceeded")


def test_refused_calls_do_not_extend_the_window(start):
    sim = start("--window-ms", 1000, "--limit-creator-info", 1)
    ok(sim.api(CREATOR, {}))
    began, refused = time.time(), 0
    while sim.api(CREATOR, {}).http == 429:
        refused += 1
        time.sleep(0.05)
    assert refused > 3 and 0.8 < time.time() - began < 1.3
    assert sim.stats()["breaches"]["creator_info"] == refused


def test_creator_info_and_status_limits(start):
    sim = start()
    for _ in range(20):
        ok(sim.api(CREATOR, {}))
    check(sim.api(CREATOR, {}), 429, "rate_limit_exceeded")
    for _ in range(30):
        check(sim.status("x"), 400, "invalid_publish_id")
    check(sim.status("x"), 429, "rate_limit_exceeded")
    assert sim.stats()["breaches"]["total"] == 2


def test_daily_posts(start):
    sim = start("--limit-init", 0, "--day-ms", 1500, "--limit-day-posts", 3)
    for path in (VIDEO, CONTENT, VIDEO):
        ok(sim.api(path, body_for(path)))
    for path in (VIDEO, CONTENT):
        check(sim.api(path, body_for(path)), 403, "spam_risk_too_many_posts")
    check(sim.api(CREATOR, {}), 200, "spam_risk_too_many_posts")
    ok(sim.api(INBOX, draft()))
    assert sim.stats()["breaches"]["day_posts"] == 2
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"], "day_cap": 4})
    ok(sim.api(VIDEO, video()))
    time.sleep(1.6)
    ok(sim.api(CREATOR, {}))
    ok(sim.api(VIDEO, video()))


def test_pending_drafts(start):
    sim = start("--limit-init", 0, "--day-ms", 1000)
    for path in (INBOX, INBOX, INBOX, INBOX):
        ok(sim.api(path, draft()))
    ok(sim.api(CONTENT, photos("MEDIA_UPLOAD")))
    check(sim.api(INBOX, draft()), 403, "spam_risk_too_many_pending_share")
    check(sim.api(CONTENT, photos("MEDIA_UPLOAD")), 403, "spam_risk_too_many_pending_share")
    ok(sim.api(VIDEO, video()))
    assert sim.stats()["breaches"]["drafts"] == 2
    time.sleep(1.1)
    ok(sim.api(INBOX, draft()))


def test_active_cap(start):
    sim = start("--active-cap", 2, "--day-ms", 1000, "--limit-init", 0, accounts=3)
    for account in (0, 1, 0, 1):
        ok(sim.api(VIDEO, video(), account))
    check(sim.api(VIDEO, video(), 2), 403, "reached_active_user_cap")
    check(sim.api(CONTENT, photos(), 2), 403, "reached_active_user_cap")
    check(sim.api(CREATOR, {}, 2), 200, "reached_active_user_cap")
    ok(sim.api(INBOX, draft(), 2))
    assert sim.stats()["breaches"]["active_cap"] == 2
    time.sleep(1.1)
    ok(sim.api(VIDEO, video(), 2))


def test_unaudited(start):
    sim = start("--unaudited")
    code = "unaudited_client_can_only_post_to_private_accounts"
    check(sim.api(VIDEO, video()), 403, code)
    check(sim.api(VIDEO, video(privacy_level="SELF_ONLY")), 403, code)
    ok(sim.api(CREATOR, {}))
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"], "private": True})
    check(sim.api(CONTENT, photos(privacy_level="MUTUAL_FOLLOW_FRIENDS")), 403, code)
    ok(sim.api(VIDEO, video(privacy_level="SELF_ONLY")))
    sim.control("accounts", {"open_id": sim.accounts[1]["open_id"], "audited": True})
    ok(sim.api(VIDEO, video(), account=1))


def test_in_flight(start):
    sim = start("--limit-init", 0)
    ids = [ok(sim.api(VIDEO, video()))["publish_id"] for _ in range(4)]
    other = ok(sim.api(VIDEO, video(), account=1))["publish_id"]
    stats = sim.stats()
    assert (stats["in_flight"], stats["in_flight_internal"]) == (5, 5)
    assert stats["max_in_flight_account"] == 4
    time.sleep(0.3)
    stats = sim.stats()
    assert (stats["in_flight"], stats["in_flight_internal"]) == (5, 0)
    ok(sim.api(VIDEO, video()))
    stats = sim.stats()
    assert (stats["max_in_flight"], stats["max_in_flight_internal"]) == (6, 5)
    assert (stats["max_in_flight_account"], stats["max_in_flight_account_internal"]) == (5, 4)
    for publish_id in ids:
        sim.wait_end(publish_id)
    sim.wait_end(other, 1)
    assert sim.stats()["in_flight"] == 1
    assert len(sim.events("reported")) == 5

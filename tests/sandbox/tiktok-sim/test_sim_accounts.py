# SPDX-License-Identifier: Apache-2.0
"""Accounts, what they may do, and what they show."""

import time

from simulator import (
    CANCEL, CONTENT, CREATOR, INBOX, INIT_PATHS, STATUS, TOKEN, VIDEO, bad, body_for, check, draft,
    ok, photos, video)


def test_creator_info(sim):
    data = ok(sim.api(CREATOR, {}))
    assert data["privacy_level_options"] == ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
    assert data["creator_username"] == "sim001" and data["creator_nickname"]
    assert data["max_video_post_duration_sec"] == 600 and data["duet_disabled"] is False
    ok(sim.api(CREATOR, None))
    open_id = sim.accounts[0]["open_id"]
    sim.control("accounts", {"open_id": open_id, "private": True, "comment_disabled": True,
                             "max_video_post_duration_sec": 60})
    data = ok(sim.api(CREATOR, {}))
    assert data["privacy_level_options"] == ["MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]
    assert data["duet_disabled"] and data["stitch_disabled"] and data["comment_disabled"]
    assert data["max_video_post_duration_sec"] == 60


def test_accounts_can_be_added_and_changed(sim):
    new = sim.control("accounts", [{"open_id": "-x_y", "access_token": "act.mine",
                                    "refresh_token": "rft.mine", "scopes": ["video.upload"]}])[0]
    assert new["open_id"] == "-x_y" and new["scope"] == "video.upload"
    ok(sim.api(INBOX, draft(), token="act.mine"))
    check(sim.api(VIDEO, video(), token="act.mine"), 401, "scope_not_authorized")
    check(sim.api(CREATOR, {}, token="act.mine"), 401, "scope_not_authorized")
    check(sim.api(CONTENT, photos(), token="act.mine"), 401, "scope_not_authorized")
    ok(sim.api(CONTENT, photos("MEDIA_UPLOAD"), token="act.mine"))
    assert sim.form(TOKEN, grant_type="refresh_token", refresh_token="rft.mine").json["open_id"] == "-x_y"
    assert "-x_y" in [a["open_id"] for a in sim.control("accounts")]
    assert sim.raw("POST", "/_sim/accounts", '{"nonsense":1}').http == 400
    assert sim.raw("POST", "/_sim/accounts", '{"scopes":["nonsense"]}').http == 400
    assert sim.raw("POST", "/_sim/accounts", '{"expires_in":1e300}').http == 400


def test_missing_scopes(sim):
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"], "scopes": "user.info.basic"})
    for path in (CREATOR, *INIT_PATHS, STATUS, CANCEL, "/v2/video/list/?fields=id"):
        check(sim.api(path, {}), 401, "scope_not_authorized")


def test_banned(sim):
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"], "banned": True})
    check(sim.api(CREATOR, {}), 200, "spam_risk_user_banned_from_posting")
    for path in INIT_PATHS:
        check(sim.api(path, body_for(path)), 403, "spam_risk_user_banned_from_posting")


def test_user_info(sim):
    get = lambda fields, **m: sim.api("/v2/user/info/" + fields, method="GET", content_type=None, **m)
    user = ok(get("?fields=open_id,display_name,username,video_count,is_verified"))["user"]
    assert user == {"open_id": sim.accounts[0]["open_id"], "display_name": "Simulated Creator 1",
                    "username": "sim001", "video_count": 0, "is_verified": False}
    bad(get(""))
    bad(get("?fields=nonsense"))
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"], "scopes": "user.info.basic"})
    ok(get("?fields=open_id"))
    check(get("?fields=open_id,username"), 400, "scope_permission_missed")


def test_video_list_and_query(start):
    sim = start("--processing-ms", "1-1", "--limit-init", 0, "--limit-day-posts", 0)
    for i in range(25):
        ok(sim.api(VIDEO, video(title=f"{i} " + "x" * 200)))
        time.sleep(0.003)
    ok(sim.api(VIDEO, video(title="private", privacy_level="SELF_ONLY")))
    ok(sim.api(CONTENT, photos(title="pictures")))
    time.sleep(0.1)
    path = "/v2/video/list/?fields=id,title,create_time,share_url,view_count,video_description"
    seen, cursor, pages = [], None, 0
    while True:
        data = ok(sim.api(path, {"max_count": 20, **({"cursor": cursor} if cursor else {})}))
        seen += data["videos"]
        cursor, pages = data["cursor"], pages + 1
        if not data["has_more"]:
            break
    assert pages == 2 and len(seen) == 26 and len({v["id"] for v in seen}) == 26
    assert seen[0]["title"] == "pictures" and "/photo/" in seen[0]["share_url"]
    assert seen[1]["title"].startswith("24 ") and len(seen[1]["title"]) == 150
    assert isinstance(seen[0]["id"], str) and abs(seen[0]["create_time"] - time.time()) < 60
    assert len(ok(sim.api(path, {}))["videos"]) == 10
    bad(sim.api(path, {"max_count": 21}))
    bad(sim.api("/v2/video/list/", {}))
    query = "/v2/video/query/?fields=id"
    wanted = [seen[3]["id"], "7000000000000000001"]
    assert ok(sim.api(query, {"filters": {"video_ids": wanted}}))["videos"] == [{"id": seen[3]["id"]}]
    assert ok(sim.api(query, {"filters": {"video_ids": wanted}}, account=1))["videos"] == []
    bad(sim.api(query, {"filters": {"video_ids": []}}))

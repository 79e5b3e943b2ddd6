# SPDX-License-Identifier: Apache-2.0
"""Direct videos, drafts and photos."""

import json
import re
import time

import pytest

from simulator import CONTENT, INBOX, VIDEO, bad, check, draft, fresh_url, ok, photos, upload, video


def test_direct_video_to_its_public_id(start):
    sim = start("--public-id-delay-ms", "150-150")
    url = fresh_url()
    publish_id = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert re.fullmatch(r"v_pub_url~v2-1\.\d{19}", publish_id)
    data = ok(sim.status(publish_id))
    assert data["status"] == "PROCESSING_DOWNLOAD" and "fail_reason" not in data
    assert sim.wait_end(publish_id) == {"status": "PUBLISH_COMPLETE"}
    time.sleep(0.2)
    answer = sim.status(publish_id)
    ids = answer.json["data"]["publicaly_available_post_id"]
    assert len(ids) == 1 and isinstance(ids[0], int) and ids[0] > 2**53 and len(str(ids[0])) == 19
    assert int(float(ids[0])) != ids[0], "the id must not survive a double"
    assert f"[{ids[0]}]" in answer.text
    entry = sim.ledger()[0]
    assert entry["post_ids"] == [str(ids[0])] and entry["media"] == [url]
    assert entry["what"] == "post" and entry["fields"]["title"] == "hello #sim"
    assert entry["answered"] and entry["public"] and entry["reported"] and entry["committed"]
    assert publish_id.split(".")[-1] != str(ids[0])


def test_private_post_has_no_id(sim):
    publish_id = ok(sim.api(VIDEO, video(privacy_level="SELF_ONLY")))["publish_id"]
    assert sim.wait_end(publish_id) == {"status": "PUBLISH_COMPLETE"}
    time.sleep(0.05)
    assert "publicaly_available_post_id" not in ok(sim.status(publish_id))


@pytest.mark.parametrize("change, part", [
    ({"privacy_level": None}, "post info"),
    ({"privacy_level": 5}, "privacy_level"),
    ({"brand_content_toggle": None}, "brand"),
    ({"brand_organic_toggle": None}, "brand"),
    ({"brand_content_toggle": "no"}, "brand_content_toggle"),
    ({"brand_content_toggle": True, "privacy_level": "SELF_ONLY"}, "Branded"),
    ({"disable_duet": 0}, "disable_duet"),
    ({"title": 7}, "title"),
    ({"title": "x" * 2201}, "2200"),
    ({"title": "\U0001F600" * 1101}, "2200"),
    ({"video_cover_timestamp_ms": 1.5}, "video_cover_timestamp_ms"),
    ({"video_cover_timestamp_ms": 2**31}, "video_cover_timestamp_ms"),
    ({"is_aigc": 1}, "is_aigc"),
    ({"auto_add_music": True}, "auto_add_music"),
    ({"nonsense": 1}, "nonsense"),
])
def test_bad_post_info(sim, change, part):
    bad(sim.api(VIDEO, video(**change)), part)
    assert sim.stats()["inits"] == 0 and sim.stats()["inits_refused"] == 1


def test_long_titles_that_fit(sim):
    ok(sim.api(VIDEO, video(title="x" * 2200)))
    ok(sim.api(VIDEO, video(title="\U0001F600" * 1100, is_aigc=True, video_cover_timestamp_ms=5)))
    ok(sim.api(VIDEO, video(title=None)))


def test_invalid_utf8_is_refused(sim):
    text = json.dumps(video(title="ZZ")).encode().replace(b"ZZ", b"\xc3\x28")
    bad(sim.api(VIDEO, text), "UTF-8")


def test_missing_parts(sim):
    body = video()
    bad(sim.api(VIDEO, {"source_info": body["source_info"]}), "post info")
    bad(sim.api(VIDEO, {"post_info": body["post_info"]}), "source info")
    bad(sim.api(VIDEO, video(source={"source": "MAGIC"})), "source")
    bad(sim.api(VIDEO, video(source={"source": "PULL_FROM_URL"})), "URL")
    bad(sim.api(VIDEO, {**body, "post_mode": "DIRECT_POST"}), "/post_mode")
    source = {**body["source_info"], "video_size": 1}
    bad(sim.api(VIDEO, video(source=source)), "source_info.video_size")


def test_unknown_fields_are_noted_when_lenient(start):
    sim = start("--lenient")
    ok(sim.api(VIDEO, video(nonsense=1)))
    assert sim.ledger()[0]["unknown_fields"] == ["nonsense"]
    assert sim.stats()["unknown_fields"] == 1


def test_unknown_fields_are_in_the_ledger_when_refused(sim):
    bad(sim.api(VIDEO, video(nonsense=1, more=2)))
    refused = sim.events("refused")[0]
    assert refused["unknown_fields"] == ["nonsense", "more"] and refused["code"] == "invalid_params"
    assert refused["http"] == 400 and refused["account"] == sim.accounts[0]["open_id"]


def test_privacy_level_must_be_an_option(sim):
    check(sim.api(VIDEO, video(privacy_level="FOLLOWER_OF_CREATOR")), 403, "privacy_level_option_mismatch")
    check(sim.api(VIDEO, video(privacy_level="EVERYBODY")), 403, "privacy_level_option_mismatch")
    sim.control("accounts", {"open_id": sim.accounts[0]["open_id"],
                             "privacy_level_options": ["MUTUAL_FOLLOW_FRIENDS"]})
    check(sim.api(CONTENT, photos()), 403, "privacy_level_option_mismatch")


@pytest.mark.parametrize("url", [
    "http://cdn.example.com/a.mp4", "https://10.0.0.1/a.mp4", "https://[::1]/a.mp4", "ftp://x/a",
    "https://user@cdn.example.com/a.mp4", "https://cdn.example.com /a", "https:///a", "",
    "https://cdn.example.com:x/a", "https://2130706433/a"])
def test_bad_urls(sim, url):
    bad(sim.api(VIDEO, video(source={"source": "PULL_FROM_URL", "video_url": url})))
    bad(sim.api(CONTENT, photos(urls=[fresh_url(), url])))


def test_url_ownership(start):
    sim = start("--verified", "cdn.example.com,https://files.example.org/mine/", "--limit-init", 0)
    ok(sim.api(VIDEO, video("https://cdn.example.com/x")))
    ok(sim.api(VIDEO, video("https://EU.cdn.example.com:443/x")))
    ok(sim.api(INBOX, draft("https://files.example.org/mine/x")))
    for url in ("https://example.com/x", "https://notcdn.example.com/x", "https://cdn.example.com.evil.net/x",
                "https://files.example.org/yours/x", "https://www.files.example.org/mine/x"):
        check(sim.api(VIDEO, video(url)), 403, "url_ownership_unverified")
        check(sim.api(INBOX, draft(url)), 403, "url_ownership_unverified")
        check(sim.api(CONTENT, photos(urls=[fresh_url(), url])), 403, "url_ownership_unverified")


def test_video_draft(sim):
    publish_id = ok(sim.api(INBOX, draft(title="only me", privacy_level="X", is_aigc=True, junk=1)))["publish_id"]
    assert re.fullmatch(r"v_inbox_url~v2\.\d{19}", publish_id)
    assert sim.wait_end(publish_id) == {"status": "SEND_TO_USER_INBOX"}
    entry = sim.ledger()[0]
    assert entry["what"] == "draft" and entry["dropped"] == ["privacy_level", "is_aigc", "junk"]
    assert sim.stats()["drafts"] == 1 and sim.stats()["posts"] == 0
    ok(sim.api(INBOX, draft()))
    bad(sim.api(INBOX, draft(title="x" * 2201)), "2200")
    assert sim.control("finish", {"publish_id": publish_id, "status": "PUBLISH_COMPLETE"})["post_ids"]
    data = ok(sim.status(publish_id))
    assert data["status"] == "PUBLISH_COMPLETE" and len(data["publicaly_available_post_id"]) == 1


def test_photos(sim):
    publish_id = ok(sim.api(CONTENT, photos(top={"is_aigc": True}, cover=1)))["publish_id"]
    assert re.fullmatch(r"p_pub_url~v2\.\d{19}", publish_id)
    data = sim.wait_end(publish_id)
    assert data["status"] == "PUBLISH_COMPLETE" and data["publicaly_available_post_id"]
    entry = sim.ledger()[0]
    assert len(entry["media"]) == 2 and entry["photo_cover_index"] == 1 and entry["is_aigc"] is True
    publish_id = ok(sim.api(CONTENT, photos("MEDIA_UPLOAD")))["publish_id"]
    assert sim.wait_end(publish_id) == {"status": "SEND_TO_USER_INBOX"}
    ok(sim.api(CONTENT, photos(urls=[fresh_url() for _ in range(35)], cover=34)))


@pytest.mark.parametrize("make", [
    lambda: photos(top={"media_type": "VIDEO"}),
    lambda: photos(top={"media_type": None}),
    lambda: photos("DIRECT POST"),
    lambda: photos(top={"is_aigc": "yes"}),
    lambda: photos(top={"nonsense": 1}),
    lambda: photos(top={"post_info": None}),
    lambda: photos(urls=[fresh_url() for _ in range(36)]),
    lambda: photos(cover=2),
    lambda: photos(cover=-1),
    lambda: photos(cover=0.5),
    lambda: photos(cover=None),
    lambda: photos(title="x" * 91),
    lambda: photos(description="x" * 4001),
    lambda: photos(disable_duet=True),
    lambda: photos(is_aigc=True),
    lambda: photos("MEDIA_UPLOAD", is_aigc=True),
    lambda: photos("MEDIA_UPLOAD", title="x" * 91),
    lambda: photos(brand_content_toggle=None),
    lambda: photos(privacy_level=None),
    lambda: {**photos(), "source_info": upload(10, 10, 1)},
    lambda: {**photos(), "source_info": {"source": "PULL_FROM_URL", "photo_images": [], "photo_cover_index": 0}},
])
def test_bad_photos(sim, make):
    bad(sim.api(CONTENT, make()))


def test_photo_draft_drops_what_is_for_direct_posts(sim):
    ok(sim.api(CONTENT, photos("MEDIA_UPLOAD", privacy_level="SELF_ONLY", auto_add_music=True)))
    assert sim.ledger()[0]["dropped"] == ["privacy_level", "auto_add_music"]

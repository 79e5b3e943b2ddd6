# SPDX-License-Identifier: Apache-2.0
"""Tests of tiktok-sim against its own manual. TIKTOK_SIM names the program."""

import collections
import http.client
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

PROGRAM = os.environ.get("TIKTOK_SIM", "tiktok-sim")
JSON = "application/json; charset=UTF-8"
FORM = "application/x-www-form-urlencoded"

CREATOR = "/v2/post/publish/creator_info/query/"
VIDEO = "/v2/post/publish/video/init/"
INBOX = "/v2/post/publish/inbox/video/init/"
CONTENT = "/v2/post/publish/content/init/"
STATUS = "/v2/post/publish/status/fetch/"
CANCEL = "/v2/post/publish/cancel/"
TOKEN = "/v2/oauth/token/"
REVOKE = "/v2/oauth/revoke/"
INIT_PATHS = [VIDEO, INBOX, CONTENT]

Answer = collections.namedtuple("Answer", "http json headers text")
_url_count = 0


def fresh_url(path="a.mp4", host="cdn.example.com"):
    global _url_count
    _url_count += 1
    return f"https://{host}/{_url_count}/{path}"


class Sim:
    def __init__(self, folder, *flags, accounts=2):
        self.folder = folder
        self.port_file = folder / "port"
        self.ledger_file = folder / "ledger"
        self.accounts_file = folder / "accounts"
        args = [PROGRAM, "--port-file", self.port_file, "--ledger", self.ledger_file,
                "--accounts", accounts, "--accounts-file", self.accounts_file,
                "--seed", 7, "--processing-ms", "100-100", *flags]
        self.process = subprocess.Popen([str(a) for a in args], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        end = time.time() + 10
        while not self.port_file.exists():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.time() < end
            time.sleep(0.01)
        self.address = self.port_file.read_text().strip()
        lines = self.accounts_file.read_text().splitlines()
        self.accounts = [json.loads(line) for line in lines]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0, self.process.stderr.read().decode()
        errors = self.process.stderr.read().decode()
        self.process.stderr.close()
        assert not errors, errors

    def raw(self, method, path, body=None, headers=None, timeout=5):
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        return Answer(answer.status, parsed, answer.headers, text.decode())

    def api(self, path, body=None, account=0, token=None, content_type=JSON, method="POST", **more):
        token = token or self.accounts[account]["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        if content_type:
            headers["Content-Type"] = content_type
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        return self.raw(method, path, body, headers, **more)

    def form(self, path, content_type=FORM, **fields):
        fields = {"client_key": "key", "client_secret": "secret", **fields}
        return self.raw("POST", path, urllib.parse.urlencode(fields), {"Content-Type": content_type})

    def control(self, path, body=None, method=None):
        method = method or ("GET" if body is None else "POST")
        answer = self.raw(method, "/_sim/" + path, None if body is None else json.dumps(body))
        assert answer.http == 200, answer.text
        return answer.json

    def ledger(self):
        return [json.loads(line) for line in self.raw("GET", "/_sim/ledger").text.splitlines()]

    def events(self, name):
        lines = self.ledger_file.read_text().splitlines()
        return [e for e in map(json.loads, lines) if e["event"] == name]

    def stats(self):
        return self.control("stats")

    def status(self, publish_id, account=0):
        return self.api(STATUS, {"publish_id": publish_id}, account)

    def wait_end(self, publish_id, account=0):
        end = time.time() + 5
        while time.time() < end:
            data = self.status(publish_id, account).json["data"]
            if not data["status"].startswith("PROCESSING"):
                return data
            time.sleep(0.02)
        raise AssertionError("never ended")


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


def info(**more):
    out = {"title": "hello #sim", "privacy_level": "PUBLIC_TO_EVERYONE", "disable_duet": False,
           "disable_comment": False, "disable_stitch": False, "brand_content_toggle": False,
           "brand_organic_toggle": False}
    out.update(more)
    return {k: v for k, v in out.items() if v is not None}


def video(url=None, source=None, **more):
    source = source or {"source": "PULL_FROM_URL", "video_url": url or fresh_url()}
    return {"post_info": info(**more), "source_info": source}


def draft(url=None, **more):
    body = {"source_info": {"source": "PULL_FROM_URL", "video_url": url or fresh_url()}}
    if more:
        body["post_info"] = more
    return body


def photos(mode="DIRECT_POST", urls=None, cover=0, top=None, **more):
    body = {"media_type": "PHOTO", "post_mode": mode,
            "post_info": {"title": "t", "description": "d"},
            "source_info": {"source": "PULL_FROM_URL", "photo_cover_index": cover,
                            "photo_images": urls or [fresh_url("1.jpg"), fresh_url("2.jpg")]}}
    if mode == "DIRECT_POST":
        body["post_info"].update(privacy_level="PUBLIC_TO_EVERYONE", disable_comment=False,
                                 auto_add_music=True, brand_content_toggle=False,
                                 brand_organic_toggle=False)
    body["post_info"].update(more)
    body["post_info"] = {k: v for k, v in body["post_info"].items() if v is not None}
    body.update(top or {})
    return body


def upload(size, chunk, count):
    return {"source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": count}


def body_for(path):
    return {VIDEO: video, INBOX: draft, CONTENT: photos}[path]()


def check(answer, http_status, code):
    assert (answer.http, answer.json["error"]["code"]) == (http_status, code), answer.text
    assert answer.json["error"]["log_id"]
    if code != "ok":
        assert answer.json["data"] == {}
        assert answer.json["error"]["message"]
    return answer.json.get("data")


def ok(answer):
    return check(answer, 200, "ok")


def bad(answer, part=""):
    check(answer, 400, "invalid_params")
    assert part in answer.json["error"]["message"], answer.text


# ---- start, files, paths, envelope ----

def test_port_and_accounts_files(start):
    sim = start(accounts=12)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", sim.address)
    assert stat.S_IMODE(sim.accounts_file.stat().st_mode) == 0o600
    assert [a["alias"] for a in sim.accounts] == [f"@sim{i:03}" for i in range(1, 13)]
    assert len({a["open_id"] for a in sim.accounts}) == 12
    first = sim.accounts[0]
    assert set(first) == {"open_id", "access_token", "refresh_token", "expires_in",
                          "refresh_expires_in", "scope", "token_type", "alias"}
    assert first["access_token"].startswith("act.") and first["refresh_token"].startswith("rft.")
    assert "-" in first["open_id"] and "_" in first["open_id"]
    assert (first["expires_in"], first["refresh_expires_in"]) == (86400, 31536000)
    assert len(first["scope"].split(",")) == 6 and first["token_type"] == "Bearer"


def test_help_and_bad_flags():
    run = lambda *a: subprocess.run([PROGRAM, *a], capture_output=True, text=True)
    assert run("--help").returncode == 0 and "--processing-ms" in run("--help").stdout
    for flags in (["--nonsense"], ["--accounts", "x"], ["--accounts"], ["--processing-ms", "9-1"],
                  ["--unaudited=1"], ["--client-key", "k"]):
        assert run(*flags).returncode == 2, flags
    assert run("--listen", "nonsense").returncode == 1


def test_same_seed_gives_same_accounts(start):
    one, two = start(), start()
    assert one.accounts == two.accounts


def test_paths_need_their_slash_and_method(sim):
    for path in (VIDEO, STATUS, TOKEN):
        answer = sim.api(path[:-1], {})
        assert answer.http == 404 and "text/html" in answer.headers["Content-Type"]
        assert sim.api(path, method="GET").http == 405
    assert sim.raw("GET", "/").http == 404
    assert sim.raw("GET", "/_sim/nonsense").http == 404


def test_log_ids_are_unique(sim):
    ids = {sim.status("x").json["error"]["log_id"] for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize("path", [CREATOR, *INIT_PATHS, STATUS, CANCEL, "/v2/video/list/?fields=id"])
def test_json_endpoints_want_a_token_a_type_and_an_object(sim, path):
    check(sim.raw("POST", path, "{}", {"Content-Type": JSON}), 401, "access_token_invalid")
    check(sim.api(path, {}, token="undefined"), 401, "access_token_invalid")
    for content_type in (None, "text/plain", "application/jsonx", "application/json; charset=latin1"):
        bad(sim.api(path, "{}", content_type=content_type), "content type")
    for text in ("[]", "{", "{} x", '"x"'):
        bad(sim.api(path, text))


# ---- creator info and accounts ----

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


# ---- direct videos ----

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


# ---- drafts and photos ----

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


# ---- uploads ----

def put(sim, url, first, last, total, body=None, **headers):
    path = url.split(sim.address)[1]
    body = bytes(last - first + 1) if body is None else body
    head = {"Content-Type": "video/mp4", "Content-Range": f"bytes {first}-{last}/{total}", **headers}
    head = {k: v for k, v in head.items() if v is not None}
    return sim.raw("PUT", path, body, head, timeout=30)


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


# ---- status and cancel ----

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


# ---- limits ----

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


# ---- tokens ----

def flat_error(answer, code):
    assert answer.http == 200 and answer.json["error"] == code, answer.text
    assert set(answer.json) == {"error", "error_description", "log_id"}


def test_refresh_rotates(sim):
    old = sim.accounts[0]
    answer = sim.form(TOKEN, grant_type="refresh_token", refresh_token=old["refresh_token"])
    new = answer.json
    assert answer.http == 200 and set(new) == set(old) - {"alias"}
    assert new["refresh_token"] != old["refresh_token"] and new["access_token"] != old["access_token"]
    assert new["open_id"] == old["open_id"]
    flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token=old["refresh_token"]), "invalid_grant")
    ok(sim.api(CREATOR, {}, token=new["access_token"]))
    assert len(sim.events("refresh")) == 1
    ok(sim.api(CREATOR, {}, token=old["access_token"]))
    assert old["refresh_token"] not in sim.ledger_file.read_text()


def test_many_rotations(start):
    sim = start(accounts=40)
    newest = {a["open_id"]: a for a in sim.accounts}
    for round_number in range(5):
        for open_id, old in list(newest.items()):
            new = sim.form(TOKEN, grant_type="refresh_token", refresh_token=old["refresh_token"]).json
            assert new["open_id"] == open_id
            newest[open_id] = new
    for account in sim.accounts:
        flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token=account["refresh_token"]),
                   "invalid_grant")
        ok(sim.api(CREATOR, {}, token=newest[account["open_id"]]["access_token"]))


def test_token_errors(start):
    sim = start("--client-key", "key", "--client-secret", "secret")
    good = {"grant_type": "refresh_token", "refresh_token": sim.accounts[0]["refresh_token"]}
    flat_error(sim.form(TOKEN, FORM + "; charset=UTF-8", **good), "invalid_request")
    flat_error(sim.form(TOKEN, "application/json", **good), "invalid_request")
    flat_error(sim.form(TOKEN, **{**good, "client_secret": "wrong"}), "invalid_client")
    flat_error(sim.form(TOKEN, **{**good, "client_key": ""}), "invalid_request")
    flat_error(sim.form(TOKEN, grant_type="refresh_token"), "invalid_request")
    flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token="rft.no"), "invalid_grant")
    flat_error(sim.form(TOKEN, grant_type="authorization_code", code="x", redirect_uri="x"), "invalid_grant")
    flat_error(sim.form(TOKEN, grant_type="password"), "unsupported_grant_type")
    flat_error(sim.form(TOKEN), "invalid_request")
    assert sim.form(TOKEN, grant_type="client_credentials").json["access_token"].startswith("clt.")
    assert sim.form(TOKEN, **good).json["access_token"]


def consent(sim, drop=(), **more):
    query = {"client_key": "key", "response_type": "code", "scope": "user.info.basic,video.upload",
             "redirect_uri": "http://127.0.0.1:9/callback/", "state": "a b&c", **more}
    query = {k: v for k, v in query.items() if k not in drop}
    return sim.raw("GET", "/v2/auth/authorize/?" + urllib.parse.urlencode(query))


def code_of(answer):
    assert answer.http == 302, answer.text
    where = urllib.parse.urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith("http://127.0.0.1:9/callback/?code=")
    query = dict(urllib.parse.parse_qsl(where.query))
    assert query["state"] == "a b&c" and query["scopes"] == "user.info.basic,video.upload"
    return query["code"]


def test_connect_by_code(sim):
    code = code_of(consent(sim, sim_account="@sim002"))
    assert "*" in code and "!" in code
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1:9/callback/"}
    tokens = sim.form(TOKEN, **fields).json
    assert tokens["open_id"] == sim.accounts[1]["open_id"]
    assert tokens["scope"] == "user.info.basic,video.upload"
    ok(sim.api(INBOX, draft(), token=tokens["access_token"]))
    flat_error(sim.form(TOKEN, **fields), "invalid_grant")
    assert len(sim.events("connect")) == 1 and code not in sim.ledger_file.read_text()


def test_connect_with_pkce(sim):
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    pkce = {"code_challenge": "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
            "code_challenge_method": "S256"}
    base64 = {**pkce, "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}
    redirect = "http://127.0.0.1:9/callback/"
    exchange = lambda code, **m: sim.form(TOKEN, grant_type="authorization_code", code=code, **m)
    good = exchange(code_of(consent(sim, **pkce)), redirect_uri=redirect, code_verifier=verifier)
    assert good.json["access_token"].startswith("act.")
    flat_error(exchange(code_of(consent(sim, **pkce)), redirect_uri=redirect), "invalid_request")
    answer = exchange(code_of(consent(sim, **base64)), redirect_uri=redirect, code_verifier=verifier)
    flat_error(answer, "invalid_request")
    assert answer.json["error_description"] == "Code verifier or code challenge is invalid."
    answer = exchange(code_of(consent(sim)), redirect_uri=redirect + "x")
    flat_error(answer, "invalid_request")
    flat_error(exchange(code_of(consent(sim))), "invalid_request")


@pytest.mark.parametrize("change", [
    {"drop": ["client_key"]}, {"drop": ["state"]}, {"drop": ["redirect_uri"]}, {"response_type": "token"},
    {"redirect_uri": "http://example.com/"}, {"redirect_uri": "https://example.com/?x=1"},
    {"scope": "user.info.basic video.upload"}, {"scope": ""}, {"sim_account": "@nobody"},
    {"code_challenge": "x"}])
def test_bad_consent(sim, change):
    assert consent(sim, **change).http == 400


def test_revoke(sim):
    account = sim.accounts[0]
    answer = sim.form(REVOKE, token=account["access_token"])
    assert (answer.http, answer.text) == (200, "")
    check(sim.api(CREATOR, {}), 401, "access_token_invalid")
    flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token=account["refresh_token"]), "invalid_grant")
    flat_error(sim.form(REVOKE, token=account["access_token"]), "invalid_request")


def test_access_tokens_expire(start):
    sim = start("--token-ttl-s", 1)
    assert sim.accounts[0]["expires_in"] == 1
    ok(sim.api(CREATOR, {}))
    time.sleep(1.1)
    check(sim.api(CREATOR, {}), 401, "access_token_invalid")
    new = sim.form(TOKEN, grant_type="refresh_token", refresh_token=sim.accounts[0]["refresh_token"]).json
    ok(sim.api(CREATOR, {}, token=new["access_token"]))
    sim.control("accounts", {"open_id": new["open_id"], "expires_in": 0})
    check(sim.api(CREATOR, {}, token=new["access_token"]), 401, "access_token_invalid")


# ---- display ----

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


# ---- doubles ----

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


# ---- faults ----

def fault(sim, do, endpoint="video_init", **more):
    return sim.control("fault", {"endpoint": endpoint, "do": do, **more})["id"]


def test_fault_delay(sim):
    fault(sim, "delay", ms=300)
    began = time.time()
    ok(sim.api(VIDEO, video()))
    assert 0.25 < time.time() - began < 2
    assert sim.ledger()[0]["answered"]
    began = time.time()
    ok(sim.api(VIDEO, video()))
    assert time.time() - began < 0.25


def test_fault_delay_and_the_client_leaves(sim):
    fault(sim, "delay", ms=3000)
    with pytest.raises(socket.timeout):
        sim.api(VIDEO, video(), timeout=0.2)
    time.sleep(0.3)
    entry = sim.ledger()[0]
    assert entry["answered"] is False and sim.stats()["unanswered"] == 1
    assert len(sim.events("unanswered")) == 1
    assert sim.stats()["in_flight"] == 0, "nobody can ask for it"


@pytest.mark.parametrize("do, posts", [("hang", 0), ("effect_hang", 1)])
def test_fault_hang(sim, do, posts):
    fault(sim, do)
    with pytest.raises(socket.timeout):
        sim.api(VIDEO, video(), timeout=0.3)
    assert len(sim.ledger()) == posts and all(not e["answered"] for e in sim.ledger())
    time.sleep(0.15)
    ok(sim.api(VIDEO, video()))


@pytest.mark.parametrize("do, posts", [("reset", 0), ("effect_no_answer", 1)])
def test_fault_reset(sim, do, posts):
    fault(sim, do)
    with pytest.raises(ConnectionResetError):
        sim.api(VIDEO, video())
    assert len(sim.ledger()) == posts and all(not e["answered"] for e in sim.ledger())
    assert sim.stats()["unanswered"] == posts
    note = sim.control("calls?limit=1")[0]
    assert note["fault"] == do and note["http"] == 0 and note["answered"] is False


def test_fault_status_html_error(sim):
    fault(sim, "status", http=503)
    answer = sim.api(VIDEO, video())
    assert (answer.http, answer.text) == (503, "")
    fault(sim, "html")
    answer = sim.api(VIDEO, video())
    assert answer.http == 502 and "<html>" in answer.text and "text/html" in answer.headers["Content-Type"]
    fault(sim, "error", http=500, code="internal_error", message="sorry")
    check(sim.api(VIDEO, video()), 500, "internal_error")
    fault(sim, "error", endpoint="token", code="server_error")
    flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token="x"), "server_error")
    assert sim.ledger() == []


def test_fault_broken_truncate_and_effect_then_status(sim):
    fault(sim, "broken_json")
    answer = sim.api(VIDEO, video())
    assert answer.http == 200 and answer.json is None and answer.text.startswith("{")
    fault(sim, "truncate")
    with pytest.raises(http.client.IncompleteRead):
        sim.api(VIDEO, video())
    fault(sim, "effect_then_status", http=504)
    answer = sim.api(VIDEO, video())
    assert answer.http == 504 and "<html>" in answer.text
    assert [e["answered"] for e in sim.ledger()] == [False] * 3
    assert sim.stats()["unanswered"] == 3 and sim.stats()["doubled"] == 0


def test_fault_effect_can_be_chosen(sim):
    fault(sim, "html", effect=True)
    assert sim.api(VIDEO, video()).http == 502
    assert len(sim.ledger()) == 1
    fault(sim, "effect_then_status", ms=2000)
    with pytest.raises(socket.timeout):
        sim.api(VIDEO, video(), timeout=0.2)
    time.sleep(0.2)
    assert len(sim.ledger()) == 2 and sim.stats()["unanswered"] == 2


def test_a_lost_answer_and_a_second_try_is_a_double(sim):
    body = video()
    fault(sim, "effect_no_answer")
    with pytest.raises(ConnectionResetError):
        sim.api(VIDEO, body)
    ok(sim.api(VIDEO, body))
    assert sim.stats()["doubled"] == 1


def test_a_lost_status_answer_reports_nothing(sim):
    publish_id = ok(sim.api(VIDEO, video()))["publish_id"]
    time.sleep(0.2)
    fault(sim, "effect_no_answer", endpoint="status")
    with pytest.raises(ConnectionResetError):
        sim.status(publish_id)
    assert sim.stats()["in_flight"] == 1
    sim.wait_end(publish_id)
    assert sim.stats()["in_flight"] == 0


def test_fault_matching(sim):
    two = sim.accounts[1]["open_id"]
    first = fault(sim, "status", http=599, endpoint="any", account=two, count=-1)
    second = fault(sim, "status", http=598, url_contains="/special/", skip=1, count=2)
    third = fault(sim, "status", http=597, endpoint="creator_info", probability=0.5, count=-1)
    assert sim.api(VIDEO, video()).http == 200
    assert sim.api(VIDEO, video(), account=1).http == 599
    assert sim.api(CREATOR, {}, account=1).http == 599
    got = [sim.api(VIDEO, video(fresh_url("special/a"))).http for _ in range(4)]
    assert got == [200, 598, 598, 200]
    got = [sim.api(CREATOR, {}).http for _ in range(20)]
    assert 2 < got.count(597) < 18
    hits = {r["id"]: r["hits"] for r in sim.control("fault")}
    assert hits[first] == 2 and hits[second] == 2 and hits[third] == got.count(597)
    assert sim.control(f"fault?id={first}", method="DELETE") == {"removed": 1}
    assert sim.api(VIDEO, video(), account=1).http == 200
    assert sim.control("fault", method="DELETE") == {"removed": 2}
    assert sim.control("fault") == []


def test_faults_on_uploads_and_tokens(sim):
    url = ok(sim.api(VIDEO, video(source=upload(10, 10, 1))))["upload_url"]
    fault(sim, "status", endpoint="upload", http=500, account=sim.accounts[0]["open_id"])
    assert put(sim, url, 0, 9, 10).http == 500
    fault(sim, "effect_no_answer", endpoint="upload")
    with pytest.raises(ConnectionResetError):
        put(sim, url, 0, 9, 10)
    assert sim.stats()["posts"] == 1
    assert put(sim, url, 0, 9, 10).http == 416
    fault(sim, "effect_no_answer", endpoint="token", account=sim.accounts[0]["open_id"])
    refresh = sim.accounts[0]["refresh_token"]
    with pytest.raises(ConnectionResetError):
        sim.form(TOKEN, grant_type="refresh_token", refresh_token=refresh)
    flat_error(sim.form(TOKEN, grant_type="refresh_token", refresh_token=refresh), "invalid_grant")


def test_bad_fault_rules(sim):
    for rule in ({}, {"do": "nonsense"}, {"do": "hang", "endpoint": "nonsense"}, {"do": "hang", "x": 1},
                 {"do": "status", "http": 1000}, {"do": "delay", "ms": -1}):
        assert sim.raw("POST", "/_sim/fault", json.dumps(rule)).http == 400


# ---- ledger and control ----

def test_ledger_file_survives_a_kill(start):
    sim = start()
    publish_id = ok(sim.api(VIDEO, video()))["publish_id"]
    time.sleep(0.2)
    sim.process.kill()
    sim.process.wait()
    sim.process.stderr.close()
    assert sim.events("init")[0]["publish_id"] == publish_id
    end = sim.events("end")[0]
    assert end["publish_id"] == publish_id and end["status"] == "PUBLISH_COMPLETE" and end["post_ids"]


def test_ledger_paging_and_stats(sim):
    for _ in range(5):
        ok(sim.api(VIDEO, video()))
    lines = sim.raw("GET", "/_sim/ledger?after=3&limit=1").text.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [4]
    stats = sim.stats()
    assert stats["requests"] == 5 and stats["calls"]["video_init"]["200 ok"] == 5
    assert len(sim.control("calls?limit=3")) == 3 and len(sim.control("calls")) == 5
    log_ids = [e["log_id"] for e in sim.ledger()]
    assert log_ids == [c["log_id"] for c in sim.control("calls")]


def test_reset(sim):
    fault(sim, "hang", count=1, endpoint="status")
    url = fresh_url()
    ok(sim.api(VIDEO, video(url)))
    ok(sim.api(VIDEO, video(source=upload(10, 10, 1))))
    ok(sim.api(VIDEO, video(url)))
    hung = threading.Thread(target=lambda: pytest.raises(ConnectionResetError, sim.status, "x"))
    hung.start()
    time.sleep(0.2)
    sim.control("reset", {})
    hung.join(3)
    assert not hung.is_alive()
    stats = sim.stats()
    assert (stats["inits"], stats["doubled"], stats["requests"], stats["in_flight"]) == (0, 0, 0, 0)
    assert sim.ledger() == []
    publish_id = ok(sim.api(VIDEO, video(url)))["publish_id"]
    assert sim.wait_end(publish_id)["status"] == "PUBLISH_COMPLETE"


def test_keep_alive_and_pipelined_load(sim):
    connection = http.client.HTTPConnection(sim.address)
    head = {"Authorization": f"Bearer {sim.accounts[0]['access_token']}", "Content-Type": JSON}
    for _ in range(200):
        connection.request("POST", VIDEO, json.dumps(video()), head)
        answer = connection.getresponse()
        assert json.loads(answer.read())["error"]["code"] == "ok"
    connection.close()
    assert sim.stats()["inits"] == 200


def test_stops_with_hanging_and_open_connections(start):
    sim = start()
    fault(sim, "hang", count=-1)
    host, port = sim.address.split(":")
    body = json.dumps(video()).encode()
    sockets = []
    for i in range(5):
        client = socket.create_connection((host, int(port)))
        client.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (VIDEO.encode(), len(body)))
        if i != 3:
            client.sendall(body)
        sockets.append(client)
    sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sockets[0].close()
    sockets[1].close()
    time.sleep(0.2)
    sim.stop()
    for client in sockets:
        client.close()


def test_sigint_ends_it_well(start):
    sim = start()
    sim.process.send_signal(signal.SIGINT)
    assert sim.process.wait(5) == 0
    sim.process.stderr.close()

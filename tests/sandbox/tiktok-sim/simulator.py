# SPDX-License-Identifier: Apache-2.0
"""A running tiktok-sim, the bodies it takes, what it may answer. TIKTOK_SIM names the program."""

import collections
import http.client
import json
import os
import signal
import subprocess
import time
import urllib.parse

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


def put(sim, url, first, last, total, body=None, **headers):
    path = url.split(sim.address)[1]
    body = bytes(last - first + 1) if body is None else body
    head = {"Content-Type": "video/mp4", "Content-Range": f"bytes {first}-{last}/{total}", **headers}
    head = {k: v for k, v in head.items() if v is not None}
    return sim.raw("PUT", path, body, head, timeout=30)


def flat_error(answer, code):
    assert answer.http == 200 and answer.json["error"] == code, answer.text
    assert set(answer.json) == {"error", "error_description", "log_id"}


REDIRECT = "https://app.example.com/callback/"


def consent(sim, drop=(), **more):
    query = {"client_key": "key", "response_type": "code", "scope": "user.info.basic,video.upload",
             "redirect_uri": REDIRECT, "state": "a b&c", **more}
    query = {k: v for k, v in query.items() if k not in drop}
    return sim.raw("GET", "/v2/auth/authorize/?" + urllib.parse.urlencode(query))


def code_of(answer, path="/callback/"):
    assert answer.http == 302, answer.text
    where = urllib.parse.urlsplit(answer.headers["Location"])
    assert where.path == path and where.query.startswith("code=")
    query = dict(urllib.parse.parse_qsl(where.query))
    assert query["state"] == "a b&c" and query["scopes"] == "user.info.basic,video.upload"
    return query["code"]


def fault(sim, do, endpoint="video_init", **more):
    return sim.control("fault", {"endpoint": endpoint, "do": do, **more})["id"]

# SPDX-License-Identifier: Apache-2.0
"""Its start, its paths, its ledger and its end."""

import http.client
import json
import re
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest

from simulator import (
    CANCEL, CREATOR, INIT_PATHS, JSON, PROGRAM, STATUS, TOKEN, VIDEO, bad, check, fault, fresh_url,
    ok, upload, video)


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

# SPDX-License-Identifier: Apache-2.0
"""Faults that are asked for."""

import http.client
import json
import socket
import time

import pytest

from simulator import (
    CREATOR, TOKEN, VIDEO, check, fault, flat_error, fresh_url, ok, put, upload, video)


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

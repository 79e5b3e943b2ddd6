# SPDX-License-Identifier: Apache-2.0
"""Consent, tokens and their end."""

import time
import urllib.parse

import pytest

from simulator import (
    CREATOR, FORM, INBOX, REDIRECT, REVOKE, TOKEN, check, code_of, consent, draft, flat_error, ok)


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


def refresh(sim, token):
    return sim.form(TOKEN, grant_type="refresh_token", refresh_token=token)


def counts(sim, account):
    of = next(a for a in sim.control("accounts") if a["open_id"] == account["open_id"])
    stats = sim.control("stats")
    assert (stats["refreshes"], stats["refresh_reused"]) == (of["refreshes"], of["refresh_reused"])
    return of["refreshes"], of["refresh_reused"]


def test_the_use_of_a_rotated_token_is_told(sim):
    old = sim.accounts[0]
    refresh(sim, old["refresh_token"])
    assert counts(sim, old) == (1, 0)
    flat_error(refresh(sim, old["refresh_token"]), "invalid_grant")
    assert counts(sim, old) == (1, 1) and len(sim.events("refresh_reused")) == 1
    flat_error(refresh(sim, "rft.no"), "invalid_grant")
    assert counts(sim, old) == (1, 1)


def test_a_rotated_token_may_stay_good_for_a_while(start):
    sim = start("--refresh-grace-ms", 400)
    old = sim.accounts[0]
    first, second = (refresh(sim, old["refresh_token"]).json for _ in range(2))
    assert len({a["refresh_token"] for a in (old, first, second)}) == 3
    assert counts(sim, old) == (2, 1)
    time.sleep(0.5)
    for account in (old, first):
        flat_error(refresh(sim, account["refresh_token"]), "invalid_grant")
    assert refresh(sim, second["refresh_token"]).json["access_token"]
    assert counts(sim, old) == (3, 3)


def test_a_refresh_may_keep_its_token(start):
    sim = start("--refresh-keeps")
    old = sim.accounts[0]
    new = refresh(sim, old["refresh_token"]).json
    assert new["refresh_token"] == old["refresh_token"] and new["access_token"] != old["access_token"]
    assert refresh(sim, old["refresh_token"]).json["access_token"] and counts(sim, old) == (2, 0)
    sim.form(REVOKE, token=new["access_token"])
    flat_error(refresh(sim, old["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("flags", [(), ("--refresh-keeps",), ("--refresh-grace-ms", 60000)])
def test_a_refresh_may_end_the_access_token(start, flags):
    sim = start("--refresh-ends-access", *flags)
    old = sim.accounts[0]
    new = refresh(sim, old["refresh_token"]).json
    check(sim.api(CREATOR, {}, token=old["access_token"]), 401, "access_token_invalid")
    ok(sim.api(CREATOR, {}, token=new["access_token"]))
    newest = refresh(sim, new["refresh_token"]).json
    check(sim.api(CREATOR, {}, token=new["access_token"]), 401, "access_token_invalid")
    ok(sim.api(CREATOR, {}, token=newest["access_token"]))


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


def test_connect_by_code(sim):
    code = code_of(consent(sim, sim_account="@sim002"))
    assert "*" in code and "!" in code
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    tokens = sim.form(TOKEN, **fields).json
    assert tokens["open_id"] == sim.accounts[1]["open_id"]
    assert tokens["scope"] == "user.info.basic,video.upload"
    ok(sim.api(INBOX, draft(), token=tokens["access_token"]))
    flat_error(sim.form(TOKEN, **fields), "invalid_grant")
    assert len(sim.events("connect")) == 1 and code not in sim.ledger_file.read_text()


def test_connect_with_pkce(sim):
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    redirect = "http://127.0.0.1:9/callback/"
    pkce = {"redirect_uri": redirect, "code_challenge": "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
            "code_challenge_method": "S256"}
    base64 = {**pkce, "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}
    exchange = lambda code, **m: sim.form(TOKEN, grant_type="authorization_code", code=code, **m)
    good = exchange(code_of(consent(sim, **pkce)), redirect_uri=redirect, code_verifier=verifier)
    assert good.json["access_token"].startswith("act.")
    flat_error(exchange(code_of(consent(sim, **pkce)), redirect_uri=redirect), "invalid_request")
    answer = exchange(code_of(consent(sim, **base64)), redirect_uri=redirect, code_verifier=verifier)
    flat_error(answer, "invalid_request")
    assert answer.json["error_description"] == "Code verifier or code challenge is invalid."
    answer = exchange(code_of(consent(sim)), redirect_uri=REDIRECT + "x")
    flat_error(answer, "invalid_request")
    flat_error(exchange(code_of(consent(sim))), "invalid_request")


def test_a_user_may_say_no_or_grant_a_part(sim):
    no = consent(sim, sim_deny="1")
    assert no.http == 302
    where = no.headers["Location"]
    assert where.startswith(REDIRECT + "?error=access_denied&error_description=") and where.endswith("&state=a%20b%26c")
    part = consent(sim, sim_grant="video.publish,video.list", scope="user.info.basic,video.upload,video.list")
    assert "&scopes=user.info.basic%2Cvideo.list&" in part.headers["Location"]
    code = part.headers["Location"].split("code=")[1].split("&")[0]
    tokens = sim.form(TOKEN, grant_type="authorization_code", code=urllib.parse.unquote(code), redirect_uri=REDIRECT)
    assert tokens.json["scope"] == "user.info.basic,video.list"


def test_only_registered_redirects_and_only_young_codes(start):
    sim = start("--redirect-uris", "https://a.example.com/cb/,http://localhost:*/cb/", "--code-ttl-ms", 200)
    pkce = {"code_challenge": "0" * 64, "code_challenge_method": "S256"}
    for uri, good in (("https://a.example.com/cb/", True), ("https://a.example.com/cb", False),
                      ("https://b.example.com/cb/", False), ("http://localhost:80/cb/", True),
                      ("http://localhost:*/cb/", False), ("http://localhost:/cb/", False),
                      ("http://localhost:80/cb/x", False), ("http://127.0.0.1:80/cb/", False)):
        assert consent(sim, redirect_uri=uri, **pkce).http == (302 if good else 400), uri
    code = code_of(consent(sim, redirect_uri="https://a.example.com/cb/", sim_account="@sim001"), "/cb/")
    time.sleep(0.3)
    flat_error(sim.form(TOKEN, grant_type="authorization_code", code=code, redirect_uri="https://a.example.com/cb/"),
               "invalid_grant")


@pytest.mark.parametrize("change", [
    {"drop": ["client_key"]}, {"drop": ["state"]}, {"drop": ["redirect_uri"]}, {"response_type": "token"},
    {"redirect_uri": "http://example.com/"}, {"redirect_uri": "https://example.com/?x=1"},
    {"scope": "user.info.basic video.upload"}, {"scope": ""}, {"sim_account": "@nobody"},
    {"code_challenge": "x"}, {"redirect_uri": "http://127.0.0.1:9/callback/"},
    {"redirect_uri": "http://localhost:9/callback/"}, {"redirect_uri": "https://127.0.0.1:9/callback/"}])
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

"""Addresses, tokens and clients that are nearly right: each is refused, and nobody is sent to a stranger."""

import base64
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from ascms.identity.v1 import identity_pb2 as pb
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from joserfc.jwk import ECKey

from kit.errors import UnauthenticatedError
from kit.tokens import Verifier
from services.identity.commands import Deps
from services.identity.keys import INTERNAL, OPENID, KeyRing
from services.identity.secrets import Passphrases
from tests.service.identity.client import (
    CLIENT_ID,
    CLIENT_SECRET,
    POST_LOGOUT_URI,
    REDIRECT_URI,
    Asked,
    OpenIdClient,
    basic,
    query,
    verified_claims,
)
from tests.service.identity.conftest import Call
from tests.service.identity.world import LEAD, MACHINE, MACHINE_SECRET, TRAINING_SYSTEM

PROGRAM = {"client_id": "program", "redirect_uri": "http://127.0.0.1:49152/callback"}
NEARLY_THE_GATEWAYS = (
    "http://127.0.0.1:8080@evil.example/sign-in/return",
    "http://evil.example#@127.0.0.1:8080/sign-in/return",
    REDIRECT_URI + "#fragment",
    REDIRECT_URI + "/../elsewhere",
    REDIRECT_URI + "%2f..",
    REDIRECT_URI.replace("8080", "8081"),
    REDIRECT_URI.replace("http:", "https:"),
    REDIRECT_URI.replace("127.0.0.1", "localhost"),
    REDIRECT_URI.upper(),
    REDIRECT_URI + " ",
    "//127.0.0.1:8080/sign-in/return",
)
NEARLY_A_PROGRAMS = (
    "http://127.0.0.1:1@evil.example/callback",
    "http://127.0.0.1:49152@evil.example:80/callback",
    "http://127.0.0.1:49152/callback#x",
    "http://127.0.0.1:49152/callback?next=https://evil.example",
    "http://127.0.0.1:49152/callback/..",
    "http://127.0.0.1:491521/callback",
    "http://127.0.0.1:/callback",
    "https://127.0.0.1:49152/callback",
    "http://127.1:49152/callback",
    "http://[::1]:49152/callback",
    "http://127.0.0.1:49152:1/callback",
)


def test_an_address_that_is_nearly_right_is_another_address(openid: OpenIdClient) -> None:
    openid.sign_in(LEAD)
    answers = [openid.authorize(Asked(), redirect_uri=target) for target in NEARLY_THE_GATEWAYS]
    answers += [openid.authorize(Asked(), client_id="program", redirect_uri=target) for target in NEARLY_A_PROGRAMS]
    # An error is told to nobody else either.
    answers += [openid.authorize(Asked(), redirect_uri=target, scope="x") for target in NEARLY_THE_GATEWAYS]
    assert {(answer.status_code, answer.location) for answer in answers} == {(400, None)}


def test_answers_come_in_the_query_of_the_agreed_address_alone(openid: OpenIdClient) -> None:
    openid.sign_in(LEAD)
    for changes in (
        {"response_mode": "form_post"},
        {"response_mode": "query.jwt"},
        {"response_mode": "fragment"},
        {"response_type": "code id_token"},
        {"response_type": "none"},
        {"request": "x", "redirect_uri": REDIRECT_URI},
        {"request_uri": "https://evil.example/request"},
    ):
        answer = openid.authorize(Asked(), **changes)
        assert answer.location.startswith(f"{REDIRECT_URI}?error="), changes
        assert "#" not in answer.location


def _segment(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def _forgeries(deps: Deps, token: str, purpose: str, other: str) -> dict[str, str]:
    """The claims of a good token, signed in every way that should not count."""
    ring = KeyRing(deps.database, deps.secret, deps.clock)
    ours, theirs = ring.signing_key(purpose), ring.signing_key(other)
    stranger = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    claims = _claims(token)
    public = ours.as_pem(private=False)
    by_public = f"{_segment({'alg': 'HS256', 'kid': ours.kid})}.{_segment(claims)}"
    by_public += "." + base64.urlsafe_b64encode(hmac.digest(public, by_public.encode(), "sha256")).decode().rstrip("=")

    def signed(key: ECKey, **header: Any) -> str:
        # By hand: a library makes no token that it would not take.
        text = f"{_segment({'alg': 'ES256', **header})}.{_segment(claims)}"
        assert key.private_key is not None
        numbers = utils.decode_dss_signature(key.private_key.sign(text.encode(), ec.ECDSA(SHA256())))
        raw = b"".join(number.to_bytes(32) for number in numbers)
        return f"{text}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"

    good = token.split(".")
    assert verified_claims(signed(ours, kid=ours.kid), {"keys": [ours.as_dict(private=False) | {"kid": ours.kid}]})
    return {
        "alg none": f"{_segment({'alg': 'none', 'kid': ours.kid})}.{_segment(claims)}.",
        "HS256 with the public key": by_public,
        "a stranger's key": signed(stranger, kid=ours.kid),
        "a stranger's key, embedded": signed(stranger, kid=ours.kid, jwk=stranger.as_dict(private=False)),
        "jku": signed(stranger, kid="x", jku="http://127.0.0.1:1/jwks"),
        "x5u": signed(stranger, kid="x", x5u="http://127.0.0.1:1/cert"),
        "kid of a path": signed(stranger, kid="../../../../dev/null"),
        "kid of a query": signed(stranger, kid="' OR '1'='1"),
        "no kid": signed(stranger),
        "the key for other tokens": signed(theirs, kid=theirs.kid),
        "that key under this one's name": signed(theirs, kid=ours.kid),
        "an empty signature": f"{good[0]}.{good[1]}.",
        "a critical header": signed(ours, kid=ours.kid, crit=["x"], x=1),
        "changed claims": f"{good[0]}.{_segment({**claims, 'prm': ['cases:read-all']})}.{good[2]}",
    }


def test_no_forged_token_is_taken_inside(openid: OpenIdClient, deps: Deps, call: Call, verifier: Verifier) -> None:
    access = openid.tokens(LEAD)["access_token"]
    token = call("ExchangeToken", pb.ExchangeTokenRequest(access_token=access)).token
    assert verifier.verify(token).actor_id == LEAD.id
    taken = []
    for name, forged in _forgeries(deps, token, INTERNAL, OPENID).items():
        try:
            taken.append((name, verifier.verify(forged)))
        except UnauthenticatedError:
            continue
    assert taken == []


def test_no_forged_hint_signs_anyone_out(openid: OpenIdClient, deps: Deps) -> None:
    tokens = openid.tokens(LEAD)
    forged = _forgeries(deps, tokens["id_token"], OPENID, INTERNAL)
    answers = {
        name: openid.browser.get(f"/end-session?{urlencode({'id_token_hint': hint})}").status_code
        for name, hint in forged.items()
    }
    # Each is asked about, as if there had been no hint.
    assert set(answers.values()) == {200}, answers
    assert openid.refresh(tokens["refresh_token"]).status_code == 200


def test_signing_out_leads_to_the_agreed_addresses_of_that_client_alone(openid: OpenIdClient) -> None:
    hint = openid.tokens(LEAD)["id_token"]
    wishes = [
        {"id_token_hint": hint, "client_id": "program", "post_logout_redirect_uri": POST_LOGOUT_URI},
        {"client_id": "program", "post_logout_redirect_uri": POST_LOGOUT_URI},
        {"post_logout_redirect_uri": POST_LOGOUT_URI},
        {"client_id": CLIENT_ID, "post_logout_redirect_uri": POST_LOGOUT_URI + "#x"},
        {"client_id": CLIENT_ID, "post_logout_redirect_uri": "http://127.0.0.1:8080@evil.example/signed-out"},
    ]
    answers = [openid.browser.get(f"/end-session?{urlencode(wish)}") for wish in wishes]
    assert {(answer.status_code, answer.location) for answer in answers} == {(400, None)}


def test_what_one_client_got_no_other_can_use(openid: OpenIdClient, app: Flask) -> None:
    openid.sign_in(LEAD)
    # Given a program's code and refresh token
    asked = Asked()
    code = query(openid.consent(asked, **PROGRAM).location)["code"]
    form = PROGRAM | {"grant_type": "authorization_code", "code_verifier": asked.verifier}
    tokens = openid.browser.post("/token", data=form | {"code": code}).json
    other = query(openid.consent(asked, **PROGRAM).location)["code"]
    # When the gateway presents them, or the program presents the gateway's
    stolen = [
        openid.redeem(other, asked, redirect_uri=PROGRAM["redirect_uri"]),
        openid.refresh(tokens["refresh_token"]),
        openid.browser.post(
            "/token",
            data={
                "grant_type": "refresh_token",
                "client_id": "program",
                "refresh_token": OpenIdClient(app).tokens(LEAD)["refresh_token"],
            },
        ),
    ]
    # Then nothing comes of it, and what is the program's still works for it
    assert {answer.json["error"] for answer in stolen} == {"invalid_grant"}
    again = {"grant_type": "refresh_token", "client_id": "program", "refresh_token": tokens["refresh_token"]}
    assert openid.browser.post("/token", data=again).status_code == 200


def test_a_client_that_says_more_than_one_thing_of_itself_is_nobody(openid: OpenIdClient) -> None:
    form = {"grant_type": "client_credentials"}
    machine, stranger = basic(str(MACHINE), MACHINE_SECRET), basic(str(TRAINING_SYSTEM), MACHINE_SECRET)
    assert openid.browser.post("/token", data=form, headers=machine).status_code == 200
    assert openid.browser.post("/token", data=form, headers=stranger).json["error"] == "invalid_client"
    by_form = {**form, "client_id": str(TRAINING_SYSTEM), "client_secret": MACHINE_SECRET}
    assert openid.browser.post("/token", data=by_form).json["error"] == "invalid_client"
    public = {**form, "client_id": "program"}
    assert openid.browser.post("/token", data=public).json["error"] in {"invalid_client", "unauthorized_client"}


def test_no_scope_grows_on_the_way(openid: OpenIdClient) -> None:
    openid.sign_in(LEAD)
    asked = Asked()
    code = query(openid.authorize(asked, scope="openid admin cases:read-all").location)["code"]
    tokens = openid.redeem(code, asked, scope="openid profile email").json
    assert tokens["scope"] == "openid"
    grown = openid.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="openid email")
    assert grown.json["error"] == "invalid_scope"
    # A machine has no scopes: what it may is its roles at its own organisation.
    form = {"grant_type": "client_credentials", "scope": "openid cases:read-all"}
    answer = openid.browser.post("/token", data=form, headers=basic(str(MACHINE), MACHINE_SECRET)).json
    assert answer.get("scope", "") == "" or answer["error"] == "invalid_scope"


def test_no_token_passes_for_one_of_another_kind(openid: OpenIdClient, call: Call) -> None:
    tokens = openid.tokens(LEAD)
    inside = call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"])).token
    for wrong in (tokens["refresh_token"], tokens["id_token"], inside):
        answer = openid.browser.get("/userinfo", headers={"Authorization": f"Bearer {wrong}"})
        assert answer.status_code == 401
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["refresh_token"]))
    with pytest.raises(UnauthenticatedError):
        call("GetCaller", pb.GetCallerRequest(), token=tokens["access_token"])
    assert openid.refresh(tokens["access_token"]).json["error"] == "invalid_grant"
    assert openid.redeem(tokens["refresh_token"], Asked()).json["error"] == "invalid_grant"


def test_an_unknown_address_costs_the_same_work(openid: OpenIdClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a look at every hash that is computed, and a passphrase stored when hashes cost less
    first = openid.sign_in(LEAD)
    worked: list[str] = []
    verify = PasswordHasher.verify

    def look(hasher: PasswordHasher, stored: str, passphrase: str) -> bool:
        worked.append(stored.rpartition("p=")[0])
        return verify(hasher, stored, passphrase)

    monkeypatch.setattr(PasswordHasher, "verify", look)
    # When someone tries a known address, and one that nobody has
    answers = [openid.sign_in(LEAD, passphrase="not this"), openid.browser.get("/sign-in")]
    fields = {"email": "nobody.at.all@putahi.example", "passphrase": "not this"}
    token = answers[1].text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answers[1] = openid.browser.post("/sign-in", data={**fields, "csrf_token": token})
    # Then each costs one hash of the same cost: the right passphrase renewed the stored one
    assert first.status_code == 303
    assert [answer.status_code for answer in answers] == [401, 401]
    assert len(worked) == 2
    assert worked[0] == worked[1]
    assert Passphrases().memory_kib == 19 * 1024


def test_the_secret_of_the_gateway_is_not_taken_from_two_places(openid: OpenIdClient) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "program"}
    answer = openid.browser.post("/token", data=form, headers=basic(CLIENT_ID, CLIENT_SECRET))
    assert answer.json["error"] in {"invalid_client", "invalid_grant", "invalid_request"}

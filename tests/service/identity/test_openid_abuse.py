"""What the provider refuses: replay, PKCE downgrades, foreign addresses, forged tokens, malformed requests."""

import base64
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from ascms.identity.v1 import identity_pb2 as pb

from kit.clock import FixedClock
from kit.errors import UnauthenticatedError
from kit.tokens import Verifier
from tests.service.identity.client import (
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    POST_LOGOUT_URI,
    REDIRECT_URI,
    Asked,
    OpenIdClient,
    basic,
    query,
    s256,
)
from tests.service.identity.conftest import Call
from tests.service.identity.world import LEAD, MACHINE, MACHINE_SECRET


def test_a_code_counts_once_and_a_replay_ends_what_it_gave(openid: OpenIdClient, call: Call) -> None:
    asked = Asked()
    code = openid.code(LEAD, asked)
    tokens = openid.redeem(code, asked).json
    replay = openid.redeem(code, asked)
    assert (replay.status_code, replay.json["error"]) == (400, "invalid_grant")
    assert openid.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"]))


def test_a_code_counts_for_a_minute(openid: OpenIdClient, clock: FixedClock) -> None:
    asked = Asked()
    code = openid.code(LEAD, asked)
    clock.moment += timedelta(seconds=60)
    assert openid.redeem(code, asked).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
    ],
    ids=["wrong verifier", "no verifier", "another redirect", "another code"],
)
def test_a_code_is_bound_to_verifier_and_address(openid: OpenIdClient, changes: dict[str, str], error: str) -> None:
    asked = Asked()
    answer = openid.redeem(openid.code(LEAD, asked), asked, **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_the_challenge_itself_is_not_taken_for_its_verifier(openid: OpenIdClient) -> None:
    asked = Asked()
    answer = openid.redeem(openid.code(LEAD, asked), asked, code_verifier=s256(asked.verifier))
    assert answer.json["error"] == "invalid_grant"


def test_a_code_of_one_client_is_nothing_to_another(openid: OpenIdClient) -> None:
    asked = Asked()
    form = {"grant_type": "authorization_code", "code": openid.code(LEAD, asked), "redirect_uri": REDIRECT_URI}
    form["code_verifier"] = asked.verifier
    answer = openid.browser.post("/token", data=form, headers=basic(str(MACHINE), MACHINE_SECRET))
    assert answer.json["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'code" id_token'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "http://127.0.0.1:1/"}, "request_uri_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "anything"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_sent_back_to_its_client_with_the_reason(
    openid: OpenIdClient, changes: dict[str, str | None], error: str
) -> None:
    asked = Asked()
    answer = openid.authorize(asked, **changes)
    assert answer.location.startswith(f"{REDIRECT_URI}?")
    found = query(answer.location)
    assert (found["error"], found["state"], found["iss"]) == (error, asked.state, ISSUER)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": REDIRECT_URI + "/more"},
        {"redirect_uri": REDIRECT_URI + "?x=1"},
        {"redirect_uri": "http://127.0.0.1:8080.evil.example/sign-in/return"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": 'http://"\\'},
        {"redirect_uri": None},
        {"client_id": "another"},
        {"client_id": None},
        {"client_id": "nul\0"},
        {"client_id": str(MACHINE)},
        {"state": "nul\0"},
        {"nonce": "x" * 1_001},
    ],
)
def test_nobody_is_sent_to_an_address_that_was_not_agreed(openid: OpenIdClient, changes: dict[str, str | None]) -> None:
    answer = openid.authorize(Asked(), **changes)
    assert answer.status_code == 400
    assert answer.location is None


def test_a_parameter_given_twice_is_refused(openid: OpenIdClient) -> None:
    asked = Asked()
    twice = f"/authorize?{urlencode(asked.parameters())}&redirect_uri=https%3A%2F%2Fevil.example"
    assert openid.browser.get(twice).status_code == 400
    answer = openid.browser.post(
        "/token",
        data={"grant_type": ["refresh_token", "client_credentials"]},
        headers=basic(CLIENT_ID, CLIENT_SECRET),
    )
    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [(CLIENT_ID, "wrong"), ("unknown", "wrong"), (str(MACHINE), "wrong"), (CLIENT_ID, ""), ("nul\0", "nul\0")],
)
def test_clients_without_their_secret_all_hear_the_same(openid: OpenIdClient, client_id: str, secret: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = openid.browser.post("/token", data=form, headers=basic(client_id, secret))
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_the_gateway_has_no_credentials_grant_and_a_machine_no_codes(openid: OpenIdClient) -> None:
    assert openid.token(grant_type="client_credentials").json["error"] == "unauthorized_client"
    assert openid.token(grant_type="password", username="x", password="y").json["error"] == "unsupported_grant_type"
    assert openid.token().json["error"] == "unsupported_grant_type"


def test_token_parameters_belong_into_the_form(openid: OpenIdClient) -> None:
    answer = openid.browser.post("/token?grant_type=client_credentials", headers=basic(str(MACHINE), MACHINE_SECRET))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_an_id_token_is_no_internal_token(openid: OpenIdClient, call: Call, verifier: Verifier) -> None:
    tokens = openid.tokens(LEAD)
    with pytest.raises(UnauthenticatedError):
        verifier.verify(tokens["id_token"])
    with pytest.raises(UnauthenticatedError):
        call("GetCaller", pb.GetCallerRequest(), token=tokens["id_token"])
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["id_token"][:512]))


def test_an_internal_token_with_alg_none_is_refused(openid: OpenIdClient, call: Call) -> None:
    exchanged = call("ExchangeToken", pb.ExchangeTokenRequest(access_token=openid.tokens(LEAD)["access_token"]))
    _head, body, _signature = exchanged.token.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    with pytest.raises(UnauthenticatedError):
        call("GetCaller", pb.GetCallerRequest(), token=f"{none}.{body}.")


def test_signing_out_leads_to_no_foreign_address(openid: OpenIdClient) -> None:
    tokens = openid.tokens(LEAD)
    wish = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": POST_LOGOUT_URI + ".evil.example"}
    answer = openid.browser.get(f"/end-session?{urlencode(wish)}")
    assert answer.status_code == 400
    assert openid.refresh(tokens["refresh_token"]).status_code == 200


def test_a_forged_hint_signs_nobody_out(openid: OpenIdClient) -> None:
    tokens = openid.tokens(LEAD)
    head, body, _signature = tokens["id_token"].split(".")
    page = openid.browser.get(f"/end-session?{urlencode({'id_token_hint': f'{head}.{body}.AAAA'})}")
    assert page.status_code == 200
    assert openid.refresh(tokens["refresh_token"]).status_code == 200


def test_one_client_cannot_revoke_what_is_anothers(openid: OpenIdClient) -> None:
    tokens = openid.tokens(LEAD)
    headers = basic(str(MACHINE), MACHINE_SECRET)
    answer = openid.browser.post("/revoke", data={"token": tokens["refresh_token"]}, headers=headers)
    assert answer.status_code == 200
    assert openid.refresh(tokens["refresh_token"]).status_code == 200


def test_a_large_body_is_refused(openid: OpenIdClient) -> None:
    answer = openid.browser.post("/token", data={"grant_type": "x" * 10_000_000})
    assert answer.status_code == 413


PROGRAM = {"client_id": "program", "redirect_uri": "http://127.0.0.1:49152/callback"}


def test_a_program_without_a_secret_needs_its_verifier(openid: OpenIdClient) -> None:
    # Given someone signed in, and a program of theirs that listens at whichever port was free
    openid.sign_in(LEAD)
    asked = Asked()
    form = PROGRAM | {"grant_type": "authorization_code", "code_verifier": asked.verifier}
    # When it redeems its code with the verifier, then it gets tokens; without, it gets none
    code = query(openid.consent(asked, **PROGRAM).location)["code"]
    assert openid.browser.post("/token", data=form | {"code": code}).status_code == 200
    code = query(openid.consent(asked, **PROGRAM).location)["code"]
    answer = openid.browser.post("/token", data=form | {"code": code, "code_verifier": ""})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "redirect_uri",
    ["http://127.0.0.1:49152/other", "http://127.0.0.1.evil.example/callback", "http://localhost:49152/callback"],
)
def test_a_program_takes_codes_on_its_own_machine_only(openid: OpenIdClient, redirect_uri: str) -> None:
    answer = openid.authorize(Asked(), client_id="program", redirect_uri=redirect_uri)
    assert (answer.status_code, answer.location) == (400, None)


def test_the_gateway_cannot_do_without_its_secret(openid: OpenIdClient) -> None:
    asked = Asked()
    form = {"grant_type": "authorization_code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI}
    form |= {"code": openid.code(LEAD, asked), "code_verifier": asked.verifier}
    answer = openid.browser.post("/token", data=form)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")

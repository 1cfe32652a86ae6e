"""A person signs in through the provider, and what the client then holds works until it ends."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from ascms.identity.v1 import identity_pb2 as pb

from kit.clock import FixedClock
from kit.errors import UnauthenticatedError
from services.identity import commands
from services.identity.commands import Deps
from services.identity.store import people
from tests.service.identity.client import (
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    POST_LOGOUT_URI,
    REDIRECT_URI,
    Asked,
    OpenIdClient,
    basic,
    form_fields,
    query,
    verified_claims,
)
from tests.service.identity.conftest import Call
from tests.service.identity.world import LEAD, MACHINE, MACHINE_SECRET, MANAGER, SCHOOL


def test_discovery_names_addresses_below_the_issuer_and_s256_only(openid: OpenIdClient) -> None:
    found = openid.browser.get("/.well-known/openid-configuration").json
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["id_token_signing_alg_values_supported"] == ["ES256"]
    assert {found[name] for name in ("authorization_endpoint", "token_endpoint", "end_session_endpoint")} == {
        f"{ISSUER}/authorize",
        f"{ISSUER}/token",
        f"{ISSUER}/end-session",
    }


def test_published_keys_are_public_halves(openid: OpenIdClient) -> None:
    keys = openid.jwks()["keys"]
    assert [sorted(key) for key in keys] == [["alg", "crv", "kid", "kty", "use", "x", "y"]]


def test_signing_in_leads_back_with_code_state_and_issuer(openid: OpenIdClient) -> None:
    # Given a client that asks for someone who is not signed in
    asked = Asked()
    to_sign_in = openid.authorize(asked)
    assert to_sign_in.status_code == 303
    # When they sign in
    signed_in = openid.sign_in(LEAD, target=to_sign_in.location)
    back = openid.browser.get(signed_in.location)
    # Then they come back to exactly the address the client named
    assert back.location.startswith(f"{REDIRECT_URI}?")
    answer = query(back.location)
    assert sorted(answer) == ["code", "iss", "state"]
    assert answer["state"] == asked.state
    assert answer["iss"] == ISSUER


def test_a_code_gives_tokens_and_an_id_token_for_this_client_alone(openid: OpenIdClient, clock: FixedClock) -> None:
    asked = Asked()
    answer = openid.redeem(openid.code(LEAD, asked), asked)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    header, claims = verified_claims(tokens["id_token"], openid.jwks())
    assert header["alg"] == "ES256"
    assert claims["iss"] == ISSUER
    assert claims["aud"] == CLIENT_ID
    assert claims["nonce"] == asked.nonce
    assert claims["sub"] == str(LEAD.id)
    assert claims["name"] == "Demo Māhina Lead"
    assert claims["auth_time"] == int(clock.now().timestamp())
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sid"]


def test_the_access_token_is_opaque_and_only_its_digest_is_stored(openid: OpenIdClient, rows: Call) -> None:
    tokens = openid.tokens(LEAD)
    assert "." not in tokens["access_token"]
    stored = rows("SELECT * FROM access_token") + rows("SELECT * FROM refresh_token") + rows("SELECT * FROM session")
    assert tokens["access_token"] not in str(stored)
    assert tokens["refresh_token"] not in str(stored)


def test_who_is_signed_in_here_is_not_asked_again(openid: OpenIdClient) -> None:
    openid.tokens(LEAD)
    again = openid.authorize(Asked())
    assert again.location.startswith(REDIRECT_URI)
    assert "code" in query(again.location)


def test_prompt_login_and_a_short_max_age_ask_again(openid: OpenIdClient, clock: FixedClock) -> None:
    openid.tokens(LEAD)
    clock.moment += timedelta(minutes=5)
    assert "/sign-in?" in openid.authorize(Asked(), prompt="login").location
    assert "/sign-in?" in openid.authorize(Asked(), max_age="60").location
    assert openid.authorize(Asked(), max_age="600").location.startswith(REDIRECT_URI)


def test_prompt_none_says_that_nobody_is_signed_in(openid: OpenIdClient) -> None:
    asked = Asked()
    answer = query(openid.authorize(asked, prompt="none").location)
    assert answer["error"] == "login_required"
    assert answer["state"] == asked.state


def test_userinfo_tells_what_the_scopes_allow(openid: OpenIdClient) -> None:
    tokens = openid.tokens(MANAGER)
    answer = openid.browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.json == {
        "sub": str(MANAGER.id),
        "name": "Demo Hēmi Walker",
        "email": MANAGER.email,
        "locale": "en",
    }


def test_userinfo_refuses_an_unknown_token(openid: OpenIdClient) -> None:
    answer = openid.browser.get("/userinfo", headers={"Authorization": "Bearer nothing"})
    assert answer.status_code == 401
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_refreshing_rotates_and_both_new_tokens_work(openid: OpenIdClient, call: Call) -> None:
    tokens = openid.tokens(LEAD)
    renewed = openid.refresh(tokens["refresh_token"])
    assert renewed.status_code == 200
    assert renewed.json["refresh_token"] != tokens["refresh_token"]
    answer = call("ExchangeToken", pb.ExchangeTokenRequest(access_token=renewed.json["access_token"]))
    assert answer.person.person_id == str(LEAD.id)
    assert openid.refresh(renewed.json["refresh_token"]).status_code == 200


def test_two_tabs_may_refresh_at_the_same_moment(openid: OpenIdClient, clock: FixedClock) -> None:
    tokens = openid.tokens(LEAD)
    first = openid.refresh(tokens["refresh_token"])
    clock.moment += timedelta(seconds=15)
    second = openid.refresh(tokens["refresh_token"])
    assert (first.status_code, second.status_code) == (200, 200)
    # And neither has ended the other.
    assert openid.refresh(first.json["refresh_token"]).status_code == 200
    assert openid.refresh(second.json["refresh_token"]).status_code == 200


def test_a_refresh_token_used_again_later_ends_its_whole_family(
    openid: OpenIdClient, clock: FixedClock, call: Call
) -> None:
    tokens = openid.tokens(LEAD)
    renewed = openid.refresh(tokens["refresh_token"]).json
    clock.moment += timedelta(seconds=21)
    stolen = openid.refresh(tokens["refresh_token"])
    assert (stolen.status_code, stolen.json["error"]) == (400, "invalid_grant")
    assert openid.refresh(renewed["refresh_token"]).json["error"] == "invalid_grant"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=renewed["access_token"]))


def test_a_session_that_is_used_lasts_twelve_hours_and_not_longer(openid: OpenIdClient, clock: FixedClock) -> None:
    refresh_token = openid.tokens(LEAD)["refresh_token"]
    for _ in range(11):
        clock.moment += timedelta(hours=1)
        refresh_token = openid.refresh(refresh_token).json["refresh_token"]
    clock.moment += timedelta(hours=1, seconds=1)
    assert openid.refresh(refresh_token).json["error"] == "invalid_grant"


def test_a_session_that_is_not_used_ends_after_two_hours(openid: OpenIdClient, clock: FixedClock) -> None:
    tokens = openid.tokens(LEAD)
    clock.moment += timedelta(hours=2, seconds=1)
    assert openid.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert "/sign-in?" in openid.authorize(Asked()).location


def test_signing_out_with_an_id_token_ends_the_session_everywhere(openid: OpenIdClient, call: Call) -> None:
    # Given someone signed in
    tokens = openid.tokens(LEAD)
    # When their client sends them to sign out
    wish = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": POST_LOGOUT_URI,
        "state": "left",
        "client_id": CLIENT_ID,
    }
    answer = openid.browser.get(f"/end-session?{urlencode(wish)}")
    # Then they are back at the client, and nothing of the session works any more
    assert answer.location == f"{POST_LOGOUT_URI}?state=left"
    assert "/sign-in?" in openid.authorize(Asked()).location
    assert openid.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"]))


def test_signing_out_without_an_id_token_asks_the_person(openid: OpenIdClient, call: Call) -> None:
    tokens = openid.tokens(LEAD)
    page = openid.browser.get("/end-session")
    assert page.status_code == 200
    assert "Demo Māhina Lead" in page.text
    call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"]))
    done = openid.browser.post("/sign-out", data=form_fields(page.text, "/sign-out"))
    assert done.location == "/signed-out"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"]))


def test_a_client_can_give_back_its_token(openid: OpenIdClient, call: Call) -> None:
    tokens = openid.tokens(LEAD)
    form = {"token": tokens["refresh_token"], "token_type_hint": "refresh_token"}
    answer = openid.browser.post("/revoke", data=form, headers=basic(CLIENT_ID, CLIENT_SECRET))
    assert answer.status_code == 200
    assert openid.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=tokens["access_token"]))


def test_a_machine_gets_a_token_for_its_own_credentials_and_nothing_else(openid: OpenIdClient, call: Call) -> None:
    headers = basic(str(MACHINE), MACHINE_SECRET)
    answer = openid.browser.post("/token", data={"grant_type": "client_credentials"}, headers=headers)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json
    assert "id_token" not in answer.json
    exchanged = call("ExchangeToken", pb.ExchangeTokenRequest(access_token=answer.json["access_token"]))
    assert exchanged.organisation.organisation_id == str(SCHOOL)
    assert list(exchanged.permissions) == [
        "cases:read-shared",
        "cases:read-shared-all",
        "requests:read-all",
        "requests:submit",
        "students:search",
    ]


def test_an_account_switched_off_while_signed_in_refreshes_no_more(openid: OpenIdClient, deps: Deps) -> None:
    tokens = openid.tokens(LEAD)
    commands.end_sessions(deps, person_id=LEAD.id, reason="test")
    assert openid.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    with deps.database.special("person", person_id=LEAD.id) as tx:
        assert people.find_profile(tx, LEAD.id) is not None

"""The sign-in page: who gets in, who does not, and what either may learn."""

from datetime import timedelta

import pytest
from flask import Flask

from kit.clock import FixedClock
from services.identity.domain import ATTEMPTS_PER_ADDRESS
from tests.service.identity.client import REDIRECT_URI, Asked, OpenIdClient, form_fields
from tests.service.identity.conftest import Call
from tests.service.identity.world import LEAD, MANAGER, Demo

NOBODY = Demo(LEAD.id, "nobody@nowhere.example", "wrong words here")


def test_the_page_works_without_script_and_names_its_fields(openid: OpenIdClient) -> None:
    page = openid.browser.get("/sign-in")
    assert page.status_code == 200
    assert 'autocomplete="username"' in page.text
    assert 'autocomplete="current-password"' in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http://127.0.0.1:8080" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_the_page_speaks_te_reo_maori(openid: OpenIdClient) -> None:
    page = openid.browser.get("/sign-in", headers={"Accept-Language": "mi"})
    assert '<html lang="mi">' in page.text
    assert "Kīanga kupuhipa" in page.text
    assert "Passphrase" not in page.text


def test_the_address_is_found_in_any_case(openid: OpenIdClient) -> None:
    answer = openid.sign_in(Demo(LEAD.id, "  MAHINA.Lead@Putahi.EXAMPLE ", LEAD.passphrase))
    assert answer.status_code == 303


def test_wrong_words_and_unknown_address_look_alike(openid: OpenIdClient) -> None:
    wrong = openid.sign_in(LEAD, passphrase="not these words")
    unknown = openid.sign_in(NOBODY)
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "do not belong together" in wrong.text
    assert wrong.text.replace(LEAD.email, NOBODY.email).count(NOBODY.email) == unknown.text.count(NOBODY.email)
    assert "not these words" not in wrong.text


def test_empty_fields_are_named(openid: OpenIdClient) -> None:
    fields = form_fields(openid.browser.get("/sign-in").text)
    answer = openid.browser.post("/sign-in", data=fields)
    assert answer.status_code == 400
    assert "Enter your email address." in answer.text
    assert "Enter your passphrase." in answer.text


@pytest.mark.parametrize("email", ["nul\0@x.example", "\ud7ff" * 300, "a@b\u202e.example"])
def test_strange_characters_are_no_fault_of_ours(openid: OpenIdClient, email: str) -> None:
    answer = openid.sign_in(Demo(LEAD.id, email, "three plain words"))
    assert answer.status_code in {400, 401}


def test_a_form_without_its_token_is_refused(openid: OpenIdClient) -> None:
    answer = openid.browser.post("/sign-in", data={"email": LEAD.email, "passphrase": LEAD.passphrase})
    assert answer.status_code == 400


def test_the_session_cookie_is_new_at_each_sign_in_and_out_of_scripts_reach(openid: OpenIdClient) -> None:
    first = openid.sign_in(LEAD)
    cookie = next(line for line in first.headers.getlist("Set-Cookie") if line.startswith("identity_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    before = openid.browser.cookie("identity_session")
    openid.sign_in(LEAD)
    after = openid.browser.cookie("identity_session")
    assert before
    assert after
    assert before != after


def test_a_session_cookie_set_beforehand_gives_nothing(openid: OpenIdClient) -> None:
    openid.browser.set_cookie("identity_session", "chosen-by-someone-else", domain="127.0.0.1")
    openid.sign_in(LEAD)
    assert openid.browser.cookie("identity_session") not in {"", "chosen-by-someone-else"}


def test_signing_in_as_another_ends_the_session_before(openid: OpenIdClient, rows: Call) -> None:
    openid.sign_in(LEAD)
    openid.sign_in(MANAGER)
    open_sessions = rows("SELECT person_id FROM session WHERE ended_at IS NULL")
    assert [row["person_id"] for row in open_sessions] == [MANAGER.id]


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/authorize/../x", "/sign-out", "/\\evil"]
)
def test_signing_in_leads_nowhere_else(openid: OpenIdClient, target: str) -> None:
    fields = form_fields(openid.browser.get("/sign-in").text)
    fields |= {"next": target, "email": LEAD.email, "passphrase": LEAD.passphrase}
    assert openid.browser.post("/sign-in", data=fields).location == "/"


def test_too_many_wrong_tries_must_wait_and_then_may_again(openid: OpenIdClient, clock: FixedClock) -> None:
    for _ in range(ATTEMPTS_PER_ADDRESS):
        assert openid.sign_in(LEAD, passphrase="not these words").status_code == 401
    refused = openid.sign_in(LEAD)
    assert refused.status_code == 429
    assert "15 minutes" in refused.text
    clock.moment += timedelta(minutes=15)
    assert openid.sign_in(LEAD).status_code == 303


def test_an_unknown_address_is_limited_in_the_same_way(openid: OpenIdClient) -> None:
    for _ in range(ATTEMPTS_PER_ADDRESS):
        assert openid.sign_in(NOBODY).status_code == 401
    assert openid.sign_in(NOBODY).status_code == 429


def test_wrong_tries_from_elsewhere_lock_nobody_out(app: Flask) -> None:
    attacker, owner = OpenIdClient(app), OpenIdClient(app)
    attacker.browser.environ_base["REMOTE_ADDR"] = "192.0.2.66"
    for _ in range(ATTEMPTS_PER_ADDRESS + 1):
        attacker.sign_in(LEAD, passphrase="not these words")
    assert attacker.sign_in(LEAD).status_code == 429
    assert owner.sign_in(LEAD).status_code == 303


def test_a_device_that_signed_in_before_is_not_locked_out_by_a_neighbour(app: Flask) -> None:
    # Given someone who signed in with this browser before, and a neighbour behind the same address
    owner, neighbour = OpenIdClient(app), OpenIdClient(app)
    assert owner.sign_in(LEAD).status_code == 303
    # When the neighbour guesses until stopped
    for _ in range(ATTEMPTS_PER_ADDRESS + 1):
        neighbour.sign_in(LEAD, passphrase="not these words")
    assert neighbour.sign_in(LEAD).status_code == 429
    # Then the owner still signs in
    assert owner.sign_in(LEAD).status_code == 303


def test_the_attempts_table_names_nobody(openid: OpenIdClient, rows: Call) -> None:
    openid.sign_in(NOBODY)
    assert NOBODY.email not in str(rows("SELECT * FROM sign_in_attempt"))
    assert "nobody" not in str(rows("SELECT convert_from(bucket, 'LATIN1') AS text FROM sign_in_attempt"))


def test_a_link_asked_in_te_reo_maori_opens_the_page_in_it(openid: OpenIdClient) -> None:
    to_sign_in = openid.authorize(Asked(), ui_locales="mi")
    assert '<html lang="mi">' in openid.browser.get(to_sign_in.location).text


def test_a_hint_fills_in_the_address_and_a_form_request_becomes_a_link(openid: OpenIdClient) -> None:
    to_link = openid.browser.post("/authorize", data=Asked().parameters(login_hint=LEAD.email))
    to_sign_in = openid.browser.get(to_link.location)
    assert f'value="{LEAD.email}"' in openid.browser.get(to_sign_in.location).text
    assert REDIRECT_URI not in to_sign_in.location.partition("?")[0]

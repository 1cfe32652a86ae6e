"""A program that people run themselves works in their name only when they say so, each time that it asks."""

import pytest

from tests.service.identity.client import ISSUER, Asked, OpenIdClient, query
from tests.service.identity.world import LEAD, MANAGER

PROGRAM = {"client_id": "program", "redirect_uri": "http://127.0.0.1:49152/callback"}


def test_a_person_is_told_what_a_program_could_do_and_asked_each_time(openid: OpenIdClient) -> None:
    # Given someone who is signed in, and a program that wants a code
    openid.sign_in(LEAD)
    asked = Asked()
    page = openid.authorize(asked, **PROGRAM, scope="openid email")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "read everything here that you can read" in page.text
    assert "know your email address" in page.text
    assert "know your name" not in page.text
    # When they allow it, then the program has its code; and the next one asks again
    back = query(openid.consent(asked, **PROGRAM).location)
    assert (sorted(back), back["state"], back["iss"]) == (["code", "iss", "state"], asked.state, ISSUER)
    assert openid.authorize(Asked(), **PROGRAM).status_code == 200


@pytest.mark.parametrize("decision", ["deny", "", "Allow"])
def test_who_does_not_allow_it_gives_nothing(openid: OpenIdClient, decision: str) -> None:
    openid.sign_in(LEAD)
    asked = Asked()
    back = query(openid.consent(asked, decision, **PROGRAM).location)
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", asked.state, ISSUER)
    assert "code" not in back


def test_no_page_of_another_can_answer_for_a_person(openid: OpenIdClient) -> None:
    openid.sign_in(LEAD)
    answer = openid.browser.post(
        "/authorize/consent", query_string=Asked().parameters(**PROGRAM), data={"decision": "allow"}
    )
    assert (answer.status_code, answer.location) == (400, None)
    assert "frame-ancestors 'none'" in openid.authorize(Asked(), **PROGRAM).headers["Content-Security-Policy"]


def test_an_answer_is_looked_at_as_the_request_was(openid: OpenIdClient) -> None:
    # Given a consent page whose address is changed before it is answered
    openid.sign_in(LEAD)
    asked = Asked()
    page = openid.authorize(asked, **PROGRAM)
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]

    def answer(**changes: str | None) -> tuple[int, str]:
        wanted = asked.parameters(**(PROGRAM | changes))
        given = openid.browser.post(
            "/authorize/consent", query_string=wanted, data={"decision": "allow", "csrf_token": token}
        )
        return given.status_code, query(given.location).get("error", "") if given.location else ""

    assert answer(redirect_uri="https://evil.example/callback") == (400, "")
    assert answer(code_challenge_method="plain") == (303, "invalid_request")
    # And of someone who has signed out meanwhile, who they are is asked first.
    openid.browser.delete_cookie("identity_session", domain="127.0.0.1")
    gone = openid.browser.post(
        "/authorize/consent",
        query_string=asked.parameters(**PROGRAM),
        data={"decision": "allow", "csrf_token": token},
    )
    assert gone.location.startswith("/sign-in?")


def test_without_a_page_there_is_no_consent(openid: OpenIdClient) -> None:
    openid.sign_in(MANAGER)
    assert query(openid.authorize(Asked(), **PROGRAM, prompt="none").location)["error"] == "consent_required"


def test_the_product_itself_is_not_asked_about(openid: OpenIdClient) -> None:
    openid.sign_in(MANAGER)
    assert "code" in query(openid.authorize(Asked()).location)

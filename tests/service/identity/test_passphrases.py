"""Passphrases: changed knowing the present one, or chosen anew by a link that anybody may ask for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2
from ascms.identity.v1 import passphrases_pb2 as pb
from flask import Flask

from kit.clock import FixedClock
from kit.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError
from services.identity import commands
from services.identity.commands import Deps
from services.identity.wishes import Wishes
from tests.service.identity.client import OpenIdClient, form_fields
from tests.service.identity.conftest import Call
from tests.service.identity.test_access import types
from tests.service.identity.test_directory import mint
from tests.service.identity.world import LEAD, PROVIDER, SCHOOL

NEW = "seven quiet kererū over the ridge"
UNKNOWN = "nobody.at.all@putahi.example"

MailOf = Callable[..., Any]


@pytest.fixture
def asks(deps: Deps, rows: Call) -> Callable[..., list[UUID]]:
    """Someone asks for links to an address; the ids of the links that came of it, newest last."""

    def ask(client: OpenIdClient, email: str, *, times: int = 1) -> list[UUID]:
        for _ in range(times):
            page = client.browser.get("/passphrase/forgotten")
            fields = form_fields(page.text, "/passphrase/forgotten") | {"email": email}
            assert client.browser.post("/passphrase/forgotten", data=fields).status_code == 303
        Wishes(deps).run_once()
        return [row["id"] for row in rows("SELECT id FROM passphrase_reset ORDER BY asked_at, id")]

    return ask


@pytest.fixture
def mail_of(call: Call) -> MailOf:
    """What notifications are told of a person's mail."""

    def get(link_id: UUID | str, *, person_id: UUID = LEAD.id, tenant: UUID = PROVIDER) -> Any:
        request = pb.GetPassphraseMailRequest(person_id=str(person_id), link_id=str(link_id))
        return call("GetPassphraseMail", request, token=mint(call, "notifications", "send-passphrases", tenant))

    return get


def choose(client: OpenIdClient, key: str, passphrase: str = NEW) -> Any:
    page = client.browser.get(f"/passphrase/reset?key={key}")
    fields = form_fields(page.text, "/passphrase/reset")
    return client.browser.post("/passphrase/reset", data={**fields, "passphrase": passphrase})


def change(client: OpenIdClient, present: str, passphrase: str = NEW) -> Any:
    page = client.browser.get("/passphrase")
    fields = form_fields(page.text, "/passphrase")
    return client.browser.post("/passphrase", data={**fields, "present": present, "passphrase": passphrase})


def told(rows: Call) -> list[str]:
    return [name for name in types(rows) if name.startswith("Passphrase")]


def test_a_link_in_the_mail_brings_a_new_passphrase_and_ends_every_session(
    openid: OpenIdClient, app: Flask, call: Call, asks: Any, mail_of: MailOf, rows: Call
) -> None:
    # Given someone who is signed in elsewhere, and has forgotten their passphrase
    elsewhere = OpenIdClient(app).tokens(LEAD)
    [link] = asks(openid, LEAD.email.upper())
    mail = mail_of(link)
    assert (mail.email, mail.language) == (LEAD.email, "en")
    assert mail.key not in str(rows("SELECT * FROM passphrase_reset") + rows("SELECT * FROM outbox"))
    # When they choose a new one behind the link
    done = choose(openid, mail.key)
    # Then every session has ended, the new one signs in, the old one does not, and a mail will say so
    assert done.location == "/passphrase/changed"
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=elsewhere["access_token"]))
    assert openid.sign_in(LEAD).status_code == 401
    assert openid.sign_in(LEAD, passphrase=NEW).status_code == 303
    assert told(rows) == ["PassphraseResetAsked", "PassphraseChanged"]
    assert rows("SELECT 1 FROM audit WHERE action = 'change-passphrase' AND subject_id = %s", LEAD.id)
    assert mail_of("").key == ""


def test_a_link_says_that_it_was_used_or_has_expired_before_any_form(
    openid: OpenIdClient, asks: Any, mail_of: MailOf, clock: FixedClock
) -> None:
    first, second = asks(openid, LEAD.email, times=2)
    keys = [mail_of(first).key, mail_of(second).key]
    waiting = form_fields(openid.browser.get(f"/passphrase/reset?key={keys[1]}").text, "/passphrase/reset")
    # A new passphrase uses up every link there is, and a link is good for an hour.
    choose(openid, keys[0])
    used = [openid.browser.get(f"/passphrase/reset?key={key}") for key in keys]
    assert [page.status_code for page in used] == [410, 410]
    assert "This link was used already" in used[0].text
    assert 'type="password"' not in used[0].text
    late = openid.browser.post("/passphrase/reset", data={**waiting, "passphrase": "another one of my four words"})
    assert late.status_code == 410

    *_, third = asks(openid, LEAD.email)
    key = mail_of(third).key
    clock.moment += timedelta(hours=1)
    expired = openid.browser.get(f"/passphrase/reset?key={key}")
    assert (expired.status_code, 'type="password"' in expired.text) == (410, False)
    assert "This link has expired" in expired.text
    with pytest.raises(NotFoundError):
        mail_of(third)
    assert openid.browser.get(f"/passphrase/reset?key={'x' * 43}").status_code == 404


def test_asking_tells_nothing_of_who_is_known(openid: OpenIdClient, asks: Any, rows: Call) -> None:
    # The answer is one page, and what the provider does before it is the same: a row that does not say whose it is.
    assert asks(openid, UNKNOWN) == []
    page = openid.browser.get("/passphrase/forgotten")
    fields = form_fields(page.text, "/passphrase/forgotten")
    answers, statements = [], []
    for email in (LEAD.email, UNKNOWN):
        answer = openid.browser.post("/passphrase/forgotten", data={**fields, "email": email})
        answers.append((answer.status_code, answer.location, answer.headers.get("Set-Cookie") is None))
        statements.append(len(rows("SELECT 1 FROM reset_wish")))
    assert answers[0] == answers[1]
    assert statements == [1, 2]
    kept = rows("SELECT * FROM reset_wish")
    assert LEAD.email.encode() not in b"".join(row["sealed"] for row in kept)


def test_nobody_is_kept_out_by_who_asks_for_them(openid: OpenIdClient, app: Flask, asks: Any, mail_of: MailOf) -> None:
    # Given someone who asks for another's address until they must wait
    stranger = OpenIdClient(app)
    stranger.browser.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    links = asks(stranger, LEAD.email, times=8)
    page = stranger.browser.get("/passphrase/forgotten")
    fields = form_fields(page.text, "/passphrase/forgotten") | {"email": LEAD.email}
    assert stranger.browser.post("/passphrase/forgotten", data=fields).status_code == 429
    # Then the owner has been sent five links at most, may ask from where they are, and the links in their mail work
    assert len(links) == 5
    assert asks(openid, LEAD.email) == links
    assert choose(openid, mail_of(links[0]).key).location == "/passphrase/changed"
    # And after it they can ask again.
    assert len(asks(openid, LEAD.email)) == 6


def test_the_mail_of_a_passphrase_is_for_who_sends_it_and_for_the_persons_own_organisation(
    openid: OpenIdClient, call: Call, asks: Any, mail_of: MailOf
) -> None:
    [link] = asks(openid, LEAD.email)
    with pytest.raises(NotFoundError):
        mail_of(link, tenant=SCHOOL)
    request = pb.GetPassphraseMailRequest(person_id=str(LEAD.id), link_id=str(link))
    of_notices = mint(call, "notifications", "send-notices", PROVIDER)
    with pytest.raises(PermissionDeniedError):
        call("GetPassphraseMail", request, token=of_notices)


def test_who_knows_their_passphrase_changes_it_and_stays_signed_in_here_alone(
    openid: OpenIdClient, app: Flask, call: Call, rows: Call
) -> None:
    elsewhere = OpenIdClient(app).tokens(LEAD)
    # Given someone who is sent to sign in first, and comes back to the page
    assert openid.browser.get("/passphrase").location == "/sign-in?next=/passphrase"
    assert openid.sign_in(LEAD, target="/sign-in?next=/passphrase").location == "/passphrase"
    # When they change it
    assert change(openid, LEAD.passphrase).location == "/passphrase/changed"
    # Then they are signed in here, and nowhere else
    assert openid.browser.get("/passphrase").status_code == 200
    with pytest.raises(UnauthenticatedError):
        call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=elsewhere["access_token"]))
    assert openid.sign_in(LEAD).status_code == 401
    assert told(rows) == ["PassphraseChanged"]


@pytest.mark.parametrize(
    ("present", "passphrase", "words"),
    [
        ("not this one at all", NEW, "This is not your present passphrase."),
        (LEAD.passphrase, "short", "12 characters or more"),
        (LEAD.passphrase, "password123456", "among the first that others would try"),
        (LEAD.passphrase, "", "Choose a passphrase."),
    ],
)
def test_what_is_wrong_with_a_change_is_said_and_nothing_changes(
    openid: OpenIdClient, rows: Call, present: str, passphrase: str, words: str
) -> None:
    openid.sign_in(LEAD)
    answer = change(openid, present, passphrase)
    assert answer.status_code == 400
    assert words in answer.text
    assert told(rows) == []
    assert openid.sign_in(LEAD).status_code == 303


def test_present_passphrases_cannot_be_guessed_behind_an_open_session(openid: OpenIdClient) -> None:
    openid.sign_in(LEAD)
    assert [change(openid, f"guess number {number}").status_code for number in range(9)] == [400] * 8 + [429]


def test_a_session_that_began_with_the_old_passphrase_does_not_outlive_it(
    openid: OpenIdClient, app: Flask, deps: Deps, rows: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a passphrase that is changed in the moment between its check and the session
    other = OpenIdClient(app)
    other.sign_in(LEAD)
    signed_in = commands.find_session(deps, other.browser.cookie("identity_session"))
    assert signed_in is not None
    passphrases = app.extensions["identity"].passphrases
    verify = passphrases.verify

    def verify_then_change(passphrase: str, stored: str | None) -> bool:
        is_right: bool = verify(passphrase, stored)
        commands.change_passphrase(deps, *signed_in, present=LEAD.passphrase, passphrase=NEW)
        return is_right

    monkeypatch.setattr(passphrases, "verify", verify_then_change)
    # When the sign-in goes on
    answer = openid.sign_in(LEAD)
    # Then it is refused
    assert answer.status_code == 401
    assert len(rows("SELECT 1 FROM session WHERE ended_at IS NULL")) == 1

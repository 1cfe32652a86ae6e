"""The page behind an invitation's link: what it says, who may accept, and what that gives: no role."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2
from ascms.identity.v1 import invitations_pb2 as pb
from flask import Flask

from kit.clock import FixedClock
from kit.errors import PermissionDeniedError
from services.identity import commands
from services.identity.cli import apply_organisations_file
from services.identity.commands import Deps
from services.identity.domain import ATTEMPTS_PER_PLACE
from services.identity.domain.invitations import ACCEPTS_PER_LINK
from tests.service.identity.client import OpenIdClient, form_fields
from tests.service.identity.conftest import Call
from tests.service.identity.test_directory import token_of
from tests.service.identity.test_exchange import access_token
from tests.service.identity.test_invitations import invite, wanted
from tests.service.identity.world import AUTHORISER, MANAGER, ORGANISATIONS, OTHER_AUTHORISER, PROVIDER, Demo

__all__ = ["invite", "token_of"]

NEWCOMER = Demo(UUID(int=0), "maia.newcomer@putahi.example", "jagged basalt umbrella")


@pytest.fixture
def key(invite: Call, rows: Call, deps: Deps) -> str:
    """The secret of the link of an invitation that waits."""
    invite()
    return newest_key(deps, rows)


def newest_key(deps: Deps, rows: Call) -> str:
    row = rows("SELECT tenant_id, link_id FROM invitation ORDER BY sent_at DESC, id DESC LIMIT 1")[0]
    return commands.link_key(deps, tenant_id=row["tenant_id"], link_id=row["link_id"])


def accept(client: OpenIdClient, key: str, **changes: str) -> Any:
    page = client.browser.get(f"/invitation?key={key}")
    fields = {"name": "Māia Newcomer", "passphrase": NEWCOMER.passphrase, "language": "mi"}
    return client.browser.post("/invitation", data=form_fields(page.text, "/invitation") | fields | changes)


def test_the_page_says_who_invites_and_asks_little(openid: OpenIdClient, key: str) -> None:
    page = openid.browser.get(f"/invitation?key={key}")
    assert page.status_code == 200
    assert "Te Pūtahi Tauira (demo provider)" in page.text
    assert "maia.newcomer@putahi.example" in page.text
    assert 'value="Demo Māia Newcomer"' in page.text
    assert 'autocomplete="new-password"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_the_page_speaks_te_reo_maori(openid: OpenIdClient, key: str) -> None:
    page = openid.browser.get(f"/invitation?key={key}", headers={"Accept-Language": "mi"})
    assert "Whakaaetia tō pōwhiri" in page.text
    for english in ("Accept", "Your name", "Passphrase", "Sign in"):
        assert english not in page.text


def test_a_new_profile_signs_in_and_has_no_role(
    openid: OpenIdClient, key: str, deps: Deps, call: Call, rows: Call, token_of: Call
) -> None:
    # When the newcomer accepts with a new profile
    answer = accept(openid, key)
    assert (answer.status_code, answer.location) == (303, "/invitation/accepted")
    assert "You have accepted" in openid.browser.get(answer.location).text
    # Then they can sign in, and an exchange of their token gives nothing anywhere
    token = access_token(deps, NEWCOMER)
    with pytest.raises(PermissionDeniedError) as refused:
        call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=token))
    assert refused.value.reason == "no-access"
    # And the authoriser sees who it is
    (listed,) = call("ListInvitations", pb.ListInvitationsRequest(), token=token_of(AUTHORISER)).invitations
    assert listed.state == pb.INVITATION_STATE_USED
    (member,) = rows("SELECT tenant_id, name, email, language FROM member WHERE person_id = %s", UUID(listed.person_id))
    assert member == {
        "tenant_id": PROVIDER, "name": "Māia Newcomer", "email": NEWCOMER.email, "language": "mi"
    }  # fmt: skip
    assert rows("SELECT 1 FROM role_grant WHERE person_id = %s", UUID(listed.person_id)) == []
    (audited,) = rows("SELECT tenant_id, actor_id, subject_id FROM audit WHERE action = 'accept-invitation'")
    assert audited == {
        "tenant_id": PROVIDER, "actor_id": UUID(listed.person_id), "subject_id": UUID(listed.invitation_id)
    }  # fmt: skip
    assert len(rows("SELECT 1 FROM outbox WHERE type = 'ascms.identity.v1.InvitationAccepted'")) == 1


def test_an_existing_profile_accepts_once_signed_in(openid: OpenIdClient, key: str, rows: Call, call: Call) -> None:
    # Given someone with a profile, who follows the link and signs in from there
    page = openid.browser.get(f"/invitation?key={key}")
    assert f"/sign-in?next=/invitation?key={key}" in unquote(page.text)
    signed_in = openid.sign_in(OTHER_AUTHORISER, target=f"/sign-in?next=/invitation?key={key}")
    assert signed_in.location == f"/invitation?key={key}"
    # When they accept as themself
    page = openid.browser.get(signed_in.location)
    assert "Accept as Demo Moana Authoriser" in page.text
    assert 'name="passphrase"' not in page.text
    answer = openid.browser.post("/invitation", data=form_fields(page.text, "/invitation"))
    # Then the organisation knows them, and no new profile was made
    assert answer.location == "/invitation/accepted"
    assert rows("SELECT tenant_id FROM member WHERE person_id = %s AND tenant_id = %s", OTHER_AUTHORISER.id, PROVIDER)
    assert rows("SELECT 1 FROM profile WHERE email = %s", NEWCOMER.email) == []


def test_an_address_with_a_profile_must_sign_in(openid: OpenIdClient, invite: Call, deps: Deps, rows: Call) -> None:
    invite(email=MANAGER.email.upper())
    answer = accept(openid, newest_key(deps, rows))
    assert answer.status_code == 409
    assert "has a profile already" in answer.text
    assert rows("SELECT used_at FROM invitation") == [{"used_at": None}]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"passphrase": "short words"}, "12 characters or more"),
        ({"passphrase": "password1234"}, "among the first that others would try"),
        ({"passphrase": "Demo Māia Newcomer"}, "among the first that others would try"),
        ({"passphrase": ""}, "Choose a passphrase."),
        ({"name": " "}, "Enter your name."),
        ({"language": "fr"}, "Not a valid choice"),
    ],
)
def test_a_bad_form_says_where_and_loses_nothing_but_the_passphrase(
    openid: OpenIdClient, key: str, rows: Call, changes: dict[str, str], words: str
) -> None:
    answer = accept(openid, key, **changes)
    assert answer.status_code == 400
    assert words in answer.text
    assert NEWCOMER.passphrase not in answer.text
    assert rows("SELECT used_at FROM invitation") == [{"used_at": None}]
    assert rows("SELECT 1 FROM profile WHERE email = %s", NEWCOMER.email) == []


def test_expired_withdrawn_and_used_are_said_before_any_form(
    *, openid: OpenIdClient, invite: Call, call: Call, token_of: Call, deps: Deps, rows: Call, clock: FixedClock
) -> None:
    pages = {}
    withdrawn = invite(email="one@putahi.example").invitation
    pages["This invitation was withdrawn"] = newest_key(deps, rows)
    request = pb.WithdrawInvitationRequest(invitation_id=withdrawn.invitation_id)
    call("WithdrawInvitation", request, token=token_of(AUTHORISER))
    clock.moment += timedelta(seconds=1)
    invite(email="two@putahi.example")
    pages["This invitation was used already"] = newest_key(deps, rows)
    accept(openid, pages["This invitation was used already"])
    clock.moment += timedelta(seconds=1)
    invite(email="three@putahi.example")
    pages["This invitation has expired"] = newest_key(deps, rows)
    clock.moment += timedelta(days=14)

    shown = {title: openid.browser.get(f"/invitation?key={key}") for title, key in pages.items()}

    assert {title: title in page.text for title, page in shown.items()} == dict.fromkeys(pages, True)
    assert {page.status_code for page in shown.values()} == {410}
    assert not any('name="passphrase"' in page.text for page in shown.values())


def test_a_second_who_accepts_at_the_same_moment_is_told_so(app: Flask, key: str, rows: Call) -> None:
    # Given two browsers that both opened the page
    first, second = OpenIdClient(app), OpenIdClient(app)
    fields = form_fields(second.browser.get(f"/invitation?key={key}").text, "/invitation")
    accept(first, key)
    # When the second sends its form in
    form = fields | {"name": "Another", "passphrase": "other basalt umbrella", "language": "en"}
    answer = second.browser.post("/invitation", data=form)
    # Then it is told, and nothing was made
    assert answer.status_code in {409, 410}
    assert len(rows("SELECT 1 FROM profile WHERE email = %s", NEWCOMER.email)) == 1


def test_the_old_link_leads_nowhere_once_it_was_sent_again(
    *, openid: OpenIdClient, key: str, call: Call, token_of: Call, rows: Call, clock: FixedClock, deps: Deps
) -> None:
    clock.moment += timedelta(seconds=1)
    invitation_id = str(rows("SELECT id FROM invitation")[0]["id"])
    request = pb.ResendInvitationRequest(invitation_id=invitation_id)
    call("ResendInvitation", request, token=token_of(AUTHORISER))
    assert openid.browser.get(f"/invitation?key={key}").status_code == 404
    assert openid.browser.get(f"/invitation?key={newest_key(deps, rows)}").status_code == 200


def test_no_link_and_a_suspended_organisation_look_alike(openid: OpenIdClient, key: str, deps: Deps) -> None:
    suspended = ORGANISATIONS.replace(b"    name: Te P\xc5\xabtahi", b"    suspended: true\n    name: Te P\xc5\xabtahi")
    apply_organisations_file(deps, suspended)
    pages = [openid.browser.get(f"/invitation?key={each}") for each in (key, "x" * 43, "", "nul%00", "%F0%9F")]
    assert {page.status_code for page in pages} == {404}
    assert all("This link does not work" in page.text for page in pages)


def test_guessing_links_and_sending_forms_are_limited(openid: OpenIdClient, key: str, clock: FixedClock) -> None:
    answers = {accept(openid, key, passphrase="password1234").status_code for _ in range(ACCEPTS_PER_LINK)}
    assert answers == {400}
    assert accept(openid, key).status_code == 429
    for _ in range(ATTEMPTS_PER_PLACE):
        openid.browser.get("/invitation?key=guess")
    assert openid.browser.get("/invitation?key=guess").status_code == 429
    assert openid.browser.get(f"/invitation?key={key}").status_code == 200, "who has a link still sees it"
    clock.moment += timedelta(minutes=15)
    assert accept(openid, key).status_code == 303


def test_a_form_without_its_token_is_refused(openid: OpenIdClient, key: str, rows: Call) -> None:
    fields = {"key": key, "name": "x", "passphrase": NEWCOMER.passphrase, "language": "en"}
    assert openid.browser.post("/invitation", data=fields).status_code == 400
    assert rows("SELECT used_at FROM invitation") == [{"used_at": None}]


def test_inviting_the_same_address_elsewhere_lets_the_one_profile_accept_there_too(
    *, app: Flask, openid: OpenIdClient, key: str, call: Call, token_of: Call, deps: Deps, rows: Call, clock: FixedClock
) -> None:
    accept(openid, key)
    clock.moment += timedelta(seconds=1)
    call("InvitePerson", wanted(), token=token_of(OTHER_AUTHORISER))
    elsewhere = OpenIdClient(app)
    signed_in = elsewhere.sign_in(NEWCOMER, target=f"/sign-in?next=/invitation?key={newest_key(deps, rows)}")
    page = elsewhere.browser.get(signed_in.location)
    elsewhere.browser.post("/invitation", data=form_fields(page.text, "/invitation"))
    assert len(rows("SELECT tenant_id FROM member WHERE email = %s", NEWCOMER.email)) == 2

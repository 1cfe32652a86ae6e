"""Inviting: what was seen of the person, one link that works, and whose invitations they are."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import invitations_pb2 as pb

from kit.clock import FixedClock
from kit.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from services.identity.commands import Deps
from tests.service.identity.conftest import Call
from tests.service.identity.test_directory import mint, token_of
from tests.service.identity.world import AUTHORISER, LEAD, MANAGER, OTHER_AUTHORISER, OTHER_PROVIDER, PROVIDER

__all__ = ["token_of"]


def wanted(**changes: Any) -> pb.InvitePersonRequest:
    usual: dict[str, Any] = {
        "name": "Demo Māia Newcomer",
        "email": "maia.newcomer@putahi.example",
        "language": "mi",
        "identity_sighted": pb.IdentitySighted(
            primary_document="nz_birth_certificate", supporting_document="nz_driver_licence"
        ),
    }
    return pb.InvitePersonRequest(**(usual | changes))


def sighted(primary: str, supporting: str) -> pb.IdentitySighted:
    return pb.IdentitySighted(primary_document=primary, supporting_document=supporting)


@pytest.fixture
def invite(call: Call, token_of: Call) -> Call:
    """`invite(**changes)` as the authoriser of the first provider."""

    def invite(key: str = "", **changes: Any) -> Any:
        return call("InvitePerson", wanted(**changes), token=token_of(AUTHORISER), idempotency_key=key)

    return invite


def mail_of(call: Call, link_id: str, tenant: UUID = PROVIDER) -> Any:
    request = pb.GetInvitationMailRequest(link_id=link_id)
    return call("GetInvitationMail", request, token=mint(call, "notifications", "send-invitations", tenant))


def last_link(rows: Call) -> str:
    return str(rows("SELECT link_id FROM invitation ORDER BY sent_at DESC, id DESC LIMIT 1")[0]["link_id"])


def test_an_invitation_is_stored_audited_and_told_without_its_secret(
    call: Call, invite: Call, rows: Call, clock: FixedClock
) -> None:
    answer = invite()

    given = answer.invitation
    assert (given.name, given.email, given.language) == ("Demo Māia Newcomer", "maia.newcomer@putahi.example", "mi")
    assert given.state == pb.INVITATION_STATE_PENDING
    assert given.invited_by == str(AUTHORISER.id)
    assert given.expires_at.ToDatetime() - given.invited_at.ToDatetime() == timedelta(days=14)
    assert given.identity_sighted == sighted("nz_birth_certificate", "nz_driver_licence")
    audited = rows("SELECT actor_id, tenant_id, subject_id FROM audit WHERE action = 'invite-person'")
    assert audited == [{"actor_id": AUTHORISER.id, "tenant_id": PROVIDER, "subject_id": UUID(given.invitation_id)}]
    (told,) = rows("SELECT id, payload FROM outbox WHERE type = 'ascms.identity.v1.InvitationCreated'")
    assert told["id"] == answer.position
    key = mail_of(call, last_link(rows)).key
    assert key.encode() not in told["payload"]
    assert b"Newcomer" not in told["payload"]
    assert key not in str(rows("SELECT * FROM invitation"))


def test_the_mail_is_for_the_sender_alone_and_the_same_each_time(
    call: Call, invite: Call, token_of: Call, rows: Call
) -> None:
    invite()
    link_id = last_link(rows)

    mail = mail_of(call, link_id)

    assert (mail.email, mail.name, mail.language) == ("maia.newcomer@putahi.example", "Demo Māia Newcomer", "mi")
    assert mail.organisation_name == "Te Pūtahi Tauira (demo provider)"
    assert len(mail.key) == 43
    assert mail_of(call, link_id).key == mail.key
    request = pb.GetInvitationMailRequest(link_id=link_id)
    for token in (token_of(AUTHORISER), mint(call, "notifications", "send-notices")):
        with pytest.raises(PermissionDeniedError):
            call("GetInvitationMail", request, token=token)
    with pytest.raises(PermissionDeniedError):
        mint(call, "cases", "send-invitations")
    with pytest.raises(NotFoundError):
        mail_of(call, link_id, OTHER_PROVIDER)


@pytest.mark.parametrize(
    ("documents", "field", "reason"),
    [
        (sighted("library_card", "nz_driver_licence"), "identity_sighted.primary_document", "unknown-value"),
        (sighted("nz_driver_licence", "nz_passport"), "identity_sighted.primary_document", "unknown-value"),
        (sighted("nz_passport", "nz_passport"), "identity_sighted.supporting_document", "unknown-value"),
        (sighted("nz_birth_certificate", "bank_statement"), "identity_sighted.supporting_document", "photo"),
        (sighted("", "bank_statement"), "identity_sighted.primary_document", "required"),
    ],
)
def test_one_primary_and_one_supporting_document_and_a_photo(
    invite: Call, rows: Call, documents: pb.IdentitySighted, field: str, reason: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        invite(identity_sighted=documents)
    assert (refused.value.violations[0].field, refused.value.violations[0].reason) == (field, reason)
    assert rows("SELECT 1 FROM invitation") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"email": "nowhere"}, "email"),
        ({"email": ""}, "email"),
        ({"language": "fr"}, "language"),
        ({"identity_sighted": None}, "identity_sighted"),
    ],
)
def test_a_malformed_invitation_names_the_field(invite: Call, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        invite(**changes)
    assert refused.value.violations[0].field == field


def test_the_kinds_of_documents_are_listed_as_they_count_today(call: Call, token_of: Call, clock: FixedClock) -> None:
    request = pb.ListIdentityDocumentsRequest()
    answer = call("ListIdentityDocuments", request, token=token_of(AUTHORISER))
    assert [each.code for each in answer.primary][:2] == ["nz_passport", "overseas_passport"]
    assert {each.code: each.has_photo for each in answer.supporting}["bank_statement"] is False
    assert answer.primary[0].label_mi == "Uruwhenua o Aotearoa"
    # Kinds of documents are nobody's secret: the ministry sees them too, for whom it invites.
    assert call("ListIdentityDocuments", request, token=token_of(LEAD)) == answer


def test_only_the_authoriser_invites(call: Call, token_of: Call, rows: Call) -> None:
    for person in (LEAD, MANAGER):
        with pytest.raises(PermissionDeniedError):
            call("InvitePerson", wanted(), token=token_of(person))
    assert rows("SELECT 1 FROM invitation") == []


def test_one_address_has_one_invitation_at_a_time(invite: Call, call: Call, token_of: Call) -> None:
    first = invite().invitation
    with pytest.raises(AlreadyExistsError) as refused:
        invite(email=" Maia.NEWCOMER@putahi.example".strip(), name="Demo Again")
    assert refused.value.metadata["invitation_id"] == first.invitation_id
    elsewhere = call("InvitePerson", wanted(), token=token_of(OTHER_AUTHORISER))
    assert elsewhere.invitation.state == pb.INVITATION_STATE_PENDING


def test_the_same_key_invites_once(invite: Call, rows: Call) -> None:
    first = invite(key="one")
    again = invite(key="one")
    assert (again.invitation.invitation_id, again.position) == (first.invitation.invitation_id, first.position)
    assert len(rows("SELECT 1 FROM invitation")) == 1
    with pytest.raises(InvalidArgumentError) as refused:
        invite(key="one", name="Another")
    assert refused.value.reason == "idempotency-key-reused"


def test_sent_again_elsewhere_the_old_link_dies_and_the_new_one_has_fourteen_days(
    call: Call, invite: Call, token_of: Call, rows: Call, clock: FixedClock
) -> None:
    # Given an invitation that went to a wrong address
    given = invite().invitation
    old_link, old_digest = last_link(rows), rows("SELECT link_digest FROM invitation")[0]["link_digest"]
    # When it has expired and is sent again to another
    clock.moment += timedelta(days=15)
    request = pb.ResendInvitationRequest(invitation_id=given.invitation_id, email="maia@putahi.example")
    answer = call("ResendInvitation", request, token=token_of(AUTHORISER))
    # Then there is one invitation with one link, and the old one leads nowhere
    assert (answer.invitation.email, answer.invitation.state) == ("maia@putahi.example", pb.INVITATION_STATE_PENDING)
    assert answer.invitation.expires_at.ToDatetime() - answer.invitation.sent_at.ToDatetime() == timedelta(days=14)
    assert answer.invitation.invited_at == given.invited_at
    assert rows("SELECT link_digest FROM invitation") != [{"link_digest": old_digest}]
    with pytest.raises(NotFoundError):
        mail_of(call, old_link)
    assert mail_of(call, last_link(rows)).email == "maia@putahi.example"
    (told,) = rows("SELECT id FROM outbox WHERE type = 'ascms.identity.v1.InvitationResent'")
    assert told["id"] == answer.position


def test_an_invitation_cannot_be_sent_to_an_address_that_was_invited(call: Call, invite: Call, token_of: Call) -> None:
    invite(email="one@putahi.example")
    second = invite(email="two@putahi.example").invitation
    request = pb.ResendInvitationRequest(invitation_id=second.invitation_id, email="one@putahi.example")
    with pytest.raises(AlreadyExistsError):
        call("ResendInvitation", request, token=token_of(AUTHORISER))


def test_withdrawn_it_stays_withdrawn(call: Call, invite: Call, token_of: Call, rows: Call) -> None:
    given = invite().invitation
    request = pb.WithdrawInvitationRequest(invitation_id=given.invitation_id)
    token = token_of(AUTHORISER)

    answer = call("WithdrawInvitation", request, token=token)
    again = call("WithdrawInvitation", request, token=token)

    assert answer.invitation.state == again.invitation.state == pb.INVITATION_STATE_WITHDRAWN
    assert again.invitation.withdrawn_at == answer.invitation.withdrawn_at
    assert len(rows("SELECT 1 FROM outbox WHERE type = 'ascms.identity.v1.InvitationWithdrawn'")) == 1
    with pytest.raises(FailedPreconditionError) as refused:
        call("ResendInvitation", pb.ResendInvitationRequest(invitation_id=given.invitation_id), token=token)
    assert refused.value.reason == "invitation-withdrawn"
    with pytest.raises(NotFoundError):
        mail_of(call, last_link(rows))
    assert invite().invitation.state == pb.INVITATION_STATE_PENDING


def test_an_organisations_invitations_are_its_own(call: Call, invite: Call, token_of: Call) -> None:
    given = invite().invitation
    stranger = token_of(OTHER_AUTHORISER)
    for method, request in (
        ("ResendInvitation", pb.ResendInvitationRequest(invitation_id=given.invitation_id)),
        ("WithdrawInvitation", pb.WithdrawInvitationRequest(invitation_id=given.invitation_id)),
        ("WithdrawInvitation", pb.WithdrawInvitationRequest(invitation_id=str(UUID(int=4)))),
    ):
        with pytest.raises(NotFoundError):
            call(method, request, token=stranger)
    assert list(call("ListInvitations", pb.ListInvitationsRequest(), token=stranger).invitations) == []


def test_lists_tell_the_state_from_the_facts_newest_first_in_pages(
    call: Call, invite: Call, token_of: Call, clock: FixedClock, deps: Deps
) -> None:
    given = []
    for number, name in enumerate(["expired", "withdrawn", "pending one", "pending two"]):
        given.append(invite(name=name, email=f"{number}@putahi.example").invitation)
        clock.moment += timedelta(days=6)
    clock.moment -= timedelta(days=7)
    token = token_of(AUTHORISER)
    call("WithdrawInvitation", pb.WithdrawInvitationRequest(invitation_id=given[1].invitation_id), token=token)

    def listed(**filters: Any) -> Any:
        return call("ListInvitations", pb.ListInvitationsRequest(**filters), token=token)

    assert [(each.name, each.state) for each in listed().invitations] == [
        ("pending two", pb.INVITATION_STATE_PENDING),
        ("pending one", pb.INVITATION_STATE_PENDING),
        ("withdrawn", pb.INVITATION_STATE_WITHDRAWN),
        ("expired", pb.INVITATION_STATE_EXPIRED),
    ]
    assert [each.name for each in listed(state=pb.INVITATION_STATE_EXPIRED).invitations] == ["expired"]
    assert [each.name for each in listed(state=pb.INVITATION_STATE_WITHDRAWN).invitations] == ["withdrawn"]
    assert list(listed(state=pb.INVITATION_STATE_USED).invitations) == []
    first = listed(state=pb.INVITATION_STATE_PENDING, page_size=1)
    second = listed(state=pb.INVITATION_STATE_PENDING, page_size=1, page_token=first.next_page_token)
    assert [each.name for each in (*first.invitations, *second.invitations)] == ["pending two", "pending one"]
    assert second.next_page_token == ""
    with pytest.raises(InvalidArgumentError):
        listed(page_token=first.next_page_token)

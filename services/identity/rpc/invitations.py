"""Invitations: decode, one call, encode."""

from datetime import datetime
from uuid import UUID

from ascms.identity.v1 import invitations_pb2 as pb

from kit.errors import NotFoundError
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read, write
from services.identity import commands
from services.identity.domain.invitations import PRIMARY, Invitation, InvitationState, Sighting
from services.identity.rpc.base import Methods, encode_document, encode_moment
from services.identity.store import invitations, organisations

_STATES = {
    InvitationState.PENDING: pb.INVITATION_STATE_PENDING,
    InvitationState.EXPIRED: pb.INVITATION_STATE_EXPIRED,
    InvitationState.WITHDRAWN: pb.INVITATION_STATE_WITHDRAWN,
    InvitationState.USED: pb.INVITATION_STATE_USED,
}
_STATE_OF = {number: state for state, number in _STATES.items()}


class InvitationMethods(Methods):
    """Inviting people, and what the mail of an invitation needs."""

    @read
    def ListIdentityDocuments(
        self, _request: pb.ListIdentityDocumentsRequest, call: Call
    ) -> pb.ListIdentityDocumentsResponse:
        """The kinds of documents that count today."""
        with self.deps.database.tenant(call.actor) as tx:
            found = invitations.list_documents(tx, today=self.local_today())
        return pb.ListIdentityDocumentsResponse(
            primary=[encode_document(each, each.code) for each in found if each.purpose == PRIMARY],
            supporting=[encode_document(each, each.code) for each in found if each.purpose != PRIMARY],
        )

    @write(lambda item: pb.InvitePersonResponse(invitation=encode_new(item)))
    def InvitePerson(self, request: pb.InvitePersonRequest, call: Call) -> Invitation:
        """Invite someone."""
        sighted = request.identity_sighted
        wanted = commands.NewInvitation(
            name=request.name,
            email=request.email,
            language=request.language or "en",
            sighting=Sighting(sighted.primary_document, sighted.supporting_document),
        )
        return commands.invite_person(self.deps, call.actor, wanted=wanted)

    @write(lambda item: pb.ResendInvitationResponse(invitation=encode_new(item)))
    def ResendInvitation(self, request: pb.ResendInvitationRequest, call: Call) -> Invitation:
        """Send an invitation again."""
        invitation_id = UUID(request.invitation_id)
        return commands.resend_invitation(self.deps, call.actor, invitation_id=invitation_id, email=request.email)

    @write(lambda item: pb.WithdrawInvitationResponse(invitation=encode_new(item)))
    def WithdrawInvitation(self, request: pb.WithdrawInvitationRequest, call: Call) -> Invitation:
        """Take an invitation back."""
        invitation_id = UUID(request.invitation_id)
        return commands.withdraw_invitation(self.deps, call.actor, invitation_id=invitation_id)

    @read
    def ListInvitations(self, request: pb.ListInvitationsRequest, call: Call) -> pb.ListInvitationsResponse:
        """Invitations of the caller's organisation, newest first."""
        scope = ("invitations", call.actor.tenant_id, request.state)
        size, now = request.page_size or DEFAULT_SIZE, self.deps.clock.now()
        after = self.after(request.page_token, scope)
        with self.deps.database.tenant(call.actor) as tx:
            found = invitations.list_invitations(
                tx, state=_STATE_OF.get(request.state), after=after, most=size + 1, now=now
            )
        shown = found[:size]
        return pb.ListInvitationsResponse(
            invitations=[encode_invitation(each, now) for each in shown],
            next_page_token=self.pages.encode([str(shown[-1].id)], scope=scope) if len(found) > size else "",
        )

    @read
    def GetInvitationMail(self, request: pb.GetInvitationMailRequest, call: Call) -> pb.GetInvitationMailResponse:
        """What the mail of an invitation needs, while its link works."""
        tenant_id, link_id = call.actor.tenant_id, UUID(request.link_id)
        with self.deps.database.tenant(call.actor) as tx:
            found = invitations.find_by_link(tx, link_id)
            organisation = organisations.find_organisation(tx, tenant_id)
        if found is None or organisation is None or found.state(self.deps.clock.now()) is not InvitationState.PENDING:
            raise NotFoundError("invitation")
        return pb.GetInvitationMailResponse(
            name=found.name,
            email=found.email,
            language=found.language,
            organisation_name=organisation.name,
            key=commands.link_key(self.deps, tenant_id=tenant_id, link_id=link_id),
            expires_at=encode_moment(found.expires_at),
        )


def encode_new(item: Invitation) -> pb.Invitation:
    """An invitation as a command left it."""
    return encode_invitation(item, item.sent_at)


def encode_invitation(item: Invitation, now: datetime) -> pb.Invitation:
    """An invitation as it stands at a moment."""
    return pb.Invitation(
        invitation_id=str(item.id),
        name=item.name,
        email=item.email,
        language=item.language,
        state=_STATES[item.state(now)],
        identity_sighted=pb.IdentitySighted(
            primary_document=item.sighting.primary, supporting_document=item.sighting.supporting
        ),
        invited_by=str(item.invited_by),
        invited_at=encode_moment(item.invited_at),
        sent_at=encode_moment(item.sent_at),
        expires_at=encode_moment(item.expires_at),
        withdrawn_at=encode_moment(item.withdrawn_at),
        used_at=encode_moment(item.used_at),
        person_id=str(item.used_by) if item.used_by is not None else "",
    )

"""The people of an organisation as their authoriser sees them: decode, one call, encode."""

from collections.abc import Mapping
from uuid import UUID

from ascms.identity.v1 import staff_pb2 as pb

from kit.errors import NotFoundError
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read
from services.identity.commands import Access
from services.identity.domain.access import AccessState
from services.identity.roles import ATTESTED_KINDS
from services.identity.rpc.access import STATES, attestation_of, encode_access, encode_seen, rules_of
from services.identity.rpc.base import Methods, kind_of
from services.identity.rpc.invitations import encode_invitation
from services.identity.store import attesting, invitations, people, staff

_STATE_OF = {number: state for state, number in STATES.items()}


class StaffMethods(Methods):
    """Who is there, what each one lacks, and by which invitation they came."""

    @read
    def ListStaff(self, request: pb.ListStaffRequest, call: Call) -> pb.ListStaffResponse:
        """Everyone whom the caller's organisation knows."""
        today, size = self.local_today(), request.page_size or DEFAULT_SIZE
        scope = ("staff", call.actor.tenant_id, request.search, request.state, request.attestation_due)
        after, rules = self.after(request.page_token, scope), rules_of(call.actor, today)
        with self.deps.database.tenant(call.actor) as tx:
            due_by = attesting.find_rules(tx, today=today).due_when_attested_by(today)
            is_asked = kind_of(call.actor) in ATTESTED_KINDS
            wanted = staff.StaffFilter(
                request.search, _STATE_OF.get(request.state), due_by if request.attestation_due else None
            )
            found = staff.list_staff(tx, rules, wanted, after=after, most=size + 1)
            shown = found[:size]
            attestation = attestation_of(tx, [member.person_id for member in shown], kind_of(call.actor), today)
            due = staff.count_due(tx, rules, attested_by=due_by) if is_asked else 0
            grants = people.grants_of_members(tx, [member.person_id for member in shown])
            counted = staff.count_staff(tx, rules)
            invited = staff.count_invited(tx, now=self.deps.clock.now())
        seen = [Access(member, kind_of(call.actor), tuple(grants[member.person_id]), today) for member in shown]
        return pb.ListStaffResponse(
            staff=[encode_access(each, attestation=attestation) for each in seen],
            next_page_token=self.pages.encode([str(shown[-1].person_id)], scope=scope) if len(found) > size else "",
            counts=_counts(counted, invited, due),
        )

    @read
    def GetInvitation(self, request: pb.GetInvitationRequest, call: Call) -> pb.GetInvitationResponse:
        """One invitation."""
        with self.deps.database.tenant(call.actor) as tx:
            found = invitations.find_invitation(tx, UUID(request.invitation_id))
            documents = invitations.list_documents(tx, today=None)
        if found is None:
            raise NotFoundError("invitation")
        return pb.GetInvitationResponse(
            invitation=encode_invitation(found, self.deps.clock.now()), identity_seen=encode_seen(found, documents)
        )


def _counts(counted: Mapping[AccessState, int], invited: tuple[int, int], due: int) -> list[pb.StaffCount]:
    numbers = {
        "all": sum(counted.values()),
        **{state.value: counted.get(state, 0) for state in AccessState},
        "attestation-due": due,
        "invited": invited[0],
        "invitation-expired": invited[1],
    }
    return [pb.StaffCount(filter=name, count=count) for name, count in numbers.items()]

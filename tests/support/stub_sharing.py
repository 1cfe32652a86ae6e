"""What a provider shared with schools, in the made-up world: entries with the school's visibility, as they stand."""

from typing import Any

from ascms.cases.v1 import cases_pb2 as c
from ascms.identity.v1 import contacts_pb2

from kit.actor import Actor
from kit.errors import NotFoundError
from kit.rpc.server import Call, read
from tests.support.stub_world import World, number_id


class SharingStub:
    """Shared cases of the reader's school; of a primary contact, those that name them."""

    world: World

    @read
    def ListSharedCases(self, request: c.ListSharedCasesRequest, call: Call) -> c.ListSharedCasesResponse:
        self.met("ListSharedCases", request)  # type: ignore[attr-defined]
        own = [self._shared(case) for case in self.world.cases if self._is_theirs(case, call.actor)]
        shown = [case for case in own if request.state in (0, case.state)]
        by_state = [case.state for case in own]
        return c.ListSharedCasesResponse(
            cases=shown,
            counts=[
                c.FilterCount(filter="all", count=len(own)),
                c.FilterCount(filter="working", count=by_state.count(c.SHARED_STATE_WORKING)),
                c.FilterCount(filter="paused", count=by_state.count(c.SHARED_STATE_PAUSED)),
                c.FilterCount(filter="ended", count=by_state.count(c.SHARED_STATE_ENDED)),
            ],
        )

    @read
    def GetSharedCase(self, request: c.GetSharedCaseRequest, call: Call) -> c.GetSharedCaseResponse:
        self.met("GetSharedCase", request)  # type: ignore[attr-defined]
        for case in self.world.cases:
            if case.case_id == request.case_id and self._is_theirs(case, call.actor):
                return c.GetSharedCaseResponse(case=self._shared(case), entries=self._entries(case))
        raise NotFoundError("case")

    def _is_theirs(self, case: c.Case, actor: Actor) -> bool:
        is_named = case.primary_contact_id == str(actor.actor_id)
        return case.school_id == str(actor.tenant_id) and (actor.may("cases:read-shared-all") or is_named)

    def _entries(self, case: c.Case) -> list[c.SharedEntry]:
        return [
            c.SharedEntry(
                entry_id=entry.entry_id,
                kind=entry.kind,
                happened_on=entry.happened_on,
                outcome=entry.outcome,
                note=entry.note,
                recorded_by=entry.recorded_by,
                shared_at=entry.recorded_at,
            )
            for entry in self.world.entries.get(case.case_id, [])
            if entry.visibility == c.VISIBILITY_SCHOOL
        ]

    def _shared(self, case: c.Case) -> c.SharedCase:
        entries, student = self._entries(case), case.student
        state = c.SHARED_STATE_ENDED if case.HasField("closed_at") else c.SHARED_STATE_WORKING
        return c.SharedCase(
            case_id=case.case_id,
            number=case.number,
            student_name=f"{student.preferred_name or student.given_names} {student.family_name}".strip(),
            year_level=case.student.year_level,
            state=c.SHARED_STATE_PAUSED if case.wakes_on else state,
            provider_id=number_id(1),
            case_manager_id=case.case_manager_id,
            primary_contact_id=case.primary_contact_id,
            opened_at=case.opened_at,
            wakes_on=case.wakes_on,
            closed_at=case.closed_at if case.HasField("closed_at") else None,
            last_shared_at=entries[0].shared_at if entries else None,
        )


class SharingIdentityStub:
    """The people of a school's provider."""

    world: World

    @read
    def GetProviderContacts(
        self, request: contacts_pb2.GetProviderContactsRequest, _call: Call
    ) -> contacts_pb2.GetProviderContactsResponse:
        self.met("GetProviderContacts", request)  # type: ignore[attr-defined]
        found: list[Any] = [self.world.by_id(one) for one in request.person_ids]
        return contacts_pb2.GetProviderContactsResponse(
            provider_id=number_id(1),
            provider_name="Tūī Attendance Service",
            people=[
                contacts_pb2.ProviderContact(person_id=one.person_id, name=one.name, email=f"{one.key}@tui.example")
                for one in found
                if one and one.organisations[0] == number_id(1)
            ],
        )

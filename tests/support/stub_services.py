"""The services as the gateway meets them, over a `World`, each behind the real edge on a port of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ascms.cases.v1 import cases_pb2 as c
from ascms.cases.v1 import cases_pb2_grpc
from ascms.documents.v1 import documents_pb2, documents_pb2_grpc
from ascms.identity.v1 import identity_pb2 as i
from ascms.identity.v1 import identity_pb2_grpc
from ascms.identity.v1.register_pb2 import RegisterCount
from ascms.notifications.v1 import notifications_pb2 as n
from ascms.notifications.v1 import notifications_pb2_grpc
from ascms.reporting.v1 import figures_pb2, reporting_pb2_grpc
from ascms.reporting.v1 import reporting_pb2 as r

from kit.actor import Actor
from kit.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    StaleVersionError,
    UnauthenticatedError,
    Violation,
)
from kit.rpc.server import Call, Servicer, read, serve
from tests.support.stub_case_work import CaseWork, allowed, open_tasks
from tests.support.stub_desk import DeskStub
from tests.support.stub_documents import FilesStub
from tests.support.stub_guides import GuideStub
from tests.support.stub_letters import LetterPdfStub, LettersStub
from tests.support.stub_lists import counts, page_of
from tests.support.stub_notices import NoticesStub
from tests.support.stub_quarter import QuarterStub, SomeCasesStub
from tests.support.stub_register import RegisterStub
from tests.support.stub_requests import RequestsStub, say_what_may_be_done
from tests.support.stub_sharing import SharingIdentityStub, SharingStub
from tests.support.stub_staff import LeaversStub, StaffStub
from tests.support.stub_world import World, case_state, number_id
from tests.support.tokens import token_for, verifier


class _Stub:
    def __init__(self, world: World) -> None:
        self.world = world

    def met(self, method: str, request: Any) -> None:
        self.world.calls.append((method, request))
        if method in self.world.failures:
            raise self.world.failures[method]


class IdentityStub(
    SharingIdentityStub,
    StaffStub,
    _Stub,
    DeskStub,
    RegisterStub,
    identity_pb2_grpc.IdentityServiceServicer,
):
    """Knows who the access token "as-<key>" is."""

    @read
    def ExchangeToken(self, request: i.ExchangeTokenRequest, _call: Call) -> i.ExchangeTokenResponse:
        self.met("ExchangeToken", request)
        person = self.world.people.get(request.access_token.removeprefix("as-"))
        if person is None:
            raise UnauthenticatedError("token-ended", "Sign in again.")
        chosen = request.organisation_id or person.organisations[0]
        if chosen not in person.organisations:
            raise NotFoundError("organisation")
        return i.ExchangeTokenResponse(
            token=token_for(self.world.actor(person, chosen)),
            expires_at=self.world.moment(3650),
            person=i.Person(person_id=person.person_id, name=person.name, roles=person.roles),
            organisation=self.world.organisations[chosen],
            organisations=[self.world.organisations[one] for one in person.organisations],
            permissions=sorted(person.permissions),
        )

    @read
    def BatchGetPeople(self, request: i.BatchGetPeopleRequest, _call: Call) -> i.BatchGetPeopleResponse:
        self.met("BatchGetPeople", request)
        found = [self.world.by_id(one) for one in request.person_ids]
        return i.BatchGetPeopleResponse(people=[i.Person(person_id=p.person_id, name=p.name) for p in found if p])

    @read
    def BatchGetOrganisations(
        self, request: i.BatchGetOrganisationsRequest, _call: Call
    ) -> i.BatchGetOrganisationsResponse:
        self.met("BatchGetOrganisations", request)
        known = self.world.organisations
        return i.BatchGetOrganisationsResponse(
            organisations=[known[one] for one in request.organisation_ids if one in known]
        )

    @read
    def ListSchoolContacts(self, request: i.ListSchoolContactsRequest, _call: Call) -> i.ListSchoolContactsResponse:
        self.met("ListSchoolContacts", request)
        found = [self.world.people[key] for key in ("contact", "attendance")]
        return i.ListSchoolContactsResponse(people=[i.Person(person_id=one.person_id, name=one.name) for one in found])

    @read
    def FindSchools(self, request: i.FindSchoolsRequest, _call: Call) -> i.FindSchoolsResponse:
        self.met("FindSchools", request)
        schools = [one for one in self.world.organisations.values() if one.kind == i.ORGANISATION_KIND_SCHOOL]
        return i.FindSchoolsResponse(
            schools=[one for one in schools if request.search in f"{one.name} {one.school_number}"]
        )

    @read
    def ListPeople(self, request: i.ListPeopleRequest, call: Call) -> i.ListPeopleResponse:
        self.met("ListPeople", request)
        people = [
            i.Person(person_id=person.person_id, name=person.name, roles=person.roles)
            for person in sorted(self.world.people.values(), key=lambda one: one.name)
            if person.organisations[0] == str(call.actor.tenant_id)
            and (
                not request.working_role
                or any(role.works and role.role == request.working_role for role in person.roles)
            )
        ]
        shown, token = page_of(people, request.page_size, request.page_token)
        return i.ListPeopleResponse(people=shown, next_page_token=token)

    @read
    def ListOrganisations(self, request: i.ListOrganisationsRequest, _call: Call) -> i.ListOrganisationsResponse:
        self.met("ListOrganisations", request)
        rows = [one for one in self.world.organisations.values() if request.kind in (0, one.kind)]
        shown, token = page_of(sorted(rows, key=lambda one: one.name), request.page_size, request.page_token)
        counts = [RegisterCount(filter="all", count=len(rows))]
        return i.ListOrganisationsResponse(organisations=shown, next_page_token=token, counts=counts)


class CasesStub(
    RequestsStub,
    SomeCasesStub,
    LettersStub,
    CaseWork,
    SharingStub,
    LeaversStub,
    _Stub,
    cases_pb2_grpc.CasesServiceServicer,
):
    """Requests and cases of the world, for whoever they belong to."""

    @read
    def SubmitRequest(self, request: c.SubmitRequestRequest, call: Call) -> c.SubmitRequestResponse:
        self.met("SubmitRequest", request)
        return self.world.once(call.idempotency_key, lambda: self._submitted(request, call.actor))  # type: ignore[no-any-return]

    def _submitted(self, request: c.SubmitRequestRequest, actor: Actor) -> c.SubmitRequestResponse:
        made = c.RequestForSupport(
            request_id=number_id(200 + len(self.world.requests)),
            state=c.REQUEST_STATE_SUBMITTED,
            student=request.student,
            caregivers=request.caregivers,
            attendance=request.attendance,
            concern=request.concern,
            steps_tried=request.steps_tried,
            school_id=str(actor.tenant_id),
            provider_id=number_id(1),
            submitted_at=self.world.moment(),
            submitted_by=str(actor.actor_id),
            answer_due_on=self.world.day(7),
            version=1,
        )
        self.world.requests.append(made)
        return c.SubmitRequestResponse(request=made, position=self.world.next_position())

    @read
    def ImportRequests(self, request: c.ImportRequestsRequest, call: Call) -> c.ImportRequestsResponse:
        self.met("ImportRequests", request)
        return self.world.once(call.idempotency_key, lambda: self._imported(request))  # type: ignore[no-any-return]

    def _imported(self, request: c.ImportRequestsRequest) -> c.ImportRequestsResponse:
        try:
            lines = request.content.decode().splitlines()[1:]
        except UnicodeDecodeError as error:
            raise InvalidArgumentError.of(Violation("content", "encoding", "must be UTF-8")) from error
        rows = []
        for line, text in enumerate(lines, 2):
            if "bad" in text:
                faults = [
                    c.RowViolation(column="nsn", reason="pattern", description="must be nine or ten digits"),
                    c.RowViolation(column="date_of_birth", reason="format", description="must be a date"),
                ]
                rows.append(c.ImportedRow(line=line, result=c.ROW_RESULT_REFUSED, violations=faults))
            elif "again" in text:
                rows.append(
                    c.ImportedRow(
                        line=line, result=c.ROW_RESULT_ALREADY_OPEN, request_id=self.world.requests[0].request_id
                    )
                )
            else:
                rows.append(
                    c.ImportedRow(
                        line=line, result=c.ROW_RESULT_SUBMITTED, request_id=self.world.requests[2].request_id
                    )
                )
        results = [row.result for row in rows]
        return c.ImportRequestsResponse(
            rows=rows,
            submitted=results.count(c.ROW_RESULT_SUBMITTED),
            already_open=results.count(c.ROW_RESULT_ALREADY_OPEN),
            refused=results.count(c.ROW_RESULT_REFUSED),
            position=self.world.next_position(),
        )

    @read
    def ListSubmittedRequests(
        self, request: c.ListSubmittedRequestsRequest, call: Call
    ) -> c.ListSubmittedRequestsResponse:
        self.met("ListSubmittedRequests", request)
        own = [one for one in self.world.requests if one.school_id == str(call.actor.tenant_id)]
        own = [self._for_school(one) for one in reversed(own)]
        shown, token = page_of(
            [one for one in own if request.state in (0, one.state)], request.page_size, request.page_token
        )
        return c.ListSubmittedRequestsResponse(requests=shown, next_page_token=token, counts=self._request_counts(own))

    def _request_counts(self, requests: list[c.RequestForSupport]) -> list[c.FilterCount]:
        waiting = [one for one in requests if one.state == c.REQUEST_STATE_SUBMITTED]
        return counts(
            (
                ("all", len(requests)),
                ("submitted", len(waiting)),
                ("overdue", sum(one.overdue for one in waiting)),
                ("accepted", len(requests) - len(waiting)),
            )
        )

    def _for_school(self, request: c.RequestForSupport) -> c.RequestForSupport:
        shown = c.RequestForSupport()
        shown.CopyFrom(request)
        shown.case_id = ""
        return shown

    def _request(self, request_id: str, **owner: str) -> c.RequestForSupport:
        ((name, value),) = owner.items()
        for one in self.world.requests:
            if one.request_id == request_id and getattr(one, name) == value:
                say_what_may_be_done(one)
                return one
        raise NotFoundError("request")

    @read
    def GetSubmittedRequest(self, request: c.GetSubmittedRequestRequest, call: Call) -> c.GetSubmittedRequestResponse:
        self.met("GetSubmittedRequest", request)
        found = self._request(request.request_id, school_id=str(call.actor.tenant_id))
        return c.GetSubmittedRequestResponse(request=self._for_school(found))

    @read
    def ListIncomingRequests(
        self, request: c.ListIncomingRequestsRequest, call: Call
    ) -> c.ListIncomingRequestsResponse:
        self.met("ListIncomingRequests", request)
        own = [one for one in self.world.requests if one.provider_id == str(call.actor.tenant_id)]
        own = sorted(own, key=lambda one: (one.state, one.answer_due_on))
        chosen = [one for one in own if request.state in (0, one.state) and (one.overdue or not request.overdue)]
        shown, token = page_of(chosen, request.page_size, request.page_token)
        return c.ListIncomingRequestsResponse(requests=shown, next_page_token=token, counts=self._request_counts(own))

    @read
    def GetIncomingRequest(self, request: c.GetIncomingRequestRequest, call: Call) -> c.GetIncomingRequestResponse:
        self.met("GetIncomingRequest", request)
        return c.GetIncomingRequestResponse(
            request=self._request(request.request_id, provider_id=str(call.actor.tenant_id))
        )

    @read
    def OpenCase(self, request: c.OpenCaseRequest, call: Call) -> c.OpenCaseResponse:
        self.met("OpenCase", request)
        return self.world.once(call.idempotency_key, lambda: self._opened(request, call.actor))  # type: ignore[no-any-return]

    def _opened(self, request: c.OpenCaseRequest, actor: Actor) -> c.OpenCaseResponse:
        asked = self._request(request.request_id, provider_id=str(actor.tenant_id))
        if request.expected_version not in (0, asked.version):
            raise StaleVersionError(expected=request.expected_version, actual=asked.version)
        if asked.state != c.REQUEST_STATE_SUBMITTED:
            raise FailedPreconditionError("already-answered", "This request was answered already.")
        case = c.Case(
            case_id=number_id(350 + len(self.world.cases)),
            number=f"26-009{len(self.world.cases):02d}",
            student=asked.student,
            caregivers=asked.caregivers,
            school_id=asked.school_id,
            request_id=asked.request_id,
            attendance=asked.attendance,
            concern=asked.concern,
            case_manager_id=request.case_manager_id,
            opened_at=self.world.moment(),
            opened_by=str(actor.actor_id),
            version=1,
        )
        asked.state, asked.case_id, asked.version = c.REQUEST_STATE_ACCEPTED, case.case_id, asked.version + 1
        asked.answered_at.CopyFrom(self.world.moment())
        self.world.cases.insert(0, case)
        return c.OpenCaseResponse(case=self._shown(case, actor), position=self.world.next_position())

    def _case(self, case_id: str, actor: Actor) -> c.Case:
        for case in self.world.cases:
            theirs = actor.may("cases:read-all") or case.case_manager_id == str(actor.actor_id)
            if case.case_id == case_id and theirs and str(actor.tenant_id) == number_id(1):
                return case
        raise NotFoundError("case")

    def _shown(self, case: c.Case, actor: Actor) -> c.Case:
        shown = c.Case()
        shown.CopyFrom(case)
        shown.state = case_state(self.world, case)
        shown.allowed_actions.extend(allowed(self.world, case, actor))
        shown.open_tasks = len(open_tasks(self.world, case))
        days = {"support": -3, "actions": -1, "monitoring": -40}
        if shown.state != c.CASE_STATE_CLOSED:
            for part in ("support", "actions", "referrals", "monitoring", "time"):
                is_there = part in days and case.minutes > 0
                health = c.RECORD_HEALTH_STALE if part == "monitoring" else c.RECORD_HEALTH_OK
                shown.health.add(
                    part=part,
                    health=health if is_there else c.RECORD_HEALTH_MISSING,
                    last_on=self.world.day(days[part]) if is_there else "",
                    days=30,
                )
        return shown

    @read
    def AssignCase(self, request: c.AssignCaseRequest, call: Call) -> c.AssignCaseResponse:
        self.met("AssignCase", request)
        return self.world.once(call.idempotency_key, lambda: self._assigned(request, call.actor))  # type: ignore[no-any-return]

    def _assigned(self, request: c.AssignCaseRequest, actor: Actor) -> c.AssignCaseResponse:
        case = self._case(request.case_id, actor)
        if request.expected_version not in (0, case.version):
            raise StaleVersionError(expected=request.expected_version, actual=case.version)
        if case.case_manager_id == request.case_manager_id:
            raise FailedPreconditionError("already-assigned", "This person is the case manager already.")
        case.case_manager_id, case.version = request.case_manager_id, case.version + 1
        return c.AssignCaseResponse(case=self._shown(case, actor), position=self.world.next_position())

    @read
    def RecordEvent(self, request: c.RecordEventRequest, call: Call) -> c.RecordEventResponse:
        self.met("RecordEvent", request)
        return self.world.once(call.idempotency_key, lambda: self._recorded(request, call.actor))  # type: ignore[no-any-return]

    def _recorded(self, request: c.RecordEventRequest, actor: Actor) -> c.RecordEventResponse:
        case = self._case(request.case_id, actor)
        entries = self.world.entries.setdefault(case.case_id, [])
        entry = c.TimelineEntry(
            entry_id=number_id(500 + len(entries)),
            kind=request.kind,
            happened_on=request.happened_on,
            outcome=request.outcome,
            minutes=request.minutes,
            note=request.note,
            visibility=request.visibility,
            channel=request.channel,
            target=request.target,
            attendees=request.attendees,
            recorded_by=str(actor.actor_id),
            recorded_at=self.world.moment(),
        )
        entries.insert(0, entry)
        entries.sort(key=lambda one: one.happened_on, reverse=True)
        case.minutes, case.version = case.minutes + request.minutes, case.version + 1
        if request.outcome == c.OUTCOME_REACHED:
            case.last_contact_on = max(case.last_contact_on, request.happened_on)
        return c.RecordEventResponse(entry=entry, position=self.world.next_position(), version=case.version)

    @read
    def GetCase(self, request: c.GetCaseRequest, call: Call) -> c.GetCaseResponse:
        self.met("GetCase", request)
        case = self._case(request.case_id, call.actor)
        shown, token = page_of(self.world.entries.get(case.case_id, []), 20, "")
        return c.GetCaseResponse(
            case=self._shown(case, call.actor),
            entries=shown,
            next_page_token=token,
            open_tasks=open_tasks(self.world, case),
            pauses=self.world.pauses.get(case.case_id, []),
            closings=self.world.closings.get(case.case_id, []),
            time_spent=[c.KindTime(kind=c.EVENT_KIND_HUI, minutes=70, entries=1)] if case.minutes else [],
        )

    @read
    def ListEvents(self, request: c.ListEventsRequest, call: Call) -> c.ListEventsResponse:
        self.met("ListEvents", request)
        case = self._case(request.case_id, call.actor)
        rows = [one for one in self.world.entries.get(case.case_id, []) if request.kind in (0, one.kind)]
        shown, token = page_of(rows, request.page_size, request.page_token)
        return c.ListEventsResponse(entries=shown, next_page_token=token)

    @read
    def ListCases(self, request: c.ListCasesRequest, call: Call) -> c.ListCasesResponse:
        self.met("ListCases", request)
        actor = call.actor
        own = [case for case in self.world.cases if str(actor.tenant_id) == number_id(1)]
        own = [case for case in own if actor.may("cases:read-all") or case.case_manager_id == str(actor.actor_id)]
        own = [case for case in own if request.case_manager_id in ("", case.case_manager_id)]
        by_state = [(case, case_state(self.world, case)) for case in own]
        rows = [self._summary(case, state) for case, state in by_state if request.state in (0, state)]
        late = [row for row in rows if row.next_due_on and row.next_due_on < self.world.day()]
        rows = sorted(late, key=lambda row: row.next_due_on) if request.overdue else rows
        shown, token = page_of(rows, request.page_size, request.page_token)
        states = [state for _case, state in by_state]
        tasks = [task for case in self.world.cases for task in open_tasks(self.world, case)]
        tasks = [self._listed(task, actor) for task in tasks if task.owner_id == str(actor.actor_id)]
        return c.ListCasesResponse(
            own_tasks=tasks[: request.own_tasks],
            cases=shown,
            next_page_token=token,
            counts=counts(
                (
                    ("all", len(own)),
                    ("new", states.count(c.CASE_STATE_NEW)),
                    ("assigned", states.count(c.CASE_STATE_ASSIGNED)),
                    ("active", states.count(c.CASE_STATE_ACTIVE)),
                    ("paused", states.count(c.CASE_STATE_PAUSED)),
                    ("closed", states.count(c.CASE_STATE_CLOSED)),
                    ("overdue", len(late)),
                    ("own-tasks", len(tasks)),
                )
            ),
        )

    def _summary(self, case: c.Case, state: c.CaseState.ValueType) -> c.CaseSummary:
        student, tasks = case.student, open_tasks(self.world, case)
        return c.CaseSummary(
            case_id=case.case_id,
            number=case.number,
            state=state,
            student_name=f"{student.preferred_name or student.given_names} {student.family_name}".strip(),
            year_level=student.year_level,
            school_id=case.school_id,
            case_manager_id=case.case_manager_id,
            opened_at=case.opened_at,
            last_contact_on=case.last_contact_on,
            minutes=case.minutes,
            open_tasks=len(tasks),
            next_due_on=tasks[0].due_on if tasks else "",
        )


class ReportingStub(QuarterStub, _Stub, reporting_pb2_grpc.ReportingServiceServicer):
    """Figures as the world has them."""

    @read
    def GetProviderFigures(self, request: r.GetProviderFiguresRequest, _call: Call) -> r.GetProviderFiguresResponse:
        self.met("GetProviderFigures", request)
        return r.GetProviderFiguresResponse(
            quarter=request.quarter,
            figures=self.world.figures,
            previous=[figures_pb2.Figure(indicator="cases-opened", value=9, rule_version=1)],
            breakdowns=self.world.breakdowns,
            as_at=self.world.moment(0, -0.1) if self.world.figures else None,
            is_current=self.world.is_counted,
        )

    @read
    def GetNationalFigures(self, request: r.GetNationalFiguresRequest, _call: Call) -> r.GetNationalFiguresResponse:
        self.met("GetNationalFigures", request)
        totals = [
            figures_pb2.Figure(indicator="cases-opened", value=1_252, rule_version=1),
            figures_pb2.Figure(indicator="home-visits", value=9, rule_version=1),
            figures_pb2.Figure(indicator="minutes", value=107_135, rule_version=1),
        ]
        return r.GetNationalFiguresResponse(
            quarter=request.quarter,
            totals=totals if self.world.national else [],
            providers=self.world.national,
            regions=[r.RegionFigures(region="07", figures=totals)] if self.world.national else [],
            as_at=self.world.moment(0, -0.1) if self.world.national else None,
            is_current=True,
            trend=self._trend(request.quarter, totals) if self.world.national else [],
        )

    @staticmethod
    def _trend(quarter: str, totals: list[figures_pb2.Figure]) -> list[r.QuarterFigures]:
        """Nothing three quarters ago, something small the quarter before."""
        small = [figures_pb2.Figure(indicator="cases-opened", suppressed=True, rule_version=1), *totals[1:]]
        return [
            r.QuarterFigures(quarter="2025-Q3"),
            r.QuarterFigures(quarter="2025-Q4", totals=small),
            r.QuarterFigures(quarter=quarter, totals=totals),
        ]


class NotificationsStub(NoticesStub, _Stub, notifications_pb2_grpc.NotificationsServiceServicer):
    """Notices of the world."""


class DocumentsStub(FilesStub, LetterPdfStub, _Stub, GuideStub, documents_pb2_grpc.DocumentsServiceServicer):
    """Files and the PDFs of letters."""


@contextmanager
def serving(world: World) -> Iterator[Mapping[str, str]]:
    """Serve a world; yields addresses by the service's name."""
    stubs: dict[str, tuple[Any, Any, Any]] = {
        "identity": (IdentityStub, identity_pb2_grpc.add_IdentityServiceServicer_to_server, i),
        "cases": (CasesStub, cases_pb2_grpc.add_CasesServiceServicer_to_server, c),
        "reporting": (ReportingStub, reporting_pb2_grpc.add_ReportingServiceServicer_to_server, r),
        "notifications": (NotificationsStub, notifications_pb2_grpc.add_NotificationsServiceServicer_to_server, n),
        "documents": (DocumentsStub, documents_pb2_grpc.add_DocumentsServiceServicer_to_server, documents_pb2),
    }
    servicers = {
        name: Servicer(stub(world), add, module.DESCRIPTOR.services_by_name[f"{name.capitalize()}Service"])
        for name, (stub, add, module) in stubs.items()
    }
    running = {
        name: serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier())
        for name, servicer in servicers.items()
    }
    for server in running.values():
        server.set_ready(is_ready=True)
    try:
        yield {name: f"127.0.0.1:{server.port}" for name, server in running.items()}
    finally:
        for server in running.values():
            server.stop(0)

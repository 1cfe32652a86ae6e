"""A small made-up world behind the real contracts: people, organisations, requests, cases, figures, notices.

The gateway's page tests and `stub_gateway` run on it. It keeps what is written, so that a page shows what a form sent;
it holds only as many rules as pages need to meet their errors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2 as c
from ascms.cases.v1 import letters_pb2
from ascms.documents.v1 import documents_pb2 as d
from ascms.identity.v1 import identity_pb2 as i
from ascms.identity.v1 import invitations_pb2
from ascms.notifications.v1 import notifications_pb2 as n
from ascms.reporting.v1 import figures_pb2, returns_pb2
from ascms.reporting.v1 import reporting_pb2 as r
from google.protobuf.timestamp_pb2 import Timestamp

from kit.actor import Actor, ActorKind
from kit.clock import Clock, local_date
from tests.support import stub_staff
from tests.support.stub_letters import furnish_letters
from tests.support.stub_staff import StaffWorld

PERMISSIONS = {
    "workflow_lead": (
        "cases:read cases:read-all cases:open cases:assign cases:record cases:close letters:approve "
        "requests:answer students:search people:read figures:provider returns:submit"
    ),
    "case_manager": "cases:read cases:record cases:close students:search",
    "delegated_authoriser": "people:read people:invite people:authorise",
    "attendance_lead": "requests:submit requests:read-all students:search cases:read-shared cases:read-shared-all",
    "primary_contact": "cases:read-shared",
    "office_support": "requests:submit students:search",
    "ministry_analyst": "figures:national returns:overview",
    "ministry_admin": "returns:overview returns:accept organisations:read organisations:manage guidance:edit",
    "service_desk": "access:find",
}


def number_id(number: int) -> str:
    """A made-up id: `number` makes it."""
    return str(UUID(int=0x01890A5DAC96774B80000000_00000000 + number))


@dataclass
class StubPerson:
    """Someone who can sign in with the access token "as-<key>"."""

    key: str
    person_id: str
    name: str
    organisations: tuple[str, ...]
    roles: list[i.RoleGrant]

    @property
    def permissions(self) -> frozenset[str]:
        """What the roles that work allow."""
        words = [PERMISSIONS.get(role.role, "") for role in self.roles if role.works]
        return frozenset(" ".join(words).split())


@dataclass
class World:
    """What there is. `failures` makes an RPC raise; `answers` replay what was sent with the same key."""

    clock: Clock
    organisations: dict[str, i.Organisation] = field(default_factory=dict)
    people: dict[str, StubPerson] = field(default_factory=dict)
    requests: list[c.RequestForSupport] = field(default_factory=list)
    cases: list[c.Case] = field(default_factory=list)
    entries: dict[str, list[c.TimelineEntry]] = field(default_factory=dict)
    tasks: list[c.Task] = field(default_factory=list)
    pauses: dict[str, list[c.Pause]] = field(default_factory=dict)
    closings: dict[str, list[c.Closing]] = field(default_factory=dict)
    figures: list[figures_pb2.Figure] = field(default_factory=list)
    breakdowns: list[figures_pb2.Breakdown] = field(default_factory=list)
    filed: returns_pb2.Return = field(
        default_factory=lambda: returns_pb2.Return(state=returns_pb2.RETURN_STATE_DRAFT, version=1)
    )
    national: list[r.ProviderFigures] = field(default_factory=list)
    documents: dict[str, d.Document] = field(default_factory=dict)
    letters: list[letters_pb2.Letter] = field(default_factory=list)
    notices: list[n.Notice] = field(default_factory=list)
    drafts: dict[str, tuple[str, c.Draft]] = field(default_factory=dict)
    failed: list[n.FailedDelivery] = field(default_factory=list)
    chosen: dict[int, int] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    closed_ways: dict[int, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    position: int = 100
    is_counted: bool = True
    access: StaffWorld = field(default_factory=StaffWorld)
    first_invitations: dict[str, invitations_pb2.Invitation] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day in New Zealand."""
        return local_date(self.clock.now())

    def moment(self, days: int = 0, hours: float = 0) -> Timestamp:
        """A moment some days and hours from now, on the contract."""
        stamp = Timestamp()
        stamp.FromDatetime(self.clock.now() + timedelta(days=days, hours=hours))
        return stamp

    def day(self, days: int = 0) -> str:
        """A day some days from today."""
        return (self.today + timedelta(days=days)).isoformat()

    def actor(self, person: StubPerson, organisation_id: str) -> Actor:
        """What the token of a person carries."""
        organisation = self.organisations[organisation_id]
        kind = i.OrganisationKind.Name(organisation.kind).removeprefix("ORGANISATION_KIND_").lower()
        return Actor(
            kind=ActorKind.PERSON,
            tenant_id=UUID(organisation_id),
            tenant_kind=kind,
            actor_id=UUID(person.person_id),
            permissions=person.permissions,
        )

    def by_id(self, person_id: str) -> StubPerson | None:
        """A person by id."""
        return next((person for person in self.people.values() if person.person_id == person_id), None)

    def once(self, key: str, write: Callable[[], Any]) -> Any:
        """Do it, or answer as before where the key is known."""
        if not key:
            return write()
        if key not in self.answers:
            self.answers[key] = write()
        return self.answers[key]

    def next_position(self) -> int:
        """The position of one more event."""
        self.position += 1
        return self.position


NAMES = (
    ("Āwhina Rose", "Example-Tūī", "Āwhi", 9, "0123456789", 1),
    ("Te Ariki", "O’Madeup", "", 10, "", 2),
    ("Siaosi", "", "", 7, "0098765432", 2),
    ("Hinepūkohurangi Wikitōria", "Inventado-Tāmati-Ngātai", "Hine", 11, "111222333", 1),
    ("Māia", "Pretend", "", 4, "", 3),
    ("Ngọc Anh", "Nguyễn-Sample", "Anna", 12, "222333444", 1),
)


def furnish(clock: Clock) -> World:
    """A world with two providers, two schools, the ministry, and one person per role. Every name is made up."""
    world = World(clock)
    for number, kind, name, school_number in (
        (1, i.ORGANISATION_KIND_PROVIDER, "Tūī Attendance Service", ""),
        (2, i.ORGANISATION_KIND_SCHOOL, "Te Kura o Whakaaro", "9901"),
        (3, i.ORGANISATION_KIND_SCHOOL, "Made-up Central School", "0042"),
        (4, i.ORGANISATION_KIND_MINISTRY, "Ministry of Education", ""),
        (5, i.ORGANISATION_KIND_PROVIDER, "Kererū Attendance Service", ""),
    ):
        world.organisations[number_id(number)] = i.Organisation(
            organisation_id=number_id(number), kind=kind, name=name, school_number=school_number, region="07"
        )
    for number, (key, name, organisations, roles) in enumerate(
        (
            ("lead", "Rāwiri Sample", (1, 5), "workflow_lead"),
            ("manager", "Hēmi Testcase", (1,), "case_manager"),
            ("manager2", "Ana Placeholder", (1,), "case_manager"),
            ("newcomer", "Tama Notyet", (1,), "case_manager:training"),
            ("authoriser", "Mereana Example", (1,), "delegated_authoriser"),
            ("attendance", "Pita Fictional", (2,), "attendance_lead"),
            ("office", "Sina Invented", (2,), "office_support"),
            ("contact", "Kiri Madeup", (2,), "primary_contact"),
            ("analyst", "Lucy Example", (4,), "ministry_analyst"),
            ("admin", "Wiremu Sample", (4,), "ministry_admin"),
            ("desk", "Joan Testcase", (4,), "service_desk"),
        )
    ):
        role, _colon, missing = roles.partition(":")
        world.people[key] = StubPerson(
            key,
            number_id(100 + number),
            name,
            tuple(number_id(one) for one in organisations),
            [i.RoleGrant(role=role, works=not missing, missing=missing)],
        )
    for number, student in enumerate(NAMES):
        _add_request(world, number, student)
    _add_cases(world)
    begun = c.SubmitRequestRequest(student=c.Student(given_names="Kererū"))
    draft = c.Draft(
        draft_id=number_id(949), content=begun, saved_at=world.moment(days=-1), kept_until=world.day(59), version=1
    )
    world.drafts[draft.draft_id] = (number_id(2), draft)
    world.figures = [
        figures_pb2.Figure(indicator="minutes", value=1130, rule_version=1),
        figures_pb2.Figure(indicator="cases-opened", value=3, rule_version=1),
        figures_pb2.Figure(indicator="home-visits", value=2, rule_version=1),
    ]
    world.breakdowns = [
        figures_pb2.Breakdown(
            indicator="minutes",
            dimension="kind",
            rows=[
                figures_pb2.BreakdownRow(key="home-visit", value=860),
                figures_pb2.BreakdownRow(key="contact-attempt", value=270),
            ],
        ),
        figures_pb2.Breakdown(
            indicator="caseload",
            dimension="case-manager",
            rows=[
                figures_pb2.BreakdownRow(key=world.people["manager"].person_id, value=2),
                figures_pb2.BreakdownRow(key=number_id(998), value=1),
            ],
        ),
    ]
    world.national = [
        r.ProviderFigures(
            provider_id=number_id(1),
            figures=[
                figures_pb2.Figure(indicator="cases-opened", value=48, rule_version=1),
                figures_pb2.Figure(indicator="home-visits", suppressed=True, rule_version=1),
                figures_pb2.Figure(indicator="minutes", value=11_130, rule_version=1),
            ],
        ),
        r.ProviderFigures(
            provider_id=number_id(5),
            figures=[
                figures_pb2.Figure(indicator="cases-opened", value=1_204, rule_version=1),
                figures_pb2.Figure(indicator="home-visits", suppressed=True, rule_version=1),
                figures_pb2.Figure(indicator="minutes", value=96_005, rule_version=1),
            ],
        ),
    ]
    world.notices = [
        n.Notice(
            notice_id=number_id(900),
            kind=n.NOTICE_KIND_CASE_ASSIGNED,
            subject_id=number_id(304),
            created_at=world.moment(-2),
            state=n.DELIVERY_STATE_SENT,
            unread=True,
        )
    ]
    world.failed = [
        n.FailedDelivery(
            person_id=world.people["manager2"].person_id,
            kind=n.NOTICE_KIND_TASK_DUE,
            failed_at=world.moment(-1),
            fault=n.DELIVERY_FAULT_ADDRESS,
        )
    ]
    world.access = stub_staff.settle(world, number_id)
    world.first_invitations[number_id(711)] = invitations_pb2.Invitation(
        invitation_id=number_id(711),
        name="Demo Hana First",
        email="first@tui.example",
        state=invitations_pb2.INVITATION_STATE_PENDING,
        sent_at=world.moment(-1),
        expires_at=world.moment(13),
    )
    return world


def _add_request(world: World, number: int, name: tuple[str, str, str, int, str, int]) -> None:
    given, family, preferred, year, nsn, gender = name
    is_accepted = number >= 3
    request = c.RequestForSupport(
        request_id=number_id(200 + number),
        state=c.REQUEST_STATE_ACCEPTED if is_accepted else c.REQUEST_STATE_SUBMITTED,
        student=c.Student(
            nsn=nsn,
            given_names=given,
            family_name=family,
            preferred_name=preferred,
            date_of_birth=f"{world.today.year - year - 5}-07-09",
            year_level=year,
            gender=gender,  # type: ignore[arg-type]
        ),
        caregivers=[
            c.Caregiver(name="Mere Example", relationship="mother", phone="021 555 0101", safe_to_contact=True),
            c.Caregiver(name="Tamati", relationship="koro", email="tamati@example.nz", phone="06 555 0199"),
        ][: 2 - number % 3 % 2],
        attendance=c.Attendance(
            term=f"{world.today.year}-T1", present_half_days=61 - number, total_half_days=100, band="chronic"
        ),
        concern=(
            "Away most mornings since the start of the term, and whole weeks in between.\n\n"
            "Likes kapa haka and comes on Thursdays when there is practice."
        ),
        steps_tried="Two calls, a letter home, and a hui that nobody could come to." if number != 1 else "",
        school_id=number_id(2 + number % 2),
        provider_id=number_id(1),
        submitted_at=world.moment(-9 + number, 1.3),
        submitted_by=world.people["attendance"].person_id,
        answer_due_on=world.day(-2 + 2 * number),
        overdue=number == 0,
        version=1 + is_accepted,
    )
    if is_accepted:
        request.case_id = number_id(300 + number)
        request.answered_at.CopyFrom(world.moment(-6 + number))
    world.requests.append(request)


_HAPPENED = (
    (
        c.EVENT_KIND_HOME_VISIT,
        -1,
        c.OUTCOME_REACHED,
        40,
        "Hine and her koro were home. She wants to be back for kapa haka on Thursday; the early bus is the hard part.",
        True,
    ),
    (c.EVENT_KIND_CONTACT_ATTEMPT, -1, c.OUTCOME_NO_ANSWER, 5, "", False),
    (
        c.EVENT_KIND_HUI,
        -2,
        c.OUTCOME_UNSPECIFIED,
        70,
        "With the dean and Whaea Tui. A shorter day for two weeks, then a review.",
        False,
    ),
    (c.EVENT_KIND_SUPPORT, -3, c.OUTCOME_UNSPECIFIED, 20, "Bus card arranged.", True),
)


def _add_cases(world: World) -> None:
    manager, lead = world.people["manager"].person_id, world.people["lead"].person_id
    for request in world.requests[3:]:
        case = c.Case(
            case_id=request.case_id,
            number=f"26-008{17 + len(world.cases)}",
            student=request.student,
            caregivers=request.caregivers,
            school_id=request.school_id,
            request_id=request.request_id,
            attendance=request.attendance,
            concern=request.concern,
            opened_at=request.answered_at,
            opened_by=lead,
            version=1,
        )
        world.cases.append(case)
    first, second, _third = world.cases
    furnish_letters(world, case=first, author=manager)
    first.school_id, first.primary_contact_id = number_id(2), world.people["contact"].person_id
    for case in (first, second):
        case.case_manager_id = manager
        case.assigned_at.CopyFrom(case.opened_at)
    for number, (kind, days, outcome, minutes, note, shared) in enumerate(_HAPPENED):
        world.entries.setdefault(first.case_id, []).append(
            c.TimelineEntry(
                entry_id=number_id(400 + number),
                kind=kind,
                happened_on=world.day(days),
                outcome=outcome,
                minutes=minutes,
                note=note,
                visibility=c.VISIBILITY_SCHOOL if shared else c.VISIBILITY_PROVIDER,
                recorded_by=manager,
                recorded_at=world.moment(days if number != 2 else -1, -number),
            )
        )
    for number, (title, days) in enumerate((("Ring Mere about the bus", -1), ("Ask the dean for a plan", 3))):
        world.tasks.append(
            c.Task(
                task_id=number_id(690 + number),
                case_id=first.case_id,
                title=title,
                due_on=world.day(days),
                priority=c.TASK_PRIORITY_HIGH if days < 0 else c.TASK_PRIORITY_NORMAL,
                owner_id=manager,
                state=c.TASK_STATE_OPEN,
                overdue=days < 0,
                added_by=lead,
                added_at=world.moment(-3),
                version=1,
                case_number=first.number,
            )
        )
    first.minutes, first.last_contact_on = 135, world.day(-1)


def case_state(world: World, case: c.Case) -> c.CaseState.ValueType:
    """Where a case stands, from its facts."""
    if case.HasField("closed_at"):
        return c.CASE_STATE_CLOSED
    if not case.case_manager_id:
        return c.CASE_STATE_NEW
    if case.wakes_on:
        return c.CASE_STATE_PAUSED
    return c.CASE_STATE_ACTIVE if world.entries.get(case.case_id) else c.CASE_STATE_ASSIGNED

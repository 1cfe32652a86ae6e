"""Cases behind its real edge and database, with a directory of made-up people and organisations."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc
from psycopg.rows import dict_row

from kit.actor import Actor, ActorKind
from kit.clock import FixedClock
from kit.db import Database
from kit.ids import uuid7
from kit.migrations import with_parts
from kit.paging import PageTokens
from services.cases.commands.deps import Deps
from services.cases.directory import Provider
from services.cases.rpc import servicer
from tests.service.cases.directory import FakeDirectory
from tests.support.postgres import admin_url, database_of, empty
from tests.support.rpc import Caller, running
from tests.support.tokens import person

SCHOOL = UUID("5c000000-0000-7000-8000-000000000001")
OTHER_SCHOOL = UUID("5c000000-0000-7000-8000-000000000002")
PROVIDER = UUID("60000000-0000-7000-8000-000000000001")
OTHER_PROVIDER = UUID("60000000-0000-7000-8000-000000000002")

LEAD_PERMISSIONS = (
    "cases:read",
    "cases:read-all",
    "cases:open",
    "cases:assign",
    "cases:record",
    "cases:close",
    "requests:answer",
    "students:search",
)
SCHOOL_PERMISSIONS = (
    "requests:submit",
    "requests:read-all",
    "cases:read-shared",
    "cases:read-shared-all",
    "students:search",
)
ATTENDANCE_LEAD = person(1, *SCHOOL_PERMISSIONS, tenant=SCHOOL, tenant_kind="school")
OTHER_ATTENDANCE_LEAD = person(2, *SCHOOL_PERMISSIONS, tenant=OTHER_SCHOOL, tenant_kind="school")
PRIMARY_CONTACT = person(3, "cases:read-shared", tenant=SCHOOL, tenant_kind="school")
OFFICE = person(4, "requests:submit", "students:search", tenant=SCHOOL, tenant_kind="school")
LEAD = person(11, *LEAD_PERMISSIONS, tenant=PROVIDER)
OTHER_LEAD = person(12, *LEAD_PERMISSIONS, tenant=OTHER_PROVIDER)
MANAGER = person(21, "cases:read", "cases:record", "cases:close", "students:search", tenant=PROVIDER)
COLLEAGUE = person(22, "cases:read", "cases:record", "cases:close", "students:search", tenant=PROVIDER)
UNTRAINED = person(23, tenant=PROVIDER)
MINISTRY = UUID(int=0x31)
REGISTER = replace(person(41, "requests:notify", tenant=MINISTRY, tenant_kind="ministry"), kind=ActorKind.MACHINE)
ANALYST = person(31, "figures:national", tenant=MINISTRY, tenant_kind="ministry")

HASH_KEY = b"a key for tests, thirty-two bytes"


@pytest.fixture(scope="session")
def cases_url(worker: str) -> Iterator[str]:
    with database_of("cases", worker=worker) as url:
        yield url


@pytest.fixture
def database(cases_url: str) -> Iterator[Database]:
    empty(cases_url)
    database = Database(cases_url, "cases", pool_size=8)
    yield database
    database.close()


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory(
        providers={SCHOOL: Provider(PROVIDER, "02"), OTHER_SCHOOL: Provider(OTHER_PROVIDER, "14")},
        numbers={SCHOOL: "0417", OTHER_SCHOOL: "0098"},
        case_managers={MANAGER.person_id, COLLEAGUE.person_id},
        leads={LEAD.person_id},
        school_contacts={
            SCHOOL: {ATTENDANCE_LEAD.person_id, PRIMARY_CONTACT.person_id},
            OTHER_SCHOOL: {OTHER_ATTENDANCE_LEAD.person_id},
        },
    )


@pytest.fixture
def deps(database: Database, clock: FixedClock, directory: FakeDirectory) -> Deps:
    return Deps(database, clock, directory, uuid7, HASH_KEY)


@pytest.fixture
def call(deps: Deps) -> Iterator[Caller]:
    """Calls the service: `call("GetCase", request, as_=LEAD)`."""
    with running(
        servicer(deps, PageTokens("tests")), cases_pb2_grpc.CasesServiceStub, database=deps.database
    ) as caller:
        yield caller


@pytest.fixture
def rows(cases_url: str, database: Database) -> Callable[..., list[dict[str, Any]]]:
    """What stands in the database, past every policy: `rows("SELECT …", …)`."""
    name = cases_url.partition("?")[0].rpartition("/")[2]

    def select(query: str, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(with_parts(admin_url(), database=name), row_factory=dict_row) as admin:
            return admin.execute(query, parameters).fetchall()

    return select


@pytest.fixture
def draft() -> Callable[..., cases_pb2.SubmitRequestRequest]:
    """A request for a student nobody asked for yet; keyword arguments replace fields of the student."""
    numbers = count(1)

    def make(**student: Any) -> cases_pb2.SubmitRequestRequest:
        number = next(numbers)
        fields: dict[str, Any] = {
            "nsn": f"{number:010d}",
            "given_names": "Tūī",
            "family_name": f"Testperson {number}",
            "date_of_birth": "2012-08-15",
            "year_level": 9,
            "gender": cases_pb2.GENDER_FEMALE,
        } | student
        return cases_pb2.SubmitRequestRequest(
            student=cases_pb2.Student(**fields),
            caregivers=[cases_pb2.Caregiver(name="Kererū", relationship="nan", phone="021 000 000")],
            attendance=cases_pb2.Attendance(term="2026-T1", present_half_days=28, total_half_days=60),
            concern="Away most mornings.\nNobody answers.",
            steps_tried="Called home.",
        )

    return make


@pytest.fixture
def submitted(call: Caller, draft: Callable[..., Any]) -> Callable[..., cases_pb2.RequestForSupport]:
    """Submits a request and returns it."""

    def submit(*, as_: Actor = ATTENDANCE_LEAD, **student: Any) -> cases_pb2.RequestForSupport:
        answer = call("SubmitRequest", draft(**student), as_=as_)
        request: cases_pb2.RequestForSupport = answer.request
        return request

    return submit


@pytest.fixture
def opened(call: Caller, submitted: Callable[..., Any]) -> Callable[..., cases_pb2.Case]:
    """Submits a request, opens its case, and returns that; assigned to MANAGER unless told."""

    def open_case(manager: Actor | None = MANAGER, **student: Any) -> cases_pb2.Case:
        request = cases_pb2.OpenCaseRequest(
            request_id=submitted(**student).request_id, case_manager_id=str(manager.person_id) if manager else ""
        )
        case: cases_pb2.Case = call("OpenCase", request, as_=LEAD).case
        return case

    return open_case


@pytest.fixture
def visit() -> Callable[..., cases_pb2.RecordEventRequest]:
    """A home visit to record in a case; keyword arguments replace fields."""

    def make(case_id: str, **fields: Any) -> cases_pb2.RecordEventRequest:
        defaults: dict[str, Any] = {
            "kind": cases_pb2.EVENT_KIND_HOME_VISIT,
            "happened_on": "2026-03-04",
            "outcome": cases_pb2.OUTCOME_REACHED,
            "minutes": 45,
            "note": "Kōrero with nan.",
        }
        return cases_pb2.RecordEventRequest(case_id=case_id, **(defaults | fields))

    return make

"""Reporting's real server on a real database; events are applied as the consumer loop applies them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, requests_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kit import inbox
from kit.actor import Actor, system_actor
from kit.batches import Told
from kit.bus import Record
from kit.clock import FixedClock
from kit.db import Database
from kit.ids import uuid7
from kit.inbox import Claim
from kit.paging import PageTokens
from services.reporting.commands.returns import Deps
from services.reporting.consumers import Figures
from services.reporting.rpc import servicer
from services.reporting.store import CONSUMER, EXTRA_ROLES, SOURCE
from tests.support.postgres import database_of, empty
from tests.support.rpc import Caller, running
from tests.support.tokens import person

OURS, THEIRS, MINISTRY = UUID(int=1), UUID(int=2), UUID(int=3)
LEAD = person(1, "figures:provider", "returns:submit", tenant=OURS)
OTHER_LEAD = person(2, "figures:provider", "returns:submit", tenant=THEIRS)
MANAGER = person(3, "cases:read", tenant=OURS)
ANALYST = person(4, "figures:national", "returns:overview", tenant=MINISTRY, tenant_kind="ministry")
ADMIN = person(5, "returns:overview", "returns:accept", tenant=MINISTRY, tenant_kind="ministry")
TOPIC = "ascms.cases.v1"


@dataclass
class Regions:
    """Where providers are, as a test says."""

    of: dict[UUID, str] = field(default_factory=dict)

    def regions(self, provider_ids: Collection[UUID], *, token: str) -> Mapping[UUID, str]:
        assert token, "asked with the caller's own"
        return {each: self.of[each] for each in provider_ids if each in self.of}


@dataclass(frozen=True)
class Reporting:
    """The service under test."""

    call: Caller
    database: Database
    clock: FixedClock
    deps: Deps
    regions: "Regions"

    def apply(
        self,
        event: Message,
        *,
        tenant: UUID = OURS,
        event_id: UUID | None = None,
        position: int | None = None,
        told_at: datetime | None = None,
    ) -> None:
        """Claim and apply one event in one transaction; nothing for one that was applied before."""
        event_id = event_id or uuid7()
        claim = Claim(
            consumer=CONSUMER,
            event_id=event_id,
            tenant_id=tenant,
            source=SOURCE,
            position=position if position is not None else event_id.int & 0xFFFFFFFF,
        )
        envelope = Envelope(event_id=str(event_id), tenant_id=str(tenant), type=event.DESCRIPTOR.full_name)
        envelope.occurred_at.FromDatetime(told_at or self.clock.now())
        told = [Told(envelope, event)]
        with self.database.tenant(system_actor("reporting", tenant)) as tx:
            is_new = inbox.claim(tx, claim, now=self.clock.now())
            Figures(self.clock).begin(tx, told)(told * is_new)

    def figures(self, *, quarter: str = "2026-Q1", of: Actor = LEAD, min_position: int = 0) -> Any:
        request = reporting_pb2.GetProviderFiguresRequest(quarter=quarter, min_position=min_position)
        return self.call("GetProviderFigures", request, as_=of)

    def national(self, *, quarter: str = "2026-Q1", of: Actor = ANALYST, min_position: int = 0) -> Any:
        request = reporting_pb2.GetNationalFiguresRequest(quarter=quarter, min_position=min_position)
        return self.call("GetNationalFigures", request, as_=of)


def values_of(answer: Any) -> dict[str, int]:
    return {figure.indicator: figure.value for figure in answer.figures}


def spine_of(answer: Any) -> dict[str, int]:
    """The figures that the first quarter of this system had."""
    values = values_of(answer)
    return {code: values[code] for code in ("cases-opened", "home-visits", "minutes")}


def shown(figures: Any) -> dict[str, int | None]:
    return {figure.indicator: None if figure.suppressed else figure.value for figure in figures}


def case_opened(
    *,
    case_id: UUID | None = None,
    opened_on: str = "2026-03-04",
    requested_on: str = "2026-03-02",
    year_level: int = 9,
    school_id: str = str(UUID(int=9)),
) -> events_pb2.CaseOpened:
    return events_pb2.CaseOpened(
        case_id=str(case_id or uuid7()),
        request_id=str(uuid7()),
        school_id=school_id,
        opened_on=opened_on,
        student_hash="0f" * 32,
        opened_by=str(UUID(int=8)),
        kind=requests_pb2.REQUEST_KIND_CHRONIC_ABSENCE,
        requested_on=requested_on,
        year_level=year_level,
        age=13,
        gender=cases_pb2.GENDER_FEMALE,
    )


def event_recorded(
    *,
    entry_id: UUID | None = None,
    case_id: UUID | None = None,
    kind: int = cases_pb2.EVENT_KIND_HOME_VISIT,
    outcome: cases_pb2.Outcome.ValueType = cases_pb2.OUTCOME_REACHED,
    happened_on: str = "2026-03-04",
    minutes: int = 45,
) -> events_pb2.EventRecorded:
    return events_pb2.EventRecorded(
        case_id=str(case_id or UUID(int=7)),
        entry_id=str(entry_id or uuid7()),
        kind=kind,  # type: ignore[arg-type]  # also kinds of tomorrow
        happened_on=happened_on,
        outcome=outcome,
        minutes=minutes,
        recorded_by=str(UUID(int=8)),
    )


def record_of(event: Message, *, tenant: UUID, event_id: UUID, position: int) -> Record:
    occurred_at = Timestamp()
    occurred_at.FromDatetime(datetime(2026, 3, 3, 21, 0, tzinfo=UTC))
    envelope = Envelope(
        event_id=str(event_id),
        type=event.DESCRIPTOR.full_name,
        source=SOURCE,
        tenant_id=str(tenant),
        key="one",
        position=position,
        occurred_at=occurred_at,
        payload=event.SerializeToString(),
    )
    return Record(TOPIC, "one", envelope.SerializeToString())


@pytest.fixture(scope="session")
def reporting_url(worker: str) -> Iterator[str]:
    with database_of("reporting", worker=worker, extra_roles=EXTRA_ROLES) as url:
        yield url


@pytest.fixture
def reporting(reporting_url: str, clock: FixedClock) -> Iterator[Reporting]:
    empty(reporting_url)
    database = Database(reporting_url, service="reporting")
    deps = Deps(database, clock, uuid7)
    regions = Regions()
    with running(
        servicer(deps, regions, PageTokens("secret")), reporting_pb2_grpc.ReportingServiceStub, database=database
    ) as call:
        yield Reporting(call, database, clock, deps, regions)
    database.close()

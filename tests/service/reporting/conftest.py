"""Reporting's real server on a real database; events are applied as the consumer loop applies them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kit import inbox
from kit.actor import Actor, system_actor
from kit.bus import Record
from kit.clock import FixedClock
from kit.db import Database
from kit.ids import uuid7
from kit.inbox import Claim
from kit.rpc.server import Servicer
from services.reporting.consumers import handlers
from services.reporting.rpc import ReportingServicer
from services.reporting.store import CONSUMER, EXTRA_ROLES, SOURCE
from tests.support.postgres import database_of, empty
from tests.support.rpc import Caller, running
from tests.support.tokens import person

OURS, THEIRS, MINISTRY = UUID(int=1), UUID(int=2), UUID(int=3)
LEAD = person(1, "figures:provider", tenant=OURS)
OTHER_LEAD = person(2, "figures:provider", tenant=THEIRS)
MANAGER = person(3, "cases:read", tenant=OURS)
ANALYST = person(4, "figures:national", tenant=MINISTRY, tenant_kind="ministry")
TOPIC = "ascms.cases.v1"


@dataclass(frozen=True)
class Reporting:
    """The service under test."""

    call: Caller
    database: Database
    clock: FixedClock

    def apply(
        self, event: Message, *, tenant: UUID = OURS, event_id: UUID | None = None, position: int | None = None
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
        handler = handlers(self.clock)[event.DESCRIPTOR.full_name]
        with self.database.tenant(system_actor("reporting", tenant)) as tx:
            is_new = inbox.claim(tx, claim, now=self.clock.now())
            [handler(tx, Envelope(), event) for _ in range(is_new)]

    def figures(self, *, quarter: str = "2026-Q1", of: Actor = LEAD, min_position: int = 0) -> Any:
        request = reporting_pb2.GetProviderFiguresRequest(quarter=quarter, min_position=min_position)
        return self.call("GetProviderFigures", request, as_=of)

    def national(self, *, quarter: str = "2026-Q1", of: Actor = ANALYST, min_position: int = 0) -> Any:
        request = reporting_pb2.GetNationalFiguresRequest(quarter=quarter, min_position=min_position)
        return self.call("GetNationalFigures", request, as_=of)


def values_of(answer: Any) -> dict[str, int]:
    return {figure.indicator: figure.value for figure in answer.figures}


def shown(figures: Any) -> dict[str, int | None]:
    return {figure.indicator: None if figure.suppressed else figure.value for figure in figures}


def case_opened(*, case_id: UUID | None = None, opened_on: str = "2026-03-04") -> events_pb2.CaseOpened:
    return events_pb2.CaseOpened(
        case_id=str(case_id or uuid7()),
        request_id=str(uuid7()),
        school_id=str(UUID(int=9)),
        opened_on=opened_on,
        student_hash="0f" * 32,
        opened_by=str(UUID(int=8)),
    )


def event_recorded(
    *,
    entry_id: UUID | None = None,
    kind: int = cases_pb2.EVENT_KIND_HOME_VISIT,
    happened_on: str = "2026-03-04",
    minutes: int = 45,
) -> events_pb2.EventRecorded:
    return events_pb2.EventRecorded(
        case_id=str(UUID(int=7)),
        entry_id=str(entry_id or uuid7()),
        kind=kind,  # type: ignore[arg-type]  # also kinds of tomorrow
        happened_on=happened_on,
        outcome=cases_pb2.OUTCOME_REACHED,
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
    servicer = Servicer(
        ReportingServicer(database),
        reporting_pb2_grpc.add_ReportingServiceServicer_to_server,
        reporting_pb2.DESCRIPTOR.services_by_name["ReportingService"],
    )
    with running(servicer, reporting_pb2_grpc.ReportingServiceStub, database=database) as call:
        yield Reporting(call, database, clock)
    database.close()

"""Figures through the real consumer loop on a real broker."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from ascms.cases.v1 import events_pb2

from kit.bus.postgres import PostgresBroker
from kit.consumer import ConsumerLoop
from kit.ids import uuid7
from kit.migrations import with_parts
from services.reporting.consumers import TOPICS, Figures
from services.reporting.store import CONSUMER
from tests.service.reporting.conftest import (
    OURS,
    THEIRS,
    TOPIC,
    Reporting,
    case_opened,
    event_recorded,
    record_of,
    spine_of,
)
from tests.support import postgres
from tests.support.postgres import admin_url


@pytest.fixture
def broker() -> Iterator[PostgresBroker]:
    with postgres.bus_database(f"bus_{uuid4().hex[:12]}") as name:
        yield PostgresBroker(with_parts(admin_url(), database=name))


def test_a_visit_becomes_a_figure_that_a_read_can_wait_for(reporting: Reporting, broker: PostgresBroker) -> None:
    visit = record_of(event_recorded(), tenant=OURS, event_id=uuid7(), position=11)
    records = [
        record_of(case_opened(), tenant=OURS, event_id=uuid7(), position=10),
        visit,
        record_of(event_recorded(minutes=5), tenant=THEIRS, event_id=uuid7(), position=12),
        # Redelivered, and one that means nothing here: a read waits for it all the same.
        visit,
        record_of(events_pb2.PrimaryContactSet(), tenant=OURS, event_id=uuid7(), position=13),
    ]
    broker.ensure_topics([TOPIC], partitions=1)
    loop = ConsumerLoop(
        name=CONSUMER,
        topics=TOPICS,
        handlers=Figures(reporting.clock),
        database=reporting.database,
        broker=broker,
        clock=reporting.clock,
    )
    worker = threading.Thread(target=loop.run)
    with broker.producer() as producer:
        producer.send_batch(records)

    worker.start()
    answer = reporting.figures(min_position=13)
    loop.stop()
    worker.join()

    assert answer.is_current
    assert spine_of(answer) == {"cases-opened": 1, "home-visits": 1, "minutes": 45}

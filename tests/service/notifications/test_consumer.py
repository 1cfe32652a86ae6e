"""Notices through the real consumer loop on a real broker."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from kit.bus.postgres import PostgresBroker
from kit.consumer import ConsumerLoop
from kit.ids import uuid7
from kit.inbox import wait_until_reached
from kit.migrations import with_parts
from services.notifications.consumers import CONSUMER, TOPICS, handlers
from tests.service.notifications.conftest import OURS, SYSTEM, TOPIC, Notifications, case_assigned, record_of
from tests.support import postgres
from tests.support.postgres import admin_url


@pytest.fixture(scope="module")
def broker() -> Iterator[PostgresBroker]:
    with postgres.bus_database(f"bus_{uuid4().hex[:12]}") as name:
        yield PostgresBroker(with_parts(admin_url(), database=name))


def test_an_event_that_is_delivered_twice_makes_one_notice(
    notifications: Notifications, broker: PostgresBroker
) -> None:
    twice = record_of(case_assigned(), tenant=OURS, event_id=uuid7(), position=1)
    another = record_of(case_assigned(), tenant=OURS, event_id=uuid7(), position=2)
    broker.ensure_topics([TOPIC], partitions=1)
    with broker.producer() as producer:
        producer.send_batch([twice, twice, another])
    database = notifications.deps.database
    loop = ConsumerLoop(
        name=CONSUMER,
        topics=TOPICS,
        handlers=handlers(notifications.clock),
        database=database,
        broker=broker,
        clock=notifications.clock,
    )
    worker = threading.Thread(target=loop.run)

    worker.start()
    is_reached = wait_until_reached(database, SYSTEM, consumer=CONSUMER, source="cases", position=2, timeout_seconds=30)
    loop.stop()
    worker.join()

    assert is_reached
    assert len(notifications.notice_ids()) == 2
    assert notifications.jobs() == ["send-notice", "send-notice"]

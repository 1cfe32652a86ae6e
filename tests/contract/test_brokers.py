"""What kit/bus/contract.py promises, asked of both brokers."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from kit.bus import (
    MAX_VALUE_BYTES,
    Broker,
    BrokerUnavailableError,
    Consumer,
    Delivery,
    Record,
    RecordTooLargeError,
    UnknownTopicError,
    open_broker,
)
from tests.contract import dying_consumer
from tests.contract.conftest import Outage
from tests.support.postgres import ROOT

PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def group() -> str:
    return f"group.{uuid4().hex}"


def send(broker: Broker, topic: str, values: Sequence[str], *, key: str = "key") -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(topic, key, value.encode()) for value in values])


def until(look: Callable[[], T | None], what: str) -> T:
    """Look again and again, without pause, until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None:
            return answer
    pytest.fail(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}")


def take(consumer: Consumer, count: int) -> list[Delivery]:
    """Poll until `count` records have come; commits nothing."""
    taken: list[Delivery] = []

    def look() -> list[Delivery] | None:
        taken.extend(consumer.poll(max_records=count - len(taken), timeout_seconds=0.5))
        return taken if len(taken) >= count else None

    return until(look, f"{count} records")


def values(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.value.decode() for delivery in deliveries]


def test_records_of_a_key_arrive_in_the_order_they_were_sent(broker: Broker, topic: str) -> None:
    keys = [f"key-{number}" for number in range(12)]
    with broker.producer() as producer:
        for start in range(0, 30, 10):
            producer.send_batch(
                [Record(topic, key, str(turn).encode()) for turn in range(start, start + 10) for key in keys]
            )
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        deliveries = take(consumer, 360)
    by_key = defaultdict(list)
    for delivery in deliveries:
        by_key[delivery.key].append(int(delivery.value))
    assert by_key == {key: list(range(30)) for key in keys}
    assert len({delivery.partition for delivery in deliveries}) == 3


def test_a_record_arrives_as_it_was_sent(broker: Broker, topic: str) -> None:
    sent = [
        Record(topic, "ākonga/whānau", bytes(range(256)), {"traceparent": b"00-ab-cd-01", "bytes": bytes(range(256))}),
        Record(topic, "empty", b"", {}),
        Record(topic, "large", b"x" * MAX_VALUE_BYTES, {"empty": b""}),
    ]
    with broker.producer() as producer:
        producer.send_batch(sent)
        producer.send_batch([])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        got = {delivery.key: delivery for delivery in take(consumer, 3)}
    assert {key: (delivery.value, dict(delivery.headers)) for key, delivery in got.items()} == {
        record.key: (record.value, dict(record.headers)) for record in sent
    }


def test_a_group_goes_on_where_it_committed_and_a_new_group_begins_at_the_oldest(broker: Broker, topic: str) -> None:
    send(broker, topic, ["1", "2", "3", "4", "5"])
    ours = group()
    with broker.consumer(group=ours, topics=[topic]) as consumer:
        consumer.commit(take(consumer, 5)[:3])
    with broker.consumer(group=ours, topics=[topic]) as consumer:
        assert values(take(consumer, 2)) == ["4", "5"]
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        assert values(take(consumer, 5)) == ["1", "2", "3", "4", "5"]


def test_rewinding_delivers_again_what_was_not_committed(broker: Broker, topic: str) -> None:
    send(broker, topic, ["1", "2", "3", "4"])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        consumer.rewind()
        consumer.commit(take(consumer, 4)[:2])
        consumer.rewind()
        assert values(take(consumer, 2)) == ["3", "4"]
        consumer.rewind()
        again = take(consumer, 2)
        assert values(again) == ["3", "4"]
        consumer.commit(again)
        consumer.rewind()
        send(broker, topic, ["5"])
        assert values(take(consumer, 1)) == ["5"]


def test_lag_counts_what_is_not_committed(broker: Broker, topic: str) -> None:
    send(broker, topic, ["1", "2", "3", "4", "5"])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        deliveries = take(consumer, 5)
        assert consumer.lag() == 5
        consumer.commit(deliveries[:3])
        assert consumer.lag() == 2
        consumer.commit(deliveries)
        assert consumer.lag() == 0


def test_what_a_group_has_not_committed_is_told_from_outside(broker: Broker, topic: str) -> None:
    send(broker, topic, ["1", "2", "3", "4", "5"])
    name = group()
    assert broker.unread(group=name, topics=[topic, f"{topic}.none"]) == 5
    with broker.consumer(group=name, topics=[topic]) as consumer:
        deliveries = take(consumer, 5)
        consumer.commit([one for one in deliveries if one.offset == 0])
        left = 5 - len([one for one in deliveries if one.offset == 0])
        assert broker.unread(group=name, topics=[topic]) == left
        consumer.commit(deliveries)
    assert broker.unread(group=name, topics=[topic]) == 0


def test_a_consumer_killed_between_effect_and_commit_loses_nothing(
    broker: Broker, broker_url: str, topic: str, tmp_path: Path
) -> None:
    sent = [str(number) for number in range(20)]
    send(broker, topic, sent)
    ours, effects = group(), tmp_path / "effects"
    module = f"{dying_consumer.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", module, broker_url, topic, ours, str(effects)], cwd=ROOT, check=False, timeout=90
    )
    assert done.returncode == -9
    before = effects.read_text().split()
    with broker.consumer(group=ours, topics=[topic]) as consumer:
        after = values(take(consumer, len(sent) - dying_consumer.COMMITTED))
    assert before == sent[: dying_consumer.APPLIED]
    assert after == sent[dying_consumer.COMMITTED :]


def test_two_consumers_share_and_hand_over_without_a_gap(broker: Broker, topic: str) -> None:
    ours = group()
    sent: set[str] = set()

    def send_more(name: str) -> None:
        with broker.producer() as producer:
            producer.send_batch([Record(topic, f"key-{n}", f"{name}-{n}".encode()) for n in range(60)])
        sent.update(f"{name}-{n}" for n in range(60))

    committed: set[str] = set()

    def poll_and_commit(consumer: Consumer) -> int:
        deliveries = consumer.poll(max_records=11, timeout_seconds=0.2)
        consumer.commit(deliveries)
        committed.update(values(deliveries))
        return len(deliveries)

    first = broker.consumer(group=ours, topics=[topic])
    second = broker.consumer(group=ours, topics=[topic])
    with first, second:
        send_more("alone")
        until(lambda: committed == sent or (poll_and_commit(first) and None), "all of the first")
        # Both work: each has received something of what is sent while both are members.
        shares = [0, 0]

        def both() -> bool | None:
            if committed == sent:  # Never more on the way than one round: the test is about handing over, not speed.
                send_more(f"both-{len(sent)}")
            shares[0] += poll_and_commit(first)
            shares[1] += poll_and_commit(second)
            return all(shares) or None

        until(both, "both have a share")
        first.close()
        send_more("survivor")
        until(lambda: committed >= sent or (poll_and_commit(second) and None), "all of the rest, by the second")
    with broker.consumer(group=ours, topics=[topic]) as third:
        send_more("after")
        rest: set[str] = set()

        def last() -> bool | None:
            rest.update(values(third.poll(max_records=100, timeout_seconds=0.5)))
            return rest >= {f"after-{n}" for n in range(60)} or None

        until(last, "what came after")
    assert committed | rest == sent


def test_five_writers_at_once_lose_nothing_and_keep_their_order(broker: Broker, topic: str) -> None:
    writers, batches, size = 5, 20, 10
    together = threading.Barrier(writers)

    def write(writer: int) -> None:
        with broker.producer() as producer:
            together.wait()
            for batch in range(batches):
                producer.send_batch(
                    [
                        Record(topic, f"key-{n % 4}", f"{writer} {n % 4} {batch * size + n}".encode())
                        for n in range(size)
                    ]
                )

    with (
        broker.consumer(group=group(), topics=[topic]) as consumer,
        ThreadPoolExecutor(writers) as threads,
    ):
        done = [threads.submit(write, writer) for writer in range(writers)]
        # Read while they write: a reader that comes too late could not miss anything.
        got = values(take(consumer, writers * batches * size))
        for each in done:
            each.result()
    assert len(set(got)) == len(got) == writers * batches * size
    turns = defaultdict(list)
    for writer, key, turn in (line.split() for line in got):
        turns[writer, key].append(int(turn))
    assert all(numbers == sorted(numbers) for numbers in turns.values())


def test_nothing_of_a_batch_with_an_unknown_topic_is_sent(broker: Broker, topic: str) -> None:
    missing = f"missing.{uuid4().hex}"
    with broker.producer() as producer:
        with pytest.raises(UnknownTopicError, match=missing):
            producer.send_batch([Record(topic, "key", b"1"), Record(missing, "key", b"2")])
        producer.send_batch([Record(topic, "key", b"3")])
        broker.ensure_topics([missing], partitions=1)
        producer.send_batch([Record(missing, "key", b"4")])
    with broker.consumer(group=group(), topics=[topic, missing]) as consumer:
        assert sorted(values(take(consumer, 2))) == ["3", "4"]


def test_nothing_of_a_batch_with_a_record_too_large_is_sent(broker: Broker, topic: str) -> None:
    with broker.producer() as producer:
        with pytest.raises(RecordTooLargeError):
            producer.send_batch([Record(topic, "key", b"1"), Record(topic, "key", b"x" * (MAX_VALUE_BYTES + 1))])
        producer.send_batch([Record(topic, "key", b"3")])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        assert values(take(consumer, 1)) == ["3"]


def test_a_batch_far_larger_than_one_request_arrives_whole_and_in_order(broker: Broker, topic: str) -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(topic, "key", f"{n:06}".encode() + b"x" * 100_000) for n in range(40)])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        assert [int(delivery.value[:6]) for delivery in take(consumer, 40)] == list(range(40))


def test_a_consumer_may_come_before_its_topic(broker: Broker) -> None:
    name = f"later.{uuid4().hex}"
    with broker.consumer(group=group(), topics=[name]) as consumer:
        assert consumer.poll(max_records=1, timeout_seconds=0.5) == []
        broker.ensure_topics([name], partitions=2)
        send(broker, name, ["1"])
        assert values(take(consumer, 1)) == ["1"]


def test_making_topics_again_or_by_many_at_once_changes_nothing(broker: Broker, topic: str) -> None:
    new = f"many.{uuid4().hex}"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: broker.ensure_topics([topic, new], partitions=2), range(4)))
    with broker.producer() as producer:
        producer.send_batch([Record(topic, f"key-{n}", b"") for n in range(50)])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        assert len({delivery.partition for delivery in take(consumer, 50)}) == 3


def test_a_broker_that_goes_away_and_comes_back_has_lost_nothing(outage: Outage) -> None:
    topic, ours = f"away.{uuid4().hex}", group()
    broker = open_broker(outage.url)
    broker.ensure_topics([topic], partitions=3)
    with broker.producer() as producer, broker.consumer(group=ours, topics=[topic]) as consumer:
        producer.send_batch([Record(topic, "key", b"1"), Record(topic, "key", b"2")])
        consumer.commit(take(consumer, 2)[:1])
        assert broker.is_ready()

        outage.begin()
        assert not broker.is_ready()
        with pytest.raises(BrokerUnavailableError):
            producer.send_batch([Record(topic, "key", b"3")])
        # A consumer may notice at once or see nothing come; either way it has nothing to deliver.
        outcome = _poll_during_outage(consumer)
        assert outcome in ("nothing", "unavailable")

        outage.end()
        until(lambda: broker.is_ready() or None, "the broker is back")
        producer.send_batch([Record(topic, "key", b"3")])
        consumer.rewind()
        got: list[str] = []

        def look() -> bool | None:
            got.extend(_poll_through(consumer))
            return ("3" in got and "2" in got) or None

        until(look, "what was not committed, and what was sent after")
    # At least once: the batch that was not acknowledged may have been stored as well.
    assert [value for at, value in enumerate(got) if value not in got[:at]] == ["2", "3"]


def _poll_during_outage(consumer: Consumer) -> str:
    try:
        deliveries = consumer.poll(max_records=10, timeout_seconds=1.0)
    except BrokerUnavailableError:
        return "unavailable"
    return "nothing" if not deliveries else "something"


def _poll_through(consumer: Consumer) -> list[str]:
    try:
        return values(consumer.poll(max_records=10, timeout_seconds=0.5))
    except BrokerUnavailableError:
        return []


@pytest.mark.parametrize("scheme", ["kafka", "postgresql"])
def test_waiting_for_a_broker_costs_no_threads_and_no_files(scheme: str) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        broker = open_broker(f"{scheme}://127.0.0.1:{nobody_listens.getsockname()[1]}")
        assert not broker.is_ready()
        before = _threads_and_files()
        with broker.producer() as producer, broker.consumer(group=group(), topics=["topic"]) as consumer:
            with pytest.raises(BrokerUnavailableError):
                producer.send_batch([Record("topic", "key", b"")])
            with pytest.raises(BrokerUnavailableError):
                consumer.poll(max_records=1, timeout_seconds=0.1)
            assert _threads_and_files() == before


def _threads_and_files() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting, not walking


@pytest.mark.parametrize(
    "url", ["kafka://localhost", "kafka://localhost:9092?acks=0", "redis://localhost", "localhost:9092"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        open_broker(url)

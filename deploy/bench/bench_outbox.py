"""How fast events travel: `python deploy/bench/bench_outbox.py [--events N] [--rounds N]`. One JSON line.

Measures, in turn and several rounds over, so that a busy machine slows all of them alike:

* `kafka_bare_per_second`: a bare kafka-python producer, idempotent and acks=all, of the very same records;
* `kafka_tuned_per_second`: the same without its metrics and with large batches, as the relay's own producer is set;
* `relay_kafka_per_second`: the relay from a full outbox in PostgreSQL to the same Kafka, until the outbox is empty;
* `relay_to_bare`, `relay_to_tuned`: the relay's rate by the others', the median of the rounds (aim: 0.5 or more);
* `relay_postgres_per_second`: the same relay to the PostgreSQL broker;
* `postgres_publish_per_second`, `postgres_publish_single_per_second`: that broker by itself, 500 and 1 a batch;
* `postgres_consume_per_second`: reading it in batches of 500, each committed;
* `latency_ms`: from a command's commit to the delivery at a waiting consumer, one event at a time, by broker.

Starts Kafka by deploy/local/servers and uses the test server of PostgreSQL; leaves nothing behind.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "proto" / "gen")]

# ruff: noqa: E402 - the path comes first
import psycopg
from google.protobuf.wrappers_pb2 import StringValue
from kafka import KafkaProducer

from kit.bus import Broker, Record, open_broker
from kit.db import Database
from kit.migrations import with_parts
from kit.relay import Relay, record_of
from kit.service import Threaded
from tests.support import plumbing
from tests.support.postgres import admin_url

KEYS = 200
PAYLOAD = "x" * 200
PARTITIONS = 6

_FILL = """
INSERT INTO outbox (tenant_id, topic, key, event_id, type, payload, request_id, traceparent, occurred_at)
SELECT gen_random_uuid(), %(topic)s, md5((n %% %(keys)s)::text), gen_random_uuid(), %(type)s, %(payload)s,
       'request-' || n, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', now()
FROM generate_series(1, %(events)s) n
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kafka", default="", help="kafka://host:port of one that runs already")
    options = parser.parse_args()
    with ExitStack() as stack:
        kafka_url = options.kafka or stack.enter_context(kafka())
        postgres_url = stack.enter_context(bus_database())
        database = stack.enter_context(
            closing(Database(stack.enter_context(plumbing.plumbing_database("bench")), plumbing.SERVICE))
        )
        result = measure(database, kafka_url, postgres_url, events=options.events, rounds=options.rounds)
    print(json.dumps(result))


def measure(database: Database, kafka_url: str, postgres_url: str, *, events: int, rounds: int) -> dict[str, Any]:
    """Everything, `rounds` times over; rates are medians of events a second."""
    kafka_broker, postgres_broker = open_broker(kafka_url), open_broker(postgres_url)
    topics = {broker: f"bench.{uuid.uuid4().hex}" for broker in (kafka_broker, postgres_broker)}
    for broker, topic in topics.items():
        broker.ensure_topics([topic], partitions=PARTITIONS)
    rates: dict[str, list[float]] = {}

    def note(name: str, seconds: float, count: int) -> None:
        rates.setdefault(name, []).append(count / seconds)

    for _ in range(rounds):
        fill(database, topics[kafka_broker], events)
        records = outbox_records(database)
        note("kafka_bare", bare_kafka(kafka_url, records), events)
        tuned = {"metrics_enabled": False, "batch_size": 512 * 1024}
        note("kafka_tuned", bare_kafka(kafka_url, records, **tuned), events)
        note("relay_kafka", drain(database, kafka_broker), events)
        fill(database, topics[postgres_broker], events)
        note("relay_postgres", drain(database, postgres_broker), events)
        same = [Record(topics[postgres_broker], each.key, each.value, each.headers) for each in records]
        note("postgres_publish", publish(postgres_broker, same, batch=500), events)
        singles = same[: events // 10]
        note("postgres_publish_single", publish(postgres_broker, singles, batch=1), len(singles))
    topic = topics[postgres_broker]
    total = rounds * (2 * events + events // 10)
    note("postgres_consume", consume(postgres_broker, topic, total), total)
    ratios = [ours / bare for ours, bare in zip(rates["relay_kafka"], rates["kafka_bare"], strict=True)]
    tuned_ratios = [ours / bare for ours, bare in zip(rates["relay_kafka"], rates["kafka_tuned"], strict=True)]
    return {
        "events": events,
        "rounds": rounds,
        "record_bytes": len(records[0].value),
        "cores": os.cpu_count(),
        "relay_to_bare": round(statistics.median(ratios), 2),
        "relay_to_tuned": round(statistics.median(tuned_ratios), 2),
        "relay_to_bare_by_round": [round(ratio, 2) for ratio in ratios],
        **{f"{name}_per_second": round(statistics.median(values)) for name, values in rates.items()},
        "latency_ms": {
            "kafka": latency(database, kafka_broker),
            "postgres": latency(database, postgres_broker),
        },
    }


def fill(database: Database, topic: str, events: int) -> None:
    """Put `events` rows into the outbox, as a backlog would stand there."""
    with database.plumbing() as tx:
        tx.connection.execute("SET LOCAL statement_timeout = '60s'")
        tx.connection.execute(
            _FILL,
            {
                "topic": topic,
                "keys": KEYS,
                "type": plumbing.TYPE,
                "payload": StringValue(value=PAYLOAD).SerializeToString(),
                "events": events,
            },
        )


def outbox_records(database: Database) -> list[Record]:
    """The records that the relay is going to send."""
    with database.plumbing() as tx:
        rows = tx.connection.execute("SELECT * FROM outbox ORDER BY id").fetchall()
    return [record_of(row, source=plumbing.SERVICE) for row in rows]


def bare_kafka(url: str, records: list[Record], **settings: Any) -> float:
    """Seconds that a plain kafka-python producer takes, from the first send to the last acknowledgement."""
    producer = KafkaProducer(
        bootstrap_servers=url.removeprefix("kafka://").partition("?")[0].split(","),
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        **settings,
    )
    try:
        producer.partitions_for(records[0].topic)
        encoded = [(each.topic, each.value, each.key.encode(), list(each.headers.items())) for each in records]
        began = time.perf_counter()
        futures = [producer.send(topic, value, key, headers) for topic, value, key, headers in encoded]
        producer.flush()
        for future in futures:
            future.get(timeout=0)
        return time.perf_counter() - began
    finally:
        producer.close()


def drain(database: Database, broker: Broker) -> float:
    """Seconds that the relay takes from leading to an empty outbox."""
    with relaying(database, broker) as relay:
        wait_until(lambda: relay.status.is_leader)
        began = time.perf_counter()
        wait_until(lambda: is_empty(database))
        return time.perf_counter() - began


def is_empty(database: Database) -> bool:
    """Whether every event has been acknowledged and deleted."""
    with database.plumbing() as tx:
        return tx.connection.execute("SELECT 1 FROM outbox LIMIT 1").fetchone() is None


def publish(broker: Broker, records: list[Record], *, batch: int) -> float:
    """Seconds to send `records`, each batch acknowledged before the next."""
    with broker.producer() as producer:
        producer.send_batch([])
        began = time.perf_counter()
        for start in range(0, len(records), batch):
            producer.send_batch(records[start : start + batch])
        return time.perf_counter() - began


def consume(broker: Broker, topic: str, count: int) -> float:
    """Seconds to read `count` records, each batch committed."""
    with broker.consumer(group=uuid.uuid4().hex, topics=[topic]) as consumer:
        seen = 0
        began = time.perf_counter()
        while seen < count:
            deliveries = consumer.poll(max_records=500, timeout_seconds=1.0)
            consumer.commit(deliveries)
            seen += len(deliveries)
        return time.perf_counter() - began


def latency(database: Database, broker: Broker, *, samples: int = 200) -> dict[str, float]:
    """Milliseconds from commit to delivery, one event at a time, relay in the command's process."""
    taken = []
    broker.ensure_topics([plumbing.TOPIC], partitions=PARTITIONS)
    with (
        relaying(database, broker) as relay,
        broker.consumer(group=uuid.uuid4().hex, topics=[plumbing.TOPIC]) as consumer,
    ):
        wait_until(lambda: relay.status.is_leader)
        tenant, key = uuid.uuid4(), uuid.uuid4()
        for sample in range(samples + 10):
            plumbing.tell(database, tenant, key=key, values=["x"])
            began = time.perf_counter()
            while not (deliveries := consumer.poll(max_records=10, timeout_seconds=5.0)):
                pass
            if sample >= 10:  # noqa: PLR2004 - the first few connect and join
                taken.append((time.perf_counter() - began) * 1000)
            consumer.commit(deliveries)
    taken.sort()
    return {"p50": round(taken[len(taken) // 2], 1), "p99": round(taken[len(taken) * 99 // 100], 1)}


@contextmanager
def relaying(database: Database, broker: Broker) -> Iterator[Relay]:
    """A relay on a thread of its own."""
    relay = Relay(database=database, broker=broker, partitions=PARTITIONS)
    worker = Threaded(relay, name="relay")
    worker.start()
    try:
        yield relay
    finally:
        worker.stop()


@contextmanager
def kafka() -> Iterator[str]:
    """A Kafka for the length of the measurement."""
    servers = [sys.executable, str(ROOT / "deploy" / "local" / "servers"), "kafka"]
    with tempfile.TemporaryDirectory(prefix="ascms-bench-") as folder:
        state = ["--state", folder]
        answer = subprocess.run(
            [*servers, "start", "--while-pid", str(os.getpid()), *state], check=True, stdout=subprocess.PIPE
        )
        try:
            yield json.loads(answer.stdout)["url"]
        finally:
            subprocess.run([*servers, "stop", *state], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def bus_database() -> Iterator[str]:
    """A database for the PostgreSQL broker."""
    name = f"bench_bus_{os.getpid()}"
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield with_parts(admin_url(), database=name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every few milliseconds; gives up after two minutes."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("bench_outbox: waited two minutes in vain")
        time.sleep(0.005)


if __name__ == "__main__":
    main()

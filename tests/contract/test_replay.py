"""`python -m kit.replay` on both brokers: what waits is shown without its words, and is sent again when told."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue
from structlog.testing import capture_logs

from kit import replay
from kit.bus import Broker, Record
from kit.clock import FixedClock
from kit.consumer import ConsumerLoop, Limits, list_parked
from kit.db import Database, Transaction
from kit.service import Threaded
from tests.support import plumbing
from tests.support.plumbing import SERVICE, TYPE, effects
from tests.support.postgres import empty
from tests.support.waiting import until

Run = Callable[..., tuple[int, list[str]]]
QUIET_SECONDS = 2.0
AWAY = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(f"{worker}_replay") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        yield database


@pytest.fixture
def group() -> str:
    return f"probe.{uuid4().hex[:8]}"


@pytest.fixture
def run(broker_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command; its status, and the lines it wrote on either stream."""

    def call(*arguments: str) -> tuple[int, list[str]]:
        monkeypatch.setenv("ASCMS_BROKER_URL", broker_url)
        capsys.readouterr()
        with capture_logs():  # The consumer's lines go to the same place here.
            status = replay.main(arguments, quiet_seconds=QUIET_SECONDS)
        said = capsys.readouterr()
        return status, [*said.out.splitlines(), *said.err.splitlines()]

    return call


class Choking:
    """A consumer that applies events, but for those of the words it chokes on."""

    def __init__(self, database: Database, broker: Broker, *, group: str, topic: str) -> None:
        self.chokes_on = {"Aroha Ngata of 12 Rimu Street", "Hēmi"}
        self.loop = ConsumerLoop(
            name=group,
            topics=[topic],
            handlers={TYPE: self._apply},
            database=database,
            broker=broker,
            clock=FixedClock(datetime(2026, 3, 3, 21, 0, tzinfo=UTC)),
            limits=Limits(poll_seconds=0.2, tries=1),
        )

    def _apply(self, tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        if message.value in self.chokes_on:
            raise LookupError(message.value)
        plumbing.apply(tx, envelope.key, message.value)


@contextlib.contextmanager
def consuming(consumer: Choking) -> Iterator[None]:
    worker = Threaded(consumer.loop, name="consumer")
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def send(broker: Broker, topic: str, tenant: UUID, *values: str) -> None:
    envelopes = [
        Envelope(
            event_id=str(uuid4()),
            type=TYPE,
            source="elsewhere",
            tenant_id=str(tenant),
            key="key",
            position=number,
            payload=StringValue(value=value).SerializeToString(),
        )
        for number, value in enumerate(values)
    ]
    with broker.producer() as producer:
        producer.send_batch([Record(topic, each.key, each.SerializeToString()) for each in envelopes])


def test_parked_messages_are_listed_without_their_words_and_replayed(
    database: Database, broker: Broker, topic: str, group: str, run: Run
) -> None:
    tenant, other = uuid4(), f"{group}.other"
    consumer = Choking(database, broker, group=group, topic=topic)
    bystander = Choking(database, broker, group=other, topic=topic)
    bystander.chokes_on = {"Hēmi"}
    with consuming(consumer), consuming(bystander):
        send(broker, topic, tenant, "1", "Aroha Ngata of 12 Rimu Street", "2", "Hēmi", "3")
        until(lambda: len(effects(database, tenant)) >= 7 or None, "what can be applied is")
        until(
            lambda: len(list_parked(broker, topic=topic, group=group, quiet_seconds=QUIET_SECONDS)) == 2 or None,
            "two parked",
        )

        listed, lines = run("--topic", topic, "--group", group, "--list")
        listed_again, same_lines = run("--topic", topic, "--group", group, "--list")
        consumer.chokes_on = set()
        one, said_of_one = run("--topic", topic, "--group", group, "--limit", "1")
        until(lambda: len(effects(database, tenant)) >= 8 or None, "the first is applied")
        rest, said_of_rest = run("--topic", topic, "--group", group)
        until(lambda: len(effects(database, tenant)) >= 9 or None, "the second is applied")
        none, said_of_none = run("--topic", topic, "--group", group)

    assert (listed, listed_again, one, rest, none) == (0, 0, 0, 0, 0)
    assert lines == same_lines
    head, *rows = lines
    assert head == f"2 messages of {group} parked in {topic}.parked"
    at, place, by, error = rows[0].split("  ")
    assert (at, by, error) == ("2026-03-03T21:00:00+00:00", group, "builtins.LookupError")
    assert place.startswith(f"{topic}/")
    assert place.endswith("@1")
    assert "Aroha" not in repr(lines)
    assert said_of_one[0].startswith(f"sent 1 message to {topic} again for {group}")
    assert said_of_rest[0].startswith(f"sent 1 message to {topic} again for {group}")
    assert said_of_none == [f"sent 0 messages to {topic} again for {group}"]
    # The bystander had applied one of them and parked the other: neither was for it.
    assert sorted(effects(database, tenant)) == sorted(
        ["1", "2", "3"] * 2 + ["Aroha Ngata of 12 Rimu Street"] * 2 + ["Hēmi"]
    )


def test_a_message_that_is_parked_again_stops_the_replay_and_says_so(
    database: Database, broker: Broker, topic: str, group: str, run: Run
) -> None:
    consumer = Choking(database, broker, group=group, topic=topic)
    with consuming(consumer):
        send(broker, topic, uuid4(), "Hēmi")
        until(lambda: list_parked(broker, topic=topic, group=group, quiet_seconds=QUIET_SECONDS) or None, "one parked")
        status, lines = run("--topic", topic, "--group", group)

    assert status == 3
    assert lines[0] == f"sent 1 message to {topic} again for {group}"
    assert "the fault is still there" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--group", "g"], "--topic"),
        (["--topic", "t"], "--group"),
        (["--topic", "t.parked", "--group", "g"], "name the topic that they came from"),
        (["--topic", "t", "--group", "g g"], "'g g' is no name"),
        (["--topic", "t", "--group", "g", "--limit", "0"], "'0' is not a number from 1 on"),
        (["--topic", "t", "--group", "g", "--limit", "many"], "'many' is not a number from 1 on"),
        (["--topic", "t", "--group", "g", "--all"], "--all"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASCMS_BROKER_URL", AWAY)

    status = replay.main(arguments)

    assert status == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "status", "named"),
    [
        ("", 2, "a broker's address begins with"),
        ("amqp://user:secret@host", 2, "a broker's address begins with"),
        (AWAY, 1, "the broker is away"),
    ],
)
def test_a_broker_that_is_wrong_or_away_is_said(
    url: str, status: int, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASCMS_BROKER_URL", url)

    answer = replay.main(["--topic", "t", "--group", "g"])
    said = capsys.readouterr().err

    assert (answer, said.count("\n")) == (status, 1)
    assert named in said
    assert "secret" not in said


def test_without_an_address_the_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ASCMS_BROKER_URL", raising=False)

    assert replay.main(["--topic", "t", "--group", "g"]) == 2
    assert "ASCMS_BROKER_URL" in capsys.readouterr().err

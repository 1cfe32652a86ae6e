"""The consumer loop: events of the broker become effects, each once, none skipped.

For every delivery one transaction claims the event in the inbox and applies it; offsets are committed after the batch.
A crash between the two means the event comes again and finds its claim.

* What is away (database, broker, another service) is waited for: nothing is skipped, and readiness says so.
* What can never work (a message that does not decode, a handler that fails every time) is parked in `<topic>.parked`,
  so that those behind it go on. When too many are parked in a short time the fault is ours, not the messages': the loop
  stops itself, is no longer ready, and leaves the rest where it is.
* A handler of batches (`kit.batches`) applies what a poll brought of one tenant in one transaction; the rest holds.
* `replay_parked` sends parked messages to their topic again, once the fault is mended.
"""

import threading
import time
from collections import Counter as TypeCounts
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import grpc
import psycopg
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge

from kit import inbox, log, tracing
from kit.actor import system_actor
from kit.batches import BatchHandler, Item, Told, by_tenant, prefixes
from kit.bus import Broker, BrokerUnavailableError, Consumer, Delivery, Producer, Record, UnknownTopicError
from kit.clock import Clock, SystemClock
from kit.db import Database, Transaction
from kit.errors import DomainError, Kind
from kit.inbox import Claim

Handler = Callable[[Transaction, Envelope, Any], None]
"""Applies one event: the transaction (of the event's tenant), the envelope, the payload as its own message class."""

_BACKOFF_SECONDS = (0.1, 5.0)
_LAG_EVERY_SECONDS = 5.0
_TRANSIENT_KINDS = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED})
_TRANSIENT_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)

_PROCESSED = Counter("ascms_consumer_processed", "Events applied", ["consumer", "type"])
_PASSED = Counter("ascms_consumer_passed", "Events of types that mean nothing to the consumer", ["consumer"])
_REPEATED = Counter("ascms_consumer_repeated", "Events that had been applied before", ["consumer"])
_PARKED = Counter("ascms_consumer_parked", "Messages parked", ["consumer"])
_WAITED = Counter("ascms_consumer_waited", "Times something the consumer needs was away", ["consumer"])
_LAG = Gauge("ascms_consumer_lag", "Records of this consumer's partitions it has yet to commit", ["consumer"])
_LAST = Gauge("ascms_consumer_last_processed_timestamp_seconds", "When an event was last applied", ["consumer"])
_READY = Gauge(
    "ascms_consumer_ready", "1 while events are being applied; 0 while it waits or has stopped", ["consumer"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a loop behaves; the defaults suit production."""

    max_records: int = 200
    poll_seconds: float = 1.0
    batch_seconds: float = 5.0
    """After so long the rest of a batch goes back: a slow handler must not outlast the membership of the group."""
    tries: int = 3
    """How often a message that fails for no passing reason is tried before it is parked."""
    retry_seconds: float = 0.2
    parked_limit: int = 20
    """More parked than this within `parked_window_seconds` stops the loop."""
    parked_window_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """What a loop is doing, for health pages and readiness.

    `fault` names the class of what it waits for or stopped for; empty when all is well.
    """

    is_running: bool = False
    has_stopped_itself: bool = False
    lag: int = 0
    fault: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether events are being applied."""
        return self.is_running and not self.has_stopped_itself and not self.fault


@dataclass(eq=False, kw_only=True)
class ConsumerLoop:
    """One named consumer of a service; its thread is `kit.service.Threaded`. Several processes may run the same one.

    `name` is the group on the broker and the consumer in the inbox: "reporting.figures". `handlers` are by full event
    type, "ascms.cases.v1.CaseOpened", or one handler of batches; their modules have imported the messages. A handler
    does no slow I/O.
    """

    name: str
    topics: Sequence[str]
    handlers: Mapping[str, Handler] | BatchHandler
    database: Database
    broker: Broker
    clock: Clock = field(default_factory=SystemClock)
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Look up every handled message now: an unknown one is a fault of the program, raised as KeyError."""
        pool = descriptor_pool.Default()
        names = self.handlers if isinstance(self.handlers, Mapping) else self.handlers.types
        self._messages: dict[str, type[Message]] = {
            name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names
        }
        self._stopping = threading.Event()
        self._status = ConsumerStatus()
        self._group = self.name.encode()
        self._parked_at: deque[float] = deque()
        self._next_lag = 0.0
        # Told from the start: an alert cannot see something rise from nothing.
        _PARKED.labels(self.name)
        _READY.labels(self.name).set(0)

    @property
    def status(self) -> ConsumerStatus:
        """What it is doing now. May be read from any thread."""
        return self._status

    def is_ready(self) -> bool:
        """Whether events are being applied: for the service's readiness."""
        return self._status.is_ready

    def run(self) -> None:
        """Consume until `stop`, or until it stops itself."""
        # Not ready until the first poll has answered.
        self._status = ConsumerStatus(is_running=True, fault="Starting")
        wait, longest = _BACKOFF_SECONDS
        with self.broker.consumer(group=self.name, topics=self.topics) as consumer, self.broker.producer() as parker:
            while not self._stopping.is_set():
                try:
                    self._consume(consumer, parker)
                except _TooManyParked:
                    log.logger().error("consumer-stopped-itself", consumer=self.name, parked=len(self._parked_at))
                    self._note(has_stopped_itself=True, fault="TooManyParked")
                    break
                except Exception as error:  # noqa: BLE001 - messages wait, never vanish, whatever went wrong here
                    self._report(error)
                    consumer.rewind()
                    self._stopping.wait(wait)
                    wait = min(wait * 2, longest)
                else:
                    wait = _BACKOFF_SECONDS[0]
                    self._note(fault="")
        self._note(is_running=False)

    def stop(self) -> None:
        """Make `run` return after the message it is applying, and leave the group. Does not wait for it."""
        self._stopping.set()

    def _consume(self, consumer: Consumer, parker: Producer) -> None:
        """One poll and everything it brought. What was applied before a fault is committed before the fault rises."""
        deliveries = consumer.poll(max_records=self.limits.max_records, timeout_seconds=self.limits.poll_seconds)
        done: list[Delivery] = []
        passed: list[Claim] = []
        try:
            if isinstance(self.handlers, Mapping):
                self._apply_each(deliveries, parker, done=done, passed=passed)
            else:
                self._apply_batches(self.handlers, deliveries, parker, done=done, passed=passed)
        finally:
            self._pass_over(passed)
            if done:
                consumer.commit(prefixes(deliveries, done))
        if self._has_parked_too_many():
            raise _TooManyParked
        if len(done) < len(deliveries):
            consumer.rewind()
        if time.monotonic() >= self._next_lag:
            self._next_lag = time.monotonic() + _LAG_EVERY_SECONDS
            lag = consumer.lag()
            _LAG.labels(self.name).set(lag)
            self._note(lag=lag)

    def _has_to_stop(self, done: Sequence[Delivery], until: float) -> bool:
        is_late = bool(done) and time.monotonic() > until  # One at least, or nothing would ever be done.
        return self._stopping.is_set() or is_late or self._has_parked_too_many()

    def _apply_each(
        self, deliveries: Sequence[Delivery], parker: Producer, *, done: list[Delivery], passed: list[Claim]
    ) -> None:
        until = time.monotonic() + self.limits.batch_seconds
        for delivery in deliveries:
            if self._has_to_stop(done, until):
                return
            claim = self._apply_or_park(delivery, parker)
            if claim is not None:
                passed.append(claim)
            done.append(delivery)

    def _apply_batches(
        self,
        handler: BatchHandler,
        deliveries: Sequence[Delivery],
        parker: Producer,
        *,
        done: list[Delivery],
        passed: list[Claim],
    ) -> None:
        """Each tenant's events of a poll in one transaction, as long as they all work."""
        until = time.monotonic() + self.limits.batch_seconds
        items = []
        for delivery in deliveries:
            if self._has_parked_too_many():
                return
            try:
                item = self._item(delivery)
            except _UnreadableError as error:
                self._park(delivery, error, parker)
                item = None
            if item is not None:
                items.append(item)
            else:
                done.append(delivery)
        for batch in by_tenant(items).values():
            if self._has_to_stop(done, until):
                return
            if any(item.told for item in batch):
                self._apply_batch(handler, batch, parker, done=done)
            else:
                passed += [item.claim for item in batch]
                done += [item.delivery for item in batch]

    def _item(self, delivery: Delivery) -> Item | None:
        """What a delivery says; None for one that was sent again for another group. Raises `_UnreadableError`."""
        if delivery.headers.get("replay-group", self._group) != self._group:
            return None
        envelope, claim = _read(delivery, consumer=self.name)
        kind = self._messages.get(envelope.type)
        if kind is None:
            _PASSED.labels(self.name).inc()
            return Item(delivery, claim, None)
        try:
            return Item(delivery, claim, Told(envelope, kind.FromString(envelope.payload)))
        except DecodeError as error:
            raise _UnreadableError("payload") from error

    def _apply_batch(
        self, handler: BatchHandler, batch: Sequence[Item], parker: Producer, *, done: list[Delivery]
    ) -> None:
        """Apply a batch of one tenant. One that cannot work is halved until what is at fault stands alone."""
        attempt = 1
        while True:
            try:
                self._apply_whole(handler, batch)
                done += [item.delivery for item in batch]
            except Exception as error:
                if is_transient(error):
                    raise
                if len(batch) > 1:
                    break
                if attempt == self.limits.tries:
                    self._park(batch[0].delivery, error, parker)
                    done.append(batch[0].delivery)
                    return
                attempt += 1
                self._stopping.wait(self.limits.retry_seconds)
            else:
                return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if self._has_parked_too_many():
                return
            self._apply_batch(handler, half, parker, done=done)

    def _apply_whole(self, handler: BatchHandler, batch: Sequence[Item]) -> None:
        told = [item.told for item in batch if item.told is not None]
        claims = {item.claim.event_id: item.claim for item in batch}
        with self._context(told[0].envelope) if len(told) == 1 else self._batch_context():
            actor = system_actor(self.database.service, batch[0].claim.tenant_id)
            with self.database.tenant(actor) as tx:
                claimed = inbox.claim_many(tx, list(claims.values()), now=self.clock.now())
                apply = handler.begin(tx, told)
                tx.flush()
                fresh = {row.event_id for row in claimed.rows()}
                new = []
                for item in batch:
                    # Out of the set at its first: one that came twice in this batch is applied once.
                    if item.claim.event_id in fresh:
                        fresh.remove(item.claim.event_id)
                        if item.told is not None:
                            new.append(item.told)
                if new:
                    apply(new)
        _REPEATED.labels(self.name).inc(len(told) - len(new))
        for each, count in TypeCounts(each.envelope.type for each in new).items():
            _PROCESSED.labels(self.name, each).inc(count)
        if new:
            _LAST.labels(self.name).set_to_current_time()

    @contextmanager
    def _batch_context(self) -> Iterator[None]:
        log.clear()
        log.bind(consumer=self.name)
        try:
            yield
        finally:
            log.clear()

    def _apply_or_park(self, delivery: Delivery, parker: Producer) -> Claim | None:
        """Apply one message, or park it when it cannot work; the claim of one that means nothing to us."""
        for attempt in range(1, self.limits.tries + 1):
            try:
                return self._apply(delivery)
            except Exception as error:
                if is_transient(error):
                    raise
                if attempt == self.limits.tries or isinstance(error, _UnreadableError):
                    self._park(delivery, error, parker)
                    return None
                self._stopping.wait(self.limits.retry_seconds)
        raise AssertionError("unreachable")

    def _apply(self, delivery: Delivery) -> Claim | None:
        if delivery.headers.get("replay-group", self._group) != self._group:
            return None  # Sent again for another group; ours had it when it first came.
        envelope, claim = _read(delivery, consumer=self.name)
        assert isinstance(self.handlers, Mapping)
        handler = self.handlers.get(envelope.type)
        if handler is None:
            _PASSED.labels(self.name).inc()
            return claim
        try:
            message = self._messages[envelope.type].FromString(envelope.payload)
        except DecodeError as error:
            raise _UnreadableError("payload") from error
        with self._context(envelope):
            actor = system_actor(self.database.service, claim.tenant_id)
            with self.database.tenant(actor) as tx:
                if not inbox.claim(tx, claim, now=self.clock.now()):
                    _REPEATED.labels(self.name).inc()
                    return None
                handler(tx, envelope, message)
        _PROCESSED.labels(self.name, envelope.type).inc()
        _LAST.labels(self.name).set_to_current_time()
        return None

    @contextmanager
    def _context(self, envelope: Envelope) -> Iterator[None]:
        """Log lines and spans of the handler belong to the request that caused the event."""
        log.clear()
        log.bind(request_id=envelope.request_id, event_id=envelope.event_id, consumer=self.name)
        try:
            with tracing.span(f"consume {envelope.type}", kind=SpanKind.CONSUMER, parent=envelope.traceparent):
                yield
        finally:
            log.clear()

    def _pass_over(self, passed: Sequence[Claim]) -> None:
        if not passed:
            return
        with self.database.plumbing() as tx:
            inbox.pass_over(tx, passed, now=self.clock.now())

    def _park(self, delivery: Delivery, error: Exception, parker: Producer) -> None:
        """Put a message aside, with what is needed to find out why and to send it again. Never the error's text."""
        cause = error.__cause__ if isinstance(error, _UnreadableError) and error.__cause__ else error
        record = Record(
            parked_topic(delivery.topic),
            delivery.key,
            delivery.value,
            {
                **delivery.headers,
                "parked-at": self.clock.now().isoformat(timespec="seconds").encode(),
                "parked-group": self._group,
                "parked-error": f"{type(cause).__module__}.{type(cause).__qualname__}".encode(),
                "parked-topic": delivery.topic.encode(),
                "parked-partition": str(delivery.partition).encode(),
                "parked-offset": str(delivery.offset).encode(),
            },
        )
        try:
            parker.send_batch([record])
        except UnknownTopicError:
            self.broker.ensure_topics([record.topic], partitions=1)
            parker.send_batch([record])
        _PARKED.labels(self.name).inc()
        log.logger().error(
            "message-parked",
            consumer=self.name,
            error=type(cause).__qualname__,
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
        )
        self._parked_at.append(time.monotonic())

    def _has_parked_too_many(self) -> bool:
        while self._parked_at and self._parked_at[0] < time.monotonic() - self.limits.parked_window_seconds:
            self._parked_at.popleft()
        return len(self._parked_at) > self.limits.parked_limit

    def _report(self, error: Exception) -> None:
        _WAITED.labels(self.name).inc()
        fault = type(error).__name__
        if fault != self._status.fault:  # Once for each kind of trouble, not once for each attempt.
            log.logger().warning("consumer-waits", consumer=self.name, fault=fault)
        self._note(fault=fault)

    def _note(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        _READY.labels(self.name).set(int(self._status.is_ready))


class _UnreadableError(Exception):
    """The message is not an envelope, or not one whose payload is what it says. Trying again cannot help."""


class _TooManyParked(Exception):  # noqa: N818 - not an error of a message: the loop's decision to stop
    """More messages were parked than a healthy system ever parks."""


def is_transient(error: BaseException) -> bool:
    """Whether waiting may help: something is away, busy, or another transaction was in the way."""
    match error:
        case BrokerUnavailableError() | ConnectionError() | TimeoutError():
            return True
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return True
        case psycopg.errors.IdleInTransactionSessionTimeout():
            return True
        case DomainError():
            return error.kind in _TRANSIENT_KINDS
        case grpc.RpcError():
            code = getattr(error, "code", None)
            return callable(code) and code() in _TRANSIENT_CODES
    return False


def parked_topic(topic: str) -> str:
    """Where messages of a topic are parked."""
    return f"{topic}.parked"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did: messages `sent` to their topics again, and those `passed` that other groups parked.

    `has_come_back`: one that it had sent was parked again while it ran, so it went no further.
    """

    sent: int
    passed: int
    has_come_back: bool = False


def replay_parked(broker: Broker, *, topic: str, group: str, limit: int = 1_000, quiet_seconds: float = 5.0) -> Replay:
    """Send what `group` parked from `topic` there again, oldest first, at most `limit`; each parked message once.

    Other groups see them too and leave them alone. Ends when no parked message has come for `quiet_seconds`, or at one
    that this very replay had sent and that was parked anew: the fault is still there.
    Raises `BrokerUnavailableError`; what was sent is remembered, so calling again goes on from there.
    """
    run = uuid4().hex.encode()
    sent = passed = 0
    has_come_back = False
    with (
        broker.consumer(group=_replay_group(group), topics=[parked_topic(topic)]) as consumer,
        broker.producer() as producer,
    ):
        while sent < limit:
            deliveries = consumer.poll(max_records=min(100, limit - sent), timeout_seconds=quiet_seconds)
            fresh = [delivery for delivery in deliveries if delivery.headers.get("replay") != run]
            ours = [delivery for delivery in fresh if delivery.headers.get("parked-group") == group.encode()]
            producer.send_batch([_unparked(delivery, topic=topic, group=group, run=run) for delivery in ours])
            sent += len(ours)
            passed += len(fresh) - len(ours)
            if len(fresh) < len(deliveries):
                consumer.commit(deliveries[: deliveries.index(next(d for d in deliveries if d not in fresh))])
                has_come_back = True
                break
            if not deliveries:
                break
            consumer.commit(deliveries)
    return Replay(sent=sent, passed=passed, has_come_back=has_come_back)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A message that waits for a replay: why and when it was parked, and where it came from. Nothing of what it says.

    `error` is the class of what its handler raised, `at` an ISO 8601 moment.
    """

    group: str
    error: str
    topic: str
    partition: str
    offset: str
    at: str


def list_parked(
    broker: Broker, *, topic: str, group: str, limit: int = 1_000, quiet_seconds: float = 5.0
) -> list[Parked]:
    """What a replay for `group` would send to `topic` again, oldest first, at most `limit`. Changes nothing.

    Not to be called while a replay runs: the two would share the messages. Raises `BrokerUnavailableError`.
    """
    waiting: list[Parked] = []
    with broker.consumer(group=_replay_group(group), topics=[parked_topic(topic)]) as consumer:
        while len(waiting) < limit:
            deliveries = consumer.poll(max_records=100, timeout_seconds=quiet_seconds)
            if not deliveries:
                break
            waiting += [_parked(each) for each in deliveries if each.headers.get("parked-group") == group.encode()]
    return waiting[:limit]


def _parked(delivery: Delivery) -> Parked:
    def said(name: str) -> str:
        return delivery.headers.get(f"parked-{name}", b"?").decode(errors="replace")

    return Parked(
        group=said("group"),
        error=said("error"),
        topic=said("topic"),
        partition=said("partition"),
        offset=said("offset"),
        at=said("at"),
    )


def _replay_group(group: str) -> str:
    return f"{group}.replay"


def _unparked(delivery: Delivery, *, topic: str, group: str, run: bytes) -> Record:
    headers = {name: value for name, value in delivery.headers.items() if not name.startswith("parked-")}
    return Record(topic, delivery.key, delivery.value, {**headers, "replay": run, "replay-group": group.encode()})


def _read(delivery: Delivery, *, consumer: str) -> tuple[Envelope, Claim]:
    """The envelope and its claim. Raises `_UnreadableError`."""
    try:
        envelope = Envelope.FromString(delivery.value)
        claim = Claim(
            consumer=consumer,
            event_id=UUID(envelope.event_id),
            tenant_id=UUID(envelope.tenant_id),
            source=envelope.source,
            position=envelope.position,
        )
    except (DecodeError, ValueError) as error:
        raise _UnreadableError("envelope") from error
    return envelope, claim

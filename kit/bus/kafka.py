"""Apache Kafka as the broker, through kafka-python. Its defaults that lose events are overridden here, once."""

import contextlib
import functools
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    KafkaConfigurationError,
    KafkaError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.partitioner import DefaultPartitioner
from kafka.partitioner.default import murmur2
from kafka.structs import OffsetAndMetadata

from kit.bus.contract import (
    Broker,
    BrokerUnavailableError,
    Consumer,
    Delivery,
    Producer,
    Record,
    UnknownTopicError,
    check_sizes,
)

_REQUEST_MS = 5_000
_DELIVERY_MS = 8_000
_BATCH_BYTES = 768 * 1024  # Below Kafka's one megabyte a request, above MAX_VALUE_BYTES.
_RECORD_OVERHEAD_BYTES = 100
_METADATA_MS = 10_000
_OPTIONS = frozenset({"security_protocol", "sasl_mechanism", "ssl_cafile", "ssl_certfile", "ssl_keyfile"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class KafkaBroker(Broker):
    """A Kafka cluster.

    `servers` are "host:port" each. `connection` holds further settings of the client (security). `replicas` is the
    replication factor of topics made by `ensure_topics`; -1 leaves it to the cluster. A member that was killed keeps
    its partitions for `session_seconds`.
    """

    servers: tuple[str, ...]
    connection: Mapping[str, Any] = field(default_factory=dict)
    replicas: int = -1
    session_seconds: float = 10.0

    @classmethod
    def at(cls, url: str) -> Self:
        """The broker at `kafka://[user:password@]host:port[,host:port…][?security_protocol=…&sasl_mechanism=…&…]`.

        Other options: `ssl_cafile`, `ssl_certfile`, `ssl_keyfile`, `replicas`, `session_seconds`. Raises `ValueError`
        for an unknown one or an address without port.
        """
        parts = urlsplit(url)
        credentials, _, hosts = parts.netloc.rpartition("@")
        servers = tuple(hosts.split(","))
        if not all(server.rpartition(":")[2].isdecimal() for server in servers):
            msg = f"a Kafka address is kafka://host:port[,host:port…]; a port is missing in {hosts!r}"
            raise ValueError(msg)
        options = dict(parse_qsl(parts.query))
        replicas = int(options.pop("replicas", "-1"))
        session_seconds = float(options.pop("session_seconds", "10"))
        if unknown := options.keys() - _OPTIONS:
            msg = f"unknown options in the Kafka address: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        connection: dict[str, Any] = dict(options)
        if credentials:
            user, _, password = credentials.partition(":")
            connection |= {"sasl_plain_username": unquote(user), "sasl_plain_password": unquote(password)}
        return cls(servers=servers, connection=connection, replicas=replicas, session_seconds=session_seconds)

    def ensure_topics(self, names: Iterable[str], *, partitions: int) -> None:
        """As `Broker.ensure_topics`."""
        wanted = dict.fromkeys(names)
        with _unavailable(), self._admin() as admin:
            existing = set(admin.list_topics())
            for name in wanted:
                if name in existing:
                    continue
                with contextlib.suppress(TopicAlreadyExistsError):  # Another process was faster.
                    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": self.replicas}})
            if wanted:
                admin.wait_for_topics(list(wanted), timeout_ms=_METADATA_MS)

    def producer(self) -> Producer:
        """As `Broker.producer`."""
        return KafkaBatchProducer(broker=self)

    def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """As `Broker.consumer`."""
        return KafkaGroupConsumer(broker=self, group=group, topics=topics)

    def unread(self, *, group: str, topics: Sequence[str]) -> int:
        """As `Broker.unread`."""
        with _unavailable():
            # Without a subscription it never joins the group, whose members go on undisturbed.
            client = _construct(
                KafkaConsumer, **self.settings(), metrics_enabled=False, group_id=group, enable_auto_commit=False,
                allow_auto_create_topics=False, request_timeout_ms=_REQUEST_MS * 2, bootstrap_timeout_ms=_REQUEST_MS,
            )  # fmt: skip
            try:
                existing = client.topics() & set(topics)
                numbers = {topic: client.partitions_for_topic(topic) or () for topic in existing}
                return _behind(client, [TopicPartition(topic, one) for topic in existing for one in numbers[topic]])
            finally:
                client.close(autocommit=False, timeout_ms=2_000)

    def is_ready(self) -> bool:
        """As `Broker.is_ready`."""
        try:
            with self._admin(seconds=1.5) as admin:
                return bool(admin.describe_cluster()["brokers"])
        except (KafkaError, OSError):
            return False

    def close(self) -> None:
        """Nothing is held between calls."""

    def missing_topics(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that do not exist. Raises `BrokerUnavailableError`."""
        with _unavailable(), self._admin() as admin:
            existing = set(admin.list_topics())
        return [name for name in names if name not in existing]

    @contextlib.contextmanager
    def _admin(self, *, seconds: float = 5.0) -> Iterator[KafkaAdminClient]:
        milliseconds = int(seconds * 1000)
        admin = _construct(
            KafkaAdminClient, **self.settings(), request_timeout_ms=milliseconds, bootstrap_timeout_ms=milliseconds
        )
        try:
            yield admin
        finally:
            admin.close()

    def settings(self) -> dict[str, Any]:
        """What every client of this cluster is given."""
        return {
            "bootstrap_servers": list(self.servers),
            "reconnect_backoff_max_ms": 1_000,
            "proxy_url": _CLOSING,  # Not a proxy: the name under which `_ClosingSocket` is known.
            **self.connection,
        }


class KafkaBatchProducer(Producer):
    """An idempotent producer, acks=all, that sends whole batches.

    Of one batch, the records for one partition travel in one Kafka record batch: they are stored all or not at all.
    Without that, a failure in the middle followed by a retry could store A2 before A1, and the inbox would then apply
    them in that order.
    """

    def __init__(self, *, broker: KafkaBroker) -> None:
        """Made by `KafkaBroker.producer`; connects when first used."""
        self._broker = broker
        self._client: KafkaProducer | None = None
        self._known_topics: set[str] = set()

    def send_batch(self, records: Sequence[Record]) -> None:
        """As `Producer.send_batch`."""
        check_sizes(records)
        self._require_topics(records)
        for chunk in _chunks(records):
            try:
                self._send_chunk(chunk)
            except KafkaError as error:
                # A producer that failed once may have lost its place in the sequence; the next call makes another.
                self._known_topics.clear()
                self.close()
                msg = f"Kafka did not acknowledge {len(chunk)} records: {type(error).__name__}"
                raise BrokerUnavailableError(msg) from error

    def close(self) -> None:
        """As `Producer.close`."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(KafkaError):
                client.close(timeout=2.0)

    def _send_chunk(self, chunk: Sequence[Record]) -> None:
        client = self._connected()
        futures = [
            client.send(
                record.topic,
                key=record.key.encode(),
                value=record.value,
                headers=[(name, value) for name, value in record.headers.items()],
            )
            for record in chunk
        ]
        # Every record's fate is known when this returns: acknowledged, or failed within the delivery time.
        client.flush(timeout=_DELIVERY_MS / 1000 + 2)
        for future in futures:
            future.get(timeout=0)

    def _connected(self) -> KafkaProducer:
        if self._client is None:
            self._client = _construct(
                KafkaProducer,
                **self._broker.settings(),
                metrics_enabled=False,  # Ours are the relay's; these cost throughput.
                enable_idempotence=True,
                acks="all",
                allow_auto_create_topics=False,
                partitioner=_KeyPartitioner(),
                batch_size=_BATCH_BYTES,
                # Nothing leaves before `flush` says so; this is only the upper bound if it never did.
                linger_ms=1_000,
                max_block_ms=_REQUEST_MS,
                request_timeout_ms=_REQUEST_MS,
                delivery_timeout_ms=_DELIVERY_MS,
                bootstrap_timeout_ms=_REQUEST_MS,
            )
        return self._client

    def _require_topics(self, records: Sequence[Record]) -> None:
        """Ask once for each new topic: kafka-python itself would wait `max_block_ms` and call it a time-out."""
        new = {record.topic for record in records} - self._known_topics
        if not new:
            return
        if missing := self._broker.missing_topics(new):
            msg = f"no such topic: {', '.join(sorted(missing))}"
            raise UnknownTopicError(msg)
        self._known_topics |= new


class KafkaGroupConsumer(Consumer):
    """A member of a consumer group that commits by hand and begins at the earliest record."""

    def __init__(self, *, broker: KafkaBroker, group: str, topics: Sequence[str]) -> None:
        """Made by `KafkaBroker.consumer`; connects when first used."""
        self._broker = broker
        self._group = group
        self._topics = tuple(topics)
        self._client: KafkaConsumer | None = None
        self._uncommitted = _Uncommitted()

    def poll(self, *, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """As `Consumer.poll`."""
        with self._connected() as client:
            batches = client.poll(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
        deliveries = []
        for partition, records in batches.items():
            if not self._uncommitted.note(partition, first=records[0].offset):
                continue  # Taken away between the fetch and here; its next owner gets them.
            deliveries += [
                Delivery(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    key=(record.key or b"").decode(errors="replace"),
                    value=record.value or b"",
                    headers=dict(record.headers),
                )
                for record in records
            ]
        return deliveries

    def commit(self, deliveries: Iterable[Delivery]) -> None:
        """As `Consumer.commit`."""
        reached: dict[TopicPartition, int] = {}
        for delivery in deliveries:
            partition = TopicPartition(delivery.topic, delivery.partition)
            reached[partition] = max(reached.get(partition, 0), delivery.offset + 1)
        ours = {partition: offset for partition, offset in reached.items() if self._uncommitted.has(partition)}
        if not ours:
            return
        with self._connected() as client:
            try:
                client.commit(
                    {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in ours.items()},
                    timeout_ms=_REQUEST_MS,
                )
            except (CommitFailedError, RebalanceInProgressError):
                # The group has moved on without us. What was not committed is delivered again, to us or another.
                return
        for partition, offset in ours.items():
            self._uncommitted.advance(partition, offset=offset)

    def rewind(self) -> None:
        """As `Consumer.rewind`."""
        if self._client is None:
            return
        for partition, offset in self._uncommitted.take().items():
            with contextlib.suppress(ValueError):  # Not assigned any more.
                self._client.seek(partition, offset)

    def lag(self) -> int:
        """As `Consumer.lag`."""
        with self._connected() as client:
            return _behind(client, list(client.assignment()))

    def close(self) -> None:
        """As `Consumer.close`."""
        client, self._client = self._client, None
        self._uncommitted.take()
        if client is not None:
            with contextlib.suppress(KafkaError):
                client.close(autocommit=False, timeout_ms=2_000)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[KafkaConsumer]:
        """The client, made on first use; a fault of it is ours, and drops it."""
        with _unavailable():
            if self._client is None:
                self._client = _construct(
                    KafkaConsumer,
                    **self._broker.settings(),
                    metrics_enabled=False,
                    group_id=self._group,
                    auto_offset_reset="earliest",
                    enable_auto_commit=False,
                    allow_auto_create_topics=False,
                    # How soon a topic made after us, or a new partition, is seen.
                    metadata_max_age_ms=_METADATA_MS,
                    session_timeout_ms=int(self._broker.session_seconds * 1000),
                    heartbeat_interval_ms=int(self._broker.session_seconds * 1000 / 4),
                    request_timeout_ms=_REQUEST_MS * 2,
                    bootstrap_timeout_ms=_REQUEST_MS,
                    fetch_max_wait_ms=500,
                )
                self._client.subscribe(topics=self._topics, listener=self._uncommitted)
            yield self._client


class _Uncommitted(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python carries no types.
    """The first offset of each assigned partition that was delivered and not committed.

    kafka-python tells of revoked partitions on its own thread, hence the lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._assigned: set[TopicPartition] = set()
        self._first: dict[TopicPartition, int] = {}

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note what is ours now; positions begin at what the group has committed."""
        with self._lock:
            self._assigned |= set(assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget what is ours no more: it must be neither committed nor sought."""
        with self._lock:
            for partition in revoked:
                self._assigned.discard(partition)
                self._first.pop(partition, None)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """As revoked: what we had is somebody else's already."""
        self.on_partitions_revoked(lost)

    def note(self, partition: TopicPartition, *, first: int) -> bool:
        """Note that records from `first` on are delivered; False when the partition is not ours."""
        with self._lock:
            if partition not in self._assigned:
                return False
            self._first.setdefault(partition, first)
            return True

    def has(self, partition: TopicPartition) -> bool:
        """Whether something of it has been delivered since it became ours, and is not committed."""
        with self._lock:
            return partition in self._first

    def advance(self, partition: TopicPartition, *, offset: int) -> None:
        """Note that everything before `offset` is committed; what comes from there on was perhaps delivered too."""
        with self._lock:
            if partition in self._first:
                self._first[partition] = offset

    def take(self) -> dict[TopicPartition, int]:
        """All of it, and begin anew."""
        with self._lock:
            first, self._first = self._first, {}
            return first


class _KeyPartitioner(DefaultPartitioner):  # type: ignore[misc]  # kafka-python carries no types.
    """The partition that Kafka's own clients choose; remembers hashes, which are computed in Python here."""

    def partition(self, *record: Any) -> int:
        """The partition for one record: topic, key, key in bytes, value, value in bytes, the cluster's metadata."""
        topic, _, serialized_key, _, _, cluster = record
        partitions = sorted(cluster.partitions_for_topic(topic))
        return int(partitions[_hash(serialized_key) % len(partitions)])


def _behind(client: KafkaConsumer, partitions: list[TopicPartition]) -> int:
    """How many records of the partitions the client's group has not committed."""
    if not partitions:
        return 0
    ends = client.end_offsets(partitions, timeout_ms=_REQUEST_MS)
    starts = client.beginning_offsets(partitions, timeout_ms=_REQUEST_MS)
    total = 0
    for partition in partitions:
        committed = client.committed(partition, timeout_ms=_REQUEST_MS)
        total += ends[partition] - max(committed or 0, starts[partition])
    return int(total)


@functools.lru_cache(maxsize=16_384)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def _chunks(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Cut so that each piece, even if all of it went to one partition, fits one Kafka record batch."""
    begin = size = 0
    for index, record in enumerate(records):
        bytes_here = (
            len(record.value)
            + len(record.key) * 4
            + sum(len(name) * 4 + len(value) + 10 for name, value in record.headers.items())
            + _RECORD_OVERHEAD_BYTES
        )
        if index > begin and size + bytes_here > _BATCH_BYTES:
            yield records[begin:index]
            begin, size = index, 0
        size += bytes_here
    if begin < len(records):
        yield records[begin:]


class _ClosingSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python carries no types.
    """How kafka-python opens connections, except that one which fails is closed.

    By itself it would leave the socket open until the client is closed: with an attempt a second while the broker is
    away, a process would be out of file descriptors in a quarter of an hour.
    """

    SCHEMES = ("closing",)

    async def sock_connect(self, net: Any, sock: socket.socket, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """Wait until `sock` is connected."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise


_CLOSING = "closing://"


def _construct(kind: type[Any], **settings: Any) -> Any:
    """A client of kafka-python that leaves nothing behind when its first connection fails.

    By itself it would leave a thread and that thread's sockets: one for each attempt while the broker is away.
    """
    networks: list[KafkaNetClient] = []

    def make_network(**options: Any) -> KafkaNetClient:
        networks.append(KafkaNetClient(**options))
        return networks[-1]

    try:
        return kind(**settings, kafka_client=make_network)
    except BaseException:
        for network in networks:
            network.close()
        raise


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Say `BrokerUnavailableError` for every fault of the client or the network."""
    try:
        yield
    except KafkaConfigurationError:  # A fault of the settings: trying again cannot help, so it is not hidden.
        raise
    except (KafkaError, OSError) as error:
        msg = f"Kafka: {type(error).__name__}"
        raise BrokerUnavailableError(msg) from error

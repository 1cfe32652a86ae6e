"""What a broker promises, whichever one it is. The two implementations pass the same tests (tests/contract/).

* A topic has a fixed number of partitions. Records of one key go to one partition and are delivered in the order they
  were sent. Between keys there is no order.
* A batch that was acknowledged is never lost. A batch that was not is sent again by its sender, so a record may be
  delivered more than once: at least once, never at most once. Effects become exactly once in the inbox (kit/inbox.py).
* A group's consumers share the partitions of its topics; each partition has one consumer at a time. What a consumer
  has not committed when it ends, dies or loses the partition is delivered again to whoever has the partition next.
* A new group begins at the oldest record that is kept.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class BrokerError(Exception):
    """Something between us and the broker failed."""


class BrokerUnavailableError(BrokerError):
    """The broker cannot be reached or did not acknowledge. Nothing is known about the work asked for; do it again."""


class UnknownTopicError(BrokerError):
    """A record was sent to a topic that does not exist. Topics are made by `ensure_topics`, never by accident."""


class RecordTooLargeError(BrokerError):
    """A record is larger than the broker takes. Sending it again cannot help."""


MAX_VALUE_BYTES = 512 * 1024
"""The largest `Record.value`. Half of what Kafka takes by default, so that key and headers never tip it over."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be sent. Records with an equal `key` keep their order."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record as a consumer receives it. `offset` grows within a partition; it may have gaps."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


class Producer(ABC):
    """Sends records. One thread at a time."""

    @abstractmethod
    def send_batch(self, records: Sequence[Record]) -> None:
        """Send all `records` and return when the broker has acknowledged every one of them.

        Raises `BrokerUnavailableError` when it did not, after which any part of the batch may have been stored: send
        the whole batch again, in the same order. `UnknownTopicError` and `RecordTooLargeError` are raised before
        anything of the batch is sent.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection. Closing twice is allowed."""

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close."""
        self.close()


class Consumer(ABC):
    """One member of a group. One thread at a time. Connects at its first `poll`, and again after every fault."""

    @abstractmethod
    def poll(self, *, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """Wait up to `timeout_seconds` for records and return up to `max_records`; empty when none came.

        Keeps the membership of the group alive; call it at least every few seconds, whether records are wanted or
        not. Raises `BrokerUnavailableError`; the next call tries again.
        """

    @abstractmethod
    def commit(self, deliveries: Iterable[Delivery]) -> None:
        """Never deliver these to the group again, nor anything before them in their partitions.

        What belongs to a partition that this consumer has lost meanwhile is left out without a word: its next owner
        has it. Raises `BrokerUnavailableError`.
        """

    @abstractmethod
    def rewind(self) -> None:
        """Deliver again, from the next `poll`, everything that was delivered and not committed."""

    @abstractmethod
    def lag(self) -> int:
        """How many records of this consumer's partitions are not committed. Raises `BrokerUnavailableError`."""

    @abstractmethod
    def close(self) -> None:
        """Leave the group, so that others take over at once. Commits nothing. Closing twice is allowed."""

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close."""
        self.close()


class Broker(ABC):
    """A place that keeps records. Constructing one does not connect."""

    @abstractmethod
    def ensure_topics(self, names: Iterable[str], *, partitions: int) -> None:
        """Make the topics that do not exist yet, with `partitions` each; leave the others as they are.

        Raises `BrokerUnavailableError`.
        """

    @abstractmethod
    def producer(self) -> Producer:
        """A new producer, owned and closed by the caller."""

    @abstractmethod
    def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """A new member of `group`, owned and closed by the caller. All members of a group name the same topics.

        A topic may be named before it exists; its records arrive once it does.
        """

    @abstractmethod
    def unread(self, *, group: str, topics: Sequence[str]) -> int:
        """How many records of the topics `group` has not committed, asked from outside of it.

        A topic that does not exist has none. Raises `BrokerUnavailableError`.
        """

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now. Takes two seconds at most and never raises."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what the broker object itself holds; producers and consumers are closed by their owners."""

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close."""
        self.close()


def check_sizes(records: Sequence[Record]) -> None:
    """Raise `RecordTooLargeError` for the first record that is too large, naming it by topic and key."""
    for record in records:
        if len(record.value) > MAX_VALUE_BYTES:
            size = len(record.value)
            raise RecordTooLargeError(
                f"a record of {record.topic} with key {record.key} has {size} bytes, over {MAX_VALUE_BYTES}"
            )

"""Events applied many at a time: one transaction for what a poll brought of one tenant, instead of one for each event.

A projection that catches up is bound by round trips. A handler of batches reads everything it needs in the same round
trip as the inbox's claims, changes it in memory, and writes it in the one that commits. What is promised stays: effect
and claim commit together, events of a key are applied in order, and one that cannot work is found by halving its batch
and parked alone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from ascms.common.v1.envelope_pb2 import Envelope

from kit.bus import Delivery
from kit.db import Transaction
from kit.inbox import Claim


@dataclass(frozen=True, slots=True)
class Told:
    """One event: its envelope, and its payload as its own message class."""

    envelope: Envelope
    message: Any


class BatchHandler(Protocol):
    """Applies events of one tenant, many at a time. It does no slow I/O, and only what a transaction can take back."""

    @property
    def types(self) -> Collection[str]:
        """Full names of the events it knows: "ascms.cases.v1.CaseOpened"."""
        ...

    def begin(self, tx: Transaction, batch: Sequence[Told]) -> Callable[[Sequence[Told]], None]:
        """Queue what is to be read for a batch; return what applies those of it that had not been applied before.

        `tx` has not answered yet: only `tx.later` is allowed here.
        """
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery that could be read; `told` is None for an event that means nothing to the consumer."""

    delivery: Delivery
    claim: Claim
    told: Told | None


def by_tenant(items: Iterable[Item]) -> Mapping[UUID, list[Item]]:
    """Items by tenant, each tenant's in the order they came."""
    found: dict[UUID, list[Item]] = {}
    for item in items:
        found.setdefault(item.claim.tenant_id, []).append(item)
    return found


def prefixes(deliveries: Sequence[Delivery], done: Collection[Delivery]) -> list[Delivery]:
    """Of each partition what was done before the first that was not: more must not be committed."""
    finished = {(each.topic, each.partition, each.offset) for each in done}
    open_places: set[tuple[str, int]] = set()
    found = []
    for each in deliveries:
        place = (each.topic, each.partition)
        if place in open_places:
            continue
        if (*place, each.offset) in finished:
            found.append(each)
        else:
            open_places.add(place)
    return found

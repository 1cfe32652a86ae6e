"""The end of every command: state, audit, outbox and answer commit together, or nothing does."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from kit import audit, idempotency, outbox
from kit.audit import Audit
from kit.db import Transaction
from kit.outbox import Event

T = TypeVar("T")


def finish(tx: Transaction, result: T, *, entry: Audit, events: Sequence[Event], now: datetime) -> T:
    """Queue what belongs to the command's transaction beside its state; return its result.

    To be called last, in the actor's own tenant. The RPC's answer, if one is awaited, is encoded here, so that a
    repeated key can be answered with it; its `position` is the outbox id of the last event.
    """
    audit.write(tx, entry, now=now)
    promises = [outbox.append(tx, event, now=now) for event in events]
    call = idempotency.answering.get()
    if call is None:
        return result
    message = call.encode(result)
    call.message = message
    if call.key:
        # The answer holds the position, so the position must be known before the commit: one more round trip.
        tx.flush()
        if promises:
            _set_position(message, promises[-1].value())
        idempotency.store_answer(tx, call, now=now)
    elif promises:
        tx.after_commit(lambda: _set_position(message, promises[-1].value()))
    return result


def _set_position(message: object, position: int) -> None:
    if hasattr(message, "position"):
        message.position = position

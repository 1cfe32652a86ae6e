"""What identity tells about people's access becomes a look at their work, now and not at the next turn.

The event is only the reason to look: whether someone's access works is asked of identity by the command itself.
"""

from collections.abc import Mapping

# The loop finds the messages by name once their module is imported.
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import events_pb2

from kit.clock import Clock
from kit.consumer import Handler
from kit.db import Transaction
from kit.sweeps import clear_deadline, keep_deadline
from services.cases.commands.deadlines import OWNERS_DEADLINE
from services.cases.directory import CASE_MANAGER, WORKFLOW_LEAD

_WITH_WORK = {CASE_MANAGER, WORKFLOW_LEAD}


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def on_access_ended(tx: Transaction, _envelope: Envelope, event: events_pb2.AccessEnded) -> None:
        if not _WITH_WORK.isdisjoint(event.roles):
            _check_now(tx, clock)

    def on_role_changed(tx: Transaction, _envelope: Envelope, event: events_pb2.RoleChanged) -> None:
        if not event.works and event.role in _WITH_WORK:
            _check_now(tx, clock)

    return {
        events_pb2.AccessEnded.DESCRIPTOR.full_name: on_access_ended,
        events_pb2.RoleChanged.DESCRIPTOR.full_name: on_role_changed,
    }


def _check_now(tx: Transaction, clock: Clock) -> None:
    clear_deadline(tx, kind=OWNERS_DEADLINE, subject_id=tx.tenant_id)
    keep_deadline(tx, kind=OWNERS_DEADLINE, subject_id=tx.tenant_id, due_at=clock.now())

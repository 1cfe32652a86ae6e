"""Who has open work at a provider."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from kit.db import Transaction, prepare
from services.cases.domain.cases import CaseState
from services.cases.domain.tasks import TaskState
from services.cases.store.counts import NOBODY
from services.cases.store.tables import CASE_COUNT, TASK

_MANAGERS = prepare(
    select(CASE_COUNT.c.case_manager_id)
    .distinct()
    .where(
        CASE_COUNT.c["items"] > 0,
        CASE_COUNT.c.state != CaseState.CLOSED.value,
        CASE_COUNT.c.case_manager_id != NOBODY,
    )
)


def _next_owner(after: Any) -> Any:
    open_ones = select(TASK.c.owner_id).where(TASK.c.state == TaskState.OPEN.value, TASK.c.owner_id > after)
    return open_ones.order_by(TASK.c.owner_id).limit(1).scalar_subquery()


# One step of the index for each owner, however many tasks each has.
_owner = select(_next_owner(NOBODY).label("id")).cte("owner", recursive=True)
_owner = _owner.union_all(select(_next_owner(_owner.c.id)).where(_owner.c.id.is_not(None)))
_TASK_OWNERS = prepare(select(_owner.c.id).where(_owner.c.id.is_not(None)))


def list_case_managers(tx: Transaction) -> list[UUID]:
    """Everyone of the present provider who has a case that is not closed."""
    return [row[0] for row in tx.all(_MANAGERS)]


def list_task_owners(tx: Transaction) -> list[UUID]:
    """Everyone of the present provider who has an open task."""
    return [row[0] for row in tx.all(_TASK_OWNERS)]

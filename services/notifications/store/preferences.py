"""How people want their notices, and until when they have read them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from kit.tables import tenant_table
from services.notifications.domain import Delivery, NoticeKind, Preference
from services.notifications.store.notices import METADATA, NOTICE

MOST_COUNTED = 100
"""Counting unread notices ends here."""

PREFERENCE = tenant_table(
    "preference",
    METADATA,
    Column("person_id", postgresql.UUID),
    Column("kind", Text),
    Column("delivery", Text, nullable=False),
    key=("person_id", "kind"),
)
READER = tenant_table(
    "reader",
    METADATA,
    Column("person_id", postgresql.UUID),
    Column("read_until", DateTime(timezone=True), nullable=False),
    key=("person_id",),
)

_OWN = PREFERENCE.c.person_id == bindparam("person")
_FIND = prepare(select(PREFERENCE.c.delivery).where(_OWN, PREFERENCE.c.kind == bindparam("of_kind")))
_LIST = prepare(select(PREFERENCE.c.kind, PREFERENCE.c.delivery).where(_OWN))
_put = postgresql.insert(PREFERENCE).values(dict.fromkeys(PREFERENCE.c.keys()))
_PUT = prepare(
    _put.on_conflict_do_update(
        index_elements=list(PREFERENCE.primary_key.columns), set_={"delivery": _put.excluded.delivery}
    )
)
_read = postgresql.insert(READER).values(dict.fromkeys(READER.c.keys()))
_PUT_READ = prepare(
    _read.on_conflict_do_update(
        index_elements=list(READER.primary_key.columns), set_={"read_until": _read.excluded.read_until}
    )
)
_FIND_READ = prepare(select(READER.c.read_until).where(READER.c.person_id == bindparam("person")))
_unread = (
    select(NOTICE.c.id)
    .where(
        NOTICE.c.person_id == bindparam("person"),
        NOTICE.c.created_at > bindparam("since", type_=NOTICE.c.created_at.type),
        NOTICE.c.kind != NoticeKind.DAILY.value,
    )
    .limit(MOST_COUNTED)
    .subquery()
)
_COUNT_UNREAD = prepare(select(func.count()).select_from(_unread))


def find_delivery(tx: Transaction, person_id: UUID, kind: NoticeKind) -> Delivery | None:
    """How someone chose to get a kind of notice; None where they chose nothing."""
    found = tx.value(_FIND, person=person_id, of_kind=kind.value)
    return Delivery(found) if found is not None else None


def list_deliveries(tx: Transaction, person_id: UUID) -> dict[NoticeKind, Delivery]:
    """What someone chose."""
    return {NoticeKind(row.kind): Delivery(row.delivery) for row in tx.all(_LIST, person=person_id)}


def put_preferences(tx: Transaction, person_id: UUID, chosen: Iterable[Preference]) -> None:
    """Queue what someone chose, in place of what they chose before."""
    for each in chosen:
        tx.later(_PUT, tenant_id=tx.tenant_id, person_id=person_id, kind=each.kind.value, delivery=each.delivery.value)


def put_read_until(tx: Transaction, person_id: UUID, read_until: datetime) -> None:
    """Queue until when someone has read their notices."""
    tx.later(_PUT_READ, tenant_id=tx.tenant_id, person_id=person_id, read_until=read_until)


def find_read_until(tx: Transaction, person_id: UUID) -> datetime | None:
    """Until when someone has read their notices; None before the first time."""
    found: datetime | None = tx.value(_FIND_READ, person=person_id)
    return found


def count_unread(tx: Transaction, person_id: UUID, *, since: datetime) -> int:
    """How many notices someone got since a moment, up to `MOST_COUNTED`."""
    return int(tx.value(_COUNT_UNREAD, person=person_id, since=since))

"""SQL of notices, plans to tell people, and how people want to be told."""

from services.notifications.store import preferences
from services.notifications.store.notices import (
    METADATA,
    carry_held,
    end_carried,
    end_plan,
    find_plan,
    insert_notice,
    insert_plan,
    list_carried,
    list_failed,
    list_held,
    list_notices,
    lock_notice,
    lock_person,
    lock_plan,
    update_notice,
)

__all__ = [
    "METADATA",
    "carry_held",
    "end_carried",
    "end_plan",
    "find_plan",
    "insert_notice",
    "insert_plan",
    "list_carried",
    "list_failed",
    "list_held",
    "list_notices",
    "lock_notice",
    "lock_person",
    "lock_plan",
    "preferences",
    "update_notice",
]

"""The rules of requests for support and cases. Pure: the time, ids and the calendar are passed in.

Values are frozen; a transition returns a new one. Where something stands is computed from facts, never set.
"""

from services.cases.domain import (
    cases,
    closings,
    entries,
    health,
    letters,
    pauses,
    reference,
    requests,
    shared,
    sharing,
    students,
    tasks,
)

__all__ = [
    "cases",
    "closings",
    "entries",
    "health",
    "letters",
    "pauses",
    "reference",
    "requests",
    "shared",
    "sharing",
    "students",
    "tasks",
]

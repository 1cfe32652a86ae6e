"""The rules of requests for support and cases. Pure: the time, ids and the calendar are passed in.

Values are frozen; a transition returns a new one. Where something stands is computed from facts, never set.
"""

from services.cases.domain import (
    cases,
    closings,
    drafts,
    entries,
    health,
    letters,
    pauses,
    reference,
    requests,
    searching,
    shared,
    sharing,
    students,
    tasks,
    triage,
)

__all__ = [
    "cases",
    "closings",
    "drafts",
    "entries",
    "health",
    "letters",
    "pauses",
    "reference",
    "requests",
    "searching",
    "shared",
    "sharing",
    "students",
    "tasks",
    "triage",
]

"""What people do to requests and cases: one function per verb, one transaction each.

Where a command must ask identity something, it does so before its transaction opens.
"""

from services.cases.commands import (
    answers,
    cases,
    drafts,
    entries,
    leavers,
    letters,
    own_work,
    pauses,
    requests,
    seeding,
    sharing,
    tasks,
)

__all__ = [
    "answers",
    "cases",
    "drafts",
    "entries",
    "leavers",
    "letters",
    "own_work",
    "pauses",
    "requests",
    "seeding",
    "sharing",
    "tasks",
]

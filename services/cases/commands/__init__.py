"""What people do to requests and cases: one function per verb, one transaction each.

Where a command must ask identity something, it does so before its transaction opens.
"""

from services.cases.commands import cases, entries, leavers, letters, pauses, requests, sharing, tasks

__all__ = ["cases", "entries", "leavers", "letters", "pauses", "requests", "sharing", "tasks"]

"""The rules of requests for support and cases. Pure: the time, ids and the calendar are passed in.

Values are frozen; a transition returns a new one. Where something stands is computed from facts, never set.
"""

from services.cases.domain import cases, entries, requests, shared, students

__all__ = ["cases", "entries", "requests", "shared", "students"]

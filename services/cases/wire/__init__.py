"""Domain values as messages of the contract, and what callers say the other way round."""

from services.cases.wire import cases, entries, enums, letters, requests, sharing, students, tasks

__all__ = ["cases", "entries", "enums", "letters", "requests", "sharing", "students", "tasks"]

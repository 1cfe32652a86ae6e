"""Kinds of deadlines, each met by a command of the sweep."""

ANSWER_DEADLINE = "answer-request"
"""A request unanswered by its day: `requests.note_overdue`."""

TASK_DEADLINE = "task-due"
"""A task open past its day: `tasks.note_task_overdue`."""

SOON_DEADLINE = "task-soon"
"""A task open on the morning before its day: `tasks.note_task_due`."""

WAKE_DEADLINE = "wake-case"
"""A paused case whose day has come: `pauses.wake_case`."""

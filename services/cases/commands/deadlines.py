"""Kinds of deadlines, each met by a command of the sweep."""

ANSWER_DEADLINE = "answer-request"
"""A request unanswered by its day: `requests.note_overdue`."""

TASK_DEADLINE = "task-due"
"""A task open past its day: `tasks.note_task_overdue`."""

WAKE_DEADLINE = "wake-case"
"""A paused case whose day has come: `pauses.wake_case`."""

REPLY_DEADLINE = "reply-request"
"""A question about a request without a reply by its day: `answers.note_reply_overdue`."""

DRAFT_DEADLINE = "draft-over"
"""A draft whose days have passed: `drafts.drop_draft`."""

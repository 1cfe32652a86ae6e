"""Kinds of deadlines, each met by a command of the sweep."""

ANSWER_DEADLINE = "answer-request"
"""A request unanswered by its day: `requests.note_overdue`."""

TASK_DEADLINE = "task-due"
"""A task open past its day: `tasks.note_task_overdue`."""

SOON_DEADLINE = "task-soon"
"""A task open on the morning before its day: `tasks.note_task_due`."""

WAKE_DEADLINE = "wake-case"
"""A paused case whose day has come: `pauses.wake_case`."""

REPLY_DEADLINE = "reply-request"
"""A question about a request without a reply by its day: `answers.note_reply_overdue`."""

DRAFT_DEADLINE = "draft-over"
"""A draft whose days have passed: `drafts.drop_draft`."""

OWNERS_DEADLINE = "check-owners"
"""When to look again whether everyone who has work at a provider has access: `leavers.release_work`. Its subject is the
provider; it is set for ever, from the first case on."""

LETTER_DEADLINE = "letter-waits"
"""A letter that waits past its day for its next step: `letters.note_letter_overdue`."""

LETTER_PDF_DEADLINE = "letter-pdf"
"""An approved letter without its PDF: `letters.chase_letter_pdf`."""

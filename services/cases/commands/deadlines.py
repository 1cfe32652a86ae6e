"""Kinds of deadlines, each met by a command of the sweep."""

ANSWER_DEADLINE = "answer-request"
"""A request unanswered by its day: `requests.note_overdue`."""

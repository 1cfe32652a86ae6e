"""Which first page a person has: by what they may do, and for those who may do nothing yet by what is missing."""

from services.gateway.security import Caller

_BY_PERMISSION = (
    ("requests:answer", "lead"),
    ("cases:record", "case_manager"),
    ("requests:submit", "school"),
    ("cases:read-shared", "contact"),
    ("figures:national", "analyst"),
    ("organisations:read", "admin"),
    ("people:authorise", "authoriser"),
    ("access:find", "desk"),
)


def page_of(who: Caller) -> str:
    """The name of the first page: "waiting", or one of those above."""
    return next((page for permission, page in _BY_PERMISSION if who.may(permission)), "waiting")

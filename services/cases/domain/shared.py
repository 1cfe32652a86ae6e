"""What every rule needs: who calls, and which version they saw."""

from typing import Protocol
from uuid import UUID

from kit.errors import StaleVersionError


class Caller(Protocol):
    """What the rules need to know of whoever is calling."""

    @property
    def person_id(self) -> UUID:
        """Who it is."""
        ...

    def may(self, permission: str) -> bool:
        """Whether they hold a permission."""
        ...


def check_version(expected: int, actual: int) -> None:
    """Raise StaleVersionError unless `expected` is 0 or the version that stands."""
    if expected not in (0, actual):
        raise StaleVersionError(expected=expected, actual=actual)


def optional_id(text: str) -> UUID | None:
    """An id that may be left out."""
    return UUID(text) if text else None

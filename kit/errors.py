"""What can go wrong, as callers see it: one stable `reason` each, mapped once to gRPC, HTTP and pages.

Clients act on `reason`; people read `message`. Field violations name the field as the contract spells it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The canonical status of an error, after google.rpc.Code."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one field.

    `field` is a path such as "student.nsn" or "caregivers[1].phone"; `reason` is stable; `description` is for people.
    """

    field: str
    reason: str
    description: str


class DomainError(Exception):
    """An error that a caller can understand and act upon."""

    kind = Kind.INTERNAL

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Say what went wrong: a stable `reason` ("stale-version"), a sentence, faults by field, facts for clients."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})


class InvalidArgumentError(DomainError):
    """The request is wrong in itself: see the violations."""

    kind = Kind.INVALID_ARGUMENT

    @classmethod
    def of(cls, *violations: Violation) -> "InvalidArgumentError":
        """The usual form: one or more broken field rules."""
        return cls(
            "invalid-fields",
            "; ".join(f"{violation.field}: {violation.description}" for violation in violations),
            violations=violations,
        )


class UnauthenticatedError(DomainError):
    """No valid token."""

    kind = Kind.UNAUTHENTICATED


class PermissionDeniedError(DomainError):
    """The caller may never do this."""

    kind = Kind.PERMISSION_DENIED


class NotFoundError(DomainError):
    """There is no such thing, or the caller may not know of it: the two look the same."""

    kind = Kind.NOT_FOUND

    def __init__(self, what: str = "") -> None:
        """Name the kind of thing, never its id: `NotFoundError("case")`."""
        super().__init__(
            "not-found", f"We could not find that {what or 'page'}.", metadata={"what": what} if what else {}
        )


class AlreadyExistsError(DomainError):
    """It is there already."""

    kind = Kind.ALREADY_EXISTS


class FailedPreconditionError(DomainError):
    """Not possible in the present state; the reason says what to do first."""

    kind = Kind.FAILED_PRECONDITION


class ConflictError(DomainError):
    """Someone else was faster: read again and decide."""

    kind = Kind.ABORTED


class StaleVersionError(ConflictError):
    """The caller saw an older version than the one that stands."""

    def __init__(self, *, expected: int, actual: int) -> None:
        """Name both versions."""
        super().__init__(
            "stale-version",
            "This was changed by someone else since you opened it.",
            metadata={"expected": str(expected), "actual": str(actual)},
        )


class ResourceExhaustedError(DomainError):
    """Too much at once."""

    kind = Kind.RESOURCE_EXHAUSTED


class DeadlineExceededError(DomainError):
    """It took too long."""

    kind = Kind.DEADLINE_EXCEEDED


class UnavailableError(DomainError):
    """Something we need is away; trying again later helps."""

    kind = Kind.UNAVAILABLE


class InternalError(DomainError):
    """A fault of ours."""

    kind = Kind.INTERNAL


BY_KIND: Mapping[Kind, type[DomainError]] = {
    Kind.INVALID_ARGUMENT: InvalidArgumentError,
    Kind.UNAUTHENTICATED: UnauthenticatedError,
    Kind.PERMISSION_DENIED: PermissionDeniedError,
    Kind.NOT_FOUND: NotFoundError,
    Kind.ALREADY_EXISTS: AlreadyExistsError,
    Kind.FAILED_PRECONDITION: FailedPreconditionError,
    Kind.ABORTED: ConflictError,
    Kind.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    Kind.DEADLINE_EXCEEDED: DeadlineExceededError,
    Kind.UNAVAILABLE: UnavailableError,
    Kind.INTERNAL: InternalError,
}


def rebuild(
    *, kind: Kind, reason: str, message: str, violations: Sequence[Violation], metadata: Mapping[str, str]
) -> DomainError:
    """The error that another process raised, as it was."""
    error = BY_KIND[kind].__new__(BY_KIND[kind])
    DomainError.__init__(error, reason, message, violations=violations, metadata=metadata)
    return error

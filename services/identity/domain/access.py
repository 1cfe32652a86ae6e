"""Who may give which role to whom, why access ends, and which training counts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError, Violation
from services.identity.domain import HeldRole, Period

AUTHORISER = "delegated_authoriser"


class EndReason(StrEnum):
    """Why access ends."""

    LEFT = "left"
    CHANGED_WORK = "changed-work"
    ON_LEAVE = "on-leave"
    MISTAKE = "mistake"
    SECURITY = "security"


class AccessEventKind(StrEnum):
    """What happened to someone's access at an organisation."""

    JOINED = "joined"
    ROLE_ASSIGNED = "role-assigned"
    ROLE_REMOVED = "role-removed"
    TRAINING_INVITED = "training-invited"
    TRAINING_RECORDED = "training-recorded"
    ENDED = "ended"
    TRAINING_LAPSED = "training-lapsed"
    ATTESTED = "attested"
    RESTED = "rested"
    WOKEN = "woken"


class AccessState(StrEnum):
    """Where someone's access to an organisation stands, all their roles there together."""

    WORKS = "works"
    WAITS = "waits"
    NO_ROLE = "no-role"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One thing that happened; `reason` is an EndReason where access ended, else empty."""

    person_id: UUID
    kind: AccessEventKind
    occurred_at: datetime
    role: str = ""
    reason: str = ""
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """A course that someone completed; it counts to the end of `expires_on`, or without end."""

    course: str
    completed_on: date
    expires_on: date | None = None


def state_of(held: Sequence[HeldRole], *, was_given_any: bool) -> AccessState:
    """Where access stands, by the roles held now and whether there ever were any."""
    if held:
        return AccessState.WORKS if all(role.works for role in held) else AccessState.WAITS
    return AccessState.ENDED if was_given_any else AccessState.NO_ROLE


def judge_ceiling(role: str, ceiling: Collection[str]) -> None:
    """Refuse to give or take a role beyond what the caller's own roles allow."""
    if role not in ceiling:
        raise PermissionDeniedError("above-ceiling", "You cannot give or take away this role.")


@dataclass(frozen=True, slots=True)
class JudgedAction:
    """Something that could be done with a person's access; `reason` says why not, empty where it may be done."""

    action: str
    role: str
    reason: str


def judge_actions(
    held: Sequence[str], *, ceiling: Collection[str], is_own: bool, has_other_authoriser: bool
) -> list[JudgedAction]:
    """What someone with a ceiling may do with the access of a person who holds these roles: as the commands decide."""
    judged = [
        JudgedAction("assign-role", role, "own-role" if is_own else "") for role in sorted(ceiling) if role not in held
    ]
    removals = {role: _why_not_remove(role, ceiling, has_other_authoriser=has_other_authoriser) for role in held}
    judged += [JudgedAction("remove-role", role, reason) for role, reason in removals.items()]
    ending = next((reason for reason in removals.values() if reason), "") if held else "no-access"
    return [*judged, JudgedAction("end-access", "", ending)]


def judge_attesting(
    held: Sequence[str], *, ceiling: Collection[str], is_own: bool, is_asked: bool, rests: bool
) -> list[JudgedAction]:
    """What someone with a ceiling may say of the access of a person: that it is still needed, and that it wakes."""
    reason = "own-role" if is_own else "" if set(held) <= set(ceiling) else "above-ceiling"
    wanted = [*(["attest"] if is_asked and held else []), *(["wake"] if rests else [])]
    return [JudgedAction(action, "", reason) for action in wanted]


def require_others(held: Sequence[str], *, ceiling: Collection[str], is_own: bool) -> None:
    """Refuse to attest or wake access that is not the caller's to give.

    Raises:
        FailedPreconditionError: "own-role": nobody says so of themself; "no-access": there is nothing to say it of.
        PermissionDeniedError: a role is beyond what the caller may give.
    """
    if not held:
        raise FailedPreconditionError("no-access", "They have no role here.")
    if is_own:
        raise FailedPreconditionError("own-role", "You cannot say so of yourself. Another authoriser can.")
    for role in held:
        judge_ceiling(role, ceiling)


def _why_not_remove(role: str, ceiling: Collection[str], *, has_other_authoriser: bool) -> str:
    if role not in ceiling:
        return "above-ceiling"
    return "last-authoriser" if role == AUTHORISER and not has_other_authoriser else ""


def judge_assignment(role: str, period: Period, *, is_own: bool, today: date) -> None:
    """Refuse what makes no sense of an assignment that is within the ceiling.

    Raises:
        FailedPreconditionError: "own-role": nobody gives themself a role.
        InvalidArgumentError: the days run backwards or are over, or an authoriser's delegation has no last day.
    """
    if is_own:
        raise FailedPreconditionError("own-role", "You cannot give yourself a role. Another authoriser can.")
    if period.is_backwards:
        raise InvalidArgumentError.of(Violation("ends_on", "backwards", "lies before starts_on"))
    if period.ends_on is not None and period.ends_on < today:
        raise InvalidArgumentError.of(Violation("ends_on", "past", "is over already"))
    if role == AUTHORISER and period.ends_on is None:
        raise InvalidArgumentError.of(Violation("ends_on", "required", "is needed: authority is delegated for a time"))


def judge_training(training: Training, *, courses: Collection[str], today: date) -> None:
    """Refuse a course that there is not, and days that cannot be."""
    violations = []
    if training.course not in courses:
        violations.append(Violation("course", "unknown-value", "is not a course"))
    if training.completed_on > today:
        violations.append(Violation("completed_on", "future", "lies in the future"))
    if training.expires_on is not None and training.expires_on < training.completed_on:
        violations.append(Violation("expires_on", "backwards", "lies before completed_on"))
    if violations:
        raise InvalidArgumentError.of(*violations)


def best_training(trainings: Iterable[Training], course: str) -> Training | None:
    """The completion of a course that counts for longest; None when it was never completed."""
    return max(
        (training for training in trainings if training.course == course),
        key=lambda training: (training.expires_on or date.max, training.completed_on),
        default=None,
    )

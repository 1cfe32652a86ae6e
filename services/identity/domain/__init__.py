"""Pure rules: organisations, catchments and periods, role grants and training, sessions and what they give."""

import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

SESSION_LASTS = timedelta(hours=12)
"""Longest time from signing in to signing in again."""
SESSION_IDLES = timedelta(hours=2)
"""A session that was not used for longer than this has ended."""
CODE_LASTS = timedelta(seconds=60)
ACCESS_TOKEN_LASTS = timedelta(minutes=10)
MACHINE_TOKEN_LASTS = timedelta(minutes=30)
REFRESH_GRACE = timedelta(seconds=20)
"""Parallel tabs present one refresh token at nearly the same moment; later than this it is reuse."""
ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ADDRESS = 8
"""Wrong passphrases for one e-mail address from one place (or one known device) in one window."""
ATTEMPTS_PER_PLACE = 100
"""Wrong passphrases from one place in one window, whatever the address: many share a school's connection."""

LANGUAGES = ("en", "mi")
"""Languages that people can be written to in."""
REGIONS = frozenset(f"{code:02}" for code in (*range(1, 10), *range(12, 19), 99))
"""Regional council codes of Stats NZ."""


class OrganisationKind(StrEnum):
    """What an organisation is to the attendance service."""

    PROVIDER = "provider"
    SCHOOL = "school"
    MINISTRY = "ministry"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant. `school_number` is up to four digits as text, empty for others; `region` a code of REGIONS.

    Since when and why it is suspended does not count when two are compared: a file says only that it is.
    """

    id: UUID
    kind: OrganisationKind
    name: str
    school_number: str
    region: str
    is_suspended: bool = False
    suspended_at: datetime | None = field(default=None, compare=False)
    suspension_reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `starts_on` to `ends_on`, both included; None is without end."""

    starts_on: date
    ends_on: date | None = None

    @property
    def is_backwards(self) -> bool:
        """Whether it ends before it starts."""
        return self.ends_on is not None and self.ends_on < self.starts_on

    def includes(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def overlaps(self, other: "Period") -> bool:
        """Whether the two share a day."""
        return (other.ends_on is None or self.starts_on <= other.ends_on) and (
            self.ends_on is None or other.starts_on <= self.ends_on
        )

    def lies_within(self, other: "Period") -> bool:
        """Whether each of its days is one of `other`'s."""
        if self.starts_on < other.starts_on:
            return False
        return other.ends_on is None or (self.ends_on is not None and self.ends_on <= other.ends_on)


@dataclass(frozen=True, slots=True)
class Catchment:
    """A set of schools with one provider for a period; the code may return with another provider later."""

    code: str
    name: str
    provider_id: UUID
    period: Period


@dataclass(frozen=True, slots=True)
class CatchmentSchool:
    """A school's place in a catchment (named by its code and first day) for a period."""

    school_id: UUID
    catchment_code: str
    catchment_starts_on: date
    period: Period


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role someone was given at an organisation.

    `period` may lie in the future or end (a delegation); `ended_at` is when it was taken away. Training was completed
    on `trained_on` and counts to the end of `training_ends_on`, or without end.
    """

    role: str
    period: Period
    trained_on: date | None = None
    training_ends_on: date | None = None
    ended_at: datetime | None = None
    rested_at: datetime | None = field(default=None, compare=False)
    """Since when it permits nothing because its holder did not sign in for long. No file of people wakes it."""

    def is_held(self, today: date) -> bool:
        """Whether it is there at all: not taken away and not over. It may still be inert."""
        return self.ended_at is None and (self.period.ends_on is None or today <= self.period.ends_on)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A grant that is there, and what it lacks: `missing` is empty for a role that works."""

    role: str
    missing: str = ""

    @property
    def works(self) -> bool:
        """Whether it carries its permissions now."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Profile:
    """One person. `last_organisation_id` is where they worked last; `language` is "en" or "mi"."""

    person_id: UUID
    name: str
    email: str
    language: str = "en"
    last_organisation_id: UUID | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One person's signing in with one browser; its id is the `sid` of ID tokens."""

    person_id: UUID
    id: UUID
    started_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Whether it still gives anything."""
        return self.ended_at is None and now < self.expires_at and now - self.used_at <= SESSION_IDLES


class Redemption(StrEnum):
    """What presenting a code or refresh token means."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    REUSE = "reuse"
    """It was used before: whoever holds it may have stolen it, so everything it gave ends."""


def judge_code(*, expires_at: datetime, used_at: datetime | None, now: datetime) -> Redemption:
    """A code counts once, for a minute."""
    if used_at is not None:
        return Redemption.REUSE
    return Redemption.ACCEPT if now < expires_at else Redemption.REFUSE


def judge_refresh_token(*, expires_at: datetime, used_at: datetime | None, now: datetime) -> Redemption:
    """A refresh token counts once, and within a short grace again for tabs that refresh at the same moment."""
    if now >= expires_at:
        return Redemption.REFUSE
    if used_at is None or now - used_at <= REFRESH_GRACE:
        return Redemption.ACCEPT
    return Redemption.REUSE


def email_key(email: str) -> str:
    """What two spellings of one e-mail address have in common: NFC, without case, without space round it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).strip().casefold())


def sort_name(name: str) -> str:
    """A name as lists order it: without macrons or case, so that Ā stands with A."""
    letters = unicodedata.normalize("NFD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()

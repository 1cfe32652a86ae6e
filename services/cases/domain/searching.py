"""Finding a student before anything is created: names as folded words, and why two who were found may be one.

A name is kept for searching as its words, folded: without macrons, case and apostrophes, cut at hyphens and spaces. A
query is cut the same way; each of its words must begin a word of the name, in whatever order. An NSN or a case number
is a word of its own kind, and only found whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.errors import InvalidArgumentError, Violation
from services.cases.domain.shared import Caller
from services.cases.domain.students import Student, fold

MOST_FOUND = 50
MOST_WORDS = 8
_LEAST_LETTERS = 2
_APART = re.compile(r"[\W_]+")
_NSN = re.compile(r"[0-9]{9,10}", re.ASCII)
_CASE_NUMBER = re.compile(r"[0-9]{2}-[0-9]{5,}", re.ASCII)


def words_of(text: str) -> list[str]:
    """The words of a name or query, folded, each once."""
    return [word for word in dict.fromkeys(_APART.split(fold(text).replace("'", ""))) if word]


def tokens_of(student: Student, *, number: str = "") -> dict[str, str]:
    """What a student is found by: token to the field that it came from; the first field of a token counts."""
    tokens: dict[str, str] = {}
    for name in ("given_names", "family_name", "preferred_name"):
        for word in words_of(getattr(student, name)):
            tokens.setdefault(word, name)
    if student.nsn:
        tokens[nsn_token(student.nsn)] = "nsn"
    if number:
        tokens[f"#{number}"] = "number"
    return tokens


def nsn_token(nsn: str) -> str:
    """The token of an NSN. No word of a name has such a sign, so that a name never finds one."""
    return f"@{nsn}"


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: a whole token, or words that each begin one."""

    exact: str = ""
    words: tuple[str, ...] = ()

    @property
    def ranges(self) -> list[tuple[str, str]]:
        """Tokens from the first (included) to the second (not), one pair for each word; the most telling word first."""
        if self.exact:
            return [(self.exact, f"{self.exact}\x01")]
        return [(word, f"{word}\U0010ffff") for word in sorted(self.words, key=len, reverse=True)]


def read_query(text: str, caller: Caller) -> Query:
    """What someone wants to find.

    Raises:
        InvalidArgumentError: no word of two letters in it, too many words, or an NSN by whom may not search with one.
    """
    plain = text.strip()
    digits = plain.replace(" ", "")
    if _NSN.fullmatch(digits):
        if not (caller.may("cases:read-all") or caller.may("requests:submit")):
            raise _refused("nsn-not-allowed", "your role looks for students by name, not by National Student Number")
        return Query(exact=nsn_token(digits))
    if _CASE_NUMBER.fullmatch(plain):
        return Query(exact=f"#{plain}")
    words = words_of(plain)
    if max(map(len, words), default=0) < _LEAST_LETTERS:
        raise _refused("too-short", "must have a word of at least two letters")
    if len(words) > MOST_WORDS:
        raise _refused("too-many", f"may have at most {MOST_WORDS} words")
    return Query(words=tuple(words))


def matched(query: Query, student: Student, *, number: str = "") -> tuple[str, ...]:
    """The fields of a student in which a query was found."""
    tokens = tokens_of(student, number=number)
    found = (field for first, last in query.ranges for token, field in tokens.items() if first <= token < last)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A student as found. `key` is `Student.key`; `state` the kind and where it stands, "case-active"."""

    kind: str
    id: UUID
    student_name: str
    full_name: str
    key: str
    nsn: str
    date_of_birth: date | None
    year_level: int
    school_id: UUID | None
    state: str
    number: str = ""
    case_manager_id: UUID | None = None
    matched: tuple[str, ...] = ()


def likenesses(found: Sequence[Found]) -> dict[UUID, list[tuple[UUID, str]]]:
    """For each of those found, the others that it is like, and how: nothing is merged, people are told."""
    alike: dict[UUID, list[tuple[UUID, str]]] = {one.id: [] for one in found}
    for one in found:
        for other in found:
            if one.id != other.id and (reason := _likeness(one, other)):
                alike[one.id].append((other.id, reason))
    return alike


def _likeness(one: Found, other: Found) -> str:
    if one.nsn and one.nsn == other.nsn:
        return "same-nsn"
    if not one.key or one.key != other.key:
        return ""
    return "differing-nsn" if one.nsn and other.nsn else "same-name-and-birth"


def _refused(reason: str, description: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(Violation("query", reason, description))

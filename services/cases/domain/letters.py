"""Letters: the ladder of each family, what a letter needs, and how it goes from a draft to an answer.

Where a letter stands is computed from facts. The numbers of the ladder are reference data.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError, Violation
from services.cases.domain import cases
from services.cases.domain.cases import Case
from services.cases.domain.entries import Entry, EventKind
from services.cases.domain.reference import LETTER_GAP, LETTER_RULE, Reference
from services.cases.domain.shared import Caller, check_version
from services.cases.domain.students import Caregiver, ContactWay

WAYS = frozenset({EventKind.HOME_VISIT, EventKind.CONTACT_ATTEMPT, EventKind.HUI, EventKind.SCHOOL_MEETING})
"""Kinds of entries that are attempts to reach a whānau; each is a way of its own."""


class Family(StrEnum):
    """What a letter is about."""

    CHRONIC_ABSENCE = "chronic_absence"
    NON_ENROLMENT = "non_enrolment"


class Language(StrEnum):
    """Which language it is written in."""

    ENGLISH = "english"
    MAORI = "maori"
    BOTH = "both"


class LetterState(StrEnum):
    """Where a letter stands."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    SENT = "sent"
    RESPONDED = "responded"
    NO_RESPONSE = "no_response"
    UNDELIVERED = "undelivered"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({LetterState.DRAFT, LetterState.AWAITING_APPROVAL, LetterState.APPROVED, LetterState.SENT})
"""Letters that are not finished: a case is not closed while it has one."""


class Mode(StrEnum):
    """How it reached the whānau; unspecified while it has not."""

    UNSPECIFIED = ""
    POST = "post"
    HAND = "hand"
    EMAIL = "email"


SAFE_BY = {Mode.POST: ContactWay.VISIT, Mode.HAND: ContactWay.VISIT, Mode.EMAIL: ContactWay.EMAIL}
"""Which way of contact has to be safe for each: what the post brings comes to the home, as a visit does (ADR 16)."""


class LetterAct(StrEnum):
    """What a person might do with a letter."""

    REVISE = "revise"
    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    SEND = "send"
    ANSWER = "answer"
    UNDELIVERED = "undelivered"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText:
    """What its author writes. The two reasons are not printed."""

    language: Language
    recipients: tuple[str, ...]
    address: str = ""
    support: str = ""
    words: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    skip_reason: str = ""
    attempts_reason: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a letter ended: in which state, on which day, what was said, and who recorded it when."""

    state: LetterState
    on: date
    note: str
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Pdf:
    """The PDF of an approved letter, as documents keeps it."""

    document_id: UUID
    sha256: str
    template_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The facts of a letter.

    `waits_since`: when it came to where it stands. `due_on`: the day by which whoever it waits for should have acted.
    """

    id: UUID
    case_id: UUID
    family: Family
    stage: int
    text: LetterText
    drafted_by: UUID
    drafted_at: datetime
    waits_since: datetime
    submitted_by: UUID | None = None
    submitted_at: datetime | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    returned_by: UUID | None = None
    return_note: str = ""
    pdf: Pdf | None = None
    mode: Mode = Mode.UNSPECIFIED
    sent_on: date | None = None
    sent_by: UUID | None = None
    response_due_on: date | None = None
    ended: Ended | None = None
    due_on: date | None = None
    version: int = 1

    @property
    def state(self) -> LetterState:
        """Where it stands."""
        if self.ended is not None:
            return self.ended.state
        if self.sent_on is not None:
            return LetterState.SENT
        if self.approved_at is not None:
            return LetterState.APPROVED
        return LetterState.DRAFT if self.submitted_at is None else LetterState.AWAITING_APPROVAL

    @property
    def is_open(self) -> bool:
        """Whether it is not finished."""
        return self.ended is None

    def is_overdue(self, today: date) -> bool:
        """Whether the day by which it should have gone on has passed."""
        return self.due_on is not None and today > self.due_on


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often and in how many ways somebody tried to reach the whānau, and how much the rule asks for."""

    count: int
    ways: int
    needed: int
    ways_needed: int

    @property
    def are_enough(self) -> bool:
        """Whether the rule is met."""
        return self.count >= self.needed and self.ways >= self.ways_needed


@dataclass(frozen=True, slots=True)
class Setting:
    """What a letter is judged by: its case, the others of the case, the attempts, the rules, and the day."""

    case: Case
    caregivers: tuple[Caregiver, ...]
    others: tuple[Letter, ...]
    attempts: Attempts
    reference: Reference
    today: date


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next in a family: a stage, or None at the end of the ladder."""

    family: Family
    stage: int | None
    not_before: date | None
    open_letter_id: UUID | None
    stages: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whether someone may do something with a letter now: `reason` says why not, `details` what is in the way."""

    act: LetterAct
    reason: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """Whether a letter may go a way: `reason` says why not, `names` because of whom."""

    mode: Mode
    reason: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """A letter in a list, with what its reader may know of the case."""

    letter: Letter
    case_number: str
    student_name: str


@dataclass(frozen=True, slots=True)
class SeenLetter:
    """A letter as one person sees it: with its case and what they may do now."""

    letter: Letter
    case_number: str
    student_name: str
    today: date
    actions: tuple[Allowed, ...] = ()
    ways: tuple[Way, ...] = ()


def attempts_of(entries: Iterable[Entry], reference: Reference) -> Attempts:
    """The attempts that entries, as they hold, amount to."""
    kinds = [entry.kind for entry in entries if entry.kind in WAYS]
    numbers = reference.days(LETTER_RULE)
    return Attempts(len(kinds), len(set(kinds)), numbers.get("attempts", 0), numbers.get("ways", 0))


def stages(reference: Reference) -> int:
    """How many rungs a ladder has."""
    return max((int(code) for code in reference.codes(LETTER_GAP)), default=0)


def next_of(family: Family, letters: Sequence[Letter], reference: Reference) -> Next:
    """What comes next in a family of a case."""
    ours = [each for each in letters if each.family == family]
    top = max((each.stage for each in ours if each.sent_on), default=0)
    highest = stages(reference)
    stage = top + 1 if top < highest else None
    writing = next((each.id for each in ours if each.is_open and each.sent_on is None), None)
    return Next(family, stage, not_before(family, stage or 0, ours, reference), writing, highest)


def not_before(family: Family, stage: int, letters: Iterable[Letter], reference: Reference) -> date | None:
    """The first day on which a stage may be sent: its gap after the last letter of the family; None for any day."""
    last = max((each.sent_on for each in letters if each.family == family and each.sent_on), default=None)
    gap = reference.days(LETTER_GAP).get(str(stage))
    return last + timedelta(days=gap) if last is not None and gap is not None else None


def draft_violations(letter: Letter, setting: Setting) -> list[Violation]:
    """The rules that a new letter breaks; field names as in the contract."""
    found = []
    ours = [each for each in setting.others if each.family == letter.family]
    sent = {each.stage for each in ours if each.sent_on and each.state != LetterState.UNDELIVERED}
    if str(letter.stage) not in setting.reference.codes(LETTER_GAP):
        found.append(Violation("stage", "unknown-value", f"must be 1 to {stages(setting.reference)}"))
    elif letter.stage in sent:
        found.append(Violation("stage", "already-sent", "was sent already"))
    elif any(stage > letter.stage for stage in sent):
        found.append(Violation("stage", "goes-back", "must not be below one that was sent"))
    return [*found, *text_violations(letter, setting)]


def check_none_is_written(family: Family, setting: Setting) -> None:
    """Raise FailedPreconditionError where a letter of a family is being written: one at a time."""
    writing = next_of(family, setting.others, setting.reference).open_letter_id
    if writing is not None:
        metadata = {"letter_id": str(writing)}
        raise FailedPreconditionError(
            "letter-open", "A letter is being written already. Finish it first.", metadata=metadata
        )


def text_violations(letter: Letter, setting: Setting) -> list[Violation]:
    """The rules that the text of a letter breaks, in whichever state; field names as in the contract."""
    known = {each.name: each for each in setting.caregivers}
    found = []
    for name in letter.text.recipients:
        if name not in known:
            found.append(Violation("text.recipients", "not-a-caregiver", "must be caregivers of the case"))
        elif not safe_modes(known[name]):
            found.append(Violation("text.recipients", "not-safe-to-contact", "must be people who are safe to contact"))
    if not found and not _common_modes(letter, setting.caregivers):
        found.append(Violation("text.recipients", "no-common-way", "must be people whom one way reaches safely"))
    if len(set(letter.text.recipients)) < len(letter.text.recipients):
        found.append(Violation("text.recipients", "twice", "must name each person once"))
    return found


def safe_modes(caregiver: Caregiver) -> tuple[Mode, ...]:
    """The ways in which a letter may safely reach someone."""
    return tuple(mode for mode, way in SAFE_BY.items() if way in caregiver.safe_ways)


def _common_modes(letter: Letter, caregivers: Iterable[Caregiver]) -> set[Mode]:
    recipients = [each for each in caregivers if each.name in letter.text.recipients]
    return set(SAFE_BY).intersection(*(safe_modes(each) for each in recipients))


def missing(letter: Letter, setting: Setting) -> tuple[str, ...]:
    """The fields without which a letter cannot be approved, as the contract names them."""
    text = letter.text
    needed = {
        "recipients": bool(text.recipients),
        "support": bool(text.support.strip()),
        "contact_name": bool(text.contact_name.strip()),
        "contact_phone": bool(text.contact_phone.strip()),
        "skip_reason": bool(text.skip_reason.strip()) or not _skips(letter, setting),
        "attempts_reason": bool(text.attempts_reason.strip()) or setting.attempts.are_enough,
    }
    return tuple(name for name, is_there in needed.items() if not is_there)


def _skips(letter: Letter, setting: Setting) -> bool:
    sent = {each.stage for each in setting.others if each.family == letter.family and each.sent_on}
    return not set(range(1, letter.stage)) <= sent


def mode_violations(mode: Mode, letter: Letter, caregivers: Iterable[Caregiver]) -> list[Violation]:
    """What keeps a letter from going a way; field names as in the contract."""
    reason = next((each.reason for each in ways_of(letter, caregivers) if each.mode == mode), "")
    return [Violation("mode", reason, _WAY_RULES[reason])] if reason else []


def ways_of(letter: Letter, caregivers: Iterable[Caregiver]) -> tuple[Way, ...]:
    """Each way, and whether a letter may go it to everyone it is for."""
    known = {each.name: each for each in caregivers}
    return tuple(_way(mode, letter, [known.get(name) for name in letter.text.recipients]) for mode in SAFE_BY)


_WAY_RULES = {
    "not-safe-to-contact": "must be a way that is safe for everyone it is for",
    "needs-address": "needs a postal address on the letter",
    "needs-email": "needs an e-mail address of everyone it is for",
}


def _way(mode: Mode, letter: Letter, recipients: Sequence[Caregiver | None]) -> Way:
    known = [each for each in recipients if each is not None]
    at_risk = tuple(each.name for each in known if mode not in safe_modes(each))
    if at_risk or len(known) < len(recipients):
        return Way(mode, "not-safe-to-contact", at_risk)
    if mode == Mode.POST and not letter.text.address.strip():
        return Way(mode, "needs-address")
    if mode == Mode.EMAIL and (without := tuple(each.name for each in known if not each.email)):
        return Way(mode, "needs-email", without)
    return Way(mode)


def allowed_acts(letter: Letter, caller: Caller, setting: Setting) -> tuple[Allowed, ...]:
    """What the caller, who may see the case, may do with a letter now."""
    return tuple(_allowed(act, letter, caller, setting) for act in LetterAct)


_FROM = {
    LetterAct.REVISE: {LetterState.DRAFT},
    LetterAct.SUBMIT: {LetterState.DRAFT},
    LetterAct.APPROVE: {LetterState.AWAITING_APPROVAL},
    LetterAct.RETURN: {LetterState.AWAITING_APPROVAL, LetterState.APPROVED},
    LetterAct.SEND: {LetterState.APPROVED},
    LetterAct.ANSWER: {LetterState.SENT},
    LetterAct.UNDELIVERED: {LetterState.SENT},
    LetterAct.WITHDRAW: {LetterState.DRAFT, LetterState.AWAITING_APPROVAL, LetterState.APPROVED},
}
_GOES_ON = {LetterAct.SUBMIT, LetterAct.APPROVE, LetterAct.SEND}
_APPROVERS_ACTS = {LetterAct.APPROVE, LetterAct.RETURN}
_NO_PERMISSION = "permission-missing"
_MESSAGES = {
    "letter-state": "The letter is not where this could be done. Look at it again.",
    "letter-incomplete": "Something is missing from the letter.",
    "own-letter": "Someone who did not write the letter approves it.",
    "letter-not-printed": "The PDF of the letter is being made. Try again in a minute.",
    "letter-too-early": "It is too soon after the letter before.",
    "not-safe-to-contact": "Someone it is for is not to be contacted any more.",
}


def _allowed(act: LetterAct, letter: Letter, caller: Caller, setting: Setting) -> Allowed:
    return next(_in_the_way(act, letter, caller, setting), Allowed(act))


def _in_the_way(act: LetterAct, letter: Letter, caller: Caller, setting: Setting) -> Iterator[Allowed]:
    """What keeps someone from doing something with a letter; what matters most first."""
    if not caller.may("letters:approve" if act in _APPROVERS_ACTS else "cases:record"):
        yield Allowed(act, _NO_PERMISSION)
    if letter.state not in _FROM[act]:
        yield Allowed(act, "letter-state")
    if act in _GOES_ON and text_violations(letter, setting):
        yield Allowed(act, "not-safe-to-contact", ("recipients",))
    if act in (LetterAct.SUBMIT, LetterAct.APPROVE) and (fields := missing(letter, setting)):
        yield Allowed(act, "letter-incomplete", fields)
    if act == LetterAct.APPROVE and caller.person_id in (letter.drafted_by, letter.submitted_by):
        yield Allowed(act, "own-letter")
    if act == LetterAct.SEND:
        if letter.pdf is None:
            yield Allowed(act, "letter-not-printed")
        first = not_before(letter.family, letter.stage, setting.others, setting.reference)
        if first is not None and setting.today < first:
            yield Allowed(act, "letter-too-early", (first.isoformat(),))


def check_act(act: LetterAct, letter: Letter, caller: Caller, setting: Setting, *, expected_version: int) -> None:
    """Raise unless the caller, who may see the case, may do something with a letter now.

    Raises:
        StaleVersionError: the letter is not at `expected_version` (0: whichever) any more.
        PermissionDeniedError: their role does not allow it, or they wrote what they would approve.
        FailedPreconditionError: not as the letter stands; the metadata says what is in the way.
    """
    allowed = _allowed(act, letter, caller, setting)
    if allowed.reason == _NO_PERMISSION:
        raise PermissionDeniedError(allowed.reason, "Your role does not allow this.")
    check_version(expected_version, letter.version)
    if allowed.reason:
        metadata = {"details": ",".join(allowed.details)} if allowed.details else {}
        raise FailedPreconditionError(allowed.reason, _MESSAGES[allowed.reason], metadata=metadata)


def waits_until(state: LetterState, since: date, reference: Reference) -> date | None:
    """The day by which a letter should have gone on from a state; None where it waits for nobody."""
    days = reference.days(LETTER_RULE).get(f"{state}_days")
    return since + timedelta(days=days) if state in OPEN and days is not None else None


def waiting(letter: Letter, *, now: datetime, today: date, reference: Reference) -> Letter:
    """The letter after a step, one version on, with the day by which it should take the next."""
    due_on = letter.response_due_on if letter.state == LetterState.SENT else waits_until(letter.state, today, reference)
    return replace(letter, waits_since=now, due_on=due_on, version=letter.version + 1)


def revise(letter: Letter, text: LetterText) -> Letter:
    """The draft with other words. It waits as before."""
    return replace(letter, text=text, version=letter.version + 1)


def submit(letter: Letter, *, by: UUID, at: datetime) -> Letter:
    """The letter, handed in. What was said when it was given back has been heard."""
    return replace(letter, submitted_by=by, submitted_at=at, returned_by=None, return_note="")


def approve(letter: Letter, *, by: UUID, at: datetime) -> Letter:
    """The letter, frozen."""
    return replace(letter, approved_by=by, approved_at=at)


def give_back(letter: Letter, *, by: UUID, note: str) -> Letter:
    """The letter, a draft again; a PDF that was made stays a file of the case and is not the letter's any more."""
    return replace(
        letter, returned_by=by, return_note=note, submitted_at=None, approved_by=None, approved_at=None, pdf=None
    )


def send(letter: Letter, *, mode: Mode, on: date, by: UUID, reference: Reference) -> Letter:
    """The letter, sent."""
    due_on = waits_until(LetterState.SENT, on, reference)
    return replace(letter, mode=mode, sent_on=on, sent_by=by, response_due_on=due_on)


def end(letter: Letter, how: Ended) -> Letter:
    """The letter, finished."""
    return replace(letter, ended=how)


def day_violations(field: str, day: date, *, since: date | None, today: date) -> list[Violation]:
    """The rules that a day broke on which something is said to have happened."""
    if day > today:
        return [Violation(field, "in-future", "must be today or earlier")]
    if since is not None and day < since:
        return [Violation(field, "too-early", f"must be {since.isoformat()} or later")]
    return []


def check(violations: Sequence[Violation]) -> None:
    """Raise InvalidArgumentError where rules are broken."""
    if violations:
        raise InvalidArgumentError.of(*violations)


def begin(case: Case, caller: Caller, *, expected_version: int = 0) -> Case:
    """The case with one more letter that is not finished.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it is closed, or work on it has not begun.
    """
    cases.check_allowed(cases.Action.LETTER, case, caller)
    check_version(expected_version, case.version)
    return replace(case, open_letters=case.open_letters + 1, version=case.version + 1)


def finish(case: Case) -> Case:
    """The case with one letter less that is not finished."""
    return replace(case, open_letters=case.open_letters - 1, version=case.version + 1)

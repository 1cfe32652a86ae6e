"""What the pages of letters show, made from what the cases service says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.cases.v1 import letters_pb2 as pb
from flask import url_for
from flask_babel import gettext as _

from kit.web.dates import say_date, say_day
from kit.web.i18n import current_language
from services.gateway.cases.names import Names
from services.gateway.letters.words import (
    FAMILIES,
    LANGUAGES,
    MODES,
    NEXT,
    NOT_SAFE,
    STATES,
    letter_name,
    missing_words,
)
from services.gateway.wording import day_of, moment_of, today

ENDED = {
    pb.LETTER_STATE_RESPONDED,
    pb.LETTER_STATE_NO_RESPONSE,
    pb.LETTER_STATE_UNDELIVERED,
    pb.LETTER_STATE_WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A line in a list of letters. `due` is the day by which the next step should be taken."""

    href: str
    name: str
    student: str
    case_number: str
    state: tuple[str, str, str]
    author: str
    since: datetime | None
    due: date | None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a letter."""

    title: str
    who: str
    on: datetime | date | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class LetterPage:
    """A letter's page. `may` says which acts are open now; `blocked` why the next one is not."""

    letter_id: str
    case_id: str
    case_number: str
    name: str
    student: str
    state: tuple[str, str, str]
    next_step: str
    overdue: bool
    due: date | None
    text: pb.LetterText
    language: str
    may: frozenset[str]
    blocked: Sequence[str]
    return_note: str
    returned_by: str
    document_id: str
    is_ended: bool
    is_printing: bool
    ways_closed: Sequence[str]
    steps: Sequence[Step]
    version: int


def present_line(letter: pb.Letter, *, names: Names) -> LetterLine:
    """One line."""
    return LetterLine(
        href=url_for("letters.show", letter_id=letter.letter_id),
        name=letter_name(letter),
        student=letter.student_name,
        case_number=letter.case_number,
        state=state_of(letter),
        author=names.person(letter.submitted_by or letter.drafted_by),
        since=moment_of(letter.submitted_at) or moment_of(letter.drafted_at),
        due=day_of(letter.due_on),
    )


def present_letter(letter: pb.Letter, *, names: Names) -> LetterPage:
    """A letter for its page."""
    acts = {each.action: each for each in letter.allowed_actions}
    return LetterPage(
        letter_id=letter.letter_id,
        case_id=letter.case_id,
        case_number=letter.case_number,
        name=letter_name(letter),
        student=letter.student_name,
        state=state_of(letter),
        next_step=str(NEXT.get(letter.state, "")),
        overdue=letter.overdue,
        due=day_of(letter.due_on),
        text=letter.text,
        language=str(LANGUAGES.get(letter.text.language, "")),
        may=frozenset(name for name, act in acts.items() if act.allowed),
        blocked=[words for act in letter.allowed_actions if (words := why_not(act))],
        return_note=letter.return_note,
        returned_by=names.person(letter.returned_by),
        document_id=letter.document_id,
        is_ended=letter.state in ENDED,
        is_printing=letter.state == pb.LETTER_STATE_APPROVED and not letter.document_id,
        ways_closed=ways_closed(letter),
        steps=_steps(letter, names),
        version=letter.version,
    )


def state_of(letter: pb.Letter) -> tuple[str, str, str]:
    """The state as a word, a shape and a tone."""
    words, shape, tone = STATES.get(letter.state, ("", "dot", "neutral"))
    return str(words), shape, tone


def why_not(act: pb.LetterAction) -> str:
    """Why something cannot be done yet, and what to do; empty where there is nothing to say."""
    details = list(act.details)
    if act.reason == "letter-incomplete" and act.action == "submit":
        return str(_("Handing it in needs: %(fields)s.", fields="; ".join(missing_words(details))))
    if act.reason == "letter-too-early":
        first = date.fromisoformat(details[0])
        return str(
            _(
                "It may be sent from %(day)s on: letters keep a distance.",
                day=say_date(first, today=today(), language=current_language()),
            )
        )
    if act.reason == "letter-not-printed":
        return str(_("The PDF is being made. Load this page again in a moment."))
    if act.reason == "own-letter":
        return str(_("You wrote this letter, so someone else approves it."))
    if act.reason == "not-safe-to-contact" and act.action in ("submit", "send"):
        return str(_("Someone it is for is not to be contacted. Choose others."))
    return ""


def ways_closed(letter: pb.Letter) -> list[str]:
    """Why a letter may not go each way that is closed to it."""
    return [_why_no_way(way) for way in letter.ways if not way.allowed]


def _why_no_way(way: pb.LetterWay) -> str:
    if way.reason == "needs-address":
        return str(_("Not by post: the letter has no postal address."))
    if way.reason == "needs-email":
        return str(_("Not by email: we have no email address of %(names)s.", names=", ".join(way.names)))
    return str(NOT_SAFE[way.mode] % {"names": ", ".join(way.names) or _("someone it is for")})


def recipient_limits(recipients: Sequence[pb.LetterRecipient]) -> list[str]:
    """Whom a letter reaches only in some ways or not at all, and what to bear in mind: a sentence each."""
    limits = [(_limit(one), one) for one in recipients if len(one.modes) < len(MODES)]
    return [f"{words} {one.safe_note}".strip() for words, one in limits]


def _limit(one: pb.LetterRecipient) -> str:
    if not one.modes:
        return str(_("%(name)s: no letter. Ask the school first how to reach them safely.", name=one.name))
    if pb.LETTER_MODE_EMAIL in one.modes:
        return str(_("%(name)s: only by email.", name=one.name))
    return str(_("%(name)s: by post or in person, not by email.", name=one.name))


def _steps(letter: pb.Letter, names: Names) -> list[Step]:
    steps = [Step(_("Begun"), names.person(letter.drafted_by), moment_of(letter.drafted_at))]
    if letter.submitted_at.seconds:
        steps.append(
            Step(_("Handed in for approval"), names.person(letter.submitted_by), moment_of(letter.submitted_at))
        )
    if letter.approved_at.seconds:
        steps.append(Step(_("Approved"), names.person(letter.approved_by), moment_of(letter.approved_at)))
    if letter.sent_on:
        way = str(MODES.get(letter.mode, ""))
        answer_by = day_of(letter.response_due_on)
        text = ""
        if answer_by and not letter.ended_on:
            words = say_day(answer_by, today=today(), language=current_language())
            text = _("An answer is awaited by: %(day)s", day=words)
        steps.append(Step(_("Sent: %(way)s", way=way), names.person(letter.sent_by), day_of(letter.sent_on), text))
    if letter.ended_on:
        steps.append(Step(state_of(letter)[0], names.person(letter.ended_by), day_of(letter.ended_on), letter.end_note))
    return steps[::-1]


def ids_of(letter: pb.Letter) -> set[str]:
    """Everyone whose name a letter's page shows."""
    ids = {letter.drafted_by, letter.submitted_by, letter.approved_by, letter.returned_by, letter.sent_by}
    return (ids | {letter.ended_by}) - {""}


@dataclass(frozen=True, slots=True)
class NextLetter:
    """What comes next in a family: where to write it, or the letter that is being written."""

    family: str
    stage: int
    stages: int
    not_before: date | None
    open_href: str


def present_next(rules: pb.LetterRules) -> list[NextLetter]:
    """What may be written next."""
    return [
        NextLetter(
            family=str(FAMILIES.get(each.family, "")),
            stage=each.stage,
            stages=each.stages,
            not_before=day_of(each.not_before),
            open_href=url_for("letters.show", letter_id=each.open_letter_id) if each.open_letter_id else "",
        )
        for each in rules.next
    ]

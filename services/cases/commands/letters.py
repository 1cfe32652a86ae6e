"""What people do to letters. The case is locked before its letters, always, so one lock keeps all of them still."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Counter

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import NEW_ZEALAND, local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import NotFoundError
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, letter_events
from services.cases import events as case_events
from services.cases.commands.deadlines import LETTER_DEADLINE, LETTER_PDF_DEADLINE, TASK_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.domain.cases import Case, Record
from services.cases.domain.entries import Entry, EventKind, Outcome, Visibility
from services.cases.domain.letters import (
    Attempts,
    Ended,
    Family,
    Letter,
    LetterAct,
    LetterState,
    LetterText,
    Mode,
    Next,
    Pdf,
    SeenLetter,
    Setting,
)
from services.cases.domain.reference import LETTER_RULE, Reference
from services.cases.domain.students import Caregiver, shown_name
from services.cases.domain.tasks import Priority, Task
from services.cases.store import cases, entries, letters, tasks

PDF_WITHIN = timedelta(minutes=10)
"""A PDF is made within seconds; one that is missing after so long is asked for again, and counted."""
TASK_DAYS = 3
"""How soon the case manager should know where someone can be reached whose letter came back."""
TASK_TITLE = "A letter came back: find out where they can be reached"

_DAYS = {LetterAct.ANSWER: "answered_on", LetterAct.UNDELIVERED: "noted_on"}
"""The fields of the contract that say on which day a letter ended."""
_PDF_MISSING = Counter("ascms_letters_without_pdf", "Times an approved letter was found without its PDF")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter:
    """What someone wants to write."""

    family: Family
    stage: int
    text: LetterText


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a letter: whether they got in touch, on which day, and what was said."""

    has_responded: bool
    on: date
    note: str


class Undelivered(NamedTuple):
    """A letter that came back, and the task that follows."""

    seen: SeenLetter
    task: Task


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A letter as someone opened it, with what is printed of its case.

    `school_id`: the student's school, or the last one known; None where none is.
    """

    seen: SeenLetter
    school_id: UUID | None
    response_days: int


@dataclass(frozen=True, slots=True)
class CaseLetters:
    """The letters of a case, and what may be written next."""

    letters: list[SeenLetter]
    attempts: Attempts
    nexts: list[Next]
    caregivers: tuple[Caregiver, ...]


class _Opened(NamedTuple):
    record: Record
    letter: Letter
    setting: Setting


def draft_letter(deps: Deps, actor: Actor, *, case_id: UUID, wanted: NewLetter, expected_version: int) -> SeenLetter:
    """Someone begins a letter in a case.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: the stage or a recipient breaks a rule; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: the case is closed or nobody's, or a letter of the family is being written already.
    """
    now = deps.clock.now()
    today = local_date(now)
    letter = Letter(
        id=deps.new_id(),
        case_id=case_id,
        family=wanted.family,
        stage=wanted.stage,
        text=wanted.text,
        drafted_by=actor.person_id,
        drafted_at=now,
        waits_since=now,
    )
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        record, setting = _lock_case(tx, actor, case_id, reference=reference, today=today)
        case = domain.letters.begin(record.case, actor, expected_version=expected_version)
        domain.letters.check_none_is_written(letter.family, setting)
        domain.letters.check(domain.letters.draft_violations(letter, setting))
        due_on = domain.letters.waits_until(letter.state, today, reference)
        letter = replace(letter, due_on=due_on)
        letters.insert_letter(tx, letter)
        cases.update_case(tx, case)
        _wait(tx, letter)
        told = [letter_events.letter_drafted(letter)]
        return _finish(tx, actor, _Opened(record, letter, setting), entry="draft-letter", told=told, now=now)


def revise_letter(deps: Deps, actor: Actor, *, letter_id: UUID, text: LetterText, expected_version: int) -> SeenLetter:
    """Someone gives a draft other words.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        InvalidArgumentError: a recipient breaks a rule.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it is no draft.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        domain.letters.check_act(
            LetterAct.REVISE, opened.letter, actor, opened.setting, expected_version=expected_version
        )
        letter = domain.letters.revise(opened.letter, text)
        domain.letters.check(domain.letters.text_violations(letter, opened.setting))
        letters.update_letter(tx, letter)
        told = [letter_events.letter_revised(letter, revised_by=actor.person_id)]
        return _finish(tx, actor, opened._replace(letter=letter), entry="revise-letter", told=told, now=now)


def submit_letter(deps: Deps, actor: Actor, *, letter_id: UUID, expected_version: int) -> SeenLetter:
    """Someone hands a draft in for approval.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it is no draft, or something is missing: the metadata names the fields.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        domain.letters.check_act(
            LetterAct.SUBMIT, opened.letter, actor, opened.setting, expected_version=expected_version
        )
        letter = domain.letters.submit(opened.letter, by=actor.person_id, at=now)
        moved = _move(tx, opened, letter, now=now)
        told = [letter_events.letter_submitted(moved.letter)]
        return _finish(tx, actor, moved, entry="submit-letter", told=told, now=now)


def approve_letter(deps: Deps, actor: Actor, *, letter_id: UUID, expected_version: int) -> SeenLetter:
    """Someone who did not write it approves a letter. It is frozen, and documents makes its PDF.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it is their own, does not await approval, or something is missing.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        domain.letters.check_act(
            LetterAct.APPROVE, opened.letter, actor, opened.setting, expected_version=expected_version
        )
        letter = domain.letters.approve(opened.letter, by=actor.person_id, at=now)
        moved = _move(tx, opened, letter, now=now)
        set_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id, due_at=now + PDF_WITHIN)
        told = [letter_events.letter_approved(moved.letter)]
        return _finish(tx, actor, moved, entry="approve-letter", told=told, now=now)


def return_letter(deps: Deps, actor: Actor, *, letter_id: UUID, note: str, expected_version: int) -> SeenLetter:
    """Someone gives a letter back to its author, also one that was approved and not sent.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it neither awaits approval nor sending.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        domain.letters.check_act(
            LetterAct.RETURN, opened.letter, actor, opened.setting, expected_version=expected_version
        )
        letter = domain.letters.give_back(opened.letter, by=actor.person_id, note=note)
        moved = _move(tx, opened, letter, now=now)
        clear_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id)
        told = [letter_events.letter_returned(moved.letter)]
        return _finish(tx, actor, moved, entry="return-letter", told=told, now=now)


def send_letter(
    deps: Deps, actor: Actor, *, letter_id: UUID, mode: Mode, sent_on: date, expected_version: int
) -> SeenLetter:
    """Someone records that a letter went out. It shows on the timeline as an entry that has the letter's id.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        InvalidArgumentError: the day is none on which it can have gone, or the way needs what it does not have.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it is not approved, its PDF is not there, or it is too soon after the one before.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        setting, approved_at = opened.setting, opened.letter.approved_at
        approved_on = local_date(approved_at) if approved_at else None
        domain.letters.check_act(LetterAct.SEND, opened.letter, actor, setting, expected_version=expected_version)
        domain.letters.check(
            [
                *domain.letters.day_violations("sent_on", sent_on, since=approved_on, today=setting.today),
                *domain.letters.mode_violations(mode, opened.letter, setting.caregivers),
            ]
        )
        letter = domain.letters.send(
            opened.letter, mode=mode, on=sent_on, by=actor.person_id, reference=setting.reference
        )
        moved = _move(tx, opened, letter, now=now)
        entries.insert_entry(tx, _entry_of(moved.letter, now=now))
        told = [letter_events.letter_sent(moved.letter)]
        return _finish(tx, actor, moved, entry="send-letter", told=told, now=now)


def answer_letter(deps: Deps, actor: Actor, *, letter_id: UUID, answer: Answer, expected_version: int) -> SeenLetter:
    """Someone records that the whānau got in touch about a letter, or that they did not.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        InvalidArgumentError: the day is none on which it can have been.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: no answer to it is awaited.
    """
    now = deps.clock.now()
    state = LetterState.RESPONDED if answer.has_responded else LetterState.NO_RESPONSE
    ended = Ended(state, answer.on, answer.note, actor.person_id, now)
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        moved = _end(tx, actor, opened, LetterAct.ANSWER, ended, expected_version=expected_version)
        cases.update_case(tx, moved.record.case)
        told = [letter_events.letter_answered(moved.letter)]
        return _finish(tx, actor, moved, entry="answer-letter", told=told, now=now)


def note_letter_undelivered(
    deps: Deps, actor: Actor, *, letter_id: UUID, noted_on: date, note: str, expected_version: int
) -> Undelivered:
    """Someone records that a letter came back. A task for the case manager follows, once: a letter ends once.

    Raises:
        As `answer_letter`.
    """
    now = deps.clock.now()
    ended = Ended(LetterState.UNDELIVERED, noted_on, note, actor.person_id, now)
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        moved = _end(tx, actor, opened, LetterAct.UNDELIVERED, ended, expected_version=expected_version)
        case = moved.record.case
        task = Task(
            id=deps.new_id(),
            case_id=case.id,
            title=TASK_TITLE,
            instructions="",
            due_on=local_date(now) + timedelta(days=TASK_DAYS),
            priority=Priority.NORMAL,
            owner_id=case.case_manager_id or actor.person_id,
            added_by=actor.person_id,
            added_at=now,
        )
        tasks.insert_task(tx, task)
        cases.update_case_and_due(tx, replace(case, open_tasks=case.open_tasks + 1))
        set_deadline(tx, kind=TASK_DEADLINE, subject_id=task.id, due_at=_midnight_after(task.due_on))
        told = [case_events.task_added(task), letter_events.letter_undelivered(moved.letter, task_id=task.id)]
        done = Undelivered(_seen(moved, actor), task)
        return finish(tx, done, entry=Audit("note-letter-undelivered", letter_id), events=told, now=now)


def withdraw_letter(deps: Deps, actor: Actor, *, letter_id: UUID, reason: str, expected_version: int) -> SeenLetter:
    """Someone takes a letter back that was not sent.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
        StaleVersionError: the letter is not at `expected_version` any more.
        FailedPreconditionError: it was sent, or it is finished.
    """
    now = deps.clock.now()
    ended = Ended(LetterState.WITHDRAWN, local_date(now), reason, actor.person_id, now)
    with deps.database.tenant(actor) as tx:
        opened = _lock(deps, tx, actor, letter_id, now=now)
        moved = _end(tx, actor, opened, LetterAct.WITHDRAW, ended, expected_version=expected_version)
        cases.update_case(tx, moved.record.case)
        clear_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id)
        told = [letter_events.letter_withdrawn(moved.letter)]
        return _finish(tx, actor, moved, entry="withdraw-letter", told=told, now=now)


def keep_letter_pdf(tx: Transaction, *, letter_id: UUID, pdf: Pdf, letter_version: int, now: datetime) -> None:
    """Note where the PDF of an approved letter is. The consumer's command; its transaction is open.

    The first one stays: a letter is frozen. One of another version was given back meanwhile, and gets its own.
    """
    case_id = letters.find_case_id(tx, letter_id)
    if case_id is None or cases.lock_case(tx, case_id) is None:
        return
    letter = next(each for each in letters.list_of_case(tx, case_id) if each.id == letter_id)
    if letter.state != LetterState.APPROVED or letter.pdf is not None or letter.version != letter_version:
        return
    # No step of a person: the version stays, or the sender's page would be stale for no reason of theirs.
    letters.update_letter(tx, replace(letter, pdf=pdf))
    clear_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id)
    finish(tx, None, entry=Audit("keep-letter-pdf", letter_id), events=[], now=now)


def note_letter_overdue(deps: Deps, actor: Actor, letter_id: UUID) -> None:
    """Tell, once for each step, that a letter waits for longer than it may. The sweep's command.

    `actor` is the system in the provider's tenant. A letter that is finished only loses its deadline; one whose day
    has not passed keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        case, letter = _lock_unseen(tx, letter_id)
        if letter is not None and letter.is_open and letter.due_on and not letter.is_overdue(local_date(now)):
            return
        clear_deadline(tx, kind=LETTER_DEADLINE, subject_id=letter_id)
        if case is not None and letter is not None and letter.is_open and letter.due_on:
            told = [letter_events.letter_overdue(letter, case)]
            finish(tx, None, entry=Audit("note-letter-overdue", letter_id), events=told, now=now)


def chase_letter_pdf(deps: Deps, actor: Actor, letter_id: UUID) -> None:
    """Ask again for the PDF of an approved letter, until it is there. The sweep's command."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        _, letter = _lock_unseen(tx, letter_id)
        clear_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id)
        if letter is None or letter.state != LetterState.APPROVED or letter.pdf is not None:
            return
        set_deadline(tx, kind=LETTER_PDF_DEADLINE, subject_id=letter_id, due_at=now + PDF_WITHIN)
        told = [letter_events.letter_pdf_missing(letter)]
        finish(tx, None, entry=Audit("chase-letter-pdf", letter_id), events=told, now=now)
    _PDF_MISSING.inc()


def open_letter(deps: Deps, actor: Actor, *, letter_id: UUID) -> OpenedLetter:
    """The way to read a letter, which names the student: it is logged who did.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        case_id = letters.find_case_id(tx, letter_id)
        record = cases.find_record(tx, case_id) if case_id is not None else None
        if record is None or not domain.cases.is_visible(record.case, actor):
            raise NotFoundError("letter")
        setting = _setting(tx, record, reference=deps.reference.on(tx, now), today=local_date(now))
        letter = next(each for each in setting.others if each.id == letter_id)
        entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=record.case.id, now=now)
        return _opened_letter(_seen(_Opened(record, letter, setting), actor), record, setting)


def find_approved_letter(deps: Deps, actor: Actor, *, letter_id: UUID) -> OpenedLetter:
    """A letter that was approved, for the service that prints it: `actor` is that service.

    Raises:
        NotFoundError: no such letter, or it is not approved (any more).
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        case_id = letters.find_case_id(tx, letter_id)
        record = cases.find_record(tx, case_id) if case_id is not None else None
        if record is None:
            raise NotFoundError("letter")
        setting = _setting(tx, record, reference=deps.reference.on(tx, now), today=local_date(now))
    letter = next(each for each in setting.others if each.id == letter_id)
    if letter.approved_at is None:
        raise NotFoundError("letter")
    return _opened_letter(SeenLetter(letter, record.case.number, _name(record), setting.today), record, setting)


def open_case_letters(deps: Deps, actor: Actor, *, case_id: UUID) -> CaseLetters:
    """The letters of a case. They name the student: it is logged who read them.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        record = cases.find_record(tx, case_id)
        domain.cases.check_visible(record.case if record else None, actor)
        assert record is not None
        setting = _setting(tx, record, reference=deps.reference.on(tx, now), today=local_date(now))
        entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=case_id, now=now)
    return CaseLetters(
        letters=[_seen(_Opened(record, each, setting), actor) for each in setting.others],
        attempts=setting.attempts,
        nexts=[domain.letters.next_of(family, setting.others, setting.reference) for family in Family],
        caregivers=setting.caregivers,
    )


def _setting(tx: Transaction, record: Record, *, reference: Reference, today: date) -> Setting:
    asked = letters.ask_letters(tx, record.case.id)
    holding = [each.holding for each in entries.list_whole_case(tx, record.case.id)]
    attempts = domain.letters.attempts_of(holding, reference)
    return Setting(record.case, record.caregivers, tuple(asked()), attempts, reference, today)


def _lock_case(
    tx: Transaction, actor: Actor, case_id: UUID, *, reference: Reference, today: date
) -> tuple[Record, Setting]:
    record = cases.lock_record(tx, case_id)
    domain.cases.check_visible(record.case if record else None, actor)
    assert record is not None
    return record, _setting(tx, record, reference=reference, today=today)


def _lock(deps: Deps, tx: Transaction, actor: Actor, letter_id: UUID, *, now: datetime) -> _Opened:
    case_id = letters.find_case_id(tx, letter_id)
    record = cases.lock_record(tx, case_id) if case_id is not None else None
    if record is None or not domain.cases.is_visible(record.case, actor):
        raise NotFoundError("letter")
    setting = _setting(tx, record, reference=deps.reference.on(tx, now), today=local_date(now))
    return _Opened(record, next(each for each in setting.others if each.id == letter_id), setting)


def _lock_unseen(tx: Transaction, letter_id: UUID) -> tuple[Case | None, Letter | None]:
    """As the system: a letter and its case, locked."""
    case_id = letters.find_case_id(tx, letter_id)
    case = cases.lock_case(tx, case_id) if case_id is not None else None
    if case is None:
        return None, None
    return case, next(each for each in letters.list_of_case(tx, case.id) if each.id == letter_id)


def _move(tx: Transaction, opened: _Opened, letter: Letter, *, now: datetime) -> _Opened:
    """Write a letter that took a step, and watch over the next one."""
    setting = opened.setting
    moved = domain.letters.waiting(letter, now=now, today=setting.today, reference=setting.reference)
    letters.update_letter(tx, moved)
    clear_deadline(tx, kind=LETTER_DEADLINE, subject_id=moved.id)
    _wait(tx, moved)
    return opened._replace(letter=moved)


def _wait(tx: Transaction, letter: Letter) -> None:
    if letter.due_on is not None:
        set_deadline(tx, kind=LETTER_DEADLINE, subject_id=letter.id, due_at=_midnight_after(letter.due_on))


def _end(
    tx: Transaction, actor: Actor, opened: _Opened, act: LetterAct, ended: Ended, *, expected_version: int
) -> _Opened:
    """A letter, finished; its case, with one letter less that is open, is the caller's to write."""
    setting = opened.setting
    domain.letters.check_act(act, opened.letter, actor, setting, expected_version=expected_version)
    field = _DAYS.get(act, "")
    since = opened.letter.sent_on
    domain.letters.check(domain.letters.day_violations(field, ended.on, since=since, today=setting.today))
    moved = _move(tx, opened, domain.letters.end(opened.letter, ended), now=ended.at)
    case = domain.letters.finish(moved.record.case)
    return moved._replace(record=replace(moved.record, case=case))


def _finish(
    tx: Transaction, actor: Actor, opened: _Opened, *, entry: str, told: list[Event], now: datetime
) -> SeenLetter:
    return finish(tx, _seen(opened, actor), entry=Audit(entry, opened.letter.id), events=told, now=now)


def _seen(opened: _Opened, actor: Actor) -> SeenLetter:
    record, letter, setting = opened
    actions = domain.letters.allowed_acts(letter, actor, setting)
    ways = domain.letters.ways_of(letter, setting.caregivers)
    return SeenLetter(letter, record.case.number, _name(record), setting.today, actions, ways)


def _opened_letter(seen: SeenLetter, record: Record, setting: Setting) -> OpenedLetter:
    days = setting.reference.days(LETTER_RULE).get(f"{LetterState.SENT}_days", 0)
    return OpenedLetter(seen, record.case.school_id or record.details.last_school_id, days)


def _name(record: Record) -> str:
    student = record.student
    return shown_name(
        given_names=student.given_names, family_name=student.family_name, preferred_name=student.preferred_name
    )


def _entry_of(letter: Letter, *, now: datetime) -> Entry:
    assert letter.sent_on is not None
    assert letter.sent_by is not None
    return Entry(
        id=letter.id,
        case_id=letter.case_id,
        kind=EventKind.LETTER,
        happened_on=letter.sent_on,
        outcome=Outcome.UNSPECIFIED,
        minutes=0,
        note="",
        visibility=Visibility.PROVIDER,
        recorded_by=letter.sent_by,
        recorded_at=now,
    )


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), NEW_ZEALAND)

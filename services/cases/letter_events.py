"""What cases tells others about letters: facts with ids, no words. One function per event of the contract."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ascms.cases.v1 import letter_events_pb2 as pb
from ascms.cases.v1 import letters_pb2

from kit.clock import local_date
from kit.outbox import Event
from services.cases.domain.cases import Case
from services.cases.domain.letters import Letter, LetterState
from services.cases.wire.enums import LETTER_FAMILY, LETTER_MODE, LETTER_STATE


def letter_drafted(letter: Letter) -> Event:
    """A letter was begun."""
    message = pb.LetterDrafted(**_rung(letter), drafted_on=_day(letter.drafted_at), drafted_by=str(letter.drafted_by))
    return Event(letter.case_id, message)


def letter_revised(letter: Letter, *, revised_by: UUID) -> Event:
    """A draft got other words."""
    return Event(letter.case_id, pb.LetterRevised(**_ids(letter), revised_by=str(revised_by)))


def letter_submitted(letter: Letter) -> Event:
    """A letter was handed in for approval."""
    assert letter.submitted_at is not None
    message = pb.LetterSubmitted(
        **_rung(letter), submitted_on=_day(letter.submitted_at), submitted_by=str(letter.submitted_by)
    )
    return Event(letter.case_id, message)


def letter_approved(letter: Letter) -> Event:
    """A letter was approved; its PDF is to be made."""
    assert letter.approved_at is not None
    message = pb.LetterApproved(
        **_rung(letter),
        approved_on=_day(letter.approved_at),
        approved_by=str(letter.approved_by),
        submitted_by=str(letter.submitted_by),
    )
    return Event(letter.case_id, message)


def letter_returned(letter: Letter) -> Event:
    """A letter was given back to be changed."""
    message = pb.LetterReturned(
        **_rung(letter), returned_by=str(letter.returned_by), submitted_by=str(letter.submitted_by)
    )
    return Event(letter.case_id, message)


def letter_sent(letter: Letter) -> Event:
    """A letter went out."""
    assert letter.sent_on is not None
    message = pb.LetterSent(
        **_rung(letter),
        mode=LETTER_MODE.number(letter.mode),
        sent_on=letter.sent_on.isoformat(),
        response_due_on=letter.response_due_on.isoformat() if letter.response_due_on else "",
        sent_by=str(letter.sent_by),
    )
    return Event(letter.case_id, message)


def letter_answered(letter: Letter) -> Event:
    """What came of a letter is known."""
    assert letter.ended is not None
    responded = letter.state == LetterState.RESPONDED
    message = pb.LetterAnswered(
        **_rung(letter),
        answer=letters_pb2.LETTER_ANSWER_RESPONDED if responded else letters_pb2.LETTER_ANSWER_NO_RESPONSE,
        answered_on=letter.ended.on.isoformat(),
        answered_by=str(letter.ended.by),
    )
    return Event(letter.case_id, message)


def letter_undelivered(letter: Letter, *, task_id: UUID) -> Event:
    """A letter came back."""
    assert letter.ended is not None
    message = pb.LetterUndelivered(
        **_rung(letter),
        came_back_on=letter.ended.on.isoformat(),
        recorded_by=str(letter.ended.by),
        task_id=str(task_id),
    )
    return Event(letter.case_id, message)


def letter_withdrawn(letter: Letter) -> Event:
    """A letter was taken back before it was sent."""
    assert letter.ended is not None
    return Event(letter.case_id, pb.LetterWithdrawn(**_rung(letter), withdrawn_by=str(letter.ended.by)))


def letter_overdue(letter: Letter, case: Case) -> Event:
    """A letter has waited for longer than it may."""
    assert letter.due_on is not None
    message = pb.LetterOverdue(
        **_ids(letter),
        state=LETTER_STATE.number(letter.state),
        due_on=letter.due_on.isoformat(),
        case_manager_id=str(case.case_manager_id or ""),
    )
    return Event(letter.case_id, message)


def letter_pdf_missing(letter: Letter) -> Event:
    """The PDF of an approved letter is still missing."""
    return Event(letter.case_id, pb.LetterPdfMissing(**_ids(letter)))


def _ids(letter: Letter) -> dict[str, Any]:
    return {"case_id": str(letter.case_id), "letter_id": str(letter.id)}


def _rung(letter: Letter) -> dict[str, Any]:
    return {**_ids(letter), "family": LETTER_FAMILY.number(letter.family), "stage": letter.stage}


def _day(moment: datetime) -> str:
    return local_date(moment).isoformat()

"""Letters as messages, and what their authors say the other way round."""

from collections.abc import Iterable
from uuid import UUID

from ascms.cases.v1 import letters_pb2

from kit.clock import local_date
from services.cases import domain
from services.cases.domain.students import Caregiver
from services.cases.wire.enums import LETTER_FAMILY, LETTER_LANGUAGE, LETTER_MODE, LETTER_STATE
from services.cases.wire.students import day, timestamp


def text_of(message: letters_pb2.LetterText) -> domain.letters.LetterText:
    """What an author writes."""
    return domain.letters.LetterText(
        language=LETTER_LANGUAGE.value(message.language),
        recipients=tuple(message.recipients),
        address=message.address,
        support=message.support,
        words=message.words,
        contact_name=message.contact_name,
        contact_phone=message.contact_phone,
        skip_reason=message.skip_reason,
        attempts_reason=message.attempts_reason,
    )


def text_message(text: domain.letters.LetterText) -> letters_pb2.LetterText:
    """What an author wrote."""
    return letters_pb2.LetterText(
        language=LETTER_LANGUAGE.number(text.language),
        recipients=text.recipients,
        address=text.address,
        support=text.support,
        words=text.words,
        contact_name=text.contact_name,
        contact_phone=text.contact_phone,
        skip_reason=text.skip_reason,
        attempts_reason=text.attempts_reason,
    )


def letter_message(seen: domain.letters.SeenLetter) -> letters_pb2.Letter:
    """A letter as its reader sees it."""
    letter, ended, pdf = seen.letter, seen.letter.ended, seen.letter.pdf
    return letters_pb2.Letter(
        letter_id=str(letter.id),
        case_id=str(letter.case_id),
        case_number=seen.case_number,
        student_name=seen.student_name,
        family=LETTER_FAMILY.number(letter.family),
        stage=letter.stage,
        text=text_message(letter.text),
        state=LETTER_STATE.number(letter.state),
        drafted_by=str(letter.drafted_by),
        drafted_at=timestamp(letter.drafted_at),
        submitted_by=_id(letter.submitted_by),
        submitted_at=timestamp(letter.submitted_at),
        approved_by=_id(letter.approved_by),
        approved_at=timestamp(letter.approved_at),
        return_note=letter.return_note,
        returned_by=_id(letter.returned_by),
        document_id=str(pdf.document_id) if pdf else "",
        document_sha256=pdf.sha256 if pdf else "",
        template_version=pdf.template_version if pdf else "",
        mode=LETTER_MODE.number(letter.mode),
        sent_on=day(letter.sent_on),
        sent_by=_id(letter.sent_by),
        response_due_on=day(letter.response_due_on),
        ended_on=day(ended.on) if ended else "",
        end_note=ended.note if ended else "",
        ended_by=str(ended.by) if ended else "",
        due_on=day(letter.due_on),
        overdue=letter.is_overdue(seen.today),
        version=letter.version,
        allowed_actions=[
            letters_pb2.LetterAction(
                action=each.act.value, allowed=not each.reason, reason=each.reason, details=each.details
            )
            for each in seen.actions
        ],
        ways=[
            letters_pb2.LetterWay(
                mode=LETTER_MODE.number(each.mode), allowed=not each.reason, reason=each.reason, names=each.names
            )
            for each in seen.ways
        ],
    )


def print_message(
    seen: domain.letters.SeenLetter, *, school_id: UUID | None, provider_id: UUID, response_days: int
) -> letters_pb2.LetterPrint:
    """What is printed of the case a letter belongs to."""
    approved_at = seen.letter.approved_at
    return letters_pb2.LetterPrint(
        student_name=seen.student_name,
        school_id=_id(school_id),
        provider_id=str(provider_id),
        dated_on=(local_date(approved_at) if approved_at else seen.today).isoformat(),
        response_days=response_days,
    )


def rules_message(
    attempts: domain.letters.Attempts, nexts: list[domain.letters.Next], caregivers: Iterable[Caregiver]
) -> letters_pb2.LetterRules:
    """What may be written next in a case."""
    return letters_pb2.LetterRules(
        next=[
            letters_pb2.LetterNext(
                family=LETTER_FAMILY.number(each.family),
                stage=each.stage or 0,
                not_before=day(each.not_before),
                open_letter_id=_id(each.open_letter_id),
                stages=each.stages,
            )
            for each in nexts
        ],
        attempts=attempts.count,
        ways=attempts.ways,
        attempts_needed=attempts.needed,
        ways_needed=attempts.ways_needed,
        recipients=[
            letters_pb2.LetterRecipient(
                name=each.name,
                relationship=each.relationship,
                modes=[LETTER_MODE.number(mode) for mode in domain.letters.safe_modes(each)],
                safe_note=each.safe_note,
            )
            for each in caregivers
        ],
    )


def _id(value: UUID | None) -> str:
    return str(value or "")

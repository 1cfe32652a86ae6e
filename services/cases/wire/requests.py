"""Requests for support as messages."""

from collections.abc import Iterable
from datetime import date

from ascms.cases.v1 import cases_pb2, requests_pb2

from services.cases import domain
from services.cases.wire.enums import REQUEST_KIND, REQUEST_STATE, TIER
from services.cases.wire.students import (
    attendance_message,
    attendance_of,
    caregiver_message,
    caregiver_of,
    day,
    optional_attendance,
    student_message,
    student_of,
    timestamp,
)


def draft_of(message: cases_pb2.SubmitRequestRequest) -> domain.requests.Draft:
    """What a school says, from a request that was checked against its contract."""
    return domain.requests.Draft(
        student=student_of(message.student),
        caregivers=tuple(caregiver_of(each) for each in message.caregivers),
        attendance=attendance_of(message.attendance),
        concern=message.concern,
        steps_tried=message.steps_tried,
        details=domain.requests.Details(
            earlier_terms=tuple(attendance_of(each) for each in message.earlier_terms),
            steps=tuple(dict.fromkeys(message.steps)),
            barriers=tuple(dict.fromkeys(message.barriers)),
            barrier_words=message.barrier_words,
            is_sensitive=message.is_sensitive,
        ),
    )


def said_of(message: cases_pb2.RequestAmendment) -> domain.requests.Said:
    """What a school says anew, from a message that was checked."""
    return domain.requests.Said(
        caregivers=tuple(caregiver_of(each) for each in message.caregivers),
        terms=tuple(attendance_of(each) for each in (message.attendance, *message.earlier_terms)),
        concern=message.concern,
        steps=tuple(dict.fromkeys(message.steps)),
        steps_tried=message.steps_tried,
        barriers=tuple(dict.fromkeys(message.barriers)),
        barrier_words=message.barrier_words,
        is_sensitive=message.is_sensitive,
    )


def begun_terms(message: cases_pb2.SubmitRequestRequest) -> tuple[domain.students.Attendance, ...]:
    """Attendance as far as a draft tells, the latest term first; terms without half-days are left out."""
    terms = [attendance_of(each) for each in (message.attendance, *message.earlier_terms) if each.total_half_days > 0]
    return tuple(sorted(terms, key=lambda term: term.term, reverse=True))


def notification_of(message: cases_pb2.NotifyNonEnrolmentRequest) -> domain.requests.Draft:
    """What the enrolment register says, from a request that was checked."""
    return domain.requests.Draft(
        student=student_of(message.student),
        caregivers=tuple(caregiver_of(each) for each in message.caregivers),
        attendance=None,
        concern=message.remarks,
        steps_tried="",
        details=domain.requests.Details(
            kind=domain.requests.RequestKind.NON_ENROLMENT,
            last_school_id=domain.shared.optional_id(message.last_school_id),
            not_enrolled_since=date.fromisoformat(message.not_enrolled_since),
        ),
    )


def own_work_of(message: cases_pb2.OpenOwnCaseRequest) -> domain.requests.Draft:
    """What a provider says of a case that it opens itself, from a request that was checked."""
    return domain.requests.Draft(
        student=student_of(message.student),
        caregivers=tuple(caregiver_of(each) for each in message.caregivers),
        attendance=None,
        concern=message.concern,
        steps_tried="",
        details=domain.requests.Details(kind=domain.requests.RequestKind.OWN_WORK, own_work_reason=message.reason),
    )


def for_school(seen: domain.requests.SeenRequest) -> cases_pb2.RequestForSupport:
    """A request as its school may see it: which case it became is the provider's matter."""
    message = for_provider(seen)
    message.ClearField("case_id")
    return message


def for_provider(seen: domain.requests.SeenRequest) -> cases_pb2.RequestForSupport:
    """A request as its provider may see it."""
    request = seen.request
    draft, question = request.draft, request.open_question
    details = draft.details
    return cases_pb2.RequestForSupport(
        request_id=str(request.id),
        state=REQUEST_STATE.number(request.state),
        student=student_message(draft.student),
        caregivers=[caregiver_message(each) for each in draft.caregivers],
        attendance=optional_attendance(draft.attendance),
        concern=draft.concern,
        steps_tried=draft.steps_tried,
        school_id=str(request.school_id or ""),
        provider_id=str(request.provider_id),
        submitted_at=timestamp(request.submitted_at),
        submitted_by=str(request.submitted_by),
        answer_due_on=request.answer_due_on.isoformat(),
        overdue=request.is_overdue(seen.today),
        case_id=str(request.case_id or ""),
        answered_at=timestamp(request.accepted_at or request.declined_at),
        version=request.version,
        kind=REQUEST_KIND.number(details.kind),
        earlier_terms=[attendance_message(term) for term in details.earlier_terms],
        steps=details.steps,
        barriers=details.barriers,
        barrier_words=details.barrier_words,
        is_sensitive=details.is_sensitive,
        last_school_id=str(details.last_school_id or ""),
        not_enrolled_since=day(details.not_enrolled_since),
        assessment=assessment_message(details.assessment),
        questions=[_question_message(each) for each in request.questions],
        reply_due_on=day(question.reply_due_on if question else None),
        decline_reason=request.decline_reason,
        decline_words=request.decline_words,
        allowed_actions=[
            cases_pb2.AllowedAction(action=each.action.value, allowed=not each.reason, reason=each.reason)
            for each in seen.actions
        ],
        earlier_versions=[_version_message(each) for each in request.earlier],
    )


def _version_message(version: domain.requests.Version) -> cases_pb2.RequestVersion:
    said = version.said
    terms = [attendance_message(term) for term in said.terms]
    return cases_pb2.RequestVersion(
        said=cases_pb2.RequestAmendment(
            caregivers=[caregiver_message(each) for each in said.caregivers],
            attendance=terms[0] if terms else None,
            earlier_terms=terms[1:],
            concern=said.concern,
            steps=said.steps,
            steps_tried=said.steps_tried,
            barriers=said.barriers,
            barrier_words=said.barrier_words,
            is_sensitive=said.is_sensitive,
        ),
        assessment=assessment_message(version.assessment),
        replaced_at=timestamp(version.replaced_at),
        replaced_by=str(version.replaced_by),
    )


def assessment_message(assessment: domain.triage.Assessment) -> requests_pb2.Assessment:
    """How a request looks by the criteria of its day."""
    return requests_pb2.Assessment(
        tier=TIER.number(assessment.tier),
        criterion=assessment.criterion,
        stepped_response_days=assessment.stepped_response_days,
        guidance=assessment.guidance,
    )


def content_message(draft: domain.drafts.SavedDraft) -> cases_pb2.SubmitRequestRequest:
    """What a draft holds."""
    return cases_pb2.SubmitRequestRequest.FromString(draft.content)


def saved_draft_message(draft: domain.drafts.SavedDraft) -> cases_pb2.Draft:
    """A draft, whole, with the bands that follow from what it tells of."""
    content = content_message(draft)
    for term in (content.attendance, *content.earlier_terms):
        if term.total_half_days > 0:
            term.band = attendance_of(term).band.value
    return cases_pb2.Draft(
        draft_id=str(draft.id),
        content=content,
        begun_by=str(draft.begun_by),
        saved_at=timestamp(draft.saved_at),
        kept_until=draft.kept_until.isoformat(),
        version=draft.version,
    )


def draft_summary(draft: domain.drafts.SavedDraft) -> requests_pb2.DraftSummary:
    """A draft in a list."""
    return requests_pb2.DraftSummary(
        draft_id=str(draft.id),
        student_name=draft.student_name,
        begun_by=str(draft.begun_by),
        saved_at=timestamp(draft.saved_at),
        kept_until=draft.kept_until.isoformat(),
        version=draft.version,
    )


def found_message(found: domain.searching.Found, likenesses: Iterable[tuple[object, str]]) -> requests_pb2.FoundStudent:
    """A student as found."""
    return requests_pb2.FoundStudent(
        kind=requests_pb2.FoundKind.Value(f"FOUND_KIND_{found.kind.upper()}"),
        id=str(found.id),
        student_name=found.student_name,
        full_name=found.full_name,
        date_of_birth=day(found.date_of_birth),
        year_level=found.year_level,
        school_id=str(found.school_id or ""),
        state=found.state,
        number=found.number,
        case_manager_id=str(found.case_manager_id or ""),
        matched=found.matched,
        likenesses=[requests_pb2.Likeness(other_id=str(other), reason=reason) for other, reason in likenesses],
    )


def _question_message(question: domain.requests.Question) -> requests_pb2.RequestQuestion:
    return requests_pb2.RequestQuestion(
        question=question.text,
        asked_at=timestamp(question.asked_at),
        reply_due_on=question.reply_due_on.isoformat(),
        reply=question.reply,
        replied_at=timestamp(question.replied_at),
    )

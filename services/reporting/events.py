"""What reporting tells others: a return moved. One function per event of the contract, keyed by provider."""

from datetime import date
from uuid import UUID

from ascms.reporting.v1 import events_pb2

from kit.outbox import Event
from services.reporting.domain.figures import Quarter
from services.reporting.domain.returns import Return


def return_saved(provider_id: UUID, filed: Return, *, by: UUID) -> Event:
    """A provider wrote in its return."""
    return Event(provider_id, events_pb2.ReturnSaved(quarter=str(filed.quarter), saved_by=str(by)))


def return_validated(provider_id: UUID, filed: Return, *, by: UUID) -> Event:
    """A return was checked."""
    errors = sum(each.is_error for each in filed.findings)
    message = events_pb2.ReturnValidated(
        quarter=str(filed.quarter), errors=errors, warnings=len(filed.findings) - errors, validated_by=str(by)
    )
    return Event(provider_id, message)


def return_submitted(provider_id: UUID, filed: Return) -> Event:
    """A return was submitted, and is frozen."""
    message = events_pb2.ReturnSubmitted(
        quarter=str(filed.quarter), number=filed.number, sha256=filed.sha256, submitted_by=str(filed.submitted_by)
    )
    return Event(provider_id, message)


def return_accepted(provider_id: UUID, filed: Return) -> Event:
    """The ministry accepted a return."""
    message = events_pb2.ReturnAccepted(
        quarter=str(filed.quarter), number=filed.number, accepted_by=str(filed.accepted_by)
    )
    return Event(provider_id, message)


def return_reopened(provider_id: UUID, filed: Return, *, by: UUID) -> Event:
    """The ministry reopened a return."""
    message = events_pb2.ReturnReopened(quarter=str(filed.quarter), number=filed.number, reopened_by=str(by))
    return Event(provider_id, message)


def return_overdue(provider_id: UUID, quarter: Quarter, *, due_on: date, ministry_id: UUID | None) -> Event:
    """A return was not submitted by its day."""
    message = events_pb2.ReturnOverdue(
        quarter=str(quarter), due_on=due_on.isoformat(), ministry_id=str(ministry_id or "")
    )
    return Event(provider_id, message)

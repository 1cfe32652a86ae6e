"""What schools see, as messages."""

from ascms.cases.v1 import cases_pb2

from services.cases.domain.sharing import SharedCase, SharedEntry
from services.cases.wire.enums import EVENT_KIND, OUTCOME, SHARED_STATE
from services.cases.wire.students import day, timestamp


def case_message(case: SharedCase) -> cases_pb2.SharedCase:
    """A case as the student's school sees it."""
    return cases_pb2.SharedCase(
        case_id=str(case.id),
        number=case.number,
        student_name=case.student_name,
        year_level=case.year_level,
        state=SHARED_STATE.number(case.state),
        provider_id=str(case.provider_id),
        case_manager_id=str(case.case_manager_id or ""),
        primary_contact_id=str(case.primary_contact_id or ""),
        opened_at=timestamp(case.opened_at),
        wakes_on=day(case.wakes_on),
        closed_at=timestamp(case.closed_at),
        last_shared_at=timestamp(case.last_shared_at),
    )


def entry_message(entry: SharedEntry) -> cases_pb2.SharedEntry:
    """Something that was shared."""
    return cases_pb2.SharedEntry(
        entry_id=str(entry.entry_id),
        kind=EVENT_KIND.number(entry.kind),
        happened_on=entry.happened_on.isoformat(),
        outcome=OUTCOME.number(entry.outcome),
        note=entry.note,
        recorded_by=str(entry.recorded_by),
        shared_at=timestamp(entry.shared_at),
        corrected_at=timestamp(entry.corrected_at),
    )

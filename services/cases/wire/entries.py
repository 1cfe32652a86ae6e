"""Entries as messages."""

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import EVENT_KIND, OUTCOME, VISIBILITY
from services.cases.wire.students import timestamp


def entry_message(entry: domain.entries.Entry) -> cases_pb2.TimelineEntry:
    """An entry as the timeline shows it."""
    return cases_pb2.TimelineEntry(
        entry_id=str(entry.id),
        kind=EVENT_KIND.number(entry.kind),
        happened_on=entry.happened_on.isoformat(),
        outcome=OUTCOME.number(entry.outcome),
        minutes=entry.minutes,
        note=entry.note,
        visibility=VISIBILITY.number(entry.visibility),
        recorded_by=str(entry.recorded_by),
        recorded_at=timestamp(entry.recorded_at),
    )

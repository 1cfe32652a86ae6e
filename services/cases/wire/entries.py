"""Entries as messages."""

from collections.abc import Iterable

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import CHANNEL, EVENT_KIND, OUTCOME, VISIBILITY
from services.cases.wire.students import timestamp


def entry_message(
    entry: domain.entries.Entry, corrections: Iterable[domain.entries.Correction] = ()
) -> cases_pb2.TimelineEntry:
    """An entry as the timeline shows it: as it was recorded, and beside it what it should have said."""
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
        corrections=[_correction(each) for each in corrections],
        channel=CHANNEL.number(entry.channel),
        target=entry.target,
        attendees=entry.attendees,
    )


def timeline_message(shown: domain.entries.TimelineEntry) -> cases_pb2.TimelineEntry:
    """An entry with its corrections."""
    return entry_message(shown.entry, shown.corrections)


def _correction(correction: domain.entries.Correction) -> cases_pb2.Correction:
    return cases_pb2.Correction(
        number=correction.number,
        reason=correction.reason,
        happened_on=correction.happened_on.isoformat(),
        outcome=OUTCOME.number(correction.outcome),
        minutes=correction.minutes,
        note=correction.note,
        visibility=VISIBILITY.number(correction.visibility),
        corrected_by=str(correction.corrected_by),
        corrected_at=timestamp(correction.corrected_at),
        channel=CHANNEL.number(correction.channel),
        target=correction.target,
        attendees=correction.attendees,
    )

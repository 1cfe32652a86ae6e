"""What happened in cases, through the gRPC door."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, wire
from services.cases.commands.cases import Page
from services.cases.commands.entries import Corrected, Happening
from services.cases.domain.entries import Entry, TimelineEntry, Visibility
from services.cases.rpc.base import Methods, timeline_scope


def _record_response(recorded: tuple[Entry, int]) -> cases_pb2.RecordEventResponse:
    entry, version = recorded
    return cases_pb2.RecordEventResponse(entry=wire.entries.entry_message(entry), version=version)


def _note_response(added: tuple[Entry, int]) -> cases_pb2.AddNoteResponse:
    entry, version = added
    return cases_pb2.AddNoteResponse(entry=wire.entries.entry_message(entry), version=version)


def _correct_response(corrected: tuple[TimelineEntry, int]) -> cases_pb2.CorrectEntryResponse:
    entry, version = corrected
    return cases_pb2.CorrectEntryResponse(entry=wire.entries.timeline_message(entry), version=version)


class EntryMethods(Methods):
    """What happened in cases."""

    @write(_record_response)
    def RecordEvent(self, request: cases_pb2.RecordEventRequest, call: Call) -> tuple[Entry, int]:
        """See the contract."""
        happening = Happening(
            kind=wire.enums.EVENT_KIND.value(request.kind),
            happened_on=date.fromisoformat(request.happened_on),
            outcome=wire.enums.OUTCOME.value(request.outcome),
            minutes=request.minutes,
            note=request.note,
            visibility=wire.enums.VISIBILITY.find(request.visibility) or Visibility.PROVIDER,
            channel=wire.enums.CHANNEL.value(request.channel),
            target=request.target,
            attendees=request.attendees,
        )
        return commands.entries.record_event(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            happening=happening,
            expected_version=request.expected_version,
        )

    @write(_note_response)
    def AddNote(self, request: cases_pb2.AddNoteRequest, call: Call) -> tuple[Entry, int]:
        """See the contract."""
        return commands.entries.add_note(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            note=request.note,
            visibility=wire.enums.VISIBILITY.find(request.visibility) or Visibility.PROVIDER,
            expected_version=request.expected_version,
        )

    @write(_correct_response)
    def CorrectEntry(self, request: cases_pb2.CorrectEntryRequest, call: Call) -> tuple[TimelineEntry, int]:
        """See the contract."""
        corrected = Corrected(
            reason=request.reason,
            happened_on=date.fromisoformat(request.happened_on),
            outcome=wire.enums.OUTCOME.value(request.outcome),
            minutes=request.minutes,
            note=request.note,
            visibility=wire.enums.VISIBILITY.find(request.visibility),
            channel=wire.enums.CHANNEL.value(request.channel),
            target=request.target,
            attendees=request.attendees,
        )
        return commands.entries.correct_entry(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            entry_id=UUID(request.entry_id),
            corrected=corrected,
            expected_version=request.expected_version,
        )

    @read
    def ListEvents(self, request: cases_pb2.ListEventsRequest, call: Call) -> cases_pb2.ListEventsResponse:
        """See the contract."""
        scope = timeline_scope(call, request.case_id, request.kind)
        size, position = self.page(request, scope)
        after = _entry_position(position) if position else None
        opened = commands.cases.open_record(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            page=Page(size, after),
            kind=wire.enums.EVENT_KIND.find(request.kind),
        )
        shown, token = self.timeline(opened.entries, size, scope)
        return cases_pb2.ListEventsResponse(
            entries=[wire.entries.timeline_message(each) for each in shown], next_page_token=token
        )


def _entry_position(position: Sequence[str]) -> tuple[date, datetime, UUID]:
    happened_on, recorded_at, entry_id = position
    return date.fromisoformat(happened_on), datetime.fromisoformat(recorded_at), UUID(entry_id)

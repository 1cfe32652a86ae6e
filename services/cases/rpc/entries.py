"""What happened in cases, through the gRPC door."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, wire
from services.cases.commands.cases import Page
from services.cases.commands.entries import Happening
from services.cases.domain.entries import Entry, Visibility
from services.cases.rpc.base import Methods, timeline_scope


def _record_response(recorded: tuple[Entry, int]) -> cases_pb2.RecordEventResponse:
    entry, version = recorded
    return cases_pb2.RecordEventResponse(entry=wire.entries.entry_message(entry), version=version)


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
        )
        return commands.entries.record_event(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            happening=happening,
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
            entries=[wire.entries.entry_message(each) for each in shown], next_page_token=token
        )


def _entry_position(position: Sequence[str]) -> tuple[date, datetime, UUID]:
    happened_on, recorded_at, entry_id = position
    return date.fromisoformat(happened_on), datetime.fromisoformat(recorded_at), UUID(entry_id)

"""What every method behind the gRPC door shares: the day, pages, counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from ascms.cases.v1 import cases_pb2

from kit.clock import local_date
from kit.paging import DEFAULT_SIZE, PageTokens
from kit.rpc.server import Call
from services.cases.commands.deps import Deps
from services.cases.domain.cases import CaseState
from services.cases.domain.entries import TimelineEntry
from services.cases.domain.requests import RequestState
from services.cases.domain.sharing import SharedState

Row = TypeVar("Row")


@dataclass(eq=False)
class Methods:
    """What the methods of every noun share."""

    deps: Deps
    page_tokens: PageTokens

    def local_today(self) -> date:
        """The day in New Zealand."""
        return local_date(self.deps.clock.now())

    def page(self, request: Any, scope: Sequence[object]) -> tuple[int, list[str] | None]:
        """How many rows are asked for, and behind which position."""
        return request.page_size or DEFAULT_SIZE, self.page_tokens.decode(request.page_token, scope=scope)

    def token(self, position: Sequence[str], scope: Sequence[object]) -> str:
        """Where a list goes on."""
        return self.page_tokens.encode(position, scope=scope)

    def timeline(
        self, found: list[TimelineEntry], size: int, scope: Sequence[object]
    ) -> tuple[list[TimelineEntry], str]:
        """The entries to show, and where they go on."""
        shown, more = cut(found, size)
        if not more:
            return shown, ""
        last = shown[-1].entry
        position = [last.happened_on.isoformat(), last.recorded_at.isoformat(), str(last.id)]
        return shown, self.token(position, scope)


def timeline_scope(call: Call, case_id: str, kind: int) -> tuple[object, ...]:
    """What a token of a timeline is good for."""
    return (call.actor.tenant_id, "events", case_id, kind)


def cut(found: list[Row], size: int) -> tuple[list[Row], bool]:
    """The rows to show, and whether there are more: one more than `size` was asked for."""
    return found[:size], len(found) > size


def filter_counts(
    counted: Mapping[Any, int], states: type[RequestState | CaseState | SharedState]
) -> list[cases_pb2.FilterCount]:
    """How many there are of each state, and of all."""
    return [
        cases_pb2.FilterCount(filter="all", count=sum(counted.values())),
        *(cases_pb2.FilterCount(filter=state.value, count=counted.get(state, 0)) for state in states),
    ]

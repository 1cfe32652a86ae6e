"""A provider's exact figures, and the cases behind them."""

from uuid import UUID

from ascms.reporting.v1 import figures_pb2, reporting_pb2

from kit.errors import InvalidArgumentError, Violation
from kit.inbox import wait_until_reached
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import INDICATORS, Indicator
from services.reporting.measuring import asked_of, break_down, measure
from services.reporting.rpc.base import Methods, breakdown_messages, figure_messages, timestamp
from services.reporting.store import CONSUMER, SOURCE, ledger

_BEFORE_ALL = UUID(int=0)


class FigureMethods(Methods):
    """Quarterly figures of the caller's own provider."""

    @read
    def GetProviderFigures(
        self, request: reporting_pb2.GetProviderFiguresRequest, call: Call
    ) -> reporting_pb2.GetProviderFiguresResponse:
        """See the contract."""
        database, quarter = self.deps.database, Quarter.parse(request.quarter)
        is_current = request.min_position == 0 or wait_until_reached(
            database, call.actor, consumer=CONSUMER, source=SOURCE, position=request.min_position
        )
        with database.tenant(call.actor) as tx:
            return reporting_pb2.GetProviderFiguresResponse(
                quarter=request.quarter,
                figures=figure_messages(measure(tx, quarter)),
                previous=figure_messages(measure(tx, quarter.before)),
                breakdowns=breakdown_messages(break_down(tx, quarter)),
                as_at=timestamp(ledger.find_last_counted(tx)),
                is_current=is_current,
            )

    @read
    def ListFigureCases(
        self, request: figures_pb2.ListFigureCasesRequest, call: Call
    ) -> figures_pb2.ListFigureCasesResponse:
        """See the contract."""
        indicator, quarter = _indicator(request), Quarter.parse(request.quarter)
        scope = (call.actor.tenant_id, "figure-cases", quarter, indicator.code, request.dimension, request.key)
        position = self.page_tokens.decode(request.page_token, scope=scope)
        size = request.page_size or DEFAULT_SIZE
        with self.deps.database.tenant(call.actor) as tx:
            found = ledger.list_cases(
                tx,
                asked_of(indicator, quarter),
                part=(request.dimension, request.key) if request.dimension else None,
                after=UUID(position[0]) if position else _BEFORE_ALL,
                most=size + 1,
            )
            value = measure(tx, quarter)[indicator.code]
        ids = [str(found_id) for found_id in found[:size]]
        return figures_pb2.ListFigureCasesResponse(
            case_ids=[] if indicator.counts_requests else ids,
            request_ids=ids if indicator.counts_requests else [],
            next_page_token=self.page_tokens.encode([str(found[size - 1])], scope=scope) if len(found) > size else "",
            value=value or 0,
        )


def _indicator(request: figures_pb2.ListFigureCasesRequest) -> Indicator:
    indicator = INDICATORS.get(request.indicator)
    if indicator is None:
        raise InvalidArgumentError.of(Violation("indicator", "unknown", "must be the code of an indicator"))
    if request.dimension and request.dimension not in indicator.dimensions:
        raise InvalidArgumentError.of(
            Violation("dimension", "unknown", f"must be one of {', '.join(indicator.dimensions) or 'none'}")
        )
    return indicator

"""The doors of reporting: a provider's exact figures, and the nation's with small counts hidden."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from kit.db import Database
from kit.inbox import wait_until_reached, wait_until_reached_anywhere
from kit.rpc.server import Call, read
from services.reporting import store
from services.reporting.confidentiality import Cell, Column, protect, secret_order
from services.reporting.domain import Quarter
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.store import CONSUMER, SOURCE, Figures


@dataclass(frozen=True)
class ReportingServicer(reporting_pb2_grpc.ReportingServiceServicer):
    """Quarterly figures."""

    database: Database

    @read
    def GetProviderFigures(
        self, request: reporting_pb2.GetProviderFiguresRequest, call: Call
    ) -> reporting_pb2.GetProviderFiguresResponse:
        """The exact figures of the caller's own provider."""
        is_current = request.min_position == 0 or wait_until_reached(
            self.database, call.actor, consumer=CONSUMER, source=SOURCE, position=request.min_position
        )
        with self.database.tenant(call.actor) as tx:
            figures = store.find_figures(tx, Quarter.parse(request.quarter))
            as_at = store.find_last_counted(tx)
        return reporting_pb2.GetProviderFiguresResponse(
            quarter=request.quarter,
            figures=[encode_figure(each, cell_of(figures, each).value) for each in INDICATORS.values()],
            as_at=_encode_moment(as_at),
            is_current=is_current,
        )

    @read
    def GetNationalFigures(
        self, request: reporting_pb2.GetNationalFiguresRequest, call: Call
    ) -> reporting_pb2.GetNationalFiguresResponse:
        """The figures of all providers, small counts hidden."""
        # The position is of some provider's event, so the machinery looks for it.
        is_current = request.min_position == 0 or wait_until_reached_anywhere(
            self.database, consumer=CONSUMER, source=SOURCE, position=request.min_position
        )
        with self.database.plumbing() as tx:
            key = store.find_suppression_key(tx)
        with self.database.special("national", actor=call.actor) as tx:
            exact = store.find_national_figures(tx, Quarter.parse(request.quarter))
            as_at = store.find_last_counted_anywhere(tx)
        columns = protect_all(exact, quarter=request.quarter, key=key)
        return reporting_pb2.GetNationalFiguresResponse(
            quarter=request.quarter,
            totals=[encode_figure(INDICATORS[code], column.total) for code, column in columns.items()],
            providers=[
                reporting_pb2.ProviderFigures(
                    provider_id=str(provider_id),
                    figures=[
                        encode_figure(INDICATORS[code], column.cells[provider_id]) for code, column in columns.items()
                    ],
                )
                for provider_id in exact
            ],
            as_at=_encode_moment(as_at),
            is_current=is_current,
        )


def protect_all(exact: Mapping[UUID, Figures], *, quarter: str, key: bytes) -> dict[str, Column[UUID]]:
    """What may be shown of everyone's figures, by indicator."""
    return {
        code: protect(
            {provider_id: cell_of(figures, indicator) for provider_id, figures in exact.items()},
            order=secret_order(key, quarter=quarter, indicator=code),
        )
        for code, indicator in INDICATORS.items()
    }


def cell_of(figures: Figures, indicator: Indicator) -> Cell:
    """A provider's figure under the present rule; nought where nothing was counted."""
    row = figures.get((indicator.code, indicator.rule_version))
    return Cell(row.value, row.behind) if row is not None else Cell(0, 0)


def encode_figure(indicator: Indicator, value: int | None) -> reporting_pb2.Figure:
    """A figure as its contract shows it; None is hidden."""
    return reporting_pb2.Figure(
        indicator=indicator.code,
        value=value or 0,
        suppressed=value is None,
        rule_version=indicator.rule_version,
    )


def _encode_moment(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    encoded = Timestamp()
    encoded.FromDatetime(moment)
    return encoded

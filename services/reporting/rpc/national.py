"""The nation's figures, small ones hidden."""

from collections.abc import Mapping
from uuid import UUID

from ascms.reporting.v1 import figures_pb2, reporting_pb2

from kit.inbox import wait_until_reached_anywhere
from kit.rpc.server import Call, read
from services.reporting.confidentiality import Cell, Table, protect, secret_order
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import INDICATORS, Indicator
from services.reporting.rpc.base import Methods, timestamp
from services.reporting.store import CONSUMER, SOURCE, national
from services.reporting.store.national import Figures

_QUARTERS = 8
NATIONAL = {code: indicator for code, indicator in INDICATORS.items() if indicator.is_national}


class NationalMethods(Methods):
    """Quarterly figures of all providers."""

    @read
    def GetNationalFigures(
        self, request: reporting_pb2.GetNationalFiguresRequest, call: Call
    ) -> reporting_pb2.GetNationalFiguresResponse:
        """See the contract."""
        database = self.deps.database
        # The position is of some provider's event, so the machinery looks for it.
        is_current = request.min_position == 0 or wait_until_reached_anywhere(
            database, consumer=CONSUMER, source=SOURCE, position=request.min_position
        )
        with database.plumbing() as tx:
            key = national.find_suppression_key(tx)
        with database.special("national", actor=call.actor) as tx:
            by_quarter = national.find_national_figures(tx, recent(Quarter.parse(request.quarter)))
            as_at = national.find_last_counted_anywhere(tx)
        everyone = {provider_id for found in by_quarter.values() for provider_id in found}
        regions = self.directory.regions(everyone, token=call.token) if everyone else {}
        # Each quarter is protected by itself, as it is when it is asked for: a fact counts in one quarter, so that the
        # tables of two have no number in common, and nothing is published over several.
        protected = {
            str(quarter): protect_all(found, regions=regions, quarter=str(quarter), key=key)
            for quarter, found in by_quarter.items()
        }
        tables, exact = protected[request.quarter], by_quarter[Quarter.parse(request.quarter)]
        return reporting_pb2.GetNationalFiguresResponse(
            quarter=request.quarter,
            totals=[_figure(code, table.total) for code, table in tables.items()],
            regions=[
                reporting_pb2.RegionFigures(
                    region=region, figures=[_figure(code, table.regions[region]) for code, table in tables.items()]
                )
                for region in sorted({regions.get(provider_id, "") for provider_id in exact})
            ],
            providers=[
                reporting_pb2.ProviderFigures(
                    provider_id=str(provider_id),
                    region=regions.get(provider_id, ""),
                    figures=[_figure(code, table.cells[provider_id]) for code, table in tables.items()],
                )
                for provider_id in exact
            ],
            as_at=timestamp(as_at),
            is_current=is_current,
            trend=[
                reporting_pb2.QuarterFigures(
                    quarter=str(quarter),
                    totals=[_figure(code, table.total) for code, table in protected[str(quarter)].items()]
                    if found
                    else [],
                )
                for quarter, found in sorted(by_quarter.items())
            ],
        )


def recent(quarter: Quarter) -> list[Quarter]:
    """A quarter and those before it that are shown beside it, the newest first."""
    found = [quarter]
    while len(found) < _QUARTERS:
        found.append(found[-1].before)
    return found


def protect_all(
    exact: Mapping[UUID, Figures], *, regions: Mapping[UUID, str], quarter: str, key: bytes
) -> dict[str, Table[UUID]]:
    """What may be shown of everyone's figures, by indicator."""
    tables = {}
    for code, indicator in NATIONAL.items():
        cells: dict[str, dict[UUID, Cell]] = {}
        for provider_id, figures in exact.items():
            cells.setdefault(regions.get(provider_id, ""), {})[provider_id] = _cell(figures, indicator)
        tables[code] = protect(cells, order=secret_order(key, quarter=quarter, indicator=code))
    return tables


def _cell(figures: Figures, indicator: Indicator) -> Cell:
    """A provider's figure under the present rule; nought where nothing was counted."""
    row = figures.get((indicator.counter, indicator.rule_version))
    return Cell(row.value, row.behind) if row is not None else Cell(0, 0)


def _figure(code: str, value: int | None) -> figures_pb2.Figure:
    return figures_pb2.Figure(
        indicator=code, value=value or 0, suppressed=value is None, rule_version=INDICATORS[code].rule_version
    )

"""What every method behind the gRPC door shares."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ascms.reporting.v1 import figures_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit.paging import PageTokens
from services.reporting.commands.returns import Deps
from services.reporting.directory import Directory
from services.reporting.domain.indicators import INDICATORS
from services.reporting.measuring import Breakdown, Values


@dataclass(eq=False)
class Methods:
    """What the methods of every noun share."""

    deps: Deps
    directory: Directory
    page_tokens: PageTokens


def figure_messages(values: Values) -> list[figures_pb2.Figure]:
    """Figures of a provider."""
    return [
        figures_pb2.Figure(
            indicator=code, value=value or 0, rule_version=INDICATORS[code].rule_version, absent=value is None
        )
        for code, value in values.items()
    ]


def breakdown_messages(breakdowns: Iterable[Breakdown]) -> list[figures_pb2.Breakdown]:
    """Figures in their parts."""
    return [
        figures_pb2.Breakdown(
            indicator=each.indicator,
            dimension=each.dimension,
            rows=[figures_pb2.BreakdownRow(key=key, value=value) for key, value in each.rows],
        )
        for each in breakdowns
    ]


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment, if there is one."""
    if moment is None:
        return None
    encoded = Timestamp()
    encoded.FromDatetime(moment)
    return encoded

"""Pictures of figures, as SVG text: the same on a page and in a PDF, always beside their table.

Drawn here and not by a plotting library: bars are all that a return needs, the same numbers give the same bytes, and it
costs nothing. Colours and type are attributes, which the page's style sheet overrides (it knows dark and print).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _ROW, _BAR = 440, 28, 15
_LABEL, _VALUE, _HEIGHT = 165, 65, 120
_LONGEST = 23
_WIDEST = 88
_INK, _FILL = "#1d2b2e", "#0b5560"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is, how long, and its value in words."""

    label: str
    value: int
    words: str


def bar_chart(title: str, bars: Sequence[Bar]) -> Markup:
    """Horizontal bars. Whoever does not see them has the table that stands beside: `aria-hidden`."""
    most = max((bar.value for bar in bars), default=0) or 1
    room = _WIDTH - _LABEL - _VALUE
    drawn = Markup("").join(_row(bar, place, length=max(0, bar.value) * room // most) for place, bar in enumerate(bars))
    height = max(1, len(bars)) * _ROW
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" aria-hidden="true" '
        f'focusable="false"><title>{escape(title)}</title>{drawn}</svg>'
    )


def column_chart(title: str, columns: Sequence[Bar]) -> Markup:
    """Columns in the order of time, each with its value above it; for one without a value, its words stand there."""
    most = max((column.value for column in columns), default=0) or 1
    step = min(_WIDTH // max(1, len(columns)), _WIDEST)
    drawn = Markup("").join(_column(each, place * step, step, most) for place, each in enumerate(columns))
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 2 * _ROW}" '
        f'aria-hidden="true" focusable="false"><title>{escape(title)}</title>{drawn}</svg>'
    )


def _column(column: Bar, left: int, step: int, most: int) -> Markup:
    height = max(1, max(0, column.value) * _HEIGHT // most) if column.value else 0
    top, middle = _ROW + _HEIGHT - height, left + step // 2
    type_ = f'font-family="Source Sans 3" font-size="13" text-anchor="middle" fill="{_INK}"'
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<rect class="chart__bar" x="{left + step // 6}" y="{top}" width="{step * 2 // 3}" height="{height}" rx="2" '
        f'fill="{_FILL}"/>'
        f'<text class="chart__text" x="{middle}" y="{top - 6}" {type_}>{escape(column.words)}</text>'
        f'<text class="chart__text" x="{middle}" y="{_HEIGHT + _ROW + 18}" {type_}>{escape(column.label)}</text>'
    )


def _row(bar: Bar, place: int, *, length: int) -> Markup:
    top = place * _ROW
    baseline = top + _ROW // 2 + 5
    type_ = f'font-family="Source Sans 3" font-size="14" fill="{_INK}"'
    label = bar.label if len(bar.label) <= _LONGEST else f"{bar.label[: _LONGEST - 1]}…"
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<text class="chart__text" x="{_LABEL - 10}" y="{baseline}" text-anchor="end" {type_}>{escape(label)}</text>'
        f'<rect class="chart__bar" x="{_LABEL}" y="{top + (_ROW - _BAR) // 2}" width="{max(1, length)}" '
        f'height="{_BAR}" rx="2" fill="{_FILL}"/>'
        f'<text class="chart__text" x="{_LABEL + length + 8}" y="{baseline}" {type_}>{escape(bar.words)}</text>'
    )

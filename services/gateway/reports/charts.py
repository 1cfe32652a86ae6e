"""Pictures of figures, as SVG text: the same on a page and in a PDF, always beside their table.

Drawn here and not by a plotting library: bars are all that a return needs, the same numbers give the same bytes, and it
costs nothing. Colours and type are attributes, which the page's style sheet overrides (it knows dark and print).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _ROW, _BAR = 440, 28, 15
_LABEL, _VALUE = 165, 65
_LONGEST = 23
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

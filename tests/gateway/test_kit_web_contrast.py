"""Every pair of colours that is used for text has 4.5:1 at least, in both schemes; marks and borders have 3:1."""

import re
from pathlib import Path

import pytest

import kit.web

TOKENS = (Path(kit.web.__file__).parent / "static" / "tokens.css").read_text(encoding="utf-8")
GROUNDS = ("paper", "surface", "sunken", "action-soft", "amber-soft", "red-soft")
TEXT_PAIRS = [
    (text, ground) for text in ("ink", "ink-soft", "action-ink", "amber-ink", "red-ink") for ground in GROUNDS
] + [
    ("on-action", "action"),
    ("on-action", "action-hover"),
    ("on-red", "red"),
    ("on-red", "red-hover"),
    ("surface", "ink"),
]
MARK_PAIRS = [
    (mark, ground)
    for mark in ("line-strong", "amber-mark", "action", "red")
    for ground in ("paper", "surface", "sunken")
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", block))


def schemes() -> dict[str, dict[str, str]]:
    light, rest = TOKENS.split("@media (prefers-color-scheme: dark)", 1)
    return {"light": colours(light), "dark": colours(light) | colours(rest.split("@media", 1)[0])}


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    tokens = schemes()[scheme]
    assert contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARK_PAIRS)
def test_borders_of_controls_and_marks_can_be_seen(scheme: str, mark: str, ground: str) -> None:
    tokens = schemes()[scheme]
    assert contrast(tokens[mark], tokens[ground]) >= 3


def test_other_stylesheets_have_no_colours_of_their_own() -> None:
    folder = Path(kit.web.__file__).parent / "static"
    names = ("app.css", "components.css", "records.css", "styleguide.css")
    own = {name: re.findall(r"#[0-9a-f]{3,8}\b", (folder / name).read_text(encoding="utf-8")) for name in names}
    assert own == {name: [] for name in names}

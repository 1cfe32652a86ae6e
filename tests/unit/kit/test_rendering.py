"""PDF from Typst: the same bytes each time, macrons kept, text never markup, templates that cannot do harm."""

from datetime import UTC, datetime

import pytest

from kit.rendering import TemplateError, render_pdf

NOON = datetime(2026, 3, 4, tzinfo=UTC)
TEMPLATE = """#let data = json(bytes(sys.inputs.data))
#set document(title: data.title, date: auto)
#set text(font: "Source Sans 3", lang: "mi", region: "NZ")
= Tēnā koe #data.name
"""
DATA = {"title": "Pūrongo", "name": 'Hēmi #panic("no") $x$ <a>'}


def test_the_same_gives_the_same_bytes() -> None:
    first = render_pdf(TEMPLATE, data=DATA, created=NOON)

    assert first.startswith(b"%PDF-")
    assert render_pdf(TEMPLATE, data=DATA, created=NOON) == first
    assert b"SourceSans3" in first, "the face is ours, not one of the machine"


def test_a_template_that_is_wrong_says_why_and_repeats_no_data() -> None:
    with pytest.raises(TemplateError) as refused:
        render_pdf(TEMPLATE + "#data.nobody", data=DATA, created=NOON)

    assert "nobody" in str(refused.value)
    assert "Hēmi" not in str(refused.value)


@pytest.mark.parametrize(
    "harm",
    ['#read("/etc/hostname")', '#import "@preview/tablex:0.0.9": *', "#let again() = again()\n#again()"],
    ids=["reads a file", "fetches a package", "never ends"],
)
def test_a_template_can_do_no_harm(harm: str) -> None:
    with pytest.raises(TemplateError):
        render_pdf(TEMPLATE + harm, data=DATA, created=NOON)

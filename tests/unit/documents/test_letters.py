"""What stands in a letter: every letter there is, in both languages; text that is text whatever it holds."""

import subprocess
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.domain.letters import WordingError, fill, join, pieces
from services.documents.rendering import own_wording, render_letter
from tests.service.documents.letters import printed

FAMILIES, STAGES = ("chronic_absence", "non_enrolment"), (1, 2, 3)
HOSTILE = '#panic("no") $x^2$ \\ "quoted" <label> @ref *bold* _it_ `raw` {student} [support] // /* --- ~'
SECTIONS = {"chronic_absence": ("36", "244"), "non_enrolment": ("35", "243")}


def text_of(pdf: bytes) -> str:
    done = subprocess.run(["/usr/bin/pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def info_of(pdf: bytes) -> str:
    done = subprocess.run(["/usr/bin/pdfinfo", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize(("family", "stage"), list(product(FAMILIES, STAGES)))
def test_every_letter_is_whole_in_both_languages(family: str, stage: int) -> None:
    letter = printed(family=family, stage=stage, languages=("mi", "en"), words="Ka kite.")
    pdf, version = render_letter(letter, lambda *_: None)
    text = text_of(pdf)
    assert version == "2026-1"
    for words in ("Tēnā koe Kererū Example,", "Kia ora Kererū Example,", "4 Poutūterangi 2026", "4 March 2026"):
        assert words in text
    for section in SECTIONS[family]:
        assert f"wāhanga {section}" in text
        assert f"section {section}" in text
    for said in ("A ride each morning. You said no.", "Ka kite.", "06 555 0101", "Ōtautahi 8011"):
        assert said in text
    assert "{" not in text
    assert "Tauira" not in text
    assert "Tagged: yes" in " ".join(info_of(pdf).split())
    assert fill(own_wording(family, stage, "mi").title, {"student": "Tūī Example"}) in info_of(pdf)
    assert b"/Lang(mi-NZ)" in pdf
    assert b"/Lang(en-NZ)" in pdf


def test_a_student_of_whom_no_school_is_known_has_a_letter_too() -> None:
    letter = printed(family="non_enrolment", stage=1, languages=("mi", "en"), school="")
    text = " ".join(text_of(render_letter(letter, lambda *_: None)[0]).split())
    assert "is not enrolled at a school now. We have tried" in text
    assert "ki tētahi kura ināianei. Kua ngana" in text


def test_what_people_write_is_never_markup() -> None:
    letter = printed(support=HOSTILE, words=HOSTILE, address=HOSTILE, recipients=(HOSTILE,), student=HOSTILE)
    pdf, _ = render_letter(letter, lambda *_: None)
    assert text_of(pdf).count('#panic("no") $x^2$') >= 4


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert render_letter(printed(), lambda *_: None) == render_letter(printed(), lambda *_: None)


def test_more_people_are_greeted_as_more() -> None:
    two, _ = render_letter(printed(recipients=("Hine", "Tama")), lambda *_: None)
    three, _ = render_letter(printed(recipients=("Hine", "Tama", "Nan")), lambda *_: None)
    assert "Tēnā kōrua Hine me Tama," in text_of(two)
    assert "Tēnā koutou Hine, Tama me Nan," in text_of(three)


def test_a_draft_without_names_is_shown_all_the_same() -> None:
    pdf, _ = render_letter(printed(recipients=(), contact_name="", contact_phone="", is_draft=True), lambda *_: None)
    assert "Draft / Tauira" in text_of(pdf)
    assert "Draft / Tauira:" in info_of(pdf)


@given(st.text(max_size=40))
def test_what_is_filled_in_is_not_looked_at_again(value: str) -> None:
    assert fill("a {student} b", {"student": value}) == f"a {value} b"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=40))
def test_an_authors_paragraph_comes_whole(value: str) -> None:
    found = pieces("One.\n\n[words]\n\n## Two\nThree.", {}, places={"words": value})
    assert [each["text"] for each in found] == ["One.", value, "Two", "Three."]


def test_wording_that_names_nothing_that_a_letter_has_is_refused() -> None:
    with pytest.raises(WordingError, match="nsn"):
        fill("{nsn}", {"student": "Tūī"})


def test_names_are_joined_as_people_say_them() -> None:
    some: list[list[str]] = [[], ["A"], ["A", "B"], ["A", "B", "C"]]
    assert [join(names, "and") for names in some] == ["", "A", "A and B", "A, B and C"]

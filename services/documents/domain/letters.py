"""What stands in a letter: wording with places for names, filled and cut into pieces. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LANGUAGES = ("mi", "en")
"""Te reo Māori stands first where a letter has both."""
_PLACE = re.compile(r"\{([a-z_]+)\}")


class WordingError(Exception):
    """A wording names something that no letter has."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one letter in one language. Its body has paragraphs, headings and places for the author's text."""

    title: str
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """The words around a letter in one language; `greeting` for one, two and more people.

    `some_school` stands where a wording names a school and none is known.
    """

    months: Sequence[str]
    greeting: Sequence[str]
    joined_by: str
    reference: str
    closing: str
    on_behalf: str
    draft: str
    some_school: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedLetter:
    """A letter with the names that are printed in it. `languages` in the order of the pages; `school` may be empty."""

    family: str
    stage: int
    languages: Sequence[str]
    recipients: Sequence[str]
    address: str
    support: str
    words: str
    contact_name: str
    contact_phone: str
    student: str
    school: str
    provider: str
    case_number: str
    dated_on: date
    days: int
    is_draft: bool


def part_of(letter: PrintedLetter, language: str, wording: Wording, phrases: Phrases) -> dict[str, object]:
    """A letter in one language, as the template takes it.

    Raises:
        WordingError: the wording names something that no letter has.
    """
    values = {
        "student": letter.student,
        "school": letter.school or phrases.some_school,
        "provider": letter.provider,
        "contact_name": letter.contact_name or "…",
        "contact_phone": letter.contact_phone or "…",
        "days": str(letter.days),
        "number": letter.case_number,
        "names": join(letter.recipients, phrases.joined_by),
    }
    greeting = phrases.greeting[min(max(len(letter.recipients), 1), len(phrases.greeting)) - 1]
    month = phrases.months[letter.dated_on.month - 1]
    return {
        "lang": language,
        "title": fill(wording.title, values),
        "date": f"{letter.dated_on.day} {month} {letter.dated_on.year}",
        "reference": fill(phrases.reference, values),
        "recipients": list(letter.recipients),
        "greeting": fill(greeting, values).replace(" ,", ","),
        "pieces": pieces(wording.body, values, places={"support": letter.support, "words": letter.words}),
        "closing": phrases.closing,
        "on_behalf": fill(phrases.on_behalf, values),
    }


def pieces(body: str, values: Mapping[str, str], *, places: Mapping[str, str]) -> list[dict[str, str]]:
    """Headings and paragraphs. What an author wrote is put in whole: its braces and brackets mean nothing."""
    found: list[dict[str, str]] = []
    for block in re.split(r"\n\s*\n|(?<=\n)(?=## )|(?<=^)(?=## )", body.strip()):
        text = block.strip()
        heading, _, rest = text.partition("\n")
        if heading.startswith("## "):
            found.append({"kind": "heading", "text": fill(heading.removeprefix("## "), values)})
            text = rest.strip()
        if text.startswith("[") and text.endswith("]") and text[1:-1] in places:
            found += [{"kind": "paragraph", "text": each} for each in _paragraphs(places[text[1:-1]])]
        elif text:
            found.append({"kind": "paragraph", "text": fill(text, values)})
    return found


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its {places} filled, once: what is filled in is not looked at again.

    Raises:
        WordingError: it names something that no letter has.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise WordingError(match[1])
        return values[match[1]]

    return _PLACE.sub(value, text)


def join(names: Sequence[str], joined_by: str) -> str:
    """Names as people say them one after the other."""
    if len(names) < 2:  # noqa: PLR2004 - one, or nobody
        return "".join(names)
    return f"{', '.join(names[:-1])} {joined_by} {names[-1]}"


def _paragraphs(text: str) -> list[str]:
    return [each.strip() for each in re.split(r"\n\s*\n", text) if each.strip()]

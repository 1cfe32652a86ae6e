"""Letters as PDF: the words from files, or from the table that replaces them, set by the one template."""

import tomllib
from collections.abc import Callable
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from kit.clock import NEW_ZEALAND
from kit.rendering import render_pdf
from services.documents.domain.letters import Phrases, PrintedLetter, Wording, part_of

_FOLDER = Path(__file__).parent
_FOOTER = " · "

FindWording = Callable[[str, int, str], Wording | None]
"""(family, stage, language) → the wording that replaces ours; None where ours holds."""


def render_letter(letter: PrintedLetter, find_wording: FindWording) -> tuple[bytes, str]:
    """A letter as PDF/UA, and the version of the wording in it. The same letter gives the same bytes.

    Raises:
        WordingError: a wording names something that no letter has.
        TemplateError, UnavailableError: as `kit.rendering`.
    """
    wordings = {
        language: find_wording(letter.family, letter.stage, language)
        or own_wording(letter.family, letter.stage, language, with_school=bool(letter.school))
        for language in letter.languages
    }
    parts = [part_of(letter, language, wordings[language], phrases(language)) for language in letter.languages]
    watermark = " / ".join(phrases(language).draft for language in ("en", "mi"))
    title = str(parts[0]["title"])
    data: dict[str, object] = {
        # Who does not see the watermark hears the title.
        "title": f"{watermark}: {title}" if letter.is_draft else title,
        "provider": letter.provider,
        "address": letter.address,
        "contact_name": letter.contact_name,
        "contact_phone": letter.contact_phone,
        "footer": _FOOTER.join([letter.provider, *(str(part["reference"]) for part in parts[:1])]),
        "is_draft": letter.is_draft,
        "watermark": watermark,
        "parts": parts,
    }
    created = datetime.combine(letter.dated_on, time(12), NEW_ZEALAND)
    version = " ".join(dict.fromkeys(wording.version for wording in wordings.values()))
    return render_pdf(_template(), data=data, created=created), version


def own_wording(family: str, stage: int, language: str, *, with_school: bool = True) -> Wording:
    """The wording that lies here, or its own for a student of whom no school is known.

    Raises:
        KeyError: there is no such letter.
    """
    found = _file(language)
    rung = found[family][str(stage)]
    opening = rung["opening"] if with_school else rung.get("opening_without_school", rung["opening"])
    body = found[family]["body"].replace("[opening]", opening).replace("[next]", rung["next"])
    return Wording(rung["title"], body, found["version"])


def phrases(language: str) -> Phrases:
    """The words around a letter."""
    found = _file(language)
    return Phrases(
        months=found["months"],
        greeting=found["greeting"],
        joined_by=found["and"],
        reference=found["reference"],
        closing=found["closing"],
        on_behalf=found["on_behalf"],
        draft=found["draft"],
        some_school=found["some_school"],
    )


@cache
def _file(language: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / "wording" / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _template() -> str:
    return (_FOLDER / "letter.typ").read_text(encoding="utf-8")

"""What the pages for readers name is there: every file and folder of this project in them."""

import re
from pathlib import Path

import pytest

from tests.support.services import ROOT

# Guides are pages of the system: their links are its addresses.
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/*.md")]
NAMED = re.compile(r"`((?:tests|docs|deploy|services|kit|proto)/[\w./-]+)`|\]\((?!https?:|#)([^)#\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    named = {one or other for one, other in NAMED.findall(page.read_text(encoding="utf-8"))}
    missing = {name for name in named if not is_there(name, page)}
    assert missing == set()


def is_there(name: str, page: Path) -> bool:
    """Whether it is, from the project's root or from the page; a decision may be named by its number alone."""
    return any((folder / name).exists() or list(folder.glob(f"{name}-*.md")) for folder in (ROOT, page.parent))

"""The guides that come with the software: files in both languages, version 1 of each until the ministry publishes.

`guides/en/<slug>.md` begins with its facts between two lines of dashes; `guides/mi/<slug>.md` with its title.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

from services.documents.domain.guides import Facts, Guide, IssueState, Text, Topic

FOLDER = Path(__file__).parent / "guides"


@cache
def shipped_guides() -> Mapping[str, Guide]:
    """Every guide that comes with the software, by slug, in the order to show them in."""
    found = {path.stem: _read(path.stem) for path in (FOLDER / "en").glob("*.md")}
    return MappingProxyType({slug: guide for _place, slug, guide in sorted((p, s, g) for s, (p, g) in found.items())})


def _read(slug: str) -> tuple[int, Guide]:
    facts, body = _parts(FOLDER / "en" / f"{slug}.md")
    facts_mi, body_mi = _parts(FOLDER / "mi" / f"{slug}.md")
    since, fixed_on = facts.get("since", ""), facts.get("fixed_on", "")
    guide = Guide(
        slug=slug,
        version=1,
        facts=Facts(
            topic=Topic(facts["topic"]),
            roles=tuple(facts.get("roles", "").split()),
            issue_state=IssueState(facts.get("state", "")),
            issue_since=date.fromisoformat(since) if since else None,
            issue_fixed_on=date.fromisoformat(fixed_on) if fixed_on else None,
        ),
        text=Text(title=facts["title"], title_mi=facts_mi["title"], body=body, body_mi=body_mi),
    )
    return int(facts.get("place", "50")), guide


def _parts(path: Path) -> tuple[dict[str, str], str]:
    _before, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    return facts, body.strip() + "\n"

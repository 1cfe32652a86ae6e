"""Markdown of guidance as HTML: no HTML of its own, no pictures, only links that are safe to follow."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_SAFE_LINK = re.compile(r"(https://|mailto:|tel:|/(?!/))", re.IGNORECASE)
_LARGEST, _SMALLEST = 2, 4


class _Renderer(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Own pages, https, mail and telephone; anything else stays text."""
        return bool(_SAFE_LINK.match(url)) and super().validateLink(url)


_MARKDOWN = _Renderer("commonmark", {"html": False}).enable("table").disable("image")


def rendered(text: str) -> Markup:
    """Markdown as HTML that stands below a page's heading: its own headings begin at the second level."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = min(max(int(token.tag[1]), _LARGEST), _SMALLEST)
            token.tag = f"h{level}"
    html: str = _MARKDOWN.renderer.render(_scrollable(tokens), _MARKDOWN.options, {})
    return Markup(html)  # noqa: S704 - made by the renderer, which escapes all text and allows no HTML


def _scrollable(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with the kit's classes on lists and tables."""
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            token.attrJoin("class", "prose__list")
        elif token.type == "table_open":
            token.attrJoin("class", "compare")
    return list(tokens)

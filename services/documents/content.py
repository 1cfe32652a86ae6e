"""A file's type by its content, whatever its name says."""

import puremagic

HEAD_BYTES = 256 * 1024
"""How much of a file is enough to know its type."""

_CONTROL_BYTES = frozenset(range(32)) - frozenset(b"\t\n\f\r")


def type_of(head: bytes) -> str:
    """The media type by the first bytes, whatever the name says; text is UTF-8 without control bytes."""
    text = _as_text(head)
    if text is not None:
        # Markup is text to us and a page to a browser: it gets a type that is not kept.
        return "text/html" if text.lstrip().startswith("<") else "text/plain"
    try:
        found: str = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        return "application/octet-stream"
    return found or "application/octet-stream"


def _as_text(head: bytes) -> str | None:
    if _CONTROL_BYTES.intersection(head):
        return None
    # The last character may be cut by the end of the piece.
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return None if text.startswith(("%PDF-", "{\\rtf")) else text
    return None

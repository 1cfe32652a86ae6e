"""Addresses: links that keep the state of a page, and targets that never leave this site."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def with_query(url: str, /, **changes: object) -> str:
    """The same address with some of its query changed: None removes, a list repeats, the rest stays.

    A filter is a link made by this; its state then stands in the address, and can be sent to someone.
    """
    parts = urlsplit(url)
    pairs = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in changes]
    for name, value in changes.items():
        if value is None:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        pairs.extend((name, str(one)) for one in values)
    return urlunsplit(("", "", parts.path, urlencode(pairs), ""))


def safe_local_path(target: str | None, *, fallback: str = "/") -> str:
    r"""`target` if it is a path on this site, else `fallback`.

    Browsers read "//host", "/\host" and addresses with tabs or newlines inside as another site; all are refused.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    if "\\" in target or any(ord(character) <= ord(" ") or ord(character) == 0x7F for character in target):  # noqa: PLR2004
        return fallback
    try:
        parts = urlsplit(target)
    except ValueError:
        return fallback
    return target if not parts.scheme and not parts.netloc else fallback

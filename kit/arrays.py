"""Many values as one parameter: PostgreSQL's text form of an array, to be cast (`%(ids)s::uuid[]`).

psycopg looks at every element of a list by itself, which costs more than everything else about a statement that writes
thousands of rows (docs/performance.md).
"""

from collections.abc import Iterable, Sequence


def plain(values: Iterable[object]) -> str:
    """An array of what needs no quotes: ids, numbers, dates; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def quoted(values: Sequence[str]) -> str:
    """An array of texts."""
    joined = "\x00".join(values)
    if not joined:
        # One empty text, or none at all: the only two that look the same joined.
        return '{""}' if values else "{}"
    if '"' in joined or "\\" in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\x00", '","') + '"}'

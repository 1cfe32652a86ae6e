"""A file's type by its content, whatever its name says. Nothing is unpacked: a zip bomb stays a small file.

Containers are told apart by the names of what is in them, which stand outside what is packed; puremagic takes any zip
for a letter of Word and any of Microsoft's old containers for one too, an installer included. A zip has those names
twice, in front of each part and in a list at its end, and programs read the one or the other: both are looked at.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import puremagic

HEAD_BYTES = 256 * 1024
"""How much of a file is enough to know its type."""

UNKNOWN = "application/octet-stream"
_CONTROL_BYTES = frozenset(range(32)) - frozenset(b"\t\n\f\r")

_ZIP = b"PK\x03\x04"
_ZIP_HEADER = struct.Struct("<4s2xHHxxxxxxxxIIHH")
_ZIP_LENGTH_FOLLOWS = 0x08
_ZIP_MOST_NAMES = 64
_ZIP_END = struct.Struct("<4s4xHHIIH")
_ZIP_ENTRY = struct.Struct("<4s24xHHH12x")
_ZIP_LONGEST_END = _ZIP_END.size + 0xFFFF
_ZIP_LONGEST_LIST, _ZIP_MOST_LISTED = 1024 * 1024, 5_000
"""More is no document that a person wrote, and would have us read for long."""
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_BY_FOLDER = {
    "word/": f"{_OPEN_XML}wordprocessingml.document",
    "xl/": f"{_OPEN_XML}spreadsheetml.sheet",
    "ppt/": f"{_OPEN_XML}presentationml.presentation",
}
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."

_OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")
_BY_STREAM = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "__properties_version1.0": "application/vnd.ms-outlook",
}
_BY_BRAND = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"M4A ": "audio/mp4"}
_ALIASES = {"text/rtf": "application/rtf", "image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg"}


def type_of(content: BinaryIO) -> str:
    """The media type of a file that can be sought in; text is UTF-8 without control bytes."""
    content.seek(0)
    head = content.read(HEAD_BYTES)
    text = _as_text(head)
    if text is not None:
        # Markup is text to us and a page to a browser: it gets a type that is not kept.
        return "text/html" if text.lstrip("\ufeff \t\r\n\f").startswith("<") else "text/plain"
    if head.startswith(_OLD_OFFICE):
        return _of_old_office(content, head)
    return _of_zip(content, head) if head.startswith(_ZIP) else _of_signature(head)


def _of_signature(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return _BY_BRAND.get(head[8:12], UNKNOWN)
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    try:
        found: str = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return _ALIASES.get(found, found) or UNKNOWN


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


def _of_zip(content: BinaryIO, head: bytes) -> str:
    """By the names in the local headers as far as the head shows them, and by those in the list at its end."""
    listed = _names_at_end(content)
    if listed is None:
        return "application/zip"
    names = [*_names_in_zip(head), *listed]
    if any(name.lower().endswith(("vbaproject.bin", "basic/script-lc.xml")) for name in names):
        return "application/vnd.ms-office.macro-enabled"
    if names[0] == "mimetype":
        start = head.find(_OPEN_DOCUMENT)
        kind = head[start : start + 60].partition(b"PK")[0].decode("ascii", "replace") if start > 0 else ""
        return kind or "application/zip"
    # Without its list of contents it is some zip, whatever its folders are called.
    if "[Content_Types].xml" not in names:
        return "application/zip"
    return next(
        (kind for name in names for folder, kind in _BY_FOLDER.items() if name.startswith(folder)), "application/zip"
    )


def _names_at_end(content: BinaryIO) -> list[str] | None:
    """The names in the list at a zip's end; None where there is no such list, or a longer one than documents have."""
    content.seek(0, 2)
    size = content.tell()
    content.seek(max(0, size - _ZIP_LONGEST_END))
    tail = content.read(_ZIP_LONGEST_END)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _ZIP_END.size > len(tail):
        return None
    _, _, count, length, start, _ = _ZIP_END.unpack_from(tail, at)
    if not 0 < count <= _ZIP_MOST_LISTED or length > _ZIP_LONGEST_LIST or start + length > size:
        return None
    content.seek(start)
    entries, names, at = content.read(length), [], 0
    for _ in range(count):
        if not entries.startswith(b"PK\x01\x02", at) or at + _ZIP_ENTRY.size > len(entries):
            return None
        _, name_length, extra_length, comment_length = _ZIP_ENTRY.unpack_from(entries, at)
        at += _ZIP_ENTRY.size
        names.append(entries[at : at + name_length].decode("utf-8", "replace"))
        at += name_length + extra_length + comment_length
    return names


def _names_in_zip(head: bytes) -> Iterator[str]:
    at = 0
    for _ in range(_ZIP_MOST_NAMES):
        if not head.startswith(_ZIP, at) or at + _ZIP_HEADER.size > len(head):
            return
        _, flags, _, packed, _, name_length, extra_length = _ZIP_HEADER.unpack_from(head, at)
        start = at + _ZIP_HEADER.size
        yield head[start : start + name_length].decode("utf-8", "replace")
        body = start + name_length + extra_length
        # Where the length stands behind the content, the next header is looked for.
        at = head.find(_ZIP, body) if flags & _ZIP_LENGTH_FOLLOWS or not packed else body + packed
        if at < 0:
            return


def _of_old_office(content: BinaryIO, head: bytes) -> str:
    """By the names in the first sector of its directory, which its header says the place of."""
    sector_size = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    directory = int.from_bytes(head[48:52], "little")
    content.seek((directory + 1) * sector_size)
    entries = content.read(sector_size)
    for start in range(0, len(entries), 128):
        length = int.from_bytes(entries[start + 64 : start + 66], "little")
        name = entries[start : start + max(length - 2, 0)].decode("utf-16-le", "replace")
        if name in _BY_STREAM:
            return _BY_STREAM[name]
    return "application/x-ole-storage"

"""Files that are not what they say, or are two things at once: what they are taken for, and what that look costs."""

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from services.documents.content import HEAD_BYTES, type_of
from services.documents.domain.files import MAX_BYTES, clean_name, name_with_ending

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MACROS, ZIP, HTML = "application/vnd.ms-office.macro-enabled", "application/zip", "text/html"


def archive(*names: str, size: int = 1) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            # Always of the same day: what a test is called must not change.
            packed.writestr(zipfile.ZipInfo(name), b"0" * size, zipfile.ZIP_DEFLATED)
    return file.getvalue()


LETTER = ("[Content_Types].xml", "word/document.xml")
MANY = tuple(f"word/media/{number}.png" for number in range(200))


@pytest.mark.parametrize(
    ("content", "taken_for"),
    [
        # Two things at once: what it is kept as decides its ending, so that no computer opens it as the other.
        (PDF + archive("run.exe"), "application/pdf"),
        (b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//", "image/gif"),
        (archive(*LETTER) + PDF, WORD),
        # Markup, whatever its name and however it begins.
        (b"<html><script>alert(1)</script></html>", HTML),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE html><p>", HTML),
        (SVG, HTML),
        (b"<?xml version='1.0'?>" + SVG, HTML),
        # Macros: in front, behind more parts than are looked at there, in the list alone, in other capitals.
        (archive(*LETTER, "word/vbaProject.bin"), MACROS),
        (archive(*LETTER, *MANY, "word/vbaProject.bin"), MACROS),
        (archive(*LETTER, "word/VBAPROJECT.BIN"), MACROS),
        (archive(LETTER[0], "word/media/a.png", "word/vbaProject.bin", LETTER[1], size=2 * HEAD_BYTES), MACROS),
        # Archives that are no documents, broken ones, and one that hides its list.
        (archive("word/document.xml"), ZIP),
        (archive(*LETTER)[:-30], ZIP),
        (archive(*LETTER)[:60], ZIP),
        (archive(*LETTER).replace(b"PK\x01\x02", b"PK\x09\x09"), ZIP),
        # Programs and scripts that a shell would run.
        (b"#!/bin/sh\nrm -rf /\n", "text/plain"),
        (b"MZ" + PDF, "application/octet-stream"),
    ],
)
def test_a_file_is_taken_for_one_thing(content: bytes, taken_for: str) -> None:
    assert type_of(BytesIO(content)) == taken_for


def zip_bomb() -> bytes:
    return archive(*LETTER, *MANY[:20], size=20 * 1024 * 1024)


def half_a_million_names() -> bytes:
    """A list of names as long as the largest file, which a common reader would make an object of each from."""
    entry = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0, 0) + b"a"
    count = (MAX_BYTES - 200) // len(entry)
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, count * len(entry), 4, 0)
    return b"PK\x03\x04" + entry * count + end


def a_name_without_end() -> bytes:
    header = struct.pack("<4s2xHHxxxxxxxxIIHH", b"PK\x03\x04", 0, 0, 0, 0, 0xFFFF, 0xFFFF)
    return header + b"a" * (MAX_BYTES - len(header))


def an_old_container_that_points_far_away() -> bytes:
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HI", header, 30, 0xFFFF, 0)
    struct.pack_into("<I", header, 48, 0xFFFFFFFF)
    return bytes(header)


@pytest.mark.parametrize(
    "bomb", [zip_bomb, half_a_million_names, a_name_without_end, an_old_container_that_points_far_away]
)
def test_looking_at_a_bomb_costs_little_memory(bomb: Callable[[], bytes]) -> None:
    content = BytesIO(bomb())
    type_of(BytesIO(PDF))
    tracemalloc.start()
    try:
        type_of(content)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("..\\..\\windows\\system32\\hui.pdf", "hui.pdf"),
        ("/etc/../../hui.pdf", "hui.pdf"),
        ("hui\r\nSet-Cookie: a=b.pdf", "huiSet-Cookie a=b.pdf"),
        ("hui\u202efdp.exe", "huifdp.exe.pdf"),
        ("\u200fhui\u200b\u2066.pdf\ufeff", "hui.pdf"),
        ('hui";filename="x.exe', "hui;filename=x.exe.pdf"),
        ("\x00", "file.pdf"),
        ("." * 300, "file.pdf"),
        ("Kōrero \U0001f600.pdf", "Kōrero \U0001f600.pdf"),
    ],
)
def test_a_name_is_no_path_and_hides_nothing(given: str, kept: str) -> None:
    assert name_with_ending(given, ("pdf",)) == kept


@pytest.mark.parametrize("letter", ["x", "ā", "\U0001f600", "."])
def test_a_name_of_three_hundred_letters_is_cut_and_keeps_its_ending(letter: str) -> None:
    name = name_with_ending(letter * 300 + "z.pdf", ("pdf",))
    assert len(name) <= 120
    assert name.endswith(".pdf")
    assert clean_name(name) == name

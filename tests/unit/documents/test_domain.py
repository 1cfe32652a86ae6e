"""File names and types: what a person's device says, and what we keep of it."""

import pytest

from kit.errors import DomainError, InvalidArgumentError
from services.documents.content import type_of
from services.documents.domain.files import MAX_BYTES, check_content, clean_name

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Whānau hui.pdf", "Whānau hui.pdf"),
        ("C:\\Users\\demo\\letter.docx", "letter.docx"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\u202egnp.exe", "abgnp.exe"),
        ("  .. ", "file"),
        ("", "file"),
        ("/", "file"),
        ("nā\u0304.txt".replace("ā\u0304", "a\u0304"), "nā.txt"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("no-extension" + "x" * 300, ("no-extension" + "x" * 300)[:120]),
    ],
)
def test_a_name_loses_its_path_and_keeps_its_letters(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        ("Kia ora, whānau".encode(), "text/plain"),
        ("ā".encode() * 100 + b"\xc4", "text/plain"),
        (b"<html><script>alert(1)</script>", "text/html"),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", "text/html"),
    ],
)
def test_a_type_is_read_from_the_content(head: bytes, content_type: str) -> None:
    assert type_of(head) == content_type


@pytest.mark.parametrize("head", [b"MZ\x90\x00\x03\x00", b"\x7fELF\x02\x01\x01\x00", b"\x00\x01\x02\x03"])
def test_a_program_is_not_kept(head: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_content(size=len(head), content_type=type_of(head))
    assert caught.value.violations[0].reason == "type"


@pytest.mark.parametrize(("size", "reason"), [(0, "empty"), (MAX_BYTES + 1, "too-large")])
def test_a_size_has_bounds(size: int, reason: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_content(size=size, content_type="application/pdf")
    assert caught.value.violations[0].reason == reason


def test_the_largest_size_is_kept() -> None:
    check_content(size=MAX_BYTES, content_type="application/pdf")

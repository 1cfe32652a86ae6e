"""File names and types: what a person's device says, and what we keep of it."""

import struct
import zipfile
from datetime import UTC, date, datetime
from io import BytesIO
from uuid import UUID

import pytest

from kit.errors import DomainError, FailedPreconditionError, InvalidArgumentError
from services.documents.content import type_of
from services.documents.domain.files import (
    MAX_BYTES,
    Action,
    Document,
    FileType,
    FileTypes,
    Removal,
    ScanState,
    Visibility,
    allowed_actions,
    check_content,
    check_download,
    clean_name,
    described,
    name_with_ending,
    removed,
)

TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
KEPT = FileTypes.on(
    TODAY,
    [
        FileType(media_type=media_type, extension=extension, starts_on=starts_on, ends_on=ends_on)
        for media_type, extension, starts_on, ends_on in (
            ("application/pdf", "pdf", date(2026, 1, 1), None),
            ("image/jpeg", "jpg", date(2026, 1, 1), None),
            ("image/jpeg", "jpeg", date(2026, 1, 1), None),
            ("image/gif", "gif", date(2026, 1, 1), date(2026, 3, 3)),
            ("image/png", "png", date(2026, 3, 5), None),
        )
    ],
)
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
        ("\ufeff<html>".encode(), "text/html"),
        (b"ID3\x03\x00" + bytes(60), "audio/mpeg"),
        (bytes([0, 0, 0, 24]) + b"ftypheic" + bytes(20), "image/heic"),
        (bytes([0, 0, 0, 24]) + b"ftypM4A " + bytes(20), "audio/mp4"),
        (bytes([0, 0, 0, 24]) + b"ftypqt  " + bytes(20), "application/octet-stream"),
    ],
)
def test_a_type_is_read_from_the_content(head: bytes, content_type: str) -> None:
    assert type_of(BytesIO(head)) == content_type


@pytest.mark.parametrize("head", [b"MZ\x90\x00\x03\x00", b"\x7fELF\x02\x01\x01\x00", b"\x00\x01\x02\x03"])
def test_a_program_is_not_kept(head: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_content(size=len(head), content_type=type_of(BytesIO(head)), types=KEPT)
    assert caught.value.violations[0].reason == "type"


@pytest.mark.parametrize(("size", "reason"), [(0, "empty"), (MAX_BYTES + 1, "too-large")])
def test_a_size_has_bounds(size: int, reason: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_content(size=size, content_type="application/pdf", types=KEPT)
    assert caught.value.violations[0].reason == reason


def test_the_largest_size_is_kept() -> None:
    check_content(size=MAX_BYTES, content_type="application/pdf", types=KEPT)


ODT = "application/vnd.oasis.opendocument.text"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def packed(*names: str, first: str = "") -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype" if first else "[Content_Types].xml"), first or "<Types/>")
        for name in names:
            archive.writestr(name, "x" * 500)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (packed("_rels/.rels", "word/document.xml"), WORD),
        (packed("xl/workbook.xml"), WORD.replace("wordprocessingml.document", "spreadsheetml.sheet")),
        (
            packed("content.xml", first="application/vnd.oasis.opendocument.text"),
            "application/vnd.oasis.opendocument.text",
        ),
        (packed("word/vbaProject.bin", "word/document.xml"), "application/vnd.ms-office.macro-enabled"),
        (packed("run.exe"), "application/zip"),
        (b"PK\x03\x04", "application/zip"),
    ],
)
def test_containers_are_told_apart_by_the_names_in_them(content: bytes, content_type: str) -> None:
    assert type_of(BytesIO(content)) == content_type


def old_container(stream: str) -> bytes:
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, 0)
    name = stream.encode("utf-16-le")
    entry = name.ljust(64, b"\0") + struct.pack("<H", len(name) + 2)
    return bytes(header) + entry.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("stream", "content_type"),
    [
        ("WordDocument", "application/msword"),
        ("Workbook", "application/vnd.ms-excel"),
        ("__properties_version1.0", "application/vnd.ms-outlook"),
        ("!_StringPool", "application/x-ole-storage"),
    ],
)
def test_old_containers_are_told_apart_by_their_streams(stream: str, content_type: str) -> None:
    assert type_of(BytesIO(old_container(stream))) == content_type


def test_an_old_container_without_its_directory_is_none_that_is_kept() -> None:
    assert type_of(BytesIO(old_container("WordDocument")[:100])) == "application/x-ole-storage"


@pytest.mark.parametrize("media_type", ["image/gif", "image/png", "text/html"])
def test_a_type_is_kept_while_its_dates_say_so(media_type: str) -> None:
    with pytest.raises(InvalidArgumentError):
        check_content(size=1, content_type=media_type, types=KEPT)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.JPEG", "photo.JPEG"),
        ("photo.exe", "photo.exe.jpg"),
        ("photo", "photo.jpg"),
        ("jpg", "jpg.jpg"),
        ("x" * 300, "x" * 116 + ".jpg"),
    ],
)
def test_a_name_ends_as_the_content_is(given: str, kept: str) -> None:
    assert name_with_ending(given, ("jpg", "jpeg")) == kept


def document(state: ScanState, *, removal: Removal | None = None) -> Document:
    return Document(
        document_id=UUID(int=1),
        case_id=UUID(int=2),
        name="Whānau hui.pdf",
        content_type="application/pdf",
        size=1,
        sha256="",
        scan_state=state,
        uploaded_by=UUID(int=3),
        uploaded_at=NOW,
        removal=removal,
    )


REMOVAL = Removal(NOW, UUID(int=3), "The wrong student")
CHANGES = (Action.DESCRIBE, Action.REMOVE)


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        (ScanState.WAITING, CHANGES),
        (ScanState.FAILED, CHANGES),
        (ScanState.INFECTED, CHANGES),
        (ScanState.CLEAN, (Action.DOWNLOAD, *CHANGES)),
        (ScanState.NO_SCANNER, (Action.DOWNLOAD, *CHANGES)),
    ],
)
def test_what_can_be_done_follows_the_scan(state: ScanState, actions: tuple[Action, ...]) -> None:
    assert allowed_actions(document(state), may_record=True) == actions
    assert set(allowed_actions(document(state), may_record=False)) == set(actions) - set(CHANGES)


@pytest.mark.parametrize("state", [ScanState.WAITING, ScanState.FAILED, ScanState.INFECTED])
def test_what_was_not_found_clean_is_not_handed_out(state: ScanState) -> None:
    with pytest.raises(FailedPreconditionError):
        check_download(document(state))


def test_what_was_removed_can_be_neither_had_nor_changed() -> None:
    gone = removed(document(ScanState.CLEAN), REMOVAL)
    assert allowed_actions(gone, may_record=True) == ()
    with pytest.raises(FailedPreconditionError) as caught:
        check_download(gone)
    assert caught.value.reason == "removed"
    with pytest.raises(FailedPreconditionError):
        removed(gone, REMOVAL)
    with pytest.raises(FailedPreconditionError):
        described(gone, name="a.pdf", description="", visibility=Visibility.SCHOOL, school_id=None)


@pytest.mark.parametrize(("given", "kept"), [("Hui 4 March", "Hui 4 March.pdf"), ("../Hui.exe", "Hui.exe.pdf")])
def test_another_name_keeps_the_ending(given: str, kept: str) -> None:
    changed = described(
        document(ScanState.CLEAN), name=given, description="Notes", visibility=Visibility.SCHOOL, school_id=None
    )
    assert (changed.name, changed.version) == (kept, 2)

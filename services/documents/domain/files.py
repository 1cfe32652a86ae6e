"""What a file is, and what may be handed out. Pure rules."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, Violation

MAX_BYTES = 25 * 1024 * 1024

# What people attach to a case. Anything that a browser would run is not among it.
ALLOWED_TYPES = frozenset(
    {
        "application/pdf",
        "application/rtf",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.text",
        "image/gif",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/mpeg",
        "audio/mp4",
        "message/rfc822",
        "text/plain",
    }
)

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069<>:\"|?*]")
_LONGEST_NAME = 120
_LONGEST_EXTENSION = 10


class ScanState(StrEnum):
    """What the scanner said."""

    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    NO_SCANNER = "no-scanner"


@dataclass(frozen=True, slots=True)
class Document:
    """One stored file. `size` in bytes; `sha256` hexadecimal; the bytes are at `object_key(tenant, id)`."""

    document_id: UUID
    case_id: UUID
    name: str
    content_type: str
    size: int
    sha256: str
    scan_state: ScanState
    uploaded_by: UUID
    uploaded_at: datetime


def object_key(tenant_id: UUID, document_id: UUID) -> str:
    """Where the bytes are: no part of it was chosen by a person."""
    return f"{tenant_id}/{document_id}"


def clean_name(name: str) -> str:
    """A file name as a person may see and download it: no path, no control characters, macrons kept, extension kept."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    base = _UNSAFE.sub("", base).strip(" .")
    if not base:
        return "file"
    stem, dot, extension = base.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        return base[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"


def check_content(*, size: int, content_type: str) -> None:
    """Refuse what may not be kept; raises InvalidArgumentError naming the rule."""
    if size == 0:
        raise InvalidArgumentError.of(Violation("chunk", "empty", "is an empty file"))
    if size > MAX_BYTES:
        raise too_large()
    if content_type not in ALLOWED_TYPES:
        raise InvalidArgumentError.of(
            Violation("chunk", "type", f"is {content_type}; documents, pictures, sound and text are kept")
        )


def too_large() -> InvalidArgumentError:
    """The error for a file over the limit; also raised half-way, before the rest is read."""
    return InvalidArgumentError.of(Violation("chunk", "too-large", f"may have at most {MAX_BYTES // 1024**2} MB"))


def check_download(document: Document) -> None:
    """Refuse to hand out what was not scanned or is harmful; a system without a scanner hands out, and says so."""
    if document.scan_state is ScanState.WAITING:
        raise FailedPreconditionError("not-scanned", "This file is being checked. Try again in a minute.")
    if document.scan_state is ScanState.INFECTED:
        raise FailedPreconditionError("infected", "Something harmful was found in this file. It is never handed out.")

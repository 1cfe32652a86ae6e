"""What a file is, and what may be handed out. Pure rules."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, StaleVersionError, Violation

MAX_BYTES = 25 * 1024 * 1024

SCAN_WITHIN = timedelta(minutes=10)
"""A file that the scanner has not spoken about for so long is looked after."""
SCAN_AGAIN_AFTER = timedelta(minutes=30)
KEEP_REMOVED = timedelta(days=90)
"""How long the bytes of a removed file are kept: long enough to notice a mistake (docs/adr/0008)."""

# Control characters, marks that turn text round or cannot be seen, and what some computer's folders do not take.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb<>:\"|?*]"
)
_LONGEST_NAME = 120
_LONGEST_EXTENSION = 10


class ScanState(StrEnum):
    """What the scanner said."""

    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    NO_SCANNER = "no-scanner"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see a file: those who work on the case, or the student's school too."""

    PROVIDER = "provider"
    SCHOOL = "school"


class Action(StrEnum):
    """What can be done with a file."""

    DOWNLOAD = "download"
    DESCRIBE = "describe"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Removal:
    """That a file was taken out of its case. `disposed_at` is when its bytes were deleted for good."""

    at: datetime
    by: UUID
    reason: str
    disposed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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
    description: str = ""
    visibility: Visibility = Visibility.PROVIDER
    version: int = 1
    removal: Removal | None = None
    is_record: bool = False
    """What was made to be sent: it is never taken out of its case."""
    shared_with: UUID | None = None
    """The school that reads it; None while it is not shared, or the student has none."""

    @property
    def is_unscanned(self) -> bool:
        """Whether the scanner has yet to say something about it."""
        return self.scan_state in (ScanState.WAITING, ScanState.FAILED)


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """A file as the school has it that it was shared with, and whose it is."""

    provider_id: UUID
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A type that is kept: what its content shows, and an ending that its name may have. The first ending is usual."""

    media_type: str
    extension: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class FileTypes:
    """The types that are kept on a day."""

    types: tuple[FileType, ...]

    @classmethod
    def on(cls, today: date, types: Iterable[FileType]) -> "FileTypes":
        """Those that hold on a day, in the order given."""
        return cls(tuple(t for t in types if t.starts_on <= today and (t.ends_on is None or today <= t.ends_on)))

    def extensions(self, media_type: str) -> tuple[str, ...]:
        """Endings that a file of a type may have; none for a type that is not kept."""
        return tuple(t.extension for t in self.types if t.media_type == media_type)


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


def name_with_ending(name: str, endings: tuple[str, ...]) -> str:
    """A clean name that ends as its content is: what says `.exe` and is a picture is a picture to every computer."""
    name = clean_name(name)
    if name.rpartition(".")[2].lower() in endings and "." in name:
        return name
    ending = f".{endings[0]}"
    return name[: _LONGEST_NAME - len(ending)] + ending


def check_content(*, size: int, content_type: str, types: FileTypes) -> tuple[str, ...]:
    """The endings that such a file may have; raises InvalidArgumentError naming the rule for what may not be kept."""
    if size == 0:
        raise InvalidArgumentError.of(Violation("chunk", "empty", "is an empty file"))
    if size > MAX_BYTES:
        raise too_large()
    endings = types.extensions(content_type)
    if not endings:
        raise InvalidArgumentError.of(
            Violation("chunk", "type", f"is {content_type}; documents, pictures, sound and text are kept")
        )
    return endings


def check_whole(*, sha256: str, expected: str) -> None:
    """Refuse what is not what its sender sent; raises InvalidArgumentError."""
    if expected not in ("", sha256):
        raise InvalidArgumentError.of(Violation("chunk", "sha256", "did not arrive as it was sent; send it again"))


def too_large() -> InvalidArgumentError:
    """The error for a file over the limit; also raised half-way, before the rest is read."""
    return InvalidArgumentError.of(Violation("chunk", "too-large", f"may have at most {MAX_BYTES // 1024**2} MB"))


def check_download(document: Document) -> None:
    """Refuse to hand out what was not scanned, is harmful or was removed.

    A system without a scanner hands out, and says so.
    """
    check_present(document)
    if document.scan_state is ScanState.WAITING:
        raise FailedPreconditionError("not-scanned", "This file is being checked. Try again in a minute.")
    if document.scan_state is ScanState.FAILED:
        raise FailedPreconditionError("not-scanned", "This file could not be checked yet. It is tried again by itself.")
    if document.scan_state is ScanState.INFECTED:
        raise FailedPreconditionError("infected", "Something harmful was found in this file. It is never handed out.")


def check_present(document: Document) -> None:
    """Refuse what was taken out of its case."""
    if document.removal is not None:
        raise FailedPreconditionError("removed", "This file was taken out of the case.")


def check_removable(document: Document) -> None:
    """Refuse to take out what is out already, or is a record."""
    check_present(document)
    if document.is_record:
        raise FailedPreconditionError(
            "is-record",
            "This letter is a record: what was printed to be sent is kept as it was, and never taken out of the case.",
        )


def can_download(document: Document) -> bool:
    """Whether it is handed out now."""
    return document.removal is None and document.scan_state in (ScanState.CLEAN, ScanState.NO_SCANNER)


def check_version(document: Document, expected: int) -> None:
    """Raise StaleVersionError unless `expected` is 0 or the version that stands."""
    if expected not in (0, document.version):
        raise StaleVersionError(expected=expected, actual=document.version)


def allowed_actions(document: Document, *, may_record: bool) -> tuple[Action, ...]:
    """What someone who may see the case can do with a file now."""
    if document.removal is not None:
        return ()
    download = (Action.DOWNLOAD,) if can_download(document) else ()
    remove = () if document.is_record else (Action.REMOVE,)
    return (*download, Action.DESCRIBE, *remove) if may_record else download


def readers_at_school(visibility: Visibility, school_id: UUID | None) -> UUID | None:
    """The school that reads a file of a case, where it is shared; a case without a school shares with nobody."""
    return school_id if visibility is Visibility.SCHOOL else None


def described(
    document: Document, *, name: str, description: str, visibility: Visibility, school_id: UUID | None
) -> Document:
    """With another name, description or visibility. The ending stays, since the content does.

    `school_id` is the school of the case now, which reads what is shared from now on.
    """
    check_present(document)
    return replace(
        document,
        name=name_with_ending(name, (document.name.rpartition(".")[2].lower(),)),
        description=description,
        visibility=visibility,
        shared_with=readers_at_school(visibility, school_id),
        version=document.version + 1,
    )


def removed(document: Document, removal: Removal) -> Document:
    """Taken out of its case: what it was and why it went stays, for its provider alone."""
    check_removable(document)
    return replace(document, removal=removal, shared_with=None, version=document.version + 1)


def scanned(document: Document, state: ScanState) -> Document:
    """With what the scanner said."""
    return replace(document, scan_state=state, version=document.version + 1)


def disposed(document: Document, now: datetime) -> Document:
    """With its bytes deleted for good."""
    assert document.removal is not None, "only what was removed is disposed of"
    return replace(document, removal=replace(document.removal, disposed_at=now), version=document.version + 1)

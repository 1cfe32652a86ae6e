"""What the pages of files show, made from what the documents service says."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ascms.documents.v1 import documents_pb2, files_pb2, sharing_pb2
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kit.errors import Violation
from services.gateway.cases.names import Names
from services.gateway.transfer import MOST_BYTES
from services.gateway.wording import moment_of, violation_words

MEGABYTE = 1024 * 1024
SCANS: Mapping[int, str] = {
    documents_pb2.SCAN_STATE_WAITING: "waiting",
    documents_pb2.SCAN_STATE_CLEAN: "clean",
    documents_pb2.SCAN_STATE_INFECTED: "infected",
    documents_pb2.SCAN_STATE_NO_SCANNER: "no-scanner",
    documents_pb2.SCAN_STATE_FAILED: "failed",
}
_KINDS = {
    "application/pdf": _l("PDF"),
    "message/rfc822": _l("Email"),
    "application/vnd.ms-outlook": _l("Email"),
    "text/plain": _l("Text"),
}
_FAMILIES = (
    ("image/", _l("Picture")),
    ("audio/", _l("Sound")),
    ("spreadsheet", _l("Spreadsheet")),
    ("ms-excel", _l("Spreadsheet")),
    ("presentation", _l("Slides")),
)
_FAULTS = {
    "empty": _l("%(name)s is empty: there is nothing in the file."),
    "too-large": _l("%(name)s is larger than %(most)s MB. Make it smaller or send it in parts."),
    "type": _l(
        "%(name)s is of a kind that we do not keep. We keep PDFs, pictures, sound, text, emails, letters, spreadsheets "
        "and slides, without macros."
    ),
    "sha256": _l("%(name)s did not arrive whole. Send it again."),
}
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file in the list of a case. `scan` is one of SCANS' words; `removed` is when it was taken out."""

    document_id: str
    name: str
    description: str
    kind: str
    size: str
    scan: str
    is_shared: bool
    by: str
    at: datetime | None
    may: frozenset[str]
    removed: datetime | None
    removed_by: str
    removed_reason: str
    version: int
    is_record: bool

    @property
    def href(self) -> str:
        """Where it is downloaded."""
        return url_for("files.download", document_id=self.document_id)


def present_file(document: documents_pb2.Document, names: Names) -> FileLine:
    """One file."""
    return FileLine(
        document_id=document.document_id,
        name=document.name,
        description=document.description,
        kind=_kind_words(document.content_type),
        size=size_words(document.size),
        scan=SCANS.get(document.scan_state, ""),
        is_shared=document.visibility == files_pb2.DOCUMENT_VISIBILITY_SCHOOL,
        by=names.person(document.uploaded_by),
        at=moment_of(document.uploaded_at),
        may=frozenset(document.allowed_actions),
        removed=moment_of(document.removed_at) if document.HasField("removed_at") else None,
        removed_by=names.person(document.removed_by),
        removed_reason=document.removed_reason,
        version=document.version,
        is_record=document.is_record,
    )


@dataclass(frozen=True, slots=True)
class SharedFileLine:
    """A file as the student's school has it. `by` is empty where its name is not to be had."""

    document_id: str
    name: str
    description: str
    kind: str
    size: str
    by: str
    at: datetime | None
    can_download: bool
    was_scanned: bool

    @property
    def href(self) -> str:
        """Where it is downloaded."""
        return url_for("sharing.download", document_id=self.document_id)


def present_shared_file(document: sharing_pb2.SharedDocument, *, by: str) -> SharedFileLine:
    """One file that was shared."""
    return SharedFileLine(
        document_id=document.document_id,
        name=document.name,
        description=document.description,
        kind=_kind_words(document.content_type),
        size=size_words(document.size),
        by=by,
        at=moment_of(document.uploaded_at),
        can_download=document.can_download,
        was_scanned=document.was_scanned,
    )


def size_words(size: int) -> str:
    """A size as people say it: "820 KB", "2.4 MB"."""
    if size < MEGABYTE:
        return f"{max(1, round(size / 1024))}\u00a0KB"
    return f"{size / MEGABYTE:.1f}\u00a0MB"


def sendable_name(name: str) -> str:
    """A file's name without what no name needs: control characters, marks that turn text round. Macrons stay."""
    kept = [character for character in name if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}]
    return "".join(kept)[-_LONGEST_NAME:] or "file"


def fault_words(name: str, violation: Violation) -> str:
    """Why a file is refused, in the reader's language, naming it and the rule."""
    words = _FAULTS.get(violation.reason)
    if words is None:
        return f"{name}: {violation_words(violation)}"
    return str(words) % {"name": name, "most": MOST_BYTES // MEGABYTE}


def _kind_words(content_type: str) -> str:
    for part, words in _FAMILIES:
        if part in content_type:
            return str(words)
    return str(_KINDS.get(content_type) or _("Document"))

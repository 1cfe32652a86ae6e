"""Types of files that are kept."""

from sqlalchemy import select

from kit.db import Transaction, prepare
from services.documents.domain.files import FileType
from services.documents.store.tables import FILE_TYPE

_C = FILE_TYPE.c
_ALL = prepare(select(FILE_TYPE).order_by(_C.position, _C.media_type, _C.extension, _C.starts_on))


def list_file_types(tx: Transaction) -> list[FileType]:
    """Every type, also those that hold no more or not yet; the usual ending of a type first."""
    return [
        FileType(media_type=row.media_type, extension=row.extension, starts_on=row.starts_on, ends_on=row.ends_on)
        for row in tx.all(_ALL)
    ]

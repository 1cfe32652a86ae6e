"""The rules of files. Pure: the time, ids and the content's type are passed in."""

from services.documents.domain import files

__all__ = ["files"]

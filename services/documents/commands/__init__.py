"""What is done to files: one function per verb, one transaction each."""

from services.documents.commands import files

__all__ = ["files"]

"""What is done to files: one function per verb, one transaction each."""

from services.documents.commands import files, scans

__all__ = ["files", "scans"]

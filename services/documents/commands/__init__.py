"""What is done to files and letters: one function per verb, one transaction each."""

from services.documents.commands import files, letters, scans

__all__ = ["files", "letters", "scans"]

"""What is done to files, letters and guidance: one function per verb, one transaction each."""

from services.documents.commands import files, guides, letters, scans, sharing

__all__ = ["files", "guides", "letters", "scans", "sharing"]

"""SQL of documents. The rows that are visible are the policies' matter."""

from services.documents.store.tables import METADATA

__all__ = ["METADATA"]

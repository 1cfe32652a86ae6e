"""SQL of documents. The rows that are visible are the policies' matter."""

from services.documents.store.guide_tables import EXTRA_ROLES
from services.documents.store.tables import METADATA

__all__ = ["EXTRA_ROLES", "METADATA"]

"""SQL of cases. The rows that are visible are the policies' matter: no statement names a tenant to filter by."""

from services.cases.store.tables import METADATA

__all__ = ["METADATA"]

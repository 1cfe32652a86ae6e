"""Bytes without a row: what an upload left behind that died before it was in the database."""

from datetime import timedelta
from uuid import UUID

from kit.actor import system_actor
from services.documents.commands.deps import Deps
from services.documents.store import files


class OrphanSweep:
    """Looks through the object store and deletes what has no row and is older than any upload can be.

    A chore of housekeeping, which counts what it removed.
    """

    def __init__(self, deps: Deps, *, older_than: timedelta) -> None:
        """`older_than` must be longer than an upload takes from its bytes to its row."""
        self._deps = deps
        self._older_than = older_than

    def sweep_once(self) -> int:
        """Delete every orphan; return how many there were."""
        before = self._deps.clock.now() - self._older_than
        removed = self._deps.objects.discard_unfinished(before=before)
        for found in self._deps.objects.list(""):
            tenant, _, document = found.key.partition("/")
            if found.modified_at > before or self._has_row(UUID(tenant), UUID(document)):
                continue
            self._deps.objects.delete(found.key)
            removed += 1
        return removed

    def _has_row(self, tenant_id: UUID, document_id: UUID) -> bool:
        with self._deps.database.tenant(system_actor("documents", tenant_id)) as tx:
            return files.find_document(tx, document_id) is not None

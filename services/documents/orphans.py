"""Bytes without a row: what an upload left behind that died between the object store and the database."""

import threading
from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter

from kit import log
from kit.actor import system_actor
from services.documents import store
from services.documents.commands import Deps

_REMOVED = Counter("ascms_documents_orphans_removed", "Objects without a row that were deleted.")
_INTERVAL_SECONDS = 3600.0


class OrphanSweep:
    """Looks through the object store each hour and deletes what has no row and is older than any upload can be."""

    def __init__(self, deps: Deps, *, older_than: timedelta) -> None:
        """`older_than` must be longer than an upload takes from its bytes to its row."""
        self._deps = deps
        self._older_than = older_than
        self._stopping = threading.Event()

    def run(self) -> None:
        """Sweep each hour until stopped; the first time an hour after the start."""
        while not self._stopping.wait(_INTERVAL_SECONDS):
            try:
                self.sweep_once()
            except Exception as error:  # noqa: BLE001 - the store may be away; the next sweep finds the same objects
                log.logger().error("orphan-sweep-failed", **log.describe(error))

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    def sweep_once(self) -> int:
        """Delete every orphan; return how many there were."""
        before = self._deps.clock.now() - self._older_than
        removed = 0
        for found in self._deps.objects.list(""):
            tenant, _, document = found.key.partition("/")
            if found.modified_at > before or self._has_row(UUID(tenant), UUID(document)):
                continue
            self._deps.objects.delete(found.key)
            _REMOVED.inc()
            removed += 1
        return removed

    def _has_row(self, tenant_id: UUID, document_id: UUID) -> bool:
        with self._deps.database.tenant(system_actor("documents", tenant_id)) as tx:
            return store.find_document(tx, document_id) is not None

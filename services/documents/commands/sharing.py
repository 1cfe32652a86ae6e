"""What a school does with a file that was shared with it."""

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from services.documents.commands.deps import Deps
from services.documents.domain.files import SharedDocument


def log_download(deps: Deps, actor: Actor, shared: SharedDocument) -> None:
    """Write down, where the provider can read it, that someone of the school was handed a file."""
    with deps.database.tenant(actor) as tx, tx.enter_tenant(shared.provider_id, reason="download-shared-document"):
        audit.write(tx, Audit("download-shared-document", shared.document.document_id), now=deps.clock.now())

"""What every method behind the gRPC door shares."""

from dataclasses import dataclass
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.errors import NotFoundError
from kit.objects import ObjectMissingError, Pieces
from kit.paging import PageTokens
from kit.rpc.client import Backend
from kit.rpc.server import Call
from services.documents.commands.deps import Deps
from services.documents.domain.files import Document, check_download, object_key
from services.documents.letters import Letters


@dataclass(frozen=True)
class Methods:
    """What the methods of every noun share."""

    deps: Deps
    cases: Backend
    page_tokens: PageTokens
    letters: Letters

    def check_case(self, case_id: str, call: Call) -> UUID | None:
        """Ask cases, with the caller's own token, whether they may see a case; raises NotFoundError.

        Returns the school that reads what is shared of it; None where the student has none.
        """
        # A copy of who works on what would refuse the worker just assigned and admit the one just removed.
        answer = self.cases.call("CheckCase", cases_pb2.CheckCaseRequest(case_id=case_id), token=call.token)
        return UUID(answer.school_id) if answer.school_id else None

    def check_shared_case(self, case_id: str, call: Call) -> None:
        """Ask cases whether the caller, who works for a school, may see a case of it now; raises NotFoundError."""
        request = cases_pb2.CheckSharedCaseRequest(case_id=case_id)
        self.cases.call("CheckSharedCase", request, token=call.token)

    def open_file(self, document: Document, tenant_id: UUID) -> Pieces:
        """The bytes of a file of a provider, to be handed out; the caller closes them.

        Raises:
            FailedPreconditionError: it was not scanned, is harmful, or was taken out.
            NotFoundError: its bytes are gone.
        """
        check_download(document)
        try:
            return self.deps.objects.read(object_key(tenant_id, document.document_id))
        except ObjectMissingError as error:
            raise NotFoundError("file") from error

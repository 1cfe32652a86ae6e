"""Letters as PDF."""

from uuid import UUID

from ascms.documents.v1 import letters_pb2

from kit.rpc.server import Call, read
from services.documents import commands
from services.documents.rpc.base import Methods


class LetterMethods(Methods):
    """Letters. Whether someone may see one is for cases to say, by their own token."""

    @read
    def PreviewLetter(self, request: letters_pb2.PreviewLetterRequest, call: Call) -> letters_pb2.PreviewLetterResponse:
        """See the contract."""
        content = commands.letters.preview_letter(
            self.deps, self.letters, call.actor, letter_id=UUID(request.letter_id), token=call.token
        )
        return letters_pb2.PreviewLetterResponse(content=content)

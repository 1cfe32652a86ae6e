"""A letter as cases tells it, with the names that identity tells: asked for when it is printed, kept nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from ascms.cases.v1 import letters_pb2
from ascms.identity.v1 import identity_pb2

from kit.rpc.client import Backend
from kit.rpc.identity import ServiceTokens
from services.documents.domain.letters import LANGUAGES, PrintedLetter

PURPOSE = "render-letters"
_FAMILIES: Mapping[int, str] = MappingProxyType(
    {
        letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE: "chronic_absence",
        letters_pb2.LETTER_FAMILY_NON_ENROLMENT: "non_enrolment",
    }
)
_LANGUAGES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        letters_pb2.LETTER_LANGUAGE_ENGLISH: ("en",),
        letters_pb2.LETTER_LANGUAGE_MAORI: ("mi",),
        letters_pb2.LETTER_LANGUAGE_BOTH: LANGUAGES,
    }
)


@dataclass(frozen=True, slots=True)
class ApprovedLetter:
    """A letter to be printed and kept; `document_id` of the PDF that it has already, else None."""

    printed: PrintedLetter
    case_id: UUID
    version: int
    approved_by: UUID
    document_id: UUID | None


class Letters(Protocol):
    """Where letters come from. Every function raises the DomainErrors of those it asks."""

    def find_draft(self, letter_id: UUID, *, token: str) -> PrintedLetter:
        """A letter as it stands, by the token of whoever wants to see it. NotFoundError where they may not."""
        ...

    def find_approved(self, tenant_id: UUID, letter_id: UUID) -> ApprovedLetter:
        """A letter that was approved. NotFoundError where it is not, or not any more."""
        ...


@dataclass(frozen=True)
class RemoteLetters:
    """The letters that cases keeps."""

    cases: Backend
    identity: Backend
    tokens: ServiceTokens

    def find_draft(self, letter_id: UUID, *, token: str) -> PrintedLetter:
        """See Letters."""
        answer = self.cases.call("GetLetter", letters_pb2.GetLetterRequest(letter_id=str(letter_id)), token=token)
        return self._printed(answer.letter, answer.print, token=token, is_draft=True)

    def find_approved(self, tenant_id: UUID, letter_id: UUID) -> ApprovedLetter:
        """See Letters."""
        token = self.tokens.token(tenant_id, PURPOSE)
        request = letters_pb2.GetApprovedLetterRequest(letter_id=str(letter_id))
        answer = self.cases.call("GetApprovedLetter", request, token=token)
        letter = answer.letter
        return ApprovedLetter(
            printed=self._printed(letter, answer.print, token=token, is_draft=False),
            case_id=UUID(letter.case_id),
            version=letter.version,
            approved_by=UUID(letter.approved_by),
            document_id=UUID(letter.document_id) if letter.document_id else None,
        )

    def _printed(
        self, letter: letters_pb2.Letter, case: letters_pb2.LetterPrint, *, token: str, is_draft: bool
    ) -> PrintedLetter:
        ids = [each for each in (case.school_id, case.provider_id) if each]
        request = identity_pb2.BatchGetOrganisationsRequest(organisation_ids=ids)
        found = self.identity.call("BatchGetOrganisations", request, token=token).organisations
        names = {each.organisation_id: each.name for each in found}
        text = letter.text
        return PrintedLetter(
            family=_FAMILIES[letter.family],
            stage=letter.stage,
            languages=_LANGUAGES[text.language],
            recipients=tuple(text.recipients),
            address=text.address,
            support=text.support,
            words=text.words,
            contact_name=text.contact_name,
            contact_phone=text.contact_phone,
            student=case.student_name,
            school=names[case.school_id] if case.school_id else "",
            provider=names[case.provider_id],
            case_number=letter.case_number,
            dated_on=date.fromisoformat(case.dated_on),
            days=case.response_days,
            is_draft=is_draft,
        )

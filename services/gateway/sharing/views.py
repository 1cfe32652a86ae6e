"""What a provider shared with a school: the cases of its students, and one of them."""

from collections.abc import Iterable
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.documents.v1 import sharing_pb2
from ascms.identity.v1 import contacts_pb2
from flask import Blueprint, Response, render_template, request

from kit.errors import NotFoundError
from services.gateway.backends import call
from services.gateway.files.pages import SharedFileLine, present_shared_file
from services.gateway.files.views import save_file
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import organisation_names
from services.gateway.security import caller, needs
from services.gateway.sending import optional
from services.gateway.sharing import pages

blueprint = Blueprint("sharing", __name__)
_MOST_CONTACTS = 50
_NEWEST_FILES = 5


@blueprint.get("/shared")
@needs("cases:read-shared")
def show_list() -> str:
    """The cases of the school's students that the reader may see, newest first; the filter stands in the address."""
    question = cases_pb2.ListSharedCasesRequest(
        state=pages.STATES_BY_FILTER.get(request.args.get("state", ""), cases_pb2.SHARED_STATE_UNSPECIFIED),
        page_token=request.args.get("page", ""),
    )
    answer = call("cases", "ListSharedCases", question)
    return render_template(
        "sharing/list.html",
        counts=counts_of(answer),
        lines=present_lines(answer.cases),
        next_page=answer.next_page_token,
        sees_all=caller().may("cases:read-shared-all"),
    )


@blueprint.get("/shared/<uuid:case_id>")
@needs("cases:read-shared")
def show(case_id: UUID) -> str:
    """One case: where it stands, whom to talk to, and what was shared. The provider's access log says who opened it."""
    question = cases_pb2.GetSharedCaseRequest(case_id=str(case_id), page_token=request.args.get("page", ""))
    answer = call("cases", "GetSharedCase", question)
    files = _files_of(case_id)
    people = [entry.recorded_by for entry in answer.entries]
    if files is not None:
        people += [one.uploaded_by for one in files.documents]
    contacts = contacts_of([answer.case.case_manager_id, *people])
    return render_template(
        "sharing/show.html",
        case=pages.present_case(
            answer.case,
            contacts=contacts,
            providers=organisation_names({answer.case.provider_id}),
            reader=caller().person_id,
        ),
        case_id=case_id,
        groups=pages.present_entries(answer.entries, contacts=contacts),
        next_page=answer.next_page_token,
        files=_present_files(files, contacts),
        has_more_files=files is not None and bool(files.next_page_token),
    )


@blueprint.get("/shared/<uuid:case_id>/files")
@needs("cases:read-shared")
def show_files(case_id: UUID) -> str:
    """Every file that was shared of a case, newest first."""
    question = sharing_pb2.ListSharedDocumentsRequest(case_id=str(case_id), page_token=request.args.get("page", ""))
    answer = call("documents", "ListSharedDocuments", question)
    return render_template(
        "sharing/files.html",
        case_id=case_id,
        files=_present_files(answer, contacts_of(one.uploaded_by for one in answer.documents)),
        next_page=answer.next_page_token,
    )


@blueprint.get("/shared/files/<uuid:document_id>")
@needs("cases:read-shared")
def download(document_id: UUID) -> Response:
    """A file that was shared, to be saved. The provider's audit trail says to whom it was handed out."""
    question = sharing_pb2.DownloadSharedDocumentRequest(document_id=str(document_id))
    return save_file("DownloadSharedDocument", question)


def _files_of(case_id: UUID) -> sharing_pb2.ListSharedDocumentsResponse | None:
    """The newest files of a case; None while documents is away, which keeps nobody from the rest of the page."""
    question = sharing_pb2.ListSharedDocumentsRequest(case_id=str(case_id), page_size=_NEWEST_FILES)
    found: sharing_pb2.ListSharedDocumentsResponse | None = optional(
        lambda: call("documents", "ListSharedDocuments", question)
    )
    return found


def _present_files(
    answer: sharing_pb2.ListSharedDocumentsResponse | None, contacts: pages.Contacts
) -> list[SharedFileLine] | None:
    if answer is None:
        return None
    return [
        present_shared_file(one, by=contacts[one.uploaded_by].name if one.uploaded_by in contacts else "")
        for one in answer.documents
    ]


def present_lines(cases: Iterable[cases_pb2.SharedCase], *, with_contacts: bool = True) -> list[pages.SharedCase]:
    """Cases, with the names of who works on them where the page shows those."""
    found = list(cases)
    contacts = contacts_of(case.case_manager_id for case in found) if with_contacts else {}
    providers = organisation_names({case.provider_id for case in found})
    reader = caller().person_id
    return [pages.present_case(case, contacts=contacts, providers=providers, reader=reader) for case in found]


def contacts_of(person_ids: Iterable[str]) -> dict[str, contacts_pb2.ProviderContact]:
    """People of the school's provider by id. A page does without them while identity is away."""
    wanted = [one for one in dict.fromkeys(person_ids) if one][:_MOST_CONTACTS]
    if not wanted:
        return {}
    question = contacts_pb2.GetProviderContactsRequest(person_ids=wanted)
    try:
        answer = optional(lambda: call("identity", "GetProviderContacts", question))
    except NotFoundError:
        # The school lies in no catchment today: what was shared before stays to be read.
        return {}
    return {person.person_id: person for person in answer.people} if answer else {}

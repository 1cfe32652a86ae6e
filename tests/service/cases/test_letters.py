"""Letters: from a draft to what came of them, by people, by the sweep, and by what documents tells."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from ascms.cases.v1 import caseloads_pb2, cases_pb2, letter_events_pb2, letters_pb2, requests_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.documents.v1 import letter_events_pb2 as documents_events

from kit.actor import Actor, ActorKind, system_actor
from kit.clock import FixedClock
from kit.errors import (
    ConflictError,
    DomainError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import LETTER_DEADLINE, LETTER_PDF_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.consumers.letters import handlers
from tests.service.cases.conftest import (
    ATTENDANCE_LEAD,
    COLLEAGUE,
    LEAD,
    LEAD_PERMISSIONS,
    MANAGER,
    OTHER_LEAD,
    PROVIDER,
)
from tests.support.rpc import Caller
from tests.support.tokens import person

Make = Callable[..., Any]
APPROVER = person(11, *LEAD_PERMISSIONS, "letters:approve", tenant=PROVIDER)
OTHER_APPROVER = person(13, *LEAD_PERMISSIONS, "letters:approve", tenant=PROVIDER)
PRINTER = Actor(kind=ActorKind.SERVICE, tenant_id=PROVIDER, service="documents", purpose="render-letters")
PDF = UUID("01890a5d-ac96-774b-bcce-00000000d0c5")
KERERU = cases_pb2.Caregiver(name="Kererū", relationship="nan", phone="021 000 000", safe_to_contact=True)

OTHERS = [
    cases_pb2.Caregiver(name="Tūī", relationship="uncle", safe_ways=[requests_pb2.CONTACT_WAY_TEXT]),
    cases_pb2.Caregiver(name="Toroa", email="toroa@example.test", safe_ways=[requests_pb2.CONTACT_WAY_EMAIL]),
    cases_pb2.Caregiver(name="Kōtuku", email="kotuku@example.test", safe_ways=[requests_pb2.CONTACT_WAY_VISIT]),
]


def text(**fields: Any) -> letters_pb2.LetterText:
    defaults: dict[str, Any] = {
        "language": letters_pb2.LETTER_LANGUAGE_MAORI,
        "recipients": ["Kererū"],
        "address": "1 Nowhere Street\nNgāmotu",
        "support": "A ride each morning, twice. Nan said no.",
        "contact_name": "Hēmi Example",
        "contact_phone": "06 000 0000",
    }
    return letters_pb2.LetterText(**(defaults | fields))


def drafting(case_id: str, *, stage: int = 1, **fields: Any) -> letters_pb2.DraftLetterRequest:
    return letters_pb2.DraftLetterRequest(
        case_id=case_id, family=letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE, stage=stage, text=text(**fields)
    )


def by_id(name: str, letter_id: str, **fields: Any) -> Any:
    return getattr(letters_pb2, f"{name}LetterRequest")(letter_id=letter_id, **fields)


@pytest.fixture
def tried(call: Caller, draft: Make, visit: Make) -> Make:
    """A case on which MANAGER tried three times, in two ways, to reach a nan who is safe to contact."""

    def make(*, attempts: int = 3) -> str:
        asked = draft()
        del asked.caregivers[:]
        asked.caregivers.extend([KERERU, *OTHERS])
        request = call("SubmitRequest", asked, as_=ATTENDANCE_LEAD).request
        opening = cases_pb2.OpenCaseRequest(request_id=request.request_id, case_manager_id=str(MANAGER.person_id))
        case_id: str = call("OpenCase", opening, as_=LEAD).case.case_id
        kinds = [cases_pb2.EVENT_KIND_HOME_VISIT, *[cases_pb2.EVENT_KIND_CONTACT_ATTEMPT] * 2]
        for kind in kinds[:attempts]:
            call("RecordEvent", visit(case_id, kind=kind, outcome=cases_pb2.OUTCOME_REFUSED), as_=MANAGER)
        return case_id

    return make


@pytest.fixture
def printed(deps: Deps, clock: FixedClock) -> Callable[[str], None]:
    """What happens once documents tells that a PDF is kept."""

    def tell(letter_id: str, version: int = 0) -> None:
        with deps.database.tenant(system_actor("cases", PROVIDER)) as tx:
            current = tx.value(sqlalchemy.text("SELECT version FROM letter WHERE id = :which"), which=letter_id)
        event = documents_events.LetterRendered(
            letter_id=letter_id,
            document_id=str(PDF),
            sha256="ab" * 32,
            template_version="2026-1",
            letter_version=version or current,
        )
        [handle] = handlers(clock).values()
        with deps.database.tenant(system_actor("cases", PROVIDER)) as tx:
            handle(tx, Envelope(), event)

    return tell


@pytest.fixture
def approved(call: Caller, tried: Make, printed: Callable[[str], None]) -> Make:
    """A letter that was approved and printed."""

    def make(case_id: str = "", **fields: Any) -> letters_pb2.Letter:
        letter: letters_pb2.Letter = call("DraftLetter", drafting(case_id or tried(), **fields), as_=MANAGER).letter
        call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
        letter = call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER).letter
        printed(letter.letter_id)
        return letter

    return make


@pytest.fixture
def sent(call: Caller, approved: Make, clock: FixedClock) -> Make:
    """A letter that went out by post today."""

    def make(case_id: str = "", **fields: Any) -> letters_pb2.Letter:
        letter = approved(case_id, **fields)
        sending = by_id("Send", letter.letter_id, mode=letters_pb2.LETTER_MODE_POST, sent_on=today(clock))
        answer: letters_pb2.Letter = call("SendLetter", sending, as_=MANAGER).letter
        return answer

    return make


@pytest.fixture
def sweep(deps: Deps) -> Sweep:
    return Sweep(
        deps.database,
        deps.clock,
        {
            LETTER_DEADLINE: lambda actor, letter_id: commands.letters.note_letter_overdue(deps, actor, letter_id),
            LETTER_PDF_DEADLINE: lambda actor, letter_id: commands.letters.chase_letter_pdf(deps, actor, letter_id),
        },
    )


def today(clock: FixedClock) -> str:
    return (clock.moment + timedelta(hours=13)).date().isoformat()


def told(rows: Make, name: str) -> list[Any]:
    kind = getattr(letter_events_pb2, name)
    found = rows("SELECT payload FROM outbox WHERE type = %s ORDER BY id", f"ascms.cases.v1.{name}")
    return [kind.FromString(row["payload"]) for row in found]


def may(letter: letters_pb2.Letter) -> list[str]:
    return [each.action for each in letter.allowed_actions if each.allowed]


def refused(call: Caller, name: str, request: Any, as_: Actor) -> DomainError:
    with pytest.raises(DomainError) as error:
        call(name, request, as_=as_)
    return error.value


# --- the way of a letter ------------------------------------------------------------------------------------------


def test_a_letter_goes_from_a_draft_to_an_answer(call: Caller, tried: Make, printed: Make, rows: Make) -> None:
    case_id = tried()
    letter = call("DraftLetter", drafting(case_id, recipients=[]), as_=MANAGER).letter
    assert (letter.state, letter.stage) == (letters_pb2.LETTER_STATE_DRAFT, 1)
    assert may(letter) == ["revise", "withdraw"]
    [submit] = [each for each in letter.allowed_actions if each.action == "submit"]
    assert (submit.reason, list(submit.details)) == ("letter-incomplete", ["recipients"])

    revising = by_id("Revise", letter.letter_id, text=text(), expected_version=letter.version)
    letter = call("ReviseLetter", revising, as_=MANAGER).letter
    letter = call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER).letter
    assert letter.state == letters_pb2.LETTER_STATE_AWAITING_APPROVAL

    returning = by_id("Return", letter.letter_id, note="Say which bus.")
    letter = call("ReturnLetter", returning, as_=APPROVER).letter
    assert (letter.state, letter.return_note) == (letters_pb2.LETTER_STATE_DRAFT, "Say which bus.")

    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
    letter = call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER).letter
    assert (letter.state, letter.document_id) == (letters_pb2.LETTER_STATE_APPROVED, "")
    sending = by_id("Send", letter.letter_id, mode=letters_pb2.LETTER_MODE_HAND, sent_on="2026-03-04")
    assert refused(call, "SendLetter", sending, MANAGER).reason == "letter-not-printed"
    printed(letter.letter_id)
    letter = call("SendLetter", sending, as_=MANAGER).letter
    assert (letter.state, letter.response_due_on) == (letters_pb2.LETTER_STATE_SENT, "2026-03-18")
    assert (letter.document_id, letter.document_sha256, letter.template_version) == (str(PDF), "ab" * 32, "2026-1")

    answering = by_id(
        "Answer", letter.letter_id, answer=letters_pb2.LETTER_ANSWER_RESPONDED, answered_on="2026-03-04", note="Rang."
    )
    letter = call("AnswerLetter", answering, as_=MANAGER).letter
    assert (letter.state, letter.end_note, may(letter)) == (letters_pb2.LETTER_STATE_RESPONDED, "Rang.", [])
    audit = rows("SELECT action FROM audit WHERE action LIKE '%%letter%%' ORDER BY id")
    assert [row["action"] for row in audit] == [
        "draft-letter",
        "revise-letter",
        "submit-letter",
        "return-letter",
        "submit-letter",
        "approve-letter",
        "keep-letter-pdf",
        "send-letter",
        "answer-letter",
    ]
    assert told(rows, "LetterSent") == [
        letter_events_pb2.LetterSent(
            case_id=case_id,
            letter_id=letter.letter_id,
            family=letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE,
            stage=1,
            mode=letters_pb2.LETTER_MODE_HAND,
            sent_on="2026-03-04",
            response_due_on="2026-03-18",
            sent_by=str(MANAGER.person_id),
        )
    ]
    assert rows("SELECT 1 FROM deadline WHERE kind LIKE 'letter%%'") == []


def test_a_letter_that_was_sent_stands_on_the_timeline(call: Caller, sent: Make) -> None:
    letter = sent()
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=letter.case_id), as_=MANAGER)
    [entry] = [each for each in seen.entries if each.kind == cases_pb2.EVENT_KIND_LETTER]
    assert (entry.entry_id, entry.minutes) == (letter.letter_id, 0)


def test_nobody_approves_what_they_wrote(call: Caller, tried: Make) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=APPROVER).letter
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=APPROVER)
    approving = by_id("Approve", letter.letter_id)
    # It stands in the count of leads until someone else approves it.
    overview = caseloads_pb2.ListCaseloadsRequest()
    assert call("ListCaseloads", overview, as_=LEAD).letters_to_approve == 1
    assert refused(call, "ApproveLetter", approving, APPROVER).reason == "own-letter"
    assert isinstance(refused(call, "ApproveLetter", approving, MANAGER), PermissionDeniedError)
    assert call("ApproveLetter", approving, as_=OTHER_APPROVER).letter.state == letters_pb2.LETTER_STATE_APPROVED
    assert call("ListCaseloads", overview, as_=LEAD).letters_to_approve == 0


# --- the ladder and what comes before it --------------------------------------------------------------------------


def test_a_second_letter_waits_for_its_gap(call: Caller, sent: Make, approved: Make, clock: FixedClock) -> None:
    first = sent()
    letter = approved(first.case_id, stage=2)
    sending = by_id("Send", letter.letter_id, mode=letters_pb2.LETTER_MODE_POST, sent_on=today(clock))
    error = refused(call, "SendLetter", sending, MANAGER)
    assert (error.reason, error.metadata["details"]) == ("letter-too-early", "2026-03-18")
    clock.moment += timedelta(days=14)
    sending.sent_on = today(clock)
    assert call("SendLetter", sending, as_=MANAGER).letter.stage == 2


def test_skipping_a_stage_needs_a_reason(call: Caller, tried: Make) -> None:
    letter = call("DraftLetter", drafting(tried(), stage=2), as_=MANAGER).letter
    error = refused(call, "SubmitLetter", by_id("Submit", letter.letter_id), MANAGER)
    assert (error.reason, error.metadata["details"]) == ("letter-incomplete", "skip_reason")
    revising = by_id("Revise", letter.letter_id, text=text(skip_reason="The first one was sent before July."))
    call("ReviseLetter", revising, as_=MANAGER)
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)


def test_letters_come_after_attempts_or_with_a_reason(call: Caller, tried: Make) -> None:
    case_id = tried(attempts=1)
    rules = call("ListLetters", letters_pb2.ListLettersRequest(case_id=case_id), as_=MANAGER).rules
    assert (rules.attempts, rules.ways, rules.attempts_needed, rules.ways_needed) == (1, 1, 3, 2)
    letter = call("DraftLetter", drafting(case_id), as_=MANAGER).letter
    error = refused(call, "SubmitLetter", by_id("Submit", letter.letter_id), MANAGER)
    assert error.metadata["details"] == "attempts_reason"
    revising = by_id("Revise", letter.letter_id, text=text(attempts_reason="The school tried six times."))
    call("ReviseLetter", revising, as_=MANAGER)
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"stage": 4}, ("stage", "unknown-value")),
        ({"stage": 0}, ("stage", "too-small")),
        ({"recipients": ["Nobody"]}, ("text.recipients", "not-a-caregiver")),
        ({"recipients": ["Tūī"]}, ("text.recipients", "not-safe-to-contact")),
        ({"recipients": ["Kererū", "Kererū"]}, ("text.recipients", "twice")),
        ({"contact_phone": "ring me"}, ("text.contact_phone", "pattern")),
        ({"language": 0}, ("text.language", "required")),
    ],
)
def test_a_broken_rule_names_its_field(
    call: Caller, tried: Make, rows: Make, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    error = refused(call, "DraftLetter", drafting(tried(), **fields), MANAGER)
    assert isinstance(error, InvalidArgumentError)
    assert [(each.field, each.reason) for each in error.violations] == [broken]
    assert rows("SELECT 1 FROM letter") == []


def test_one_letter_of_a_family_is_written_at_a_time_and_none_is_sent_twice(call: Caller, sent: Make) -> None:
    letter = sent()
    again = refused(call, "DraftLetter", drafting(letter.case_id), MANAGER)
    assert isinstance(again, InvalidArgumentError)
    assert [each.reason for each in again.violations] == ["already-sent"]
    second = call("DraftLetter", drafting(letter.case_id, stage=2), as_=MANAGER).letter
    error = refused(call, "DraftLetter", drafting(letter.case_id, stage=2), MANAGER)
    assert (error.reason, error.metadata["letter_id"]) == ("letter-open", second.letter_id)
    rules = call("ListLetters", letters_pb2.ListLettersRequest(case_id=letter.case_id), as_=MANAGER).rules
    assert [(each.family, each.stage, each.not_before, each.open_letter_id) for each in rules.next] == [
        (letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE, 2, "2026-03-18", second.letter_id),
        (letters_pb2.LETTER_FAMILY_NON_ENROLMENT, 1, "", ""),
    ]


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"mode": letters_pb2.LETTER_MODE_POST}, ("mode", "needs-address")),
        ({"mode": letters_pb2.LETTER_MODE_EMAIL}, ("mode", "needs-email")),
        ({"sent_on": "2026-03-05"}, ("sent_on", "in-future")),
        ({"sent_on": "2026-03-03"}, ("sent_on", "too-early")),
    ],
)
def test_a_letter_goes_only_as_it_can(
    call: Caller, approved: Make, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    letter = approved(address="")
    defaults = {"mode": letters_pb2.LETTER_MODE_HAND, "sent_on": "2026-03-04"}
    error = refused(call, "SendLetter", by_id("Send", letter.letter_id, **(defaults | fields)), MANAGER)
    assert isinstance(error, InvalidArgumentError)
    assert [(each.field, each.reason) for each in error.violations] == [broken]


@pytest.mark.parametrize(
    ("recipients", "open_ways"),
    [
        (["Kererū"], ["post", "hand"]),
        (["Toroa"], ["email"]),
        (["Kōtuku"], ["post", "hand"]),
        (["Kererū", "Kōtuku"], ["post", "hand"]),
    ],
)
def test_a_letter_goes_only_the_ways_that_are_safe(
    call: Caller, approved: Make, tried: Make, recipients: list[str], open_ways: list[str]
) -> None:
    letter = approved(tried(), recipients=recipients)
    assert [_way(each.mode) for each in letter.ways if each.allowed] == open_ways
    for each in letter.ways:
        sending = by_id("Send", letter.letter_id, mode=each.mode, sent_on="2026-03-03")
        error = refused(call, "SendLetter", sending, MANAGER)
        assert isinstance(error, InvalidArgumentError)
        reasons = {violation.reason for violation in error.violations if violation.field == "mode"}
        assert reasons == ({each.reason} if not each.allowed else set())


def test_who_may_be_reached_in_no_common_way_does_not_share_a_letter(call: Caller, tried: Make) -> None:
    case_id = tried()
    error = refused(call, "DraftLetter", drafting(case_id, recipients=["Kōtuku", "Toroa"]), MANAGER)
    assert isinstance(error, InvalidArgumentError)
    assert [(each.field, each.reason) for each in error.violations] == [("text.recipients", "no-common-way")]
    rules = call("ListLetters", letters_pb2.ListLettersRequest(case_id=case_id), as_=MANAGER).rules
    assert {each.name: [_way(mode) for mode in each.modes] for each in rules.recipients} == {
        "Kererū": ["post", "hand", "email"],
        "Tūī": [],
        "Toroa": ["email"],
        "Kōtuku": ["post", "hand"],
    }


def _way(mode: Any) -> str:
    return letters_pb2.LetterMode.Name(mode).removeprefix("LETTER_MODE_").lower()


# --- what comes of it ---------------------------------------------------------------------------------------------


def test_a_letter_that_came_back_opens_a_task_once(call: Caller, sent: Make, rows: Make) -> None:
    letter = sent()
    request = letters_pb2.NoteLetterUndeliveredRequest(
        letter_id=letter.letter_id, noted_on="2026-03-04", note="Not known at this address."
    )
    done = call("NoteLetterUndelivered", request, as_=MANAGER)
    assert done.letter.state == letters_pb2.LETTER_STATE_UNDELIVERED
    assert refused(call, "NoteLetterUndelivered", request, MANAGER).reason == "letter-state"
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=letter.case_id), as_=MANAGER)
    [task] = seen.open_tasks
    assert (task.task_id, task.owner_id) == (done.task_id, str(MANAGER.person_id))
    assert (seen.case.open_tasks, seen.case.open_letters) == (1, 0)
    [event] = told(rows, "LetterUndelivered")
    assert event.task_id == task.task_id
    # The stage did not arrive: it may be sent again.
    call("DraftLetter", drafting(letter.case_id), as_=MANAGER)


def test_a_case_is_not_closed_while_a_letter_is_open(call: Caller, tried: Make) -> None:
    case_id = tried()
    letter = call("DraftLetter", drafting(case_id), as_=MANAGER).letter
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=case_id), as_=MANAGER).case
    [close] = [each for each in seen.allowed_actions if each.action == "close"]
    assert (close.reason, close.count, seen.open_letters) == ("closing-needs-letters", 1, 1)
    closing = cases_pb2.CloseCaseRequest(
        case_id=case_id, reason="enrolled", outcome="back_in_education", summary="At school."
    )
    error = refused(call, "CloseCase", closing, MANAGER)
    assert error.metadata == {"count": "1", "letter_ids": letter.letter_id}
    withdrawing = by_id("Withdraw", letter.letter_id, reason="They came to the hui.")
    assert call("WithdrawLetter", withdrawing, as_=MANAGER).letter.state == letters_pb2.LETTER_STATE_WITHDRAWN
    assert call("CloseCase", closing, as_=MANAGER).case.state == cases_pb2.CASE_STATE_CLOSED


# --- watchdogs ----------------------------------------------------------------------------------------------------


def test_a_letter_that_waits_is_told_of_once(
    call: Caller, tried: Make, sweep: Sweep, clock: FixedClock, rows: Make
) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    letter = call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER).letter
    assert letter.due_on == "2026-03-06"
    clock.moment += timedelta(days=2)
    sweep.sweep_once()
    assert told(rows, "LetterOverdue") == []
    clock.moment += timedelta(days=1)
    sweep.sweep_once()
    sweep.sweep_once()
    [event] = told(rows, "LetterOverdue")
    assert (event.state, event.due_on) == (letters_pb2.LETTER_STATE_AWAITING_APPROVAL, "2026-03-06")
    seen = call("GetLetter", by_id("Get", letter.letter_id), as_=MANAGER).letter
    assert seen.overdue


def test_a_pdf_that_does_not_come_is_asked_for_again(
    call: Caller, tried: Make, printed: Make, sweep: Sweep, clock: FixedClock, rows: Make
) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
    call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER)
    for _ in range(2):
        clock.moment += timedelta(minutes=11)
        sweep.sweep_once()
    assert len(told(rows, "LetterPdfMissing")) == 2
    printed(letter.letter_id)
    printed(letter.letter_id)
    clock.moment += timedelta(minutes=11)
    sweep.sweep_once()
    assert len(told(rows, "LetterPdfMissing")) == 2


def test_the_pdf_of_words_that_were_changed_since_is_not_kept(call: Caller, tried: Make, printed: Make) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
    first = call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER).letter
    call("ReturnLetter", by_id("Return", letter.letter_id, note="The phone number is old."), as_=APPROVER)
    call("ReviseLetter", by_id("Revise", letter.letter_id, text=text(contact_phone="06 000 0001")), as_=MANAGER)
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
    call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER)
    printed(letter.letter_id, first.version)
    assert call("GetLetter", by_id("Get", letter.letter_id), as_=MANAGER).letter.document_id == ""
    printed(letter.letter_id)
    assert call("GetLetter", by_id("Get", letter.letter_id), as_=MANAGER).letter.document_id == str(PDF)


# --- who may ------------------------------------------------------------------------------------------------------


def test_who_does_not_see_the_case_does_not_see_its_letters(call: Caller, tried: Make) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    for stranger in (COLLEAGUE, OTHER_LEAD):
        for name in ("Get", "Submit"):
            assert isinstance(refused(call, f"{name}Letter", by_id(name, letter.letter_id), stranger), NotFoundError)
        of_case = letters_pb2.ListLettersRequest(case_id=letter.case_id)
        assert isinstance(refused(call, "ListLetters", of_case, stranger), NotFoundError)
        assert not call("ListLetters", letters_pb2.ListLettersRequest(), as_=stranger).letters


def test_leads_find_what_awaits_them_the_longest_first(call: Caller, tried: Make, clock: FixedClock) -> None:
    found = []
    for _ in range(3):
        letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
        call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
        found.append(letter.letter_id)
        clock.moment += timedelta(minutes=1)
    request = letters_pb2.ListLettersRequest(state=letters_pb2.LETTER_STATE_AWAITING_APPROVAL, page_size=2)
    page = call("ListLetters", request, as_=APPROVER)
    request.page_token = page.next_page_token
    rest = call("ListLetters", request, as_=APPROVER)
    assert [each.letter_id for each in [*page.letters, *rest.letters]] == found
    assert page.letters[0].student_name
    assert not rest.next_page_token


def test_only_what_was_approved_is_given_to_the_printer(call: Caller, tried: Make) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    printing = letters_pb2.GetApprovedLetterRequest(letter_id=letter.letter_id)
    assert isinstance(refused(call, "GetApprovedLetter", printing, PRINTER), NotFoundError)
    assert isinstance(refused(call, "GetApprovedLetter", printing, APPROVER), PermissionDeniedError)
    call("SubmitLetter", by_id("Submit", letter.letter_id), as_=MANAGER)
    call("ApproveLetter", by_id("Approve", letter.letter_id), as_=APPROVER)
    answer = call("GetApprovedLetter", printing, as_=PRINTER)
    assert (answer.print.dated_on, answer.print.response_days) == ("2026-03-04", 14)
    assert (answer.print.provider_id, answer.letter.text.recipients) == (str(PROVIDER), ["Kererū"])


def test_a_stale_version_and_a_wrong_state_change_nothing(call: Caller, tried: Make) -> None:
    letter = call("DraftLetter", drafting(tried()), as_=MANAGER).letter
    stale = by_id("Submit", letter.letter_id, expected_version=letter.version + 1)
    assert isinstance(refused(call, "SubmitLetter", stale, MANAGER), ConflictError)
    early = by_id("Answer", letter.letter_id, answer=1, answered_on="2026-03-04")
    assert isinstance(refused(call, "AnswerLetter", early, MANAGER), FailedPreconditionError)

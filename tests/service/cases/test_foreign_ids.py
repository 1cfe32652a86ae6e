"""What is another's is looked for as what is not there: by the same statements, so that no time tells them apart."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from ascms.cases.v1 import cases_pb2, letters_pb2

from kit.actor import Actor
from kit.errors import DomainError
from kit.rpc.contract import Method, methods
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, MANAGER, OTHER_PROVIDER, OTHER_SCHOOL
from tests.support.requests_from_contract import ids_asked_for, request_with_ids
from tests.support.rpc import Caller
from tests.support.tokens import person

Make = Callable[..., Any]
PRIVATE = {"case_id", "case_ids", "request_id", "entry_id", "task_id", "letter_id", "draft_id"}
ALL = list(methods(cases_pb2.DESCRIPTOR.services_by_name["CasesService"]))
METHODS = [
    method for method in ALL if PRIVATE & ids_asked_for(method.descriptor.input_type) and not method.access.purpose
]
EVERYTHING = sorted({method.access.permission for method in ALL if method.access.permission} | {"cases:read-all"})
AT_PROVIDER = person(91, *EVERYTHING, tenant=OTHER_PROVIDER)
AT_SCHOOL = person(
    92, *EVERYTHING, "requests:read-all", "cases:read-shared-all", tenant=OTHER_SCHOOL, tenant_kind="school"
)
"""Who may do everything at their own organisation; these things are of another."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is sent to PostgreSQL, as it is sent."""
    sent: list[str] = []
    execute = psycopg.Connection.execute

    def record(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(connection, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", record)
    return sent


@pytest.fixture
def theirs(call: Caller, opened: Make, draft: Make, visit: Make) -> dict[str, str]:
    """One of each, of a provider and a school."""
    case = opened()
    entry = call("RecordEvent", visit(case.case_id), as_=MANAGER).entry
    task = cases_pb2.AddTaskRequest(
        case_id=case.case_id, title="Ring", due_on="2026-03-10", owner_id=str(MANAGER.person_id)
    )
    letter = letters_pb2.DraftLetterRequest(
        case_id=case.case_id,
        family=letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE,
        stage=1,
        text=letters_pb2.LetterText(language=letters_pb2.LETTER_LANGUAGE_BOTH),
    )
    saved = cases_pb2.SaveDraftRequest(content=draft())
    return {
        "case_id": case.case_id,
        "case_ids": case.case_id,
        "request_id": case.request_id,
        "entry_id": entry.entry_id,
        "task_id": call("AddTask", task, as_=LEAD).task.task_id,
        "letter_id": call("DraftLetter", letter, as_=MANAGER).letter.letter_id,
        "draft_id": call("SaveDraft", saved, as_=ATTENDANCE_LEAD).draft.draft_id,
    }


@pytest.mark.parametrize("asker", [AT_PROVIDER, AT_SCHOOL], ids=["at a provider", "at a school"])
def test_what_is_anothers_is_looked_for_as_what_is_not_there(
    asker: Actor, call: Caller, theirs: dict[str, str], statements: list[str]
) -> None:
    nothing = {name: str(uuid4()) for name in theirs}
    found = []
    for method in METHODS:
        way(call, method, nothing, asker, statements)  # What a process reserves or keeps is there after this.
        theirs_way, nothing_way = (way(call, method, ids, asker, statements) for ids in (theirs, nothing))
        found += [] if theirs_way == nothing_way else [(method.descriptor.name, theirs_way, nothing_way)]
    assert found == []


def test_the_owner_goes_another_way(call: Caller, theirs: dict[str, str], statements: list[str]) -> None:
    """The control: what is compared above can differ."""
    [method] = [each for each in METHODS if each.descriptor.name == "GetCase"]
    own, nothing = (
        way(call, method, ids, LEAD, statements) for ids in (theirs, {name: str(uuid4()) for name in theirs})
    )
    assert own[0] != nothing[0]
    assert len(own[1]) > len(nothing[1]) > 0


def way(call: Caller, method: Method, ids: dict[str, str], asker: Actor, statements: list[str]) -> Any:
    """What a call came to, and what was asked of PostgreSQL for it."""
    people = {"person_id": str(MANAGER.person_id), "case_manager_id": "", "owner_id": str(MANAGER.person_id)}
    request = request_with_ids(method.descriptor.input_type, {**ids, **people})
    del statements[:]
    try:
        answer = str(call(method.descriptor.name, request, as_=asker))
    except DomainError as error:
        answer = f"{type(error).__name__} {error.reason} {error.message}"
    return answer, tuple(statements)

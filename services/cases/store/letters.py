"""Letters of cases."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Select, and_, bindparam, func, insert, literal, select, tuple_, update

from kit.db import Query, Transaction, prepare
from services.cases.domain.letters import (
    Ended,
    Family,
    Language,
    Letter,
    LetterState,
    LetterText,
    ListedLetter,
    Mode,
    Pdf,
)
from services.cases.domain.students import shown_name
from services.cases.store.tables import CASE, LETTER

_C = LETTER.c
_FIXED = ("tenant_id", "id", "case_id", "family", "stage", "drafted_by", "drafted_at")
_CHANGING = tuple(name for name in _C.keys() if name not in _FIXED)  # noqa: SIM118 - a column is no key
_ALL = [column for column in _C if column.name != "tenant_id"]
_NAMES = ("number", "given_names", "family_name", "preferred_name", "case_manager_id")
_OF_CASE = and_(CASE.c.tenant_id == _C.tenant_id, CASE.c.id == _C.case_id)

_INSERT = prepare(insert(LETTER).values(dict.fromkeys(_C.keys())))
_UPDATE = prepare(
    update(LETTER)
    .where(_C.id == bindparam("which"))
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING})
)
_CASE_OF = prepare(select(_C.case_id).where(_C.id == bindparam("which")))
_CASE_LETTERS = prepare(
    select(*_ALL).where(_C.case_id == bindparam("of_case")).order_by(_C.drafted_at.desc(), _C.id.desc())
)
_OPEN_IDS = prepare(
    select(_C.id)
    .where(_C.case_id == bindparam("of_case"), _C.ended_at.is_(None))
    .order_by(_C.drafted_at, _C.id)
    .limit(bindparam("most"))
)


class LetterPosition(NamedTuple):
    """Behind which letter a list goes on: the moment it is ordered by, and its id."""

    at: datetime
    letter_id: UUID


def insert_letter(tx: Transaction, letter: Letter) -> None:
    """Queue a new letter."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=letter.id,
        case_id=letter.case_id,
        family=letter.family.value,
        stage=letter.stage,
        drafted_by=letter.drafted_by,
        drafted_at=letter.drafted_at,
        **_changing(letter),
    )


def update_letter(tx: Transaction, letter: Letter) -> None:
    """Queue what may change of a letter."""
    tx.later(_UPDATE, which=letter.id, **{f"new_{name}": value for name, value in _changing(letter).items()})


def find_case_id(tx: Transaction, letter_id: UUID) -> UUID | None:
    """The case of a letter, which is locked before its letters and never another one."""
    case_id: UUID | None = tx.value(_CASE_OF, which=letter_id)
    return case_id


def list_of_case(tx: Transaction, case_id: UUID) -> list[Letter]:
    """Every letter of a case, the newest first: at most a few per rung."""
    return [_letter(row) for row in tx.all(_CASE_LETTERS, of_case=case_id)]


def ask_letters(tx: Transaction, case_id: UUID) -> Callable[[], list[Letter]]:
    """As `list_of_case`, queued; call the answer once something was sent."""
    asked = tx.later(_CASE_LETTERS, of_case=case_id)
    return lambda: [_letter(row) for row in asked.rows()]


def list_open_ids(tx: Transaction, case_id: UUID, *, most: int) -> list[UUID]:
    """The ids of letters of a case that are not finished."""
    return [row.id for row in tx.all(_OPEN_IDS, of_case=case_id, most=most)]


def _listed(*, has_state: bool, has_manager: bool, after: bool) -> Query:
    # By state those that have waited longest come first; without one, the newest.
    query: Select[Any] = select(*_ALL, *(CASE.c[name] for name in _NAMES)).select_from(LETTER.join(CASE, _OF_CASE))
    order = _C.waits_since if has_state else _C.drafted_at
    if has_state:
        query = query.where(_C.state == bindparam("wanted_state"))
    if has_manager:
        query = query.where(CASE.c.case_manager_id == bindparam("wanted_manager"))
    if after:
        position = tuple_(bindparam("after_at", type_=order.type), bindparam("after_id", type_=_C.id.type))
        mine = tuple_(order, _C.id)
        query = query.where(mine > position if has_state else mine < position)
    by = (order, _C.id) if has_state else (order.desc(), _C.id.desc())
    return prepare(query.order_by(*by).limit(bindparam("most")))


_LIST = {
    (has_state, has_manager, after): _listed(has_state=has_state, has_manager=has_manager, after=after)
    for has_state, has_manager, after in product((False, True), repeat=3)
}


def list_letters(
    tx: Transaction,
    *,
    state: LetterState | None,
    case_manager_id: UUID | None,
    after: LetterPosition | None,
    most: int,
) -> list[ListedLetter]:
    """Letters over several cases: of a state those that have waited longest first, else the newest first."""
    parameters: dict[str, Any] = {"most": most}
    if state is not None:
        parameters["wanted_state"] = state.value
    if case_manager_id is not None:
        parameters["wanted_manager"] = case_manager_id
    if after is not None:
        parameters["after_at"], parameters["after_id"] = after
    rows = tx.all(_LIST[state is not None, case_manager_id is not None, after is not None], **parameters)
    return [
        ListedLetter(
            _letter(row),
            row.number,
            shown_name(given_names=row.given_names, family_name=row.family_name, preferred_name=row.preferred_name),
        )
        for row in rows
    ]


MOST_COUNTED = 1_000
"""Counting ends here, so that its cost does not grow with all there is."""
_few = (
    select(literal(1))
    .where(_C.state == bindparam("wanted_state"))
    .order_by(_C.waits_since, _C.id)
    .limit(MOST_COUNTED)
    .subquery()
)
_COUNT = prepare(select(func.count()).select_from(_few))


def count_letters(tx: Transaction, state: LetterState) -> int:
    """How many of the provider's letters stand so, up to `MOST_COUNTED`."""
    return int(tx.value(_COUNT, wanted_state=state.value))


def _changing(letter: Letter) -> dict[str, Any]:
    text, pdf, ended = letter.text, letter.pdf, letter.ended
    return {
        "state": letter.state.value,
        "language": text.language.value,
        "recipients": Jsonb(list(text.recipients)),
        "address": text.address,
        "support": text.support,
        "words": text.words,
        "contact_name": text.contact_name,
        "contact_phone": text.contact_phone,
        "skip_reason": text.skip_reason,
        "attempts_reason": text.attempts_reason,
        "submitted_by": letter.submitted_by,
        "submitted_at": letter.submitted_at,
        "approved_by": letter.approved_by,
        "approved_at": letter.approved_at,
        "returned_by": letter.returned_by,
        "return_note": letter.return_note,
        "document_id": pdf.document_id if pdf else None,
        "document_sha256": pdf.sha256 if pdf else "",
        "template_version": pdf.template_version if pdf else "",
        "mode": letter.mode.value,
        "sent_on": letter.sent_on,
        "sent_by": letter.sent_by,
        "response_due_on": letter.response_due_on,
        "ended_on": ended.on if ended else None,
        "end_note": ended.note if ended else "",
        "ended_by": ended.by if ended else None,
        "ended_at": ended.at if ended else None,
        "due_on": letter.due_on,
        "waits_since": letter.waits_since,
        "version": letter.version,
    }


def _letter(row: Any) -> Letter:
    ended_on: date | None = row.ended_on
    return Letter(
        id=row.id,
        case_id=row.case_id,
        family=Family(row.family),
        stage=row.stage,
        text=LetterText(
            language=Language(row.language),
            recipients=tuple(row.recipients),
            address=row.address,
            support=row.support,
            words=row.words,
            contact_name=row.contact_name,
            contact_phone=row.contact_phone,
            skip_reason=row.skip_reason,
            attempts_reason=row.attempts_reason,
        ),
        drafted_by=row.drafted_by,
        drafted_at=row.drafted_at,
        waits_since=row.waits_since,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        returned_by=row.returned_by,
        return_note=row.return_note,
        pdf=Pdf(row.document_id, row.document_sha256, row.template_version) if row.document_id else None,
        mode=Mode(row.mode),
        sent_on=row.sent_on,
        sent_by=row.sent_by,
        response_due_on=row.response_due_on,
        ended=Ended(LetterState(row.state), ended_on, row.end_note, row.ended_by, row.ended_at) if ended_on else None,
        due_on=row.due_on,
        version=row.version,
    )

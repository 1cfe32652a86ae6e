"""What students are found by: tokens, found by range in an index, whose order they come in.

A query's most telling word is the range; its other words are looked for among the tokens of what that found. Text is
compared by the collation C, whose operators are leakproof, so that the index is used below a policy.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    null,
    select,
    update,
)

from kit.db import Query, Transaction, prepare
from services.cases.domain import searching
from services.cases.domain.searching import Found
from services.cases.domain.students import Student, shown_name
from services.cases.store.said import student_of
from services.cases.store.tables import CASE, REQUEST, REQUEST_DRAFT, SEARCH_TOKEN

_T = SEARCH_TOKEN.c
_STUDENT = (
    *("nsn", "given_names", "family_name", "preferred_name", "date_of_birth", "year_level", "gender"),
    *("details", "id", "tenant_id", "guest_id", "state"),
)
_INSERT = prepare(insert(SEARCH_TOKEN).values(dict.fromkeys(_T.keys())))
_MINE = select(CASE.c.id).where(CASE.c.case_manager_id == bindparam("wanted_manager"))
_MY_REQUESTS = select(REQUEST.c.id).where(REQUEST.c.submitted_by == bindparam("whose"))
_MY_DRAFTS = select(REQUEST_DRAFT.c.id).where(REQUEST_DRAFT.c.begun_by == bindparam("whose"))
_MOST_READ = 2 * (searching.MOST_FOUND + 1)
_HIDE = prepare(
    update(SEARCH_TOKEN).where(_T.subject == "request", _T.subject_id == bindparam("of_id")).values(guest_id=null())
)
_DELETE = prepare(
    delete(SEARCH_TOKEN).where(_T.subject == bindparam("of_subject"), _T.subject_id == bindparam("of_id"))
)


def insert_tokens(
    tx: Transaction,
    *,
    subject: str,
    subject_id: UUID,
    student: Student,
    number: str = "",
    guest_id: UUID | None = None,
) -> None:
    """Queue what a student is found by, for the present tenant, and for the guest of a request."""
    place = {"tenant_id": tx.tenant_id, "guest_id": guest_id, "subject": subject, "subject_id": subject_id}
    tx.later_many(_INSERT, ({**place, "token": token} for token in searching.tokens_of(student, number=number)))


def delete_tokens(tx: Transaction, *, subject: str, subject_id: UUID) -> None:
    """Queue that a student is not found by this any more."""
    tx.later(_DELETE, of_subject=subject, of_id=subject_id)


def hide_from_guest(tx: Transaction, request_id: UUID) -> None:
    """Queue that a provider finds a request no more: its case is found instead."""
    tx.later(_HIDE, of_id=request_id)


@cache
def cases_query(words: int, *, has_manager: bool) -> Query:
    """Cases of the tenant by so many words; of one case manager where told."""
    columns = [*(CASE.c[name] for name in _STUDENT), CASE.c.number, CASE.c.case_manager_id]
    return _query("case", columns, CASE, words, mine=_MINE if has_manager else None)


@cache
def requests_query(words: int, *, is_guest: bool, is_own: bool = False) -> Query:
    """Requests by so many words: the tenant's, or one person's, or those routed to a provider that became no case."""
    columns = [*(REQUEST.c[name] for name in _STUDENT), REQUEST.c.kind]
    owner, mine = "guest_id" if is_guest else "tenant_id", _MY_REQUESTS if is_own else None
    return _query("request", columns, REQUEST, words, owner=owner, mine=mine)


@cache
def drafts_query(words: int, *, is_own: bool = False) -> Query:
    """Drafts of the tenant by so many words; those that one person began where told."""
    return _query("draft", list(REQUEST_DRAFT.c), REQUEST_DRAFT, words, mine=_MY_DRAFTS if is_own else None)


def find_cases(tx: Transaction, query: searching.Query, *, case_manager_id: UUID | None, most: int) -> list[Found]:
    """Cases of the provider, or of one case manager."""
    manager = {"wanted_manager": case_manager_id} if case_manager_id else {}
    prepared = cases_query(len(query.ranges), has_manager=case_manager_id is not None)
    return [
        _found("case", row, query, school_id=row.guest_id, number=row.number, case_manager_id=row.case_manager_id)
        for row in _rows(tx, prepared, query, most=most, **manager)
    ]


def find_requests(
    tx: Transaction, query: searching.Query, *, is_guest: bool, most: int, whose: UUID | None = None
) -> list[Found]:
    """Requests: the school's, or one person's there, or as a guest those routed to the provider that became no case."""
    prepared = requests_query(len(query.ranges), is_guest=is_guest, is_own=whose is not None)
    person = {"whose": whose} if whose else {}
    return [
        _found("request", row, query, school_id=row.tenant_id if row.kind == "chronic_absence" else None)
        for row in _rows(tx, prepared, query, most=most, **person)
    ]


def find_draft_rows(tx: Transaction, query: searching.Query, *, most: int, whose: UUID | None = None) -> Sequence[Any]:
    """Drafts of the school, or of one person there, as rows: what is in them is a matter of the contract."""
    prepared, person = drafts_query(len(query.ranges), is_own=whose is not None), {"whose": whose} if whose else {}
    return _rows(tx, prepared, query, most=most, **person)


def find_open_cases(tx: Transaction, student: Student) -> list[tuple[UUID, str]]:
    """Open cases of the provider that may be for a student: id, and NSN."""
    words = tuple(searching.words_of(f"{student.given_names} {student.family_name}")[: searching.MOST_WORDS])
    queries = [searching.Query(exact=searching.nsn_token(student.nsn))] if student.nsn else []
    queries += [searching.Query(words=words)] if words else []
    found = [one for query in queries for one in find_cases(tx, query, case_manager_id=None, most=searching.MOST_FOUND)]
    return [
        (one.id, one.nsn)
        for one in found
        if one.state != "case-closed"
        and (one.nsn == student.nsn if one.nsn and student.nsn else one.key == student.key)
    ]


def _query(
    subject: str, columns: Sequence[Any], table: Any, words: int, *, owner: str = "tenant_id", mine: Any = None
) -> Query:
    """Each step is materialised with its literal limit, so that no plan, whatever its parameters, reads a table."""
    first = SEARCH_TOKEN.alias("first")
    tokens: Select[Any] = select(first.c[owner], first.c.subject_id).where(
        first.c.subject == subject, _in_range(first.c.token, 0)
    )
    for number in range(1, words):
        other = SEARCH_TOKEN.alias(f"word_{number}")
        tokens = tokens.where(
            exists().where(
                other.c.tenant_id == first.c.tenant_id,
                other.c.subject == subject,
                other.c.subject_id == first.c.subject_id,
                _in_range(other.c.token, number),
            )
        )
    if mine is None:
        tokens = tokens.order_by(first.c.token, first.c.subject_id)
    else:
        own = mine.cte("mine").prefix_with("MATERIALIZED")
        tokens = tokens.where(first.c.subject_id == own.c.id)
    found = tokens.limit(literal_column(str(_MOST_READ))).cte("found").prefix_with("MATERIALIZED")
    return prepare(
        select(*columns).select_from(
            found.join(table, and_(table.c[owner] == found.c[owner], table.c.id == found.c.subject_id))
        )
    )


def _in_range(token: Any, number: int) -> Any:
    return and_(token >= bindparam(f"from_{number}", type_=Text), token < bindparam(f"to_{number}", type_=Text))


def _rows(tx: Transaction, prepared: Query, query: searching.Query, *, most: int, **chosen: Any) -> list[Any]:
    """Each once, also where two of its words begin alike."""
    values = {
        name: value
        for number, pair in enumerate(query.ranges)
        for name, value in zip((f"from_{number}", f"to_{number}"), pair, strict=True)
    }
    return list({row.id: row for row in tx.all(prepared, **values, **chosen)}.values())[:most]


def _found(kind: str, row: Any, query: searching.Query, *, number: str = "", **known: Any) -> Found:
    student = student_of(row)
    name = shown_name(
        given_names=student.given_names, family_name=student.family_name, preferred_name=student.preferred_name
    )
    full = f"{student.given_names} {student.family_name}".rstrip()
    return Found(
        kind=kind,
        id=row.id,
        student_name=name,
        full_name=full if full != name else "",
        key=student.key,
        nsn=student.nsn,
        date_of_birth=student.date_of_birth,
        year_level=student.year_level,
        state=f"{kind}-{row.state}",
        number=number,
        matched=searching.matched(query, student, number=number),
        **known,
    )

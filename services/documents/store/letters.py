"""The wording of letters that replaces ours."""

from datetime import date

from sqlalchemy import bindparam, select

from kit.db import Transaction, prepare
from services.documents.domain.letters import Wording
from services.documents.store.tables import LETTER_WORDING

_C = LETTER_WORDING.c
_FIND = prepare(
    select(_C.title, _C.body, _C.version)
    .where(
        _C.family == bindparam("of_family"),
        _C.stage == bindparam("of_stage"),
        _C.language == bindparam("in_language"),
        _C.starts_on <= bindparam("today"),
    )
    .order_by(_C.starts_on.desc())
    .limit(1)
)


def find_wording(tx: Transaction, *, family: str, stage: int, language: str, today: date) -> Wording | None:
    """The wording that holds on a day; None where ours does."""
    row = tx.first(_FIND, of_family=family, of_stage=stage, in_language=language, today=today)
    return Wording(row.title, row.body, row.version) if row is not None else None

"""Everyone whom an organisation knows, with where the access of each stands: for their authoriser's list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Date, Text, and_, bindparam, case, exists, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain import sort_name
from services.identity.domain.access import AccessState
from services.identity.store.attesting import ATTESTED_ON
from services.identity.store.people import Member
from services.identity.store.tables import invitation, member, role_grant

# The same rules as roles.missing_of and access.state_of, for filters and counts in the database; a test holds the two
# together.
_GIVEN = and_(role_grant.c.tenant_id == member.c.tenant_id, role_grant.c.person_id == member.c.person_id)
_HELD = and_(
    _GIVEN,
    role_grant.c.ended_at.is_(None),
    or_(role_grant.c.ends_on.is_(None), role_grant.c.ends_on >= bindparam("today")),
)
_WORKS = and_(
    role_grant.c.role == func.any(bindparam("possible", type_=ARRAY(Text))),
    role_grant.c.starts_on <= bindparam("today"),
    role_grant.c.rested_at.is_(None),
    or_(
        bindparam("is_untrained_enough", type_=Boolean),
        and_(
            func.coalesce(role_grant.c.trained_on <= bindparam("today"), False),
            or_(role_grant.c.training_ends_on.is_(None), role_grant.c.training_ends_on >= bindparam("today")),
        ),
    ),
)
_STATE = case(
    (exists().where(_HELD, ~_WORKS), AccessState.WAITS.value),
    (exists().where(_HELD), AccessState.WORKS.value),
    (exists().where(_GIVEN), AccessState.ENDED.value),
    else_=AccessState.NO_ROLE.value,
)
_OURS = member.c.tenant_id == bindparam("tenant")
_COUNTS = prepare(select(_STATE.label("state"), func.count().label("items")).where(_OURS).group_by(_STATE))
_INVITED = prepare(
    select(
        func.count().filter(invitation.c.expires_at > bindparam("now")).label("pending"),
        func.count().filter(invitation.c.expires_at <= bindparam("now")).label("expired"),
    ).where(
        invitation.c.tenant_id == bindparam("tenant"),
        invitation.c.used_at.is_(None),
        invitation.c.withdrawn_at.is_(None),
    )
)
_WORKING = prepare(
    select(func.count())
    .select_from(member)
    .where(
        _OURS,
        member.c.person_id != bindparam("except_for", type_=postgresql.UUID),
        exists().where(_HELD, _WORKS, role_grant.c.role == bindparam("code")),
    )
)
_anchor = member.alias("anchor")
_ANCHOR = (
    select(_anchor.c.sort_name, _anchor.c.person_id)
    .where(_anchor.c.tenant_id == bindparam("tenant"), _anchor.c.person_id == bindparam("after"))
    .scalar_subquery()
)
_BEYOND = tuple_(member.c.sort_name, member.c.person_id) > _ANCHOR
_FITS = or_(
    bindparam("is_any", type_=Boolean),
    bindparam("wanted_state", type_=Text) == _STATE,
)
_SEARCH = (member.c.sort_name + " " + func.lower(member.c.email)).like(
    func.all(bindparam("patterns", type_=ARRAY(Text)))
)
_IS_DUE = and_(bindparam("attested_by", type_=Date) >= ATTESTED_ON, exists().where(_HELD))
_COUNT_DUE = prepare(select(func.count()).select_from(member).where(_OURS, _IS_DUE))
_PAGES = {
    has_after: prepare(
        select(member.c.person_id, member.c.name, member.c.email, member.c.language)
        .where(
            _OURS,
            _FITS,
            _SEARCH,
            or_(bindparam("is_any_due", type_=Boolean), _IS_DUE),
            *([_BEYOND] if has_after else []),
        )
        .order_by(member.c.sort_name, member.c.person_id)
        .limit(bindparam("most"))
    )
    for has_after in (False, True)
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides whether a role works: the day, the roles of such an organisation, whether they need training."""

    today: date
    possible: tuple[str, ...]
    needs_training: bool

    def parameters(self) -> dict[str, Any]:
        """As the queries take them."""
        return {
            "today": self.today,
            "possible": list(self.possible),
            "is_untrained_enough": not self.needs_training,
        }


@dataclass(frozen=True, slots=True)
class StaffFilter:
    """Who is on a list: whose name or address holds words, whose access stands so, and (with a day) is due.

    `attested_by` is the day: access attested then or earlier is to be attested now.
    """

    search: str = ""
    state: AccessState | None = None
    attested_by: date | None = None


def list_staff(tx: Transaction, rules: Rules, wanted: StaffFilter, *, after: UUID | None, most: int) -> list[Member]:
    """People of the present organisation by name, those who left too; `after` is the last of the page before."""
    state = wanted.state
    rows = tx.all(
        _PAGES[after is not None],
        tenant=tx.tenant_id,
        is_any=state is None,
        wanted_state=state.value if state is not None else "",
        patterns=_patterns(wanted.search),
        is_any_due=wanted.attested_by is None,
        attested_by=wanted.attested_by,
        after=after,
        most=most,
        **rules.parameters(),
    )
    return [Member(row.person_id, row.name, row.email, row.language) for row in rows]


def count_staff(tx: Transaction, rules: Rules) -> Mapping[AccessState, int]:
    """How many people of the present organisation stand where."""
    rows = tx.all(_COUNTS, tenant=tx.tenant_id, **rules.parameters())
    return {AccessState(row.state): row.items for row in rows}


def count_due(tx: Transaction, rules: Rules, *, attested_by: date) -> int:
    """Of how many people of the present organisation it is time to say whether they still need their access."""
    return int(tx.value(_COUNT_DUE, tenant=tx.tenant_id, today=rules.today, attested_by=attested_by))


def count_working(tx: Transaction, role: str, rules: Rules, *, except_for: UUID) -> int:
    """For how many people of the present organisation a role works, one person left out."""
    return int(tx.value(_WORKING, tenant=tx.tenant_id, code=role, except_for=except_for, **rules.parameters()))


def count_invited(tx: Transaction, *, now: datetime) -> tuple[int, int]:
    """How many invitations wait to be accepted, and how many nobody accepted in time."""
    row = tx.first(_INVITED, tenant=tx.tenant_id, now=now)
    assert row is not None
    return row.pending, row.expired


def _patterns(search: str) -> Sequence[str]:
    """Each word anywhere in name or address, folded as names are; % and _ are letters like others."""
    words = sort_name(search).split() or [""]
    escaped = (word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return [f"%{word}%" for word in escaped]

"""Access is attested once a year by somebody else, says when that is late, and rests when nobody uses it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from ascms.identity.v1 import access_pb2 as pb
from ascms.identity.v1 import identity_pb2, staff_pb2

from kit.clock import FixedClock
from kit.db import Database
from kit.errors import FailedPreconditionError, NotFoundError, PermissionDeniedError
from kit.migrations import with_parts
from services.identity import cli
from services.identity.app import make_sweep
from services.identity.cli import apply_people_file
from services.identity.commands import Deps
from tests.service.identity.conftest import Call
from tests.service.identity.test_access import as_authoriser, types
from tests.service.identity.test_directory import token_of
from tests.service.identity.test_exchange import access_token
from tests.service.identity.world import (
    ATTENDANCE_LEAD,
    AUTHORISER,
    LEAD,
    MANAGER,
    OTHER_AUTHORISER,
    PEOPLE,
    PROVIDER,
    SCHOOL,
    Demo,
)
from tests.support.postgres import admin_url

__all__ = ["as_authoriser", "token_of"]


@pytest.fixture
def on(deps: Deps, clock: FixedClock) -> Callable[[int], None]:
    """So many days after everyone came, with everything met that is due until then."""
    begin = clock.moment

    def go(days: int) -> None:
        clock.moment = begin + timedelta(days=days)
        make_sweep(deps).sweep_once()

    return go


@pytest.fixture
def change(identity_url: str, database: Database) -> Iterator[Callable[[str], None]]:
    """Reference data as an operator changes it; as it was afterwards."""
    name = identity_url.partition("?")[0].rpartition("/")[2]

    def run(statement: str) -> None:
        with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as admin:
            admin.execute(statement)

    yield run
    run("DELETE FROM access_rule WHERE starts_on > '2020-01-01'")


def look(as_authoriser: Call, someone: Demo) -> pb.GetPersonResponse:
    found: pb.GetPersonResponse = as_authoriser("GetPerson", pb.GetPersonRequest(person_id=str(someone.id)))
    return found


def reasons(answer: pb.GetPersonResponse) -> dict[str, str]:
    return {each.action: each.reason for each in answer.actions if each.action in {"attest", "wake"}}


def use(deps: Deps, *people: Demo) -> None:
    for person in people:
        access_token(deps, person)


def test_access_is_due_before_the_year_is_over_and_overdue_after_and_never_ends_by_itself(
    *, as_authoriser: Call, deps: Deps, call: Call, on: Callable[[int], None], rows: Call
) -> None:
    on(334)
    assert not look(as_authoriser, MANAGER).person.attestation_due
    on(336)
    due = look(as_authoriser, MANAGER).person
    assert (due.attested_on, due.attest_by, due.attestation_due) == ("2026-03-04", "2027-03-04", True)
    on(367)
    on(397)
    # Then it was told ahead, when the year was over, and a month later
    assert types(rows).count("AttestationDue") >= 3
    assert look(as_authoriser, MANAGER).person.state != pb.ACCESS_STATE_ENDED
    listed = as_authoriser("ListStaff", staff_pb2.ListStaffRequest(attestation_due=True))
    assert str(MANAGER.id) in {person.person_id for person in listed.staff}
    counts = {count.filter: count.count for count in listed.counts}
    assert counts["attestation-due"] == len(listed.staff)


def test_who_is_attested_is_asked_again_in_a_year(
    *, as_authoriser: Call, on: Callable[[int], None], rows: Call
) -> None:
    on(340)
    answer = as_authoriser("AttestAccess", pb.AttestAccessRequest(person_id=str(MANAGER.id)))
    assert answer.position
    person = look(as_authoriser, MANAGER)
    assert (person.person.attestation_due, person.history[0].kind) == (False, pb.ACCESS_EVENT_KIND_ATTESTED)
    assert person.history[0].actor_id == str(AUTHORISER.id)
    assert rows("SELECT actor_id FROM audit WHERE action = 'attest-access'") == [{"actor_id": AUTHORISER.id}]
    assert rows("SELECT attested_by FROM member WHERE person_id = %s AND tenant_id = %s", MANAGER.id, PROVIDER) == [
        {"attested_by": AUTHORISER.id}
    ]
    before = types(rows).count("AttestationDue")
    on(400)
    assert not look(as_authoriser, MANAGER).person.attestation_due
    assert types(rows).count("AttestationDue") >= before


def test_nobody_attests_or_wakes_themself_or_strangers(as_authoriser: Call, call: Call, token_of: Call) -> None:
    for method, request in (("AttestAccess", pb.AttestAccessRequest), ("WakeAccess", pb.WakeAccessRequest)):
        with pytest.raises(FailedPreconditionError) as own:
            as_authoriser(method, request(person_id=str(AUTHORISER.id)))
        assert own.value.reason == "own-role"
        with pytest.raises(NotFoundError):
            as_authoriser(method, request(person_id=str(OTHER_AUTHORISER.id)))
        with pytest.raises(PermissionDeniedError):
            call(method, request(person_id=str(MANAGER.id)), token=token_of(LEAD))
    assert reasons(look(as_authoriser, AUTHORISER)) == {"attest": "own-role"}


def test_access_that_nobody_uses_rests_and_an_authoriser_wakes_it(
    *, as_authoriser: Call, deps: Deps, call: Call, clock: FixedClock, on: Callable[[int], None], rows: Call
) -> None:
    # Given a colleague who works, and someone who has not signed in for ninety days
    on(89)
    use(deps, LEAD)
    on(91)
    # Then the roles of the one rest, and permit nothing; those of the other work
    resting = look(as_authoriser, MANAGER)
    assert [(role.works, role.missing) for role in resting.person.roles] == [(False, "resting")]
    assert resting.person.state == pb.ACCESS_STATE_WAITS
    assert reasons(resting) == {"attest": "", "wake": ""}
    assert resting.history[0].kind == pb.ACCESS_EVENT_KIND_RESTED
    exchange = identity_pb2.ExchangeTokenRequest(access_token=access_token(deps, MANAGER))
    assert list(call("ExchangeToken", exchange).permissions) == []
    assert look(as_authoriser, LEAD).person.state == pb.ACCESS_STATE_WORKS
    assert types(rows).count("AccessRested") >= 1
    # And the list says the same of them as their page, as people with work do
    waits = as_authoriser("ListStaff", staff_pb2.ListStaffRequest(state=pb.ACCESS_STATE_WAITS))
    assert str(MANAGER.id) in {person.person_id for person in waits.staff}
    # When the file of people is applied again, nothing wakes
    apply_people_file(deps, PEOPLE)
    assert look(as_authoriser, MANAGER).person.roles[0].missing == "resting"
    # When an authoriser wakes them
    as_authoriser("WakeAccess", pb.WakeAccessRequest(person_id=str(MANAGER.id)))
    as_authoriser("WakeAccess", pb.WakeAccessRequest(person_id=str(MANAGER.id)))
    # Then the next exchange carries their permissions, once it is written down
    assert "cases:record" in call("ExchangeToken", exchange).permissions
    assert types(rows)[-1] == "AccessWoken"
    assert rows("SELECT actor_id FROM audit WHERE action = 'wake-access'") == [{"actor_id": AUTHORISER.id}]


def test_an_operator_wakes_where_nobody_gives_access(deps: Deps, call: Call, on: Callable[[int], None]) -> None:
    on(91)
    exchange = identity_pb2.ExchangeTokenRequest(access_token=access_token(deps, ATTENDANCE_LEAD))
    assert list(call("ExchangeToken", exchange).permissions) == []
    options = cli._parser().parse_args(["access", "wake", ATTENDANCE_LEAD.email, str(SCHOOL)])
    assert cli._run(deps, options) == "Whatever rested there works again."
    assert "requests:submit" in call("ExchangeToken", exchange).permissions


def test_the_last_authoriser_does_not_rest(*, as_authoriser: Call, on: Callable[[int], None]) -> None:
    on(200)
    assert look(as_authoriser, AUTHORISER).person.roles[0].missing == ""


def test_another_number_of_days_is_a_row(
    *, as_authoriser: Call, deps: Deps, on: Callable[[int], None], change: Callable[[str], None]
) -> None:
    change("INSERT INTO access_rule (code, starts_on, days) VALUES ('rest-after', '2026-03-05', 30)")
    on(31)
    use(deps, LEAD)
    assert look(as_authoriser, MANAGER).person.roles[0].missing == "", "the day it looks was set before"
    on(91)
    assert look(as_authoriser, MANAGER).person.roles[0].missing == "resting"
    on(122)
    assert look(as_authoriser, LEAD).person.roles[0].missing == "resting", "thirty days are enough now"

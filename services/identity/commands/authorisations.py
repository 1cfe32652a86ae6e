"""What a session gives to clients: codes, then tokens, and how each ends. Clients are authenticated by the caller."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.actor import Actor, ActorKind
from services.identity.commands.deps import Deps
from services.identity.domain import (
    ACCESS_TOKEN_LASTS,
    CODE_LASTS,
    MACHINE_TOKEN_LASTS,
    Profile,
    Redemption,
    Session,
    judge_code,
    judge_refresh_token,
)
from services.identity.secrets import digest
from services.identity.store import machines, people, signins
from services.identity.store.machines import Machine
from services.identity.store.signins import Authorisation, Code, Token


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a client asked for, checked: the code is bound to all of it."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A code or refresh token that was accepted: what may now be given, and for whom."""

    authorisation: Authorisation
    profile: Profile
    redirect_uri: str = ""
    nonce: str = ""
    challenge: str = ""


def give_code(deps: Deps, session: Session, *, request: CodeRequest, code: str) -> None:
    """Begin an authorisation of a client by a session, with the code that leads to its tokens."""
    now = deps.clock.now()
    authorisation = Authorisation(session.person_id, deps.new_id(), request.client_id, request.scope, session)
    with deps.database.special("person", person_id=session.person_id) as tx:
        signins.touch_session(tx, session, now=now)
        signins.insert_authorisation(tx, authorisation, now=now)
        bound = Code(authorisation, request.redirect_uri, request.nonce, request.challenge, now + CODE_LASTS, None)
        signins.insert_code(tx, bound, digest=digest(code), now=now)


def claim_code(deps: Deps, code: str, *, client_id: str) -> Claim | None:
    """Use a code up; None when it is not good. A second use ends everything the first one gave.

    To be called before anything else about the request is checked: whoever presents a code has had it.
    """
    now = deps.clock.now()
    person_id = _owner(deps, "authorisation_code", code)
    if person_id is None:
        return None
    with deps.database.special("person", person_id=person_id) as tx:
        found = signins.lock_code(tx, person_id=person_id, digest=digest(code))
        profile = people.find_profile(tx, person_id)
        if found is None or profile is None or found.authorisation.client_id != client_id:
            return None
        verdict = judge_code(expires_at=found.expires_at, used_at=found.used_at, now=now)
        if verdict is Redemption.REUSE:
            signins.revoke_authorisation(tx, found.authorisation, reason="code-reused", now=now)
        if verdict is not Redemption.ACCEPT or not is_alive(found.authorisation, profile, now=now):
            return None
        signins.use_code(tx, person_id=person_id, digest=digest(code), now=now)
        return Claim(
            found.authorisation,
            profile,
            redirect_uri=found.redirect_uri,
            nonce=found.nonce,
            challenge=found.challenge,
        )


def claim_refresh_token(deps: Deps, token: str, *, client_id: str) -> Claim | None:
    """Use a refresh token up; None when it is not good. Used again after the grace, it ends its whole family."""
    now = deps.clock.now()
    person_id = _owner(deps, "refresh_token", token)
    if person_id is None:
        return None
    with deps.database.special("person", person_id=person_id) as tx:
        found = signins.lock_refresh_token(tx, person_id=person_id, digest=digest(token))
        profile = people.find_profile(tx, person_id)
        if found is None or profile is None or found.authorisation.client_id != client_id:
            return None
        verdict = judge_refresh_token(expires_at=found.expires_at, used_at=found.used_at, now=now)
        if verdict is Redemption.REUSE:
            signins.revoke_authorisation(tx, found.authorisation, reason="refresh-token-reused", now=now)
        if verdict is not Redemption.ACCEPT or not is_alive(found.authorisation, profile, now=now):
            return None
        if found.used_at is None:
            signins.use_refresh_token(tx, person_id=person_id, digest=digest(token), now=now)
        signins.touch_session(tx, found.authorisation.session, now=now)
        return Claim(found.authorisation, profile)


def give_tokens(deps: Deps, claim: Claim, *, access_token: str, refresh_token: str) -> None:
    """Keep the tokens that a claim gave, by their digests. They end with the session at the latest."""
    now = deps.clock.now()
    given = claim.authorisation
    with deps.database.special("person", person_id=given.person_id) as tx:
        expires_at = min(now + ACCESS_TOKEN_LASTS, given.session.expires_at)
        signins.insert_access_token(tx, given, digest=digest(access_token), expires_at=expires_at, now=now)
        if refresh_token:
            signins.insert_refresh_token(
                tx, given, digest=digest(refresh_token), expires_at=given.session.expires_at, now=now
            )


def revoke_token(deps: Deps, token: str, *, client_id: str) -> None:
    """End the authorisation behind an access or refresh token of this client; anything else is let be (RFC 7009)."""
    for table in ("refresh_token", "access_token"):
        person_id = _owner(deps, table, token)
        if person_id is None:
            continue
        with deps.database.special("person", person_id=person_id) as tx:
            found: Token | None
            if table == "refresh_token":
                found = signins.lock_refresh_token(tx, person_id=person_id, digest=digest(token))
            else:
                found = signins.find_access_token(tx, person_id=person_id, digest=digest(token))
            if found is not None and found.authorisation.client_id == client_id:
                signins.revoke_authorisation(tx, found.authorisation, reason="revoked", now=deps.clock.now())


def find_holder(deps: Deps, access_token: str) -> Claim | None:
    """Whom an access token of a person stands for, while it does."""
    now = deps.clock.now()
    person_id = _owner(deps, "access_token", access_token)
    if person_id is None:
        return None
    with deps.database.special("person", person_id=person_id) as tx:
        found = signins.find_access_token(tx, person_id=person_id, digest=digest(access_token))
        profile = people.find_profile(tx, person_id)
    if found is None or profile is None or now >= found.expires_at:
        return None
    return Claim(found.authorisation, profile) if is_alive(found.authorisation, profile, now=now) else None


def find_machine(deps: Deps, client_id: str) -> Machine | None:
    """A machine client by the id it names itself by; None for one that has ended."""
    try:
        machine_id = UUID(client_id)
    except ValueError:
        return None
    with deps.database.special("signin") as tx:
        tenant_id = machines.find_tenant(tx, machine_id)
    if tenant_id is None:
        return None
    with deps.database.tenant(Actor(kind=ActorKind.MACHINE, tenant_id=tenant_id)) as tx:
        machine = machines.find_machine(tx, machine_id)
    return machine if machine is not None and machine.ended_at is None else None


def give_machine_token(deps: Deps, machine: Machine, *, access_token: str) -> None:
    """Keep an access token of a machine client. Should it end in this moment, the token's next exchange is refused."""
    now = deps.clock.now()
    actor = Actor(kind=ActorKind.MACHINE, tenant_id=machine.tenant_id, actor_id=machine.id)
    with deps.database.tenant(actor) as tx:
        machines.insert_token(
            tx, machine_id=machine.id, digest=digest(access_token), expires_at=now + MACHINE_TOKEN_LASTS, now=now
        )


def _owner(deps: Deps, table: str, secret: str) -> UUID | None:
    with deps.database.special("signin") as tx:
        return signins.find_owner(tx, table, digest(secret))


def is_alive(authorisation: Authorisation, profile: Profile, *, now: datetime) -> bool:
    """Whether an authorisation still gives anything: not revoked, its session lives, its person is not switched off."""
    return not authorisation.is_revoked and not profile.is_disabled and authorisation.session.is_alive(now)

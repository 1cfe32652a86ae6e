"""Internal tokens: who may have one, for which organisation, with which permissions.

Each is made from facts read now: an opaque access token becomes an ES256 token of a minute, and nothing is remembered
in between, so that whatever ended (session, role, training, organisation, account) ends here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from joserfc import jwt

from kit import tokens
from kit.actor import Actor, ActorKind
from kit.clock import local_date
from kit.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError
from services.identity.commands import Deps, is_alive
from services.identity.domain import HeldRole, Organisation, RoleGrant, sort_name
from services.identity.keys import ALGORITHM, INTERNAL, KeyRing
from services.identity.roles import SERVICE_PURPOSES, held_roles, machine_permissions, permissions_of
from services.identity.secrets import digest, is_service_credential
from services.identity.store import machines, organisations, people, signins


@dataclass(frozen=True, slots=True)
class Minted:
    """An internal token and when it ends."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An internal token, and whom and what it stands for."""

    minted: Minted
    actor: Actor
    name: str
    roles: Sequence[HeldRole]
    organisation: Organisation
    organisations: Sequence[Organisation]


@dataclass(frozen=True)
class TokenOffice:
    """Makes internal tokens. `service_secret` is what service credentials are made from."""

    deps: Deps
    keys: KeyRing
    service_secret: str

    def exchange(self, access_token: str, *, organisation_id: UUID | None) -> Exchanged:
        """An internal token for the holder of an access token, acting for one organisation.

        Without `organisation_id` it is the organisation they worked for last, else the first where a role works.

        Raises:
            UnauthenticatedError: the token, its session or its client is no more.
            PermissionDeniedError: its holder has no role there now. The same for an organisation that does not exist.
        """
        token_digest = digest(access_token)
        with self.deps.database.special("signin") as tx:
            person_id, tenant_id = signins.find_access_owner(tx, token_digest)
        if person_id is not None:
            return self._exchange_person(person_id, token_digest, organisation_id=organisation_id)
        if tenant_id is not None:
            return self._exchange_machine(tenant_id, token_digest, organisation_id=organisation_id)
        raise _ended()

    def mint_for_service(self, *, service: str, credential: str, tenant_id: UUID, purpose: str) -> Minted:
        """A token for a service that works for one tenant and one purpose.

        Raises:
            UnauthenticatedError: the credential is not the service's.
            PermissionDeniedError: the service has no such purpose.
            NotFoundError: there is no such organisation.
        """
        if not is_service_credential(self.service_secret, service=service, credential=credential):
            raise UnauthenticatedError("credential-invalid", "This is not the credential of that service.")
        permissions = SERVICE_PURPOSES.get((service, purpose))
        if permissions is None:
            raise PermissionDeniedError("purpose-not-allowed", "The service has no such purpose.")
        asking = Actor(kind=ActorKind.SERVICE, tenant_id=tenant_id, service=service, purpose=purpose)
        with self.deps.database.tenant(asking) as tx:
            organisation = organisations.find_organisation(tx, tenant_id)
        if organisation is None:
            raise NotFoundError("organisation")
        return self._mint(
            Actor(
                kind=ActorKind.SERVICE,
                tenant_id=tenant_id,
                tenant_kind=organisation.kind.value,
                permissions=permissions,
                purpose=purpose,
                service=service,
            )
        )

    def _exchange_person(self, person_id: UUID, token_digest: bytes, *, organisation_id: UUID | None) -> Exchanged:
        now = self.deps.clock.now()
        with self.deps.database.special("person", person_id=person_id) as tx:
            # One round trip: this is asked more often than anything else here.
            asked_token = signins.ask_access_token(tx, person_id=person_id, digest=token_digest)
            asked_profile, asked_grants = people.ask_profile(tx, person_id), people.ask_grants(tx, person_id)
            tx.flush()
            token, profile, grants = asked_token(), asked_profile(), asked_grants()
            if token is None or profile is None or now >= token.expires_at:
                raise _ended()
            if not is_alive(token.authorisation, profile, now=now):
                raise _ended()
            known = {item.id: item for item in organisations.get_organisations(tx, list(grants))}
            places = _places(grants, known, today=local_date(now))
            _say_suspended(grants, known, places, wanted=organisation_id, today=local_date(now))
            chosen = _choose(places, known, wanted=organisation_id, last=profile.last_organisation_id)
            if chosen.id != profile.last_organisation_id:
                people.remember_organisation(tx, person_id=person_id, organisation_id=chosen.id)
        roles = places[chosen.id]
        actor = Actor(
            kind=ActorKind.PERSON,
            tenant_id=chosen.id,
            tenant_kind=chosen.kind.value,
            actor_id=person_id,
            permissions=permissions_of(roles),
        )
        everywhere = sorted((known[place] for place in places), key=lambda item: (sort_name(item.name), item.id))
        return Exchanged(self._mint(actor), actor, profile.name, roles, chosen, everywhere)

    def _exchange_machine(self, tenant_id: UUID, token_digest: bytes, *, organisation_id: UUID | None) -> Exchanged:
        now = self.deps.clock.now()
        with self.deps.database.tenant(Actor(kind=ActorKind.MACHINE, tenant_id=tenant_id)) as tx:
            token = machines.find_token(tx, token_digest)
            machine = machines.find_machine(tx, token[0]) if token is not None else None
            organisation = organisations.find_organisation(tx, tenant_id)
        if token is None or machine is None or organisation is None:
            raise _ended()
        if now >= token[1] or machine.ended_at is not None:
            raise _ended()
        if organisation_id not in (None, tenant_id):
            raise _no_access()
        if organisation.is_suspended:
            raise _suspended(organisation)
        actor = Actor(
            kind=ActorKind.MACHINE,
            tenant_id=tenant_id,
            tenant_kind=organisation.kind.value,
            actor_id=machine.id,
            permissions=machine_permissions(machine.roles, kind=organisation.kind),
        )
        roles = [HeldRole(role) for role in sorted(machine.roles)]
        return Exchanged(self._mint(actor), actor, machine.name, roles, organisation, [organisation])

    def _mint(self, actor: Actor) -> Minted:
        issued_at = int(self.deps.clock.now().timestamp())
        expires_at = issued_at + tokens.LIFETIME_SECONDS
        key = self.keys.signing_key(INTERNAL)
        claims = {**tokens.claims_of(actor), "iat": issued_at, "exp": expires_at}
        token = jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])
        return Minted(token, datetime.fromtimestamp(expires_at, UTC))


def _places(
    grants: Mapping[UUID, Sequence[RoleGrant]], known: Mapping[UUID, Organisation], *, today: date
) -> dict[UUID, list[HeldRole]]:
    """Where someone has roles now, working or not. A suspended organisation is not a place."""
    places = {
        place: held_roles(given, kind=known[place].kind, today=today)
        for place, given in grants.items()
        if place in known and not known[place].is_suspended
    }
    return {place: roles for place, roles in places.items() if roles}


def _say_suspended(
    grants: Mapping[UUID, Sequence[RoleGrant]],
    known: Mapping[UUID, Organisation],
    places: Mapping[UUID, Sequence[HeldRole]],
    *,
    wanted: UUID | None,
    today: date,
) -> None:
    """Tell someone whose organisation is suspended that it is, unless they have another place and asked for none."""
    if wanted in places or (wanted is None and places):
        return
    for place, given in grants.items():
        item = known.get(place)
        if item is not None and item.is_suspended and wanted in (None, place) and any(g.is_held(today) for g in given):
            raise _suspended(item)


def _choose(
    places: Mapping[UUID, Sequence[HeldRole]],
    known: Mapping[UUID, Organisation],
    *,
    wanted: UUID | None,
    last: UUID | None,
) -> Organisation:
    if wanted is not None:
        if wanted not in places:
            raise _no_access()
        return known[wanted]
    if not places:
        raise _no_access()
    if last is not None and last in places:
        return known[last]
    best = min(
        places,
        key=lambda place: (not any(role.works for role in places[place]), sort_name(known[place].name), place),
    )
    return known[best]


def _ended() -> UnauthenticatedError:
    return UnauthenticatedError("session-ended", "You are signed out. Sign in again.")


def _suspended(item: Organisation) -> PermissionDeniedError:
    since = item.suspended_at.isoformat() if item.suspended_at is not None else ""
    return PermissionDeniedError(
        "organisation-suspended",
        "Your organisation is suspended. Nothing of it is lost; ask the service desk.",
        metadata={"name": item.name, "suspended_at": since, "suspension_reason": item.suspension_reason},
    )


def _no_access() -> PermissionDeniedError:
    return PermissionDeniedError("no-access", "You have no role there.")

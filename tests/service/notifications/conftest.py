"""Notifications on a real database and folder, beside a small identity that knows who works where."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import events_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import events_pb2 as identity_events
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc, invitations_pb2, passphrases_pb2
from ascms.notifications.v1 import notifications_pb2, notifications_pb2_grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kit.actor import Actor, ActorKind, system_actor
from kit.bus import Record
from kit.bus.contract import Delivery
from kit.clock import FixedClock
from kit.db import Database
from kit.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError
from kit.ids import uuid7
from kit.paging import PageTokens
from kit.rpc.client import Backend, Channels
from kit.rpc.identity import ServiceTokens
from kit.rpc.server import Call, Servicer, read, serve
from services.notifications.commands import Deps
from services.notifications.consumers import handlers
from services.notifications.mails import Letterhead
from services.notifications.people import People
from services.notifications.rpc import NotificationsServicer
from services.notifications.senders import FolderSender
from tests.support.postgres import database_of, empty
from tests.support.rpc import Caller, running
from tests.support.tokens import person, token_for, verifier

OURS, THEIRS = UUID(int=1), UUID(int=2)
LEAD = person(1, "cases:assign", tenant=OURS)
MANAGER = person(2, "cases:read", "cases:record", tenant=OURS)
OTHER_LEAD = person(3, "cases:assign", tenant=OURS)
STRANGER = person(4, "cases:assign", tenant=THEIRS)
SYSTEM = system_actor("notifications", OURS)
CASE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
REQUEST = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
TOPIC = "ascms.cases.v1"
CREDENTIAL = "for-tests"


@dataclass
class SmallIdentity(identity_pb2_grpc.IdentityServiceServicer):
    """Mints tokens for a purpose, and knows contacts and leads by organisation."""

    contacts: dict[UUID, dict[UUID, identity_pb2.Contact]] = field(default_factory=dict)
    leads: dict[UUID, list[UUID]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    inert: set[UUID] = field(default_factory=set)
    links: dict[tuple[UUID, str], passphrases_pb2.GetPassphraseMailResponse] = field(default_factory=dict)
    mails: dict[tuple[UUID, UUID], invitations_pb2.GetInvitationMailResponse] = field(default_factory=dict)

    def knows(self, someone: Actor, *, name: str, email: str, language: str = "en", is_lead: bool = False) -> None:
        contact = identity_pb2.Contact(person_id=str(someone.person_id), name=name, email=email, language=language)
        self.contacts.setdefault(someone.tenant_id, {})[someone.person_id] = contact
        if is_lead:
            self.leads.setdefault(someone.tenant_id, []).append(someone.person_id)

    @read
    def MintServiceToken(
        self, request: identity_pb2.MintServiceTokenRequest, _call: Call
    ) -> identity_pb2.MintServiceTokenResponse:
        if request.credential != CREDENTIAL:
            raise UnauthenticatedError("credential-wrong", "No.")
        actor = Actor(
            kind=ActorKind.SERVICE,
            tenant_id=UUID(request.tenant_id),
            service=request.service,
            purpose=request.purpose,
            permissions=frozenset({"people:read"}),
        )
        expires_at = Timestamp(seconds=int(time.time()) + 60)
        return identity_pb2.MintServiceTokenResponse(token=token_for(actor), expires_at=expires_at)

    @read
    def GetInvitationMail(
        self, request: invitations_pb2.GetInvitationMailRequest, call: Call
    ) -> invitations_pb2.GetInvitationMailResponse:
        if call.actor.purpose != "send-invitations":
            raise PermissionDeniedError("purpose-needed", "No.")
        mail = self.mails.get((call.actor.tenant_id, UUID(request.link_id)))
        if mail is None:
            raise NotFoundError("invitation")
        return mail

    @read
    def GetPassphraseMail(
        self, request: passphrases_pb2.GetPassphraseMailRequest, call: Call
    ) -> passphrases_pb2.GetPassphraseMailResponse:
        if call.actor.purpose != "send-passphrases":
            raise PermissionDeniedError("purpose-needed", "No.")
        mail = self.links.get((UUID(request.person_id), request.link_id))
        if mail is None:
            raise NotFoundError("link")
        return mail

    @read
    def BatchGetContacts(
        self, request: identity_pb2.BatchGetContactsRequest, call: Call
    ) -> identity_pb2.BatchGetContactsResponse:
        self.asked.append("BatchGetContacts")
        known = self.contacts.get(call.actor.tenant_id, {})
        hidden = set() if request.with_inert_roles else self.inert
        wanted = [UUID(person_id) for person_id in request.person_ids if UUID(person_id) not in hidden]
        return identity_pb2.BatchGetContactsResponse(contacts=[known[each] for each in wanted if each in known])

    @read
    def BatchGetOrganisations(
        self, request: identity_pb2.BatchGetOrganisationsRequest, _call: Call
    ) -> identity_pb2.BatchGetOrganisationsResponse:
        ours = [each for each in request.organisation_ids if each == str(OURS)]
        return identity_pb2.BatchGetOrganisationsResponse(
            organisations=[identity_pb2.Organisation(organisation_id=each, region="07") for each in ours]
        )

    @read
    def ListPeople(self, request: identity_pb2.ListPeopleRequest, call: Call) -> identity_pb2.ListPeopleResponse:
        self.asked.append(f"ListPeople {request.working_role}")
        leads = self.leads.get(call.actor.tenant_id, [])
        # One a page: whoever asks must go on until the end.
        start = int(request.page_token or "0")
        return identity_pb2.ListPeopleResponse(
            people=[identity_pb2.Person(person_id=str(lead)) for lead in leads[start : start + 1]],
            next_page_token=str(start + 1) if start + 1 < len(leads) else "",
        )


@dataclass(frozen=True)
class Notifications:
    """The service under test."""

    call: Caller
    deps: Deps
    folder: Path
    identity: SmallIdentity
    clock: FixedClock

    def apply(self, event: Message, *, tenant: UUID = OURS, event_id: UUID | None = None) -> UUID:
        """Apply one event as the consumer loop does; the event's id."""
        envelope = envelope_of(event, tenant=tenant, event_id=event_id or uuid7())
        handler = handlers(self.clock)[envelope.type]
        with self.deps.database.tenant(system_actor("notifications", tenant)) as tx:
            handler(tx, envelope, event)
        return UUID(envelope.event_id)

    def notices(self, *, of: Actor, page_size: int = 0, page_token: str = "") -> Any:
        request = notifications_pb2.ListNoticesRequest(page_size=page_size, page_token=page_token)
        return self.call("ListNotices", request, as_=of)

    def notice_ids(self) -> list[UUID]:
        with self.deps.database.tenant(SYSTEM) as tx:
            return [row.id for row in tx.connection.execute("SELECT id FROM notice ORDER BY created_at, id").fetchall()]

    def jobs(self) -> list[str]:
        with self.deps.database.plumbing() as tx:
            rows = tx.connection.execute("SELECT task_name FROM jobs.procrastinate_jobs ORDER BY id").fetchall()
        return [row.task_name for row in rows]

    def deadlines(self) -> list[str]:
        with self.deps.database.plumbing() as tx:
            return [row.kind for row in tx.connection.execute("SELECT kind FROM deadline ORDER BY kind").fetchall()]

    def mails(self) -> list[EmailMessage]:
        return [read_mail(path.read_bytes()) for path in sorted(self.folder.glob("*.eml"))]


def read_mail(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def envelope_of(event: Message, *, tenant: UUID, event_id: UUID, position: int = 1) -> Envelope:
    occurred_at = Timestamp()
    occurred_at.FromDatetime(datetime(2026, 3, 3, 21, 0, tzinfo=UTC))
    return Envelope(
        event_id=str(event_id),
        type=event.DESCRIPTOR.full_name,
        source=event.DESCRIPTOR.full_name.split(".")[1],
        tenant_id=str(tenant),
        key=str(CASE),
        position=position,
        occurred_at=occurred_at,
        payload=event.SerializeToString(),
    )


def record_of(event: Message, **options: Any) -> Record:
    return Record(TOPIC, str(CASE), envelope_of(event, **options).SerializeToString())


def delivery_of(event: Message, **options: Any) -> Delivery:
    return Delivery(TOPIC, 0, 0, str(CASE), envelope_of(event, **options).SerializeToString())


def case_assigned(*, to: Actor = MANAGER, by: Actor = LEAD) -> events_pb2.CaseAssigned:
    return events_pb2.CaseAssigned(case_id=str(CASE), case_manager_id=str(to.person_id), assigned_by=str(by.person_id))


def invitation_created(link_id: UUID) -> identity_events.InvitationCreated:
    return identity_events.InvitationCreated(invitation_id=str(CASE), link_id=str(link_id))


def invitation_resent(link_id: UUID) -> identity_events.InvitationResent:
    return identity_events.InvitationResent(invitation_id=str(CASE), link_id=str(link_id))


def request_overdue() -> events_pb2.RequestOverdue:
    return events_pb2.RequestOverdue(request_id=str(REQUEST), answer_due_on="2026-03-03")


@pytest.fixture(scope="session")
def notifications_url(worker: str) -> Iterator[str]:
    with database_of("notifications", worker=worker) as url:
        yield url


@pytest.fixture
def notifications(notifications_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Notifications]:
    empty(notifications_url)
    database = Database(notifications_url, service="notifications")
    known = SmallIdentity()  # type: ignore[abstract]  # what is called is there
    known.knows(LEAD, name="Rāwiri Tauira", email="rawiri@example.nz", is_lead=True)
    known.knows(MANAGER, name="Mereana Tauira", email="mereana@example.nz", language="mi")
    known.knows(OTHER_LEAD, name="Sione", email="sione@example.nz", is_lead=True)
    known.knows(STRANGER, name="Example Person", email="example@example.nz", is_lead=True)
    identity_server = serve(
        address="127.0.0.1:0",
        servicers=[
            Servicer(
                known,
                identity_pb2_grpc.add_IdentityServiceServicer_to_server,
                identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
            )
        ],
        verifier=verifier(),
    )
    identity = Backend(Channels(f"127.0.0.1:{identity_server.port}", count=1), identity_pb2_grpc.IdentityServiceStub)
    deps = Deps(
        database=database,
        clock=clock,
        people=People(identity, ServiceTokens(identity, service="notifications", credential=CREDENTIAL)),
        sender=FolderSender(tmp_path),
        letterhead=Letterhead("https://ascms.example.nz", "notices@example.nz", "https://sign-in.example.nz"),
    )
    servicer = Servicer(
        NotificationsServicer(deps, PageTokens("tests")),
        notifications_pb2_grpc.add_NotificationsServiceServicer_to_server,
        notifications_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
    )
    with running(servicer, notifications_pb2_grpc.NotificationsServiceStub, database=database) as call:
        yield Notifications(call, deps, tmp_path, known, clock)
    identity.close()
    identity_server.stop(0)
    database.close()

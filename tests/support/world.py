"""People and things of a running system, reached by RPC and REST as anybody: what tests of its borders stand on."""

import base64
import contextlib
import functools
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import grpc
import requests
import yaml
from ascms.documents.v1 import documents_pb2
from ascms.identity.v1 import identity_pb2
from google.api import http_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from deploy.story.cast import Cast, read_cast
from deploy.story.signin import Program
from kit.rpc.contract import Method, methods
from tests.support.postgres import ROOT
from tests.support.services import contract_services
from tests.support.system import System

TIMEOUT_SECONDS = 20
_TOKEN_SECONDS = 40.0
_DETAILS = "grpc-status-details-bin"

# Plainly made up, and found nowhere else: where one of these turns up, it came from here.
CANARY_GIVEN = "Kanarī Waiata"
CANARY_FAMILY = "Samplebird-Canary"
CANARY_PREFERRED = "Kānariki"
CANARY_CAREGIVER = "Whaea Canarytauira"
CANARY_PHONE = "021 555 0198"
CANARY_EMAIL = "canary.whaea@nowhere.example"
CANARY_CONCERN = "concern-canary: stays in bed <b>and</b> sings"
CANARY_STEPS = "steps-canary: rang twice"
CANARY_NOTE = "note-canary: kōrero at the gate =1+1"
CANARY_FILE = "file-canary.txt"


@dataclass(frozen=True, slots=True)
class Asker:
    """Someone who asks. `access_token` is what the issuer gave; empty for nobody."""

    words: str
    access_token: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an RPC answered: "OK" and the response, or the refusal with every byte of its status."""

    code: str
    response: Message | None = None
    details: str = ""
    status: bytes = b""

    @property
    def text(self) -> str:
        """Everything that can be read in it."""
        shown = json.dumps(MessageToDict(self.response), ensure_ascii=False) if self.response is not None else ""
        return shown + self.details + self.status.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Rest:
    """A call of the REST API, made from an RPC's contract."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    body: dict[str, Any] | None


@dataclass(eq=False)
class World:
    """One running system. Everything is made on first use and kept."""

    system: System
    ids: dict[str, str] = field(default_factory=dict)
    """Real ids of the first provider and the first school, by the name of the field that asks for them."""
    number: str = field(default_factory=lambda: f"{uuid4().int % 10**9:09d}")
    """The student number of this world's student."""
    keys: dict[str, str] = field(default_factory=lambda: defaultdict(lambda: str(uuid4())))
    """The idempotency keys that its owners used, by RPC."""
    used_keys: dict[str, str] = field(default_factory=dict)
    """The last key that each of its owners wrote with."""
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict, init=False)
    _askers: dict[str, Asker] = field(default_factory=dict, init=False)
    _channels: dict[str, grpc.Channel] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Know where everything listens; nothing is asked yet."""
        self.cast: Cast = read_cast(self.system.state / "demo.json")
        found = json.loads((self.system.state / "addresses.json").read_text(encoding="utf-8"))
        self.addresses: dict[str, str] = found["rpc"]
        self.session = requests.Session()
        self.session.trust_env = False

    # ---- who asks

    def person(self, name: str, words: str = "") -> Asker:
        """Someone of the demonstration by the beginning of their e-mail address, such as "mahina"."""
        if name not in self._askers:
            person = next(one for one in self.cast.people if one.email.startswith(f"{name}."))
            token = Program(self.cast.issuer).tokens_of(person).access_token
            self._askers[name] = Asker(words or person.email, token)
        return self._askers[name]

    def machine(self, place: int = 0) -> Asker:
        """A machine client of the demonstration: the first school's student management system, the training system."""
        words = f"machine client {place}"
        if words not in self._askers:
            content = (ROOT / "deploy" / "demo" / "people.yaml").read_text(encoding="utf-8")
            client = yaml.safe_load(content)["machines"][place]
            answer = self.session.post(
                f"{self.cast.issuer}/token",
                data={"grant_type": "client_credentials"},
                auth=(client["id"], client["secret"]),
                timeout=TIMEOUT_SECONDS,
            )
            assert answer.status_code == 200, answer.text
            self._askers[words] = Asker(words, answer.json()["access_token"])
        return self._askers[words]

    def internal(self, asker: Asker) -> str:
        """The asker's token between services."""
        until, token = self._tokens.get(asker.words, (0.0, ""))
        if asker.access_token and until < time.monotonic():
            request = identity_pb2.ExchangeTokenRequest(access_token=asker.access_token)
            got = self._call("identity", self.method("ExchangeToken"), request, [])
            assert isinstance(got.response, identity_pb2.ExchangeTokenResponse), got
            token = got.response.token
            self._tokens[asker.words] = (time.monotonic() + _TOKEN_SECONDS, token)
        return token

    def known(self, words: str, token: str) -> Asker:
        """Someone whose token between services was made already."""
        self._tokens[words] = (float("inf"), token)
        return Asker(words, "made already")

    # ---- asking

    @staticmethod
    def method(name: str) -> Method:
        """An RPC's contract."""
        return _methods()[name]

    def rpc(self, asker: Asker, method: Method, request: Any, *, key: str = "", request_id: str = "") -> Outcome:
        """Call an RPC; a list of requests is a stream."""
        metadata = [("authorization", f"Bearer {self.internal(asker)}")] if asker.access_token else []
        metadata += [("idempotency-key", key)] if key else []
        metadata += [("x-request-id", request_id)] if request_id else []
        return self._call(method.descriptor.containing_service.file.package.split(".")[1], method, request, metadata)

    def _call(self, service: str, method: Method, request: Any, metadata: list[tuple[str, str]]) -> Outcome:
        if service not in self._channels:
            self._channels[service] = grpc.insecure_channel(self.addresses[service])
        channel = self._channels[service]
        output = GetMessageClass(method.descriptor.output_type)
        kind = {
            (False, False): channel.unary_unary,
            (True, False): channel.stream_unary,
            (False, True): channel.unary_stream,
        }[(method.descriptor.client_streaming, method.descriptor.server_streaming)]
        stub: Any = kind(method.path, lambda message: message.SerializeToString(), output.FromString)
        sent = iter(request) if isinstance(request, list) else request
        try:
            answer = stub(sent, timeout=TIMEOUT_SECONDS, metadata=metadata)
            return Outcome("OK", next(iter(list(answer)), None) if method.descriptor.server_streaming else answer)
        except grpc.RpcError as raised:
            error = cast("grpc.Call", raised)
            trailing = {key: value for key, value in error.trailing_metadata() or () if key == _DETAILS}
            status = trailing.get(_DETAILS, b"")
            return Outcome(
                error.code().name, details=error.details() or "", status=status if isinstance(status, bytes) else b""
            )

    def rest(
        self, asker: Asker, call: Rest, *, key: str = "", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Call the REST API."""
        sent = {"Authorization": f"Bearer {asker.access_token}"} if asker.access_token else {}
        sent |= {"Idempotency-Key": key} if key else {}
        return self.session.request(
            call.verb,
            self.cast.base_url + call.path,
            params=call.query,
            json=call.body,
            headers={**sent, **(headers or {})},
            timeout=TIMEOUT_SECONDS,
        )

    def get(self, asker: Asker, path: str, **query: str | int) -> dict[str, Any]:
        """Read something that the asker may read."""
        answer = self.rest(asker, Rest("GET", f"/api{path}", [(name, str(one)) for name, one in query.items()], None))
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def post(self, asker: Asker, path: str, body: dict[str, Any], *, key: str = "") -> dict[str, Any]:
        """Write something that the asker may write."""
        key = self.used_keys[asker.words] = key or str(uuid4())
        answer = self.rest(asker, Rest("POST", f"/api{path}", [], body), key=key)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    # ---- what there is

    @property
    def school(self) -> Asker:
        """The first school's attendance lead."""
        return self.person("mere")

    @property
    def lead(self) -> Asker:
        """The first provider's workflow lead."""
        return self.person("mahina")

    @property
    def manager(self) -> Asker:
        """The case manager of this world's case."""
        return self.person("hemi")

    def one_who_may(self, permission: str) -> Asker:
        """The first of the cast who holds a permission now; the lead where nobody does."""
        people = (self.person(name) for name in ("mere", "hemi", "mahina", "tane", "tui", "ihaka", "oriwa"))
        for asker in (*people, self.machine(1), self.machine(2)):
            if permission in self.get(asker, "/v1/me")["permissions"]:
                return asker
        return self.lead

    @property
    def canaries(self) -> tuple[str, ...]:
        """Personal data of this world's student and case, each as it would be found in a text."""
        return (
            *(self.number, CANARY_GIVEN, CANARY_FAMILY, CANARY_PREFERRED, CANARY_CAREGIVER, CANARY_PHONE, CANARY_EMAIL),
            *("concern-canary", "steps-canary", "note-canary", CANARY_FILE),
        )

    def submission(self) -> dict[str, Any]:
        """A request for support for this world's student."""
        return {
            "student": {
                "nsn": self.number,
                "given_names": CANARY_GIVEN,
                "family_name": CANARY_FAMILY,
                "preferred_name": CANARY_PREFERRED,
                "date_of_birth": "2014-02-03",
                "year_level": 5,
                "gender": "GENDER_ANOTHER",
            },
            "caregivers": [
                {
                    "name": CANARY_CAREGIVER,
                    "relationship": "aunt",
                    "phone": CANARY_PHONE,
                    "email": CANARY_EMAIL,
                    "safe_to_contact": True,
                }
            ],
            "attendance": {"term": "2026-T1", "present_half_days": 10, "total_half_days": 60},
            "concern": CANARY_CONCERN,
            "steps_tried": CANARY_STEPS,
        }

    def visit(self) -> dict[str, Any]:
        """A home visit with a note that only the provider may read. It takes no time, so no day gets full."""
        return {
            "kind": "EVENT_KIND_HOME_VISIT",
            "happened_on": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)),
            "outcome": "OUTCOME_REACHED",
            "minutes": 0,
            "note": CANARY_NOTE,
            "visibility": "VISIBILITY_PROVIDER",
        }

    def make(self) -> None:
        """A request of the first school, its case at the first provider, a visit and a file in it; keeps the ids."""
        case_manager = self.get(self.manager, "/v1/me")["person"]["person_id"]
        asked = self.post(self.school, "/v1/requests", self.submission(), key=self.keys["SubmitRequest"])["request"]
        opened = {"case_manager_id": case_manager}
        path = f"/v1/incoming-requests/{asked['request_id']}:open"
        case = self.post(self.lead, path, opened, key=self.keys["OpenCase"])["case"]
        path = f"/v1/cases/{case['case_id']}/events"
        entry = self.post(self.manager, path, self.visit(), key=self.keys["RecordEvent"])["entry"]
        self.post(self.manager, path, self.visit() | {"note": "note-canary: a second one"})
        wanted = {
            "title": "note-canary: ring the aunt",
            "due_on": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 86_400)),
            "owner_id": case_manager,
        }
        task = self.post(self.manager, f"/v1/cases/{case['case_id']}/tasks", wanted)["task"]
        drafted = {
            "family": "LETTER_FAMILY_CHRONIC_ABSENCE",
            "stage": 1,
            "text": {"language": "LETTER_LANGUAGE_BOTH", "words": CANARY_NOTE},
        }
        letter = self.post(self.manager, f"/v1/cases/{case['case_id']}/letters", drafted)["letter"]
        draft = self.post(self.school, "/v1/request-drafts", {"content": self.submission()})["draft"]
        file = (ROOT / "deploy" / "demo" / "organisations.yaml").read_bytes()
        plan = self.post(self.person("tui"), "/v1/register/plans", {"content": encoded(file)})
        invited = {
            "name": "Demo Invited",
            "email": f"invited.{uuid4().hex[:12]}@nowhere.example",
            "identity_sighted": {
                "primary_document": "nz_birth_certificate",
                "supporting_document": "nz_driver_licence",
            },
        }
        invitation = self.post(self.person("tane"), "/v1/invitations", invited)["invitation"]
        self.ids |= {
            "invitation_id": invitation["invitation_id"],
            "task_id": task["task_id"],
            "letter_id": letter["letter_id"],
            "draft_id": draft["draft_id"],
            "plan_id": plan["plan_id"],
            "owner_id": case_manager,
            "request_id": asked["request_id"],
            "case_id": case["case_id"],
            "case_manager_id": case_manager,
            "entry_id": entry["entry_id"],
            "document_id": self.upload(case["case_id"]),
            "person_id": case_manager,
            "person_ids": case_manager,
            "school_id": asked["school_id"],
            "last_school_id": asked["school_id"],
            "provider_id": asked["provider_id"],
            "organisation_id": asked["provider_id"],
            "organisation_ids": asked["provider_id"],
            "tenant_id": asked["provider_id"],
        }

    def upload(self, case_id: str) -> str:
        """A file of the case; its id."""
        header = documents_pb2.UploadHeader(case_id=case_id, name=CANARY_FILE)
        parts = [
            documents_pb2.UploadDocumentRequest(header=header),
            documents_pb2.UploadDocumentRequest(chunk=b"note-canary: in a file\n"),
        ]
        got = self.rpc(self.manager, self.method("UploadDocument"), parts)
        assert isinstance(got.response, documents_pb2.UploadDocumentResponse), got
        return got.response.document.document_id

    def close(self) -> None:
        """Let go of the connections."""
        self.session.close()
        for channel in self._channels.values():
            channel.close()


def rest_of(method: Method, request: Message) -> Rest:
    """The REST call that says the same as an RPC's request."""
    rule = method.http_rule
    assert rule is not None, method.path
    verb, template = _route(rule)
    given = MessageToDict(request, preserving_proto_field_name=True)
    path = template
    for name in [part.partition("}")[0] for part in template.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", str(given.pop(name, "")))
    if rule.body:
        return Rest(verb, f"/api{path}", [], given)
    query = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name, value in given.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return Rest(verb, f"/api{path}", query, None)


def environment_of(system: System, name: str) -> dict[str, str]:
    """The environment of one of the system's processes: where its database and broker are."""
    content = Path(f"/proc/{system.processes()[name]}/environ").read_bytes()
    pairs = (part.decode().partition("=") for part in content.split(b"\0") if part)
    return {key: value for key, _, value in pairs}


def encoded(content: bytes) -> str:
    """Bytes as JSON takes them."""
    return base64.b64encode(content).decode()


@contextlib.contextmanager
def world_of(system: System) -> Iterator[World]:
    """A world with everything made, for the length of the block."""
    world = World(system)
    try:
        world.make()
        yield world
    finally:
        world.close()


def all_methods() -> list[Method]:
    """Every RPC there is."""
    return list(_methods().values())


@functools.cache
def _methods() -> dict[str, Method]:
    return {method.descriptor.name: method for service in contract_services() for method in methods(service)}


def _route(rule: http_pb2.HttpRule) -> tuple[str, str]:
    verb = rule.WhichOneof("pattern") or ""
    return verb.upper(), getattr(rule, verb)

"""The processes of the system, as data: what each is called, how it is started, what it needs to know.

A service whose folder has no `app.py` is left out: it is not built yet.
"""

import hashlib
import hmac
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from deploy.local.up import ports
from deploy.local.up.options import BROKER, HOST, ROOT, Options, database
from deploy.local.up.postgres import Cluster
from deploy.local.up.supervisor import Program

SERVICES = ("identity", "cases", "documents", "reporting", "notifications")
"""Every gRPC service. Its place in this list decides its ports; add new ones at the end."""

# What a developer may set to look closer or to wait less, handed on as it is.
_HANDED_ON = ("ASCMS_LOG_LEVEL", "ASCMS_TRACE_RATIO", "ASCMS_TRACE_FILE", "ASCMS_TOKEN_SECONDS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything the programs are made from."""

    options: Options
    cluster: Cluster | None
    """The embedded PostgreSQL; None where another is named."""
    secrets: Mapping[str, str]

    @property
    def broker_url(self) -> str:
        """The broker asked for, or the one on PostgreSQL."""
        return self.options.broker_url or self._url(user=BROKER, name=BROKER)

    @property
    def admin_url(self) -> str:
        """The connection of PostgreSQL's administrator."""
        return self.options.postgres_url if self.cluster is None else self.cluster.admin_url

    @property
    def store_url(self) -> str:
        """The object store asked for, or a folder."""
        return self.options.store_url or f"folder://{self.options.state / 'files'}"

    def database_url(self, service: str, *, role: str = "login") -> str:
        """A service's own database, as its login unless told."""
        return self._url(user=f"{service}_{role}", name=database(service))

    def addresses(self) -> dict[str, str]:
        """Where the gRPC of each service listens, by name; also of those that are not built yet."""
        return {name: ports.rpc_address(self.options.port, place) for place, name in enumerate(SERVICES)}

    def _url(self, *, user: str, name: str) -> str:
        parts = urlsplit(self.admin_url)
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}", path=f"/{name}"))


def built() -> tuple[str, ...]:
    """The services that can run."""
    return tuple(name for name in SERVICES if (ROOT / "services" / name / "app.py").exists())


def listening(options: Options) -> list[str]:
    """Every address that has to be free."""
    places = [SERVICES.index(name) for name in built()]
    internal = [make(options.port, place) for place in places for make in (ports.rpc_address, ports.health_address)]
    return [*(f"{HOST}:{options.port + offset}" for offset in (0, 1, 2)), *internal]


def database_server(cluster: Cluster) -> Program:
    """PostgreSQL; SIGINT is its fast shutdown."""
    return Program(name="postgres", command=cluster.command(), account=cluster.account, stop_signal=signal.SIGINT)


def preparation(plan: Plan) -> Program:
    """Databases, roles and migrations of everything built, the broker, organisations and people."""
    options = plan.options
    told = {
        "--state": str(options.state),
        "--base-url": options.base_url,
        "--issuer": options.issuer,
        "--admin-url": plan.admin_url,
        "--broker-url": plan.broker_url,
    }
    words = [word for pair in told.items() for word in pair]
    command = _python("deploy.local.up.prepare", *words, *built())
    return Program(name="prepare", command=command, environment=_of_service(plan, "identity"))


def lived_in(plan: Plan) -> Program:
    """Cases and visits, so that lists and figures have something to show."""
    return Program(name="seed", command=_python("deploy.local.up.seed", str(plan.options.state), plan.options.issuer))


def command_line(plan: Plan, service: str, *words: str) -> Program:
    """A service's command line (`ascms SERVICE …`), which knows what the service itself knows."""
    return Program(name=service, command=_python("kit.cli", service, *words), environment=_of_service(plan, service))


def services(plan: Plan) -> list[Program]:
    """Everything behind the gateway, in the order it is started."""
    programs = [_service(plan, name) for name in built()]
    if (ROOT / "services" / "identity" / "web" / "__main__.py").exists():
        programs.insert(1, _identity_web(plan))
    return [*programs, _mail(plan)]


def _service(plan: Plan, name: str) -> Program:
    health = ports.health_address(plan.options.port, SERVICES.index(name))
    environment = _of_service(plan, name) | {"ASCMS_HEALTH_ADDRESS": health}
    return Program(
        name=name, command=_python(f"services.{name}"), environment=environment,
        ready_url=f"http://{health}/health/ready",
    )  # fmt: skip


def _of_service(plan: Plan, name: str) -> dict[str, str]:
    addresses = plan.addresses()
    common = _common(plan) | {
        "ASCMS_DATABASE_URL": plan.database_url(name),
        "ASCMS_BROKER_URL": plan.broker_url,
        "ASCMS_RPC_ADDRESS": addresses[name],
        "ASCMS_SERVICE_CREDENTIAL": _credential(plan, name),
    }
    return common | _OWN.get(name, _nothing)(plan)


def _nothing(_plan: Plan) -> dict[str, str]:
    return {}


def _of_identity(plan: Plan) -> dict[str, str]:
    """What identity alone knows: the secret that others' credentials come from."""
    return {"ASCMS_SECRET": plan.secrets["key_secret"], "ASCMS_SERVICE_SECRET": plan.secrets["service_secret"]}


def _of_documents(plan: Plan) -> dict[str, str]:
    return {
        "ASCMS_STORE_URL": plan.store_url,
        "ASCMS_CASES_ADDRESS": plan.addresses()["cases"],
    }


def _of_cases(plan: Plan) -> dict[str, str]:
    return {"ASCMS_STUDENT_HASH_KEY": plan.secrets["student_secret"]}


def _of_notifications(plan: Plan) -> dict[str, str]:
    return {
        "ASCMS_MAIL_URL": f"folder://{plan.options.state / 'mail'}",
        "ASCMS_MAIL_FROM": "attendance-cases@ministry.example",
        "ASCMS_PUBLIC_URL": plan.options.base_url,
        "ASCMS_SIGN_IN_URL": plan.options.issuer,
    }


_OWN: Mapping[str, Callable[[Plan], dict[str, str]]] = {
    "identity": _of_identity,
    "cases": _of_cases,
    "documents": _of_documents,
    "notifications": _of_notifications,
}
"""What a service needs to know besides what all do."""


def _identity_web(plan: Plan) -> Program:
    options = plan.options
    environment = _common(plan) | {
        "ASCMS_DATABASE_URL": plan.database_url("identity"),
        "ASCMS_SECRET": plan.secrets["key_secret"],
        "ASCMS_ISSUER": options.issuer,
        "ASCMS_GATEWAY_CLIENT_SECRET": plan.secrets["client_secret"],
        "ASCMS_GATEWAY_REDIRECT_URIS": f"{options.base_url}/sign-in/return",
        "ASCMS_GATEWAY_POST_LOGOUT_URIS": f"{options.base_url}/signed-out",
        # Scripts sign people in with code and PKCE, and take the code at any port of this machine.
        "ASCMS_PROGRAM_REDIRECT_URIS": f"http://{HOST}/callback",
    }
    return Program(
        name="identity-web",
        command=_python("services.identity.web"),
        environment=environment,
        ready_url=f"{options.issuer}/health/ready",
    )


def _mail(plan: Plan) -> Program:
    """The page that shows the mail: of the local system alone."""
    options = plan.options
    command = _python("deploy.local.up.mail", str(options.state / "mail"), str(options.port + 2))
    return Program(name="mail", command=command, ready_url=f"{options.mail_url}/health")


def gateway(plan: Plan) -> Program:
    """Pages and REST API."""
    options = plan.options
    environment = _common(plan) | {
        "ASCMS_HOST": HOST,
        "ASCMS_PORT": str(options.port),
        "ASCMS_PUBLIC_URL": options.base_url,
        "ASCMS_ISSUER": options.issuer,
        "ASCMS_GATEWAY_CLIENT_SECRET": plan.secrets["client_secret"],
        "ASCMS_SECRET": plan.secrets["session_secret"],
        **{f"ASCMS_{name.upper()}_ADDRESS": address for name, address in plan.addresses().items()},
    }
    return Program(
        name="gateway", command=_python("services.gateway"), environment=environment,
        ready_url=f"{options.base_url}/health/ready", ready_answers=8,
    )  # fmt: skip


def _common(plan: Plan) -> dict[str, str]:
    handed_on = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return {"ASCMS_ENVIRONMENT": "development", "ASCMS_IDENTITY_ADDRESS": plan.addresses()["identity"], **handed_on}


def _credential(plan: Plan, service: str) -> str:
    """What a service shows identity to get tokens: derived, so that nothing has to be stored for each."""
    return hmac.new(plan.secrets["service_secret"].encode(), service.encode(), hashlib.sha256).hexdigest()


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)

"""The demonstration's organisations and people, as the tests see them, and the identity service over them."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from kit.clock import FixedClock
from kit.db import Database
from kit.ids import uuid7
from services.identity.cli import apply_organisations_file, apply_people_file
from services.identity.commands import Deps
from services.identity.secrets import MasterSecret, Passphrases

DEMO = Path(__file__).parents[3] / "deploy" / "demo"
ORGANISATIONS = (DEMO / "organisations.yaml").read_bytes()
PEOPLE = (DEMO / "people.yaml").read_bytes()

SECRET = "a secret for tests, at least thirty-two characters"
SERVICE_SECRET = "another one for tests, from which credentials come"

MINISTRY = UUID("0190a000-0000-7000-8000-000000000001")
PROVIDER = UUID("0190a000-0000-7000-8000-000000000011")
OTHER_PROVIDER = UUID("0190a000-0000-7000-8000-000000000012")
SCHOOL = UUID("0190a000-0000-7000-8000-000000000021")
OTHER_SCHOOL = UUID("0190a000-0000-7000-8000-000000000022")

MACHINE = UUID("0190c000-0000-7000-8000-000000000001")
TRAINING_SYSTEM = UUID("0190c000-0000-7000-8000-000000000002")
MACHINE_SECRET = "demo-only-client-secret-of-the-first-school"


@dataclass(frozen=True)
class Demo:
    """One of the demonstration's people."""

    id: UUID
    email: str
    passphrase: str


def _demo(number: int, email: str, passphrase: str) -> Demo:
    return Demo(UUID(f"0190b000-0000-7000-8000-0000000000{number:02}"), email, passphrase)


LEAD = _demo(1, "mahina.lead@putahi.example", "copper kettle morning")
MANAGER = _demo(2, "hemi.walker@putahi.example", "quiet river stones")
COLLEAGUE = _demo(3, "anahera.rivers@putahi.example", "seven paper lanterns")
AUTHORISER = _demo(4, "tane.authoriser@putahi.example", "garden gate latch")
UNTRAINED = _demo(5, "wiremu.potae@putahi.example", "woollen blanket evening")
ATTENDANCE_LEAD = _demo(8, "mere.osample@kura-kowhai.example", "winter lemon branch")
ANALYST = _demo(12, "ihaka.analyst@ministry.example", "marble staircase echo")
ADMINISTRATOR = _demo(13, "tui.administrator@ministry.example", "orchard fence painter")
DESK = _demo(14, "oriwa.desk@ministry.example", "thunder pillow pocket")
OTHER_AUTHORISER = _demo(16, "moana.authoriser@maramatanga.example", "basalt lantern orchard")
BOTH = _demo(15, "kahu.both@putahi.example", "double harbour bridge")


def make_deps(database: Database, clock: FixedClock) -> Deps:
    """Identity's needs, with a clock that the test moves, and passphrases that cost little to check."""
    return Deps(database, clock, uuid7, MasterSecret(SECRET), Passphrases(memory_kib=64, passes=1))


def settle(deps: Deps) -> None:
    """Apply the demonstration's two files."""
    apply_organisations_file(deps, ORGANISATIONS)
    apply_people_file(deps, PEOPLE)

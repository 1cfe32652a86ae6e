"""`ascms cases`: what an operator does by hand: `seed`, a believable provider at size.

    seed --cases N --provider ID --region CODE --lead ID --school ID … --case-manager ID …
         [--seed NUMBER] [--silent]

Makes up students, their requests and cases in every state with all that happened in them, at a provider and schools
that are there, by people who work there (`make seed` names those of the demonstration). It is refused outside of
development (`ASCMS_ENVIRONMENT`): nothing that is made up stands among what is real.

--seed makes other students; --silent tells no events, so that no figure counts them.

Exit status: 0 done, 2 wrong settings or arguments.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from uuid import UUID

from pydantic import Field, SecretStr

from kit.clock import SystemClock
from kit.config import Settings as BaseSettings
from kit.config import SettingsError, load
from kit.db import Database
from kit.ids import uuid7
from kit.rpc.identity import backend
from services.cases import commands
from services.cases.commands.deps import Deps
from services.cases.directory import IdentityDirectory
from services.cases.lives import Ground

_WRONG_USE = 2


class Settings(BaseSettings):
    """What seeding needs to know; as the service itself does."""

    database_url: str
    identity_address: str
    student_hash_key: SecretStr = Field(min_length=32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(Settings)
    except SettingsError as error:
        return _complain(f"wrong settings\n{error}")
    if not settings.is_development:
        return _complain(
            "refused: ASCMS_ENVIRONMENT does not say development, and what is made up stays out of what is real"
        )
    database = Database(settings.database_url, "cases", pool_size=1, statement_timeout_ms=120_000)
    directory = IdentityDirectory(backend(settings.identity_address))  # Nothing is asked of it here.
    hash_key = settings.student_hash_key.get_secret_value().encode()
    try:
        _seed(Deps(database, SystemClock(), directory, uuid7, hash_key), options)
    finally:
        database.close()
    return 0


def _seed(deps: Deps, options: argparse.Namespace) -> None:
    ground = Ground(
        provider=options.provider,
        region=options.region,
        schools=options.school,
        managers=options.case_manager,
        lead=options.lead,
    )
    began = time.monotonic()
    done = 0
    for done in commands.seeding.seed_cases(
        deps, ground, count=options.cases, seed=options.seed, is_silent=options.silent
    ):
        if sys.stdout.isatty():
            sys.stdout.write(f"\r{done:,} of {options.cases:,}")
            sys.stdout.flush()
    sys.stdout.write(f"\r{done:,} requests and what became of them, in {time.monotonic() - began:.1f} s\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ascms cases")
    verbs = parser.add_subparsers(required=True, metavar="seed")
    seed = verbs.add_parser("seed", help="a believable provider at size")
    seed.add_argument("--cases", type=_count, required=True, metavar="N", help="requests; nearly all become cases")
    seed.add_argument("--provider", type=UUID, required=True)
    seed.add_argument("--region", required=True, help="the provider's, by Stats NZ's code: its working days count")
    seed.add_argument("--lead", type=UUID, required=True, help="who opens and hands out the cases")
    seed.add_argument("--school", type=UUID, action="append", required=True, help="whose students they are; several")
    seed.add_argument("--case-manager", type=UUID, action="append", required=True, help="who has the cases; several")
    seed.add_argument("--seed", type=int, default=1, metavar="NUMBER")
    seed.add_argument("--silent", action="store_true")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _complain(words: str) -> int:
    sys.stderr.write(f"ascms cases: {words}\n")
    return _WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

"""`python -m services.identity.cli`: what an operator does by hand.

    organisations apply [--dry-run] FILE    make the register of organisations and catchments what the file says;
                                            --dry-run says what would be added, changed, suspended, by line
    organisations tell                tell every organisation again, for services that did not listen when it was told
    people apply FILE                 make people, their roles and machine clients what the file says
    access end-role EMAIL ORGANISATION ROLE    take a role away, now
    access wake EMAIL ORGANISATION    let roles work again that rest because nobody used them for long
    access end-sessions EMAIL         sign a person out everywhere, now
    keys rotate                       new signing keys; the old ones verify until the last of their tokens has ended
    credentials show SERVICE          the credential by which identity knows a service

Exit status: 0 done, 1 refused (with every fault), 2 wrong settings or arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from pydantic import Field

from kit.actor import Actor, system_actor
from kit.clock import SystemClock
from kit.config import Settings as BaseSettings
from kit.config import SettingsError, load
from kit.db import Database
from kit.errors import DomainError, NotFoundError
from kit.ids import uuid7
from services.identity import commands
from services.identity.commands import Deps
from services.identity.domain import Organisation, OrganisationKind
from services.identity.domain import register as rules
from services.identity.keys import KeyRing
from services.identity.organisations import read_register, read_register_file
from services.identity.people import read_people
from services.identity.roles import ROLES
from services.identity.secrets import SHORTEST_SECRET, MasterSecret, Passphrases, service_credential
from services.identity.store import organisations as organisation_store
from services.identity.store import people as people_store
from services.identity.yamlfile import FileFaultsError


class Settings(BaseSettings):
    """What the commands need to know."""

    database_url: str
    secret: str = Field(min_length=SHORTEST_SECRET)


class CredentialSettings(BaseSettings):
    """What showing a credential needs to know."""

    service_secret: str = Field(min_length=SHORTEST_SECRET)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb == ("credentials", "show"):
            _say(service_credential(load(CredentialSettings).service_secret, options.service))
            return 0
        settings = load(Settings)
    except SettingsError as error:
        return _complain(f"wrong settings\n{error}", status=2)
    database = Database(settings.database_url, "identity", pool_size=2, statement_timeout_ms=30_000)
    deps = Deps(database, SystemClock(), uuid7, MasterSecret(settings.secret), Passphrases())
    try:
        _say(_run(deps, options))
    except FileFaultsError as error:
        lines = [f"{options.file}:{fault.line}: {fault.path}: {fault.rule}: {fault.message}" for fault in error.faults]
        return _complain("\n".join([f"{len(lines)} faults, nothing was changed", *lines]), status=1)
    except DomainError as error:
        lines = [f"{violation.field}: {violation.reason}: {violation.description}" for violation in error.violations]
        return _complain("\n".join([error.message, *lines]), status=1)
    except OSError as error:
        return _complain(str(error), status=2)
    finally:
        database.close()
    return 0


def _run(deps: Deps, options: argparse.Namespace) -> str:
    match options.verb:
        case ("organisations", "apply"):
            handle = show_differences if options.dry_run else apply_organisations_file
            words = handle(deps, options.file.read_bytes())
        case ("organisations", "tell"):
            words = tell_organisations(deps)
        case ("people", "apply"):
            words = apply_people_file(deps, options.file.read_bytes())
        case ("access", verb):
            words = _change_access(deps, verb, options)
        case _:
            made = KeyRing(deps.database, deps.secret, deps.clock).rotate()
            words = f"New keys: {', '.join(made)}. They sign from a minute on."
    return words


def _change_access(deps: Deps, verb: str, options: argparse.Namespace) -> str:
    person_id = _find_person(deps, options.email)
    if verb == "end-sessions":
        return f"{commands.end_sessions(deps, person_id=person_id, reason='operator')} sessions have ended."
    actor = system_actor("identity", options.organisation)
    if verb == "wake":
        commands.wake_access(deps, actor, person_id=person_id)
        return "Whatever rested there works again."
    commands.end_role(deps, actor, person_id=person_id, role=options.role, reason="operator")
    return "The role has ended."


def apply_organisations_file(deps: Deps, content: bytes) -> str:
    """Apply a register file; return a sentence that says what changed."""
    change = commands.apply_organisations(deps, read_register(content))
    if change.is_empty:
        return "Nothing to change: the register is so already."
    catchments = ", and catchments" if change.catchments_changed else ""
    return f"Changed: {len(change.organisations)} organisations{catchments}."


def tell_organisations(deps: Deps) -> str:
    """Tell the whole register again; return a sentence that says so."""
    told = commands.tell_organisations(deps, _operator(_all_organisations(deps)))
    return f"Told: {told} organisations."


def show_differences(deps: Deps, content: bytes) -> str:
    """What applying a register file would do, a line for each difference, with the file's line; nothing is changed."""
    source = read_register_file(content)
    with deps.database.special("registry") as tx:
        before = organisation_store.whole_register(tx)
    faults = commands.impossible(source, before)
    if faults:
        raise FileFaultsError(faults)
    found = commands.lined(source, rules.differences(before, source.register))
    lines = [_difference_words(item.line, item.difference) for item in found]
    return "\n".join([*lines, f"{len(lines)} differences, nothing was changed."])


def _difference_words(line: int, one: rules.Difference) -> str:
    facts = "; ".join(f"{name}: {before or 'none'} -> {after or 'none'}" for name, before, after in one.fields)
    where = f"line {line}" if line else "not in the file"
    return f"{where}: {one.subject} {one.key} ({one.name}): {one.action}" + (f": {facts}" if facts else "")


def apply_people_file(deps: Deps, content: bytes) -> str:
    """Apply a people file; return a sentence that says what changed."""
    organisations = _all_organisations(deps)
    people, machines = read_people(content, organisations)
    actor = _operator(organisations)
    changed = sum(
        commands.put_person(deps, actor, profile=item.profile, passphrase=item.passphrase, grants=item.grants)
        for item in people
    )
    changed_machines = sum(commands.put_machine(deps, machine) for machine in machines)
    if not changed and not changed_machines:
        return "Nothing to change: people and machine clients are so already."
    return f"Changed: {changed} people, {changed_machines} machine clients."


def _all_organisations(deps: Deps) -> list[Organisation]:
    with deps.database.special("registry") as tx:
        return organisation_store.all_organisations(tx)


def _operator(organisations: Sequence[Organisation]) -> Actor:
    """Provisioning is done in the name of the ministry."""
    for item in organisations:
        if item.kind is OrganisationKind.MINISTRY:
            return system_actor("identity", item.id)
    raise NotFoundError("ministry: apply the organisations first")


def _find_person(deps: Deps, email: str) -> UUID:
    with deps.database.special("signin") as tx:
        found = people_store.find_credential(tx, email)
    if found is None:
        raise NotFoundError("person")
    return found[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.identity.cli")
    nouns = parser.add_subparsers(required=True, metavar="organisations | people | access | keys | credentials")
    for noun in ("organisations", "people"):
        verbs = nouns.add_parser(noun).add_subparsers(required=True, metavar="apply | tell")
        apply = verbs.add_parser("apply")
        apply.add_argument("file", type=Path)
        apply.set_defaults(verb=(noun, "apply"))
        if noun == "organisations":
            apply.add_argument("--dry-run", action="store_true")
            verbs.add_parser("tell").set_defaults(verb=(noun, "tell"))
    access = nouns.add_parser("access").add_subparsers(required=True, metavar="end-role | end-sessions | wake")
    end_role = access.add_parser("end-role")
    end_role.add_argument("email")
    end_role.add_argument("organisation", type=UUID)
    end_role.add_argument("role", choices=sorted(ROLES))
    end_role.set_defaults(verb=("access", "end-role"))
    wake = access.add_parser("wake")
    wake.add_argument("email")
    wake.add_argument("organisation", type=UUID)
    wake.set_defaults(verb=("access", "wake"))
    end_sessions = access.add_parser("end-sessions")
    end_sessions.add_argument("email")
    end_sessions.set_defaults(verb=("access", "end-sessions"))
    rotate = nouns.add_parser("keys").add_subparsers(required=True, metavar="rotate").add_parser("rotate")
    rotate.set_defaults(verb=("keys", "rotate"))
    show = nouns.add_parser("credentials").add_subparsers(required=True, metavar="show").add_parser("show")
    show.add_argument("service")
    show.set_defaults(verb=("credentials", "show"))
    return parser


def _say(words: str) -> None:
    print(words)  # noqa: T201 - a command line talks to people


def _complain(words: str, *, status: int) -> int:
    print(f"services.identity.cli: {words}", file=sys.stderr)  # noqa: T201 - as above
    return status


if __name__ == "__main__":
    sys.exit(main())

"""The demonstration's organisations and people: applied once, and written down for people and scripts.

Applying goes through identity's own command line, with identity's environment, and only when the files have changed:
checking fifteen passphrases takes half a second.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from deploy.local.up.options import ROOT
from deploy.local.up.state import write_json

FOLDER = ROOT / "deploy" / "demo"
_FILES = ("organisations", "people")


def apply(state: Path, *, base_url: str, issuer: str) -> int:
    """Apply the files if they changed, and write `people.json`; the status is identity's."""
    contents = {name: (FOLDER / f"{name}.yaml").read_bytes() for name in _FILES}
    digest = hashlib.sha256(b"\0".join(contents.values())).hexdigest()
    stamp = state / "demo-applied"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        # Identity's command line, and with it most of identity, is loaded only when there is something to apply.
        from services.identity import cli  # noqa: PLC0415

        for name in _FILES:
            status = cli.main([name, "apply", str(FOLDER / f"{name}.yaml")])
            if status:
                return status
        stamp.write_text(digest, encoding="utf-8")
    organisations, people = (yaml.safe_load(contents[name])[name] for name in _FILES)
    names = {one["id"]: one["name"] for one in organisations}
    entries = [entry for person in people for entry in _entries(person, names)]
    write_json(state / "people.json", {"base_url": base_url, "issuer": issuer, "people": entries})
    return 0


def _entries(person: dict[str, Any], names: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One entry for each organisation of a person, with the roles that work there today."""
    today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    kinds: dict[str, list[str]] = {}
    for grant in person["roles"]:
        training = grant.get("training") or {}
        is_school = grant["role"] in {"attendance_lead", "office_support", "primary_contact"}
        works = is_school or (training and training["completed_on"] <= today <= training.get("ends_on", today))
        kinds.setdefault(grant["organisation"], []).extend([grant["role"]] if works else [])
    for organisation, roles in kinds.items():
        yield {
            "email": person["email"],
            "passphrase": person["passphrase"],
            "organisation": names[organisation],
            "roles": roles,
        }

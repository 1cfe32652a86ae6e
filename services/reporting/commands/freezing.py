"""A return as bytes: canonical JSON, so that what is frozen can be made again and compared byte for byte."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kit.db import Transaction
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import INDICATORS
from services.reporting.domain.returns import Finding, Return
from services.reporting.measuring import break_down, measure

FORMAT = 2
"""1 did not say by what figures were parted, and had no ethnicities."""


def content_of(tx: Transaction, filed: Return, *, by: UUID, now: datetime, cutoff: int) -> bytes:
    """What is frozen when a return is submitted, counted up to a line of the ledger."""
    return _canonical(
        {
            "format": FORMAT,
            "provider_id": str(tx.tenant_id),
            "number": filed.number + 1,
            "submitted_at": now.astimezone(UTC).isoformat(),
            "submitted_by": str(by),
            "comments": dict(filed.comments),
            "explanations": dict(filed.explanations),
            "findings": [asdict(each) for each in filed.findings],
            **_counted(tx, filed.quarter, cutoff),
            "ledger_line": cutoff,
        }
    )


def content_again(tx: Transaction, content: bytes) -> bytes:
    """A frozen return made anew from the ledger as it stood: the same bytes, or something was tampered with.

    What this program counts besides, and the one that froze it did not, is left out.
    """
    frozen = json.loads(content)
    again = _counted(tx, Quarter.parse(frozen["quarter"]), frozen["ledger_line"])
    figures = {each["indicator"]: each for each in frozen["figures"]}
    parted = {
        (code, dimension)
        for code, each in figures.items()
        for dimension in each.get("dimensions", set(INDICATORS[code].dimensions) - {"ethnicity"})
    }
    again["figures"] = [
        {name: value for name, value in each.items() if name in figures[each["indicator"]]}
        for each in again["figures"]
        if each["indicator"] in figures
    ]
    again["breakdowns"] = [each for each in again["breakdowns"] if (each["indicator"], each["dimension"]) in parted]
    return _canonical(frozen | again)


def digest_of(tx: Transaction, filed: Return, findings: Sequence[Finding]) -> str:
    """A checksum of what a check looks at: when it differs, the return is to be checked anew."""
    looked_at = {"findings": [asdict(each) for each in findings], **_counted(tx, filed.quarter, None)}
    return checksum(_canonical(looked_at))


def checksum(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _counted(tx: Transaction, quarter: Quarter, cutoff: int | None) -> dict[str, Any]:
    values = measure(tx, quarter, cutoff=cutoff)
    return {
        "quarter": str(quarter),
        "figures": [
            {
                "indicator": code,
                "rule_version": INDICATORS[code].rule_version,
                "value": value,
                "dimensions": list(INDICATORS[code].dimensions),
            }
            for code, value in values.items()
        ],
        "breakdowns": [
            {"indicator": each.indicator, "dimension": each.dimension, "rows": [list(row) for row in each.rows]}
            for each in break_down(tx, quarter, cutoff=cutoff)
        ],
    }


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

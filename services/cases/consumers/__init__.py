"""What others tell that changes cases, one module per noun. Claim and effect commit together (kit.consumer)."""

from collections.abc import Mapping

from kit.clock import Clock
from kit.consumer import Handler
from services.cases.consumers import leavers, letters

CONSUMER = "cases.others"
TOPICS = ("ascms.identity.v1", "ascms.documents.v1")


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""
    return {**leavers.handlers(clock), **letters.handlers(clock)}

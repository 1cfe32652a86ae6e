"""A consumer that dies: `python -m tests.faults.dying_consumer DATABASE_URL BUS_URL GROUP HOW_MANY [forgets]`.

It applies so many events and is killed by its own hand in the next one's transaction: those effects are committed,
their offsets are not. `forgets` is the negative control: an inbox that remembers nothing.
"""

import os
import signal
import sys

from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue

from kit import inbox
from kit.bus import open_broker
from kit.consumer import ConsumerLoop
from kit.db import Database, Transaction
from tests.support import plumbing


def main(database_url: str, bus_url: str, group: str, how_many: str, memory: str = "") -> None:
    """Consume until death."""
    applied = 0

    def apply_and_die(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        nonlocal applied
        if applied == int(how_many):
            os.kill(os.getpid(), signal.SIGKILL)
        plumbing.apply(tx, envelope.key, message.value)
        applied += 1

    if memory == "forgets":
        inbox.claim = lambda *_args, **_names: True
    ConsumerLoop(
        name=group,
        topics=[plumbing.TOPIC],
        handlers={plumbing.TYPE: apply_and_die},
        database=Database(database_url, plumbing.SERVICE),
        broker=open_broker(bus_url),
    ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])

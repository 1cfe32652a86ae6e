"""A relay to be killed: `python -m tests.faults.dying_relay DATABASE_URL BUS_URL [early]`.

`early` is the negative control: what is sent counts as acknowledged a moment before it is stored.
"""

import sys
import threading
from collections.abc import Sequence

from kit.bus import Broker, Producer, Record, open_broker
from kit.bus.postgres import PostgresBatchProducer, PostgresBroker
from kit.db import Database
from kit.relay import Relay
from tests.support.plumbing import SERVICE

_LATE_SECONDS = 0.3


class EarlyProducer(PostgresBatchProducer):
    """Acknowledges first and stores later."""

    def send_batch(self, records: Sequence[Record]) -> None:
        """Promise what a kill may break."""
        threading.Timer(_LATE_SECONDS, super().send_batch, [records]).start()


class EarlyBroker(PostgresBroker):
    """A broker with such producers."""

    def producer(self) -> Producer:
        """As `Broker.producer`."""
        return EarlyProducer(broker=self)


def main(database_url: str, bus_url: str, how: str = "") -> None:
    """Relay until death."""
    broker: Broker = EarlyBroker(bus_url) if how == "early" else open_broker(bus_url)
    Relay(database=Database(database_url, SERVICE), broker=broker).run()


if __name__ == "__main__":
    main(*sys.argv[1:])

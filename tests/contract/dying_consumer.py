"""A consumer that dies between effect and commit: `python -m tests.contract.dying_consumer URL TOPIC GROUP FILE`.

Applies records one by one (a line in FILE, forced to disk each), commits the first four, and after the seventh effect
ends by SIGKILL, as a process does that the machine kills.
"""

import os
import signal
import sys
from pathlib import Path

from kit.bus import open_broker

COMMITTED, APPLIED = 4, 7


def main(url: str, topic: str, group: str, path: str) -> None:
    """Consume until death."""
    applied = 0
    with (
        open_broker(url) as broker,
        broker.consumer(group=group, topics=[topic]) as consumer,
        Path(path).open("a") as effects,
    ):
        while True:
            for delivery in consumer.poll(max_records=1, timeout_seconds=1.0):
                effects.write(delivery.value.decode() + "\n")
                effects.flush()
                os.fsync(effects.fileno())
                applied += 1
                if applied <= COMMITTED:
                    consumer.commit([delivery])
                if applied == APPLIED:
                    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`python -m kit.replay`: parked messages, listed or sent to their topic again. Reads ASCMS_BROKER_URL.

    python -m kit.replay --topic ascms.cases.v1 --group reporting.figures --list
    python -m kit.replay --topic ascms.cases.v1 --group reporting.figures [--limit N]

Exit status: 0 done; 1 the broker is away; 2 wrong arguments or settings; 3 stopped, since a message that was sent was
parked again at once: the fault is still there.
"""

import argparse
import re
import sys
from collections.abc import Sequence

from kit.bus import Broker, BrokerError, UnknownTopicError, open_broker
from kit.config import Settings, SettingsError, load
from kit.consumer import list_parked, parked_topic, replay_parked

_DONE, _AWAY, _WRONG_USE, _STILL_BROKEN = range(4)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,200}")


class ReplaySettings(Settings):
    """What this needs to know."""

    broker_url: str


def main(arguments: Sequence[str] | None = None, *, quiet_seconds: float = 5.0) -> int:
    """Do what is asked and say so in one line (a listing has one more for each message); the exit status.

    `quiet_seconds`: when no message has come for so long, there is none left.
    """
    try:
        asked = _parser().parse_args(arguments)
    except SystemExit as exit_:  # argparse has said why, or shown the help.
        return int(exit_.code or 0)
    try:
        broker = open_broker(load(ReplaySettings).broker_url)
    except (SettingsError, ValueError) as error:
        return _complain(f"wrong settings: {error}", _WRONG_USE)
    run = _list if asked.list else _replay
    try:
        with broker:
            return run(broker, asked, quiet_seconds)
    except UnknownTopicError as error:
        return _complain(str(error), _WRONG_USE)
    except BrokerError as error:
        return _complain(f"the broker is away ({error}); nothing is lost, try again", _AWAY)


def _replay(broker: Broker, asked: argparse.Namespace, quiet_seconds: float) -> int:
    done = replay_parked(broker, topic=asked.topic, group=asked.group, limit=asked.limit, quiet_seconds=quiet_seconds)
    others = f", passed over {done.passed} of other groups" if done.passed else ""
    _say(f"sent {_messages(done.sent)} to {asked.topic} again for {asked.group}{others}")
    if done.has_come_back:
        return _complain("stopped: a message was parked again at once, so the fault is still there", _STILL_BROKEN)
    return _DONE


def _list(broker: Broker, asked: argparse.Namespace, quiet_seconds: float) -> int:
    found = list_parked(broker, topic=asked.topic, group=asked.group, limit=asked.limit, quiet_seconds=quiet_seconds)
    _say(f"{_messages(len(found))} of {asked.group} parked in {parked_topic(asked.topic)}")
    for each in found:
        _say(f"{each.at}  {each.topic}/{each.partition}@{each.offset}  {each.group}  {each.error}")
    return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kit.replay", description="Parked messages: list them, or send them to their topic again."
    )
    parser.add_argument("--topic", required=True, type=_topic, help="the topic they came from, such as ascms.cases.v1")
    parser.add_argument("--group", required=True, type=_name, help="the consumer that parked them: reporting.figures")
    parser.add_argument("--limit", type=_count, default=1_000, help="at most so many (1000)")
    parser.add_argument("--list", action="store_true", help="show what waits, never what it says, and change nothing")
    return parser


def _topic(text: str) -> str:
    if _name(text).endswith(parked_topic("")):
        raise argparse.ArgumentTypeError(f"{text!r} is where messages are parked: name the topic that they came from")
    return text


def _name(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: letters, digits, dot, dash and underscore only")
    return text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _complain(why: str, status: int) -> int:
    sys.stderr.write(f"kit.replay: {why}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())

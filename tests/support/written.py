"""What a running system has written, place by place, and which of some words are found there.

Each function answers with what it found; an empty list is good news only while the same search finds what was planted
(tests/e2e/test_what_is_written.py plants in each place).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import psycopg
from psycopg import sql

from deploy.story.browser import Page
from kit.bus import Delivery, open_broker
from kit.consumer import parked_topic
from tests.support.system import System
from tests.support.world import environment_of

SERVICES = ("identity", "cases", "documents", "reporting", "notifications")
TOPICS = tuple(f"ascms.{service}.v1" for service in SERVICES)


def found_in_logs(system: System, words: Iterable[str]) -> list[str]:
    """Words in what the processes printed since they were ready: also as an address would hold them."""
    lines = [line for line in system.log.splitlines() if not line.startswith("ascms ")]
    text = "\n".join(lines)
    plain = unquote_plus(text)
    return [word for word in words if word in text or word in plain]


def found_in_topics(system: System, words: Sequence[str]) -> list[str]:
    """Words in any record of any topic, those of parked messages too, whichever broker keeps them."""
    records = list(_records(environment_of(system, "cases")["ASCMS_BROKER_URL"]))
    texts = [f"{record.key}{dict(record.headers)}{record.value.decode('utf-8', 'replace')}" for record in records]
    assert len(texts) > 3, "a system that did something told of it"
    return [word for word in words if any(word in text for text in texts)]


def _records(url: str) -> Iterable[Delivery]:
    with closing(open_broker(url)) as broker:
        # A group of its own begins at the oldest record; a topic that is not there is waited for in vain and no harm.
        topics = [*TOPICS, *map(parked_topic, TOPICS)]
        broker.ensure_topics(topics, partitions=1)
        with broker.consumer(group=f"scan.{uuid4().hex}", topics=topics) as consumer:
            while deliveries := consumer.poll(max_records=5_000, timeout_seconds=3.0):
                yield from deliveries


def found_in_databases(system: System, words: Sequence[str], *, home: Mapping[str, set[str]]) -> list[str]:
    """Words in any table of any service but those that are their home: "service.table: word"."""
    found = []
    for service in SERVICES:
        with database_of_system(system, service) as admin:
            tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                if table in home.get(service, set()):
                    continue
                rows = admin.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))).fetchall()
                text = "\n".join(row[0] for row in rows)
                found += [f"{service}.{table}: {word}" for word in words if word in text or word.encode().hex() in text]
    return found


def database_of_system(system: System, service: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """An administrator's connection to the database of a service."""
    login = environment_of(system, service)["ASCMS_DATABASE_URL"]
    return psycopg.connect(login.replace(f"{service}_login@", "postgres@"), autocommit=True)


def found_in_files(system: System, words: Sequence[str]) -> list[str]:
    """Words in mails and in the state folder's own files: "name: word". What people uploaded is in the store alone."""
    folders = [system.state / "mail", *system.state.glob("*.json")]
    paths = [path for folder in folders for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))]
    assert len(paths) > 3
    return [f"{path.name}: {word}" for path in paths for word in words if word in _text(path)]


def found_in_addresses(pages: Iterable[Page], words: Sequence[str]) -> list[str]:
    """Words in the addresses that pages have, lead to, and send their forms to: they stay in histories and proxies.

    Not in those that open the telephone or a mail program: they ask no server for anything.
    """
    addresses = [
        unquote_plus(each)
        for page in pages
        for each in (page.url, *(address for address, _words in page.links), *(form.action for form in page.forms))
    ]
    asked = [each for each in addresses if not each.startswith(("tel:", "mailto:"))]
    assert len(asked) > 3
    return [f"{address}: {word}" for address in asked for word in words if word in address]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")

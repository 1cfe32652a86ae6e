"""The queue of jobs on a real database: that of notifications, whose migration makes it."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY

from kit import jobs
from kit.actor import Actor, system_actor
from kit.db import Database
from kit.jobs import Jobs, Limits, Periodic, Task
from kit.migrations import with_parts
from tests.support.postgres import admin_url, database_of, empty

OURS = system_actor("notifications", UUID(int=1))
THEIRS = system_actor("notifications", UUID(int=2))
SUBJECT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
QUICK = Limits(poll_seconds=0.02, heartbeat_seconds=0.5, sweep_seconds=0.05, silence_seconds=2)
WAIT = 20


@pytest.fixture(scope="module")
def url(worker: str) -> Iterator[str]:
    with database_of("notifications", worker=f"jobs_{worker}") as login:
        yield login


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url, service="notifications", pool_size=4)
    yield made
    made.close()
    empty(url)


class Diary:
    """A task that notes what it was run with, and fails as often as it is told."""

    def __init__(self, *, failures: int = 0, error: type[Exception] = ConnectionError) -> None:
        self.runs: queue.Queue[tuple[UUID, UUID]] = queue.Queue()
        self.given_up: queue.Queue[UUID] = queue.Queue()
        self._failures = failures
        self._error = error

    def run(self, actor: Actor, *, notice_id: UUID) -> None:
        self.runs.put((actor.tenant_id, notice_id))
        if self._failures:
            self._failures -= 1
            raise self._error

    def give_up(self, _actor: Actor, *, notice_id: UUID) -> None:
        self.given_up.put(notice_id)


@contextmanager
def working(database: Database, diary: Diary, *, retry_seconds: tuple[float, ...] = (0, 0)) -> Iterator[Jobs]:
    task = Task(diary.run, retry_seconds=retry_seconds, give_up=diary.give_up)
    worker = Jobs(database=database, tasks={"send": task}, limits=QUICK)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def jobs_of(url: str) -> list[tuple[str, dict[str, object]]]:
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=name)) as admin:
        return admin.execute("SELECT status::text, args FROM jobs.procrastinate_jobs ORDER BY id").fetchall()


def as_admin(url: str, statement: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=name)) as admin:
        admin.execute(statement)


def defer(database: Database, *, actor: Actor = OURS, once: str = "") -> object:
    with database.tenant(actor) as tx:
        promise = jobs.defer(tx, "send", once=once, notice_id=SUBJECT)
    return promise.value()


def test_a_job_runs_once_for_the_tenant_that_deferred_it(database: Database, url: str) -> None:
    diary = Diary()
    defer(database, actor=THEIRS)

    with working(database, diary):
        ran = diary.runs.get(timeout=WAIT)

    assert ran == (THEIRS.tenant_id, SUBJECT)
    assert diary.runs.empty()
    assert jobs_of(url) == [], "what went well is forgotten"


def test_a_job_goes_with_the_command_that_rolls_back(database: Database, url: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), database.tenant(OURS) as tx:  # noqa: PT012 - one command
        jobs.defer(tx, "send", notice_id=SUBJECT)
        tx.flush()
        tx.connection.execute("SELECT * FROM no_such_table")

    assert jobs_of(url) == []


def test_a_job_holds_ids_and_the_tenant_of_the_transaction_only(database: Database, url: str) -> None:
    defer(database)

    ((status, arguments),) = jobs_of(url)
    assert status == "todo"
    assert arguments == {
        "ids": {"notice_id": str(SUBJECT)},
        "request_id": "",
        "traceparent": "",
        "tenant_id": str(OURS.tenant_id),
    }


def test_a_tenant_can_defer_and_nothing_else(database: Database, url: str) -> None:
    defer(database)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.tenant(OURS) as tx:
        tx.connection.execute("SELECT * FROM jobs.procrastinate_jobs")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.tenant(OURS) as tx:
        tx.connection.execute("SELECT jobs.procrastinate_fetch_job_v2(NULL, 1)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.plumbing() as tx:
        tx.connection.execute("SELECT jobs.defer('send', '', '{}')")


def test_a_second_job_under_the_same_words_leaves_the_command_standing(database: Database, url: str) -> None:
    first = defer(database, once="one")

    with database.tenant(OURS) as tx:
        second = jobs.defer(tx, "send", once="one", notice_id=SUBJECT)
        other = jobs.defer(tx, "send", once="another", notice_id=SUBJECT)

    assert first is not None
    assert second.value() is None
    assert other.value() is not None
    assert defer(database, actor=THEIRS, once="one") is not None, "another tenant's words are its own"
    assert len(jobs_of(url)) == 3


@pytest.mark.parametrize("error", [ConnectionError, StopIteration])
def test_a_failing_job_is_tried_again(database: Database, url: str, error: type[Exception]) -> None:
    diary = Diary(failures=2, error=error)
    defer(database)

    with working(database, diary):
        for _ in range(3):
            diary.runs.get(timeout=WAIT)

    assert diary.given_up.empty()
    assert jobs_of(url) == []


def test_a_job_that_fails_for_good_is_given_up_and_kept_to_be_seen(database: Database, url: str) -> None:
    diary = Diary(failures=99)
    defer(database)

    with working(database, diary, retry_seconds=(0,)):
        given_up = diary.given_up.get(timeout=WAIT)

    assert given_up == SUBJECT
    assert diary.runs.qsize() == 2
    ((status, _),) = jobs_of(url)
    assert status == "failed"


def test_a_job_that_waits_for_its_next_try_gives_way_to_one_deferred_meanwhile(database: Database, url: str) -> None:
    started, may_go_on = threading.Event(), threading.Event()
    diary = Diary(failures=1)

    def run(actor: Actor, *, notice_id: UUID) -> None:
        started.set()
        may_go_on.wait(WAIT)
        diary.run(actor, notice_id=notice_id)

    worker = Jobs(database=database, tasks={"send": Task(run, retry_seconds=(0,))}, limits=QUICK)
    defer(database, once="one")
    worker.start()
    started.wait(WAIT)
    defer(database, once="one")
    may_go_on.set()
    runs = [diary.runs.get(timeout=WAIT) for _ in range(3)]
    worker.stop()

    assert len(runs) == 3
    assert jobs_of(url) == []


def test_the_job_of_a_worker_that_was_killed_is_taken_up_again(database: Database, url: str) -> None:
    # What SIGKILL leaves: a job `doing`, and a worker that is not heard of any more.
    diary = Diary()
    defer(database)
    as_admin(
        url,
        "INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour');"
        "SET search_path = jobs;"
        "SELECT jobs.procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM jobs.procrastinate_workers))",
    )

    with working(database, diary):
        ran = diary.runs.get(timeout=WAIT)

    assert ran == (OURS.tenant_id, SUBJECT)
    assert jobs_of(url) == []


def test_a_job_whose_worker_lives_is_left_alone_until_it_takes_far_too_long(database: Database, url: str) -> None:
    defer(database)
    as_admin(
        url,
        "INSERT INTO jobs.procrastinate_workers DEFAULT VALUES;"
        "SELECT jobs.procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM jobs.procrastinate_workers))",
    )
    task = Task(Diary().run)

    assert Jobs(database=database, tasks={"send": task}).sweep_once() == 0
    assert Jobs(database=database, tasks={"send": task}, limits=Limits(longest_seconds=0)).sweep_once() == 1
    assert [status for status, _ in jobs_of(url)] == ["todo"]


def test_a_job_that_takes_its_worker_down_each_time_is_given_up(database: Database, url: str) -> None:
    diary = Diary()
    defer(database)
    as_admin(
        url,
        "SELECT jobs.procrastinate_fetch_job_v2(NULL, NULL);UPDATE jobs.procrastinate_jobs SET attempts = 2",
    )
    task = Task(diary.run, retry_seconds=(0, 0), give_up=diary.give_up)

    swept = Jobs(database=database, tasks={"send": task}).sweep_once()

    assert swept == 1
    assert diary.given_up.get_nowait() == SUBJECT
    assert [status for status, _ in jobs_of(url)] == ["failed"]


def test_a_chore_comes_round(database: Database) -> None:
    done = threading.Event()
    worker = Jobs(database=database, tasks={}, periodic={"tidy": Periodic("* * * * * *", done.set)}, limits=QUICK)

    worker.start()
    came_round = done.wait(WAIT)
    worker.stop()

    assert came_round


def test_failed_jobs_are_forgotten_after_their_time(database: Database, url: str) -> None:
    defer(database)
    defer(database)
    as_admin(url, "UPDATE jobs.procrastinate_jobs SET status = 'failed' WHERE id = 1")

    kept = Jobs(database=database, tasks={}).prune()
    forgotten = Jobs(database=database, tasks={}, limits=Limits(keep_failed=timedelta())).prune()

    assert (kept, forgotten) == (0, 1)
    assert [status for status, _ in jobs_of(url)] == ["todo"]


def test_what_waits_is_measured(database: Database, url: str) -> None:
    defer(database)
    defer(database)
    as_admin(url, "UPDATE jobs.procrastinate_events SET at = at - interval '1 minute'")

    Jobs(database=database, tasks={}).measure()

    labels = {"service": "notifications"}
    assert REGISTRY.get_sample_value("ascms_jobs_waiting", labels) == 2
    assert (REGISTRY.get_sample_value("ascms_jobs_oldest_seconds", labels) or 0) >= 60


def test_a_worker_stops_while_the_database_is_away() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nowhere", service="notifications")
    worker = Jobs(database=away, tasks={}, limits=QUICK)

    worker.start()
    worker.stop()

    assert not worker.is_ready()

"""Work for *now*, outside the request: sending, rendering, asking other services. procrastinate keeps the queue.

* `defer` queues a job in the command's own transaction: it commits and rolls back with the command. A job is its task's
  name, the tenant (put in by PostgreSQL from the transaction, so that no job can be deferred for another one) and ids.
  **Ids only**: what a job needs of people it reads when it runs, so the queue holds nothing personal.
* `Jobs` runs them, in threads of the worker process: `run(system_actor, **ids)`. A job runs **at least once**: a worker
  that is killed leaves its job `doing`, and the sweep of any worker gives it to the queue again. So a task looks at the
  facts first and does what is still to be done.
* A failing job is tried again after each of `Task.retry_seconds`; then it is failed for good, counted, and
  `Task.give_up` may write that down where people see it.
* Nothing is scheduled for next month here: what is due later is a deadline (kit.sweeps). `Periodic` is for chores.

The queue lives in its own schema, `jobs`, made by `create_jobs(service)` in a migration. A tenant's transaction may
call `jobs.defer` there and nothing else; the worker works as `<service>_plumbing`. New jobs are polled for: the NOTIFY
that procrastinate sends for each one takes a lock that every commit queues for, so its triggers are left out.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from uuid import UUID

import procrastinate
from opentelemetry.trace import SpanKind
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.schema import SchemaManager
from prometheus_client import Counter, Gauge
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    Interval,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from kit import log, tracing
from kit.actor import system_actor
from kit.db import Database, Later, Transaction, prepare

QUEUE = "default"
SCHEMA_VERSION = "3.10.0"
"""The procrastinate whose schema our migrations made. Another one needs a migration of its own first."""

_BACKOFF_SECONDS = (0.5, 10.0)
_STOP_SECONDS = 5.0
_STATUSES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted")

_DONE = Counter("ascms_jobs_done", "Jobs that ran without an error", ["service", "task"])
_FAILED = Counter(
    "ascms_jobs_failed", "Runs of jobs that raised, whether or not they are tried again", ["service", "task"]
)
_GIVEN_UP = Counter("ascms_jobs_given_up", "Jobs that failed for good", ["service", "task"])
_STALLED = Counter("ascms_jobs_stalled", "Jobs whose worker had gone, given to the queue again", ["service", "task"])
_WAITING = Gauge("ascms_jobs_waiting", "Jobs that could run now, at the last count", ["service"])
_OLDEST = Gauge("ascms_jobs_oldest_seconds", "How long the oldest of them has been waiting", ["service"])
_KEPT = Gauge("ascms_jobs_failed_kept", "Jobs that failed for good and are kept to be looked at", ["service"])

_METADATA = MetaData(schema="jobs")
_STATUS = postgresql.ENUM(*_STATUSES, name="procrastinate_job_status", schema="jobs", create_type=False)
_JOB = Table(
    "procrastinate_jobs",
    _METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("task_name", Text),
    Column("queueing_lock", Text),
    Column("args", postgresql.JSONB),
    Column("status", _STATUS),
    Column("scheduled_at", DateTime(timezone=True)),
    Column("attempts", Integer),
    Column("worker_id", BigInteger),
)
_WORKER = Table(
    "procrastinate_workers",
    _METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("last_heartbeat", DateTime(timezone=True)),
)
_HISTORY = Table(
    "procrastinate_events",
    _METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("job_id", BigInteger),
    Column("at", DateTime(timezone=True)),
)
_LAST_MOVED = select(func.max(_HISTORY.c.at)).where(_HISTORY.c.job_id == _JOB.c.id).scalar_subquery()

_DEFER = prepare(
    select(func.jobs.defer(bindparam("task"), bindparam("once"), bindparam("args", type_=postgresql.JSONB)))
)
_FIND_STALLED = prepare(
    select(_JOB.c.id, _JOB.c.task_name, _JOB.c.attempts, _JOB.c.args)
    .join_from(_JOB, _WORKER, _WORKER.c.id == _JOB.c.worker_id, isouter=True)
    .where(
        _JOB.c.status == literal("doing", _STATUS),
        or_(
            _WORKER.c.id.is_(None),
            _WORKER.c.last_heartbeat < func.now() - bindparam("silence", type_=Interval),
            func.now() - bindparam("longest", type_=Interval) > _LAST_MOVED,
        ),
    )
    .with_for_update(of=_JOB, skip_locked=True)
)
_OTHER = _JOB.alias("other")
_FREE_LOCK = prepare(
    update(_JOB)
    .where(
        _JOB.c.id == bindparam("job"),
        exists().where(
            _OTHER.c.queueing_lock == _JOB.c.queueing_lock,
            _OTHER.c.id != _JOB.c.id,
            _OTHER.c.status == literal("todo", _STATUS),
        ),
    )
    .values(queueing_lock=null())
)
_RETRY = prepare(
    select(func.jobs.procrastinate_retry_job_v2(bindparam("job", type_=BigInteger), func.now(), null(), null(), null()))
)
_FAIL = prepare(
    select(
        func.jobs.procrastinate_finish_job_v1(
            bindparam("job", type_=BigInteger), literal("failed", _STATUS), literal(False)
        )
    )
)
_IS_DUE = (
    _JOB.c.status == literal("todo", _STATUS),
    or_(_JOB.c.scheduled_at.is_(None), _JOB.c.scheduled_at <= func.now()),
)
_MEASURE = prepare(
    select(
        func.count(),
        func.coalesce(func.extract("epoch", func.max(func.now() - func.coalesce(_JOB.c.scheduled_at, _LAST_MOVED))), 0),
    )
    .select_from(_JOB)
    .where(*_IS_DUE)
)
_COUNT_FAILED = prepare(select(func.count()).select_from(_JOB).where(_JOB.c.status == literal("failed", _STATUS)))
_PRUNE = prepare(
    delete(_JOB).where(
        _JOB.c.status.not_in([literal("todo", _STATUS), literal("doing", _STATUS)]),
        ~exists().where(_HISTORY.c.job_id == _JOB.c.id, _HISTORY.c.at > func.now() - bindparam("age", type_=Interval)),
    )
)


def create_jobs(service: str) -> None:
    """The queue's tables and functions, in the schema `jobs`, for a service's migration."""
    from alembic import op  # noqa: PLC0415 - migrations have it loaded; the services that run need not

    assert version("procrastinate") == SCHEMA_VERSION, "write a migration for the new procrastinate first"
    # On psycopg's own connection: the script holds many statements, colons and percent signs.
    connection: Any = op.get_bind().connection.dbapi_connection
    connection.execute("CREATE SCHEMA jobs")
    connection.execute("SET LOCAL search_path = jobs")
    connection.execute(SchemaManager.get_schema())
    connection.execute("RESET search_path")
    connection.execute(f"""
        DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON jobs.procrastinate_jobs;
        DROP TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 ON jobs.procrastinate_jobs;
        DO $$
        DECLARE each regprocedure;
        BEGIN
            -- Its functions name its tables without the schema.
            FOR each IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
                EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', each);
            END LOOP;
        END $$;
        CREATE FUNCTION jobs.defer(task text, once text, args jsonb) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS $$
        DECLARE
            tenant uuid := public.require_tenant();
            job procrastinate_job_to_defer_v1 := ROW(
                '{QUEUE}', task, 0, NULL, tenant || ' ' || nullif(once, ''),
                args || jsonb_build_object('tenant_id', tenant), NULL);
        BEGIN
            IF (job).queueing_lock IS NULL THEN
                RETURN (procrastinate_defer_jobs_v1(ARRAY[job]))[1];
            END IF;
            -- A savepoint: that one is waiting already must not abort the command.
            BEGIN
                RETURN (procrastinate_defer_jobs_v1(ARRAY[job]))[1];
            EXCEPTION WHEN unique_violation THEN
                RETURN NULL;
            END;
        END $$;
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC;
        GRANT USAGE ON SCHEMA jobs TO {service}_tenant, {service}_plumbing, {service}_maintenance;
        GRANT EXECUTE ON FUNCTION jobs.defer TO {service}_tenant;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO {service}_plumbing;
        REVOKE EXECUTE ON FUNCTION jobs.defer FROM {service}_plumbing;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO {service}_plumbing, {service}_maintenance;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO {service}_plumbing, {service}_maintenance;
    """)  # noqa: S608 - the service's name and ours


def defer(tx: Transaction, task: str, *, once: str = "", **ids: UUID) -> Later:
    """Queue a job of the present tenant: it is there when the transaction commits, and never otherwise.

    With `once`, no second job of the tenant waits under the same words; the value is then None, else the job's number.
    """
    arguments = {
        "ids": {name: str(value) for name, value in ids.items()},
        "request_id": log.request_id(),
        "traceparent": tracing.traceparent(),
    }
    return tx.later(_DEFER, task=task, once=once, args=json.dumps(arguments))


@dataclass(frozen=True, slots=True)
class Task:
    """What a job does: `run(actor, **ids)` as the system for the job's tenant, with the ids it was deferred with."""

    run: Callable[..., object]
    retry_seconds: Sequence[float] = (5, 30, 120, 300, 600)
    """How long to wait after the first, second … failure; after one more it is given up."""
    give_up: Callable[..., object] | None = None
    """Called as `run` when the last try has failed."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """A chore of the machinery: `run()` at the times of `cron` ("*/5 * * * *", UTC), by one worker of the service."""

    cron: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a worker behaves; the defaults suit production."""

    concurrency: int = 2
    poll_seconds: float = 0.5
    heartbeat_seconds: float = 10.0
    sweep_seconds: float = 15.0
    silence_seconds: float = 45.0
    """A worker not heard of for so long is dead, and its jobs are taken up."""
    longest_seconds: float = 900.0
    """A job that takes longer is taken for stalled even while its worker lives: its end may have gone unrecorded."""
    keep_failed: timedelta = timedelta(days=30)


@dataclass(eq=False, kw_only=True)
class Jobs:
    """Runs the jobs of one service: a worker of `kit.service`. Several processes may run one each.

    The service's pool serves the handlers; the queue itself has one or two connections of its own.
    """

    database: Database
    tasks: Mapping[str, Task]
    periodic: Mapping[str, Periodic] = field(default_factory=dict)
    limits: Limits = Limits()
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _main: "asyncio.Task[None] | None" = field(default=None, init=False)
    _is_running: bool = field(default=False, init=False)

    def start(self) -> None:
        """Run jobs and sweeps on threads of their own, and return at once."""
        # Its log lines hold error texts; ours say what happened.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)
        self._stopping.clear()
        for name in self.tasks:  # Told from the start: an alert cannot see something rise from nothing.
            _GIVEN_UP.labels(self.database.service, name)
            _STALLED.labels(self.database.service, name)
        self._threads = [
            threading.Thread(target=self._run, name="jobs", daemon=True),
            threading.Thread(target=self._sweep, name="jobs sweep", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more jobs, let those under way finish, return within some seconds."""
        self._stopping.set()
        loop, main = self._loop, self._main
        if loop is not None and main is not None and not loop.is_closed():
            loop.call_soon_threadsafe(main.cancel)
        for thread in self._threads:
            thread.join(timeout=_STOP_SECONDS * 2)

    def is_ready(self) -> bool:
        """Whether jobs are being taken."""
        return self._is_running

    def sweep_once(self) -> int:
        """Give the jobs of workers that are gone to the queue again, or give them up; return how many there were."""
        limits = self.limits
        given_up = []
        with self.database.plumbing() as tx:
            stalled = tx.all(
                _FIND_STALLED,
                silence=timedelta(seconds=limits.silence_seconds),
                longest=timedelta(seconds=limits.longest_seconds),
            )
            for row in stalled:
                task = self.tasks.get(row.task_name)
                # Chores come again by themselves; a job that takes its worker down each time must end somewhere.
                if task is None or row.attempts >= len(task.retry_seconds):
                    tx.later(_FAIL, job=row.id)
                    given_up.append((row, task))
                else:
                    # Another may wait under its lock by now: back in the queue beside it would be a conflict.
                    tx.later(_FREE_LOCK, job=row.id)
                    tx.later(_RETRY, job=row.id)
        for row in stalled:
            _STALLED.labels(self.database.service, row.task_name).inc()
            log.logger().warning("job-stalled", task=row.task_name, job_id=row.id, attempts=row.attempts)
        for row, task in given_up:
            if task is not None:
                self._give_up(row.task_name, task, row.args)
        return len(stalled)

    def measure(self) -> None:
        """Bring the gauges up to date."""
        with self.database.plumbing() as tx:
            waiting, oldest = tx.all(_MEASURE)[0]
            failed = tx.value(_COUNT_FAILED)
        _WAITING.labels(self.database.service).set(waiting)
        _OLDEST.labels(self.database.service).set(float(oldest))
        _KEPT.labels(self.database.service).set(failed)

    def prune(self) -> int:
        """Forget jobs that ended long ago (those that went well are forgotten at once); return how many."""
        with self.database.plumbing() as tx:
            return tx.run(_PRUNE, age=self.limits.keep_failed)

    def _run(self) -> None:
        wait, longest = _BACKOFF_SECONDS
        while not self._stopping.is_set():
            try:
                asyncio.run(self._work())
                wait = _BACKOFF_SECONDS[0]
            except asyncio.CancelledError:
                break
            except Exception as error:  # noqa: BLE001 - the database may be away; jobs wait in it
                log.logger().warning("jobs-wait", **log.describe(error))
            finally:
                self._is_running = False
            self._stopping.wait(wait)
            wait = min(wait * 2, longest)

    async def _work(self) -> None:
        self._main, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        if self._stopping.is_set():
            return
        app = self._app()
        async with app.open_async():
            self._is_running = True
            await app.run_worker_async(
                concurrency=self.limits.concurrency,
                fetch_job_polling_interval=self.limits.poll_seconds,
                # Nothing here is ever aborted from outside.
                abort_job_polling_interval=3_600,
                listen_notify=False,
                delete_jobs="successful",
                install_signal_handlers=False,
                update_heartbeat_interval=self.limits.heartbeat_seconds,
                stalled_worker_timeout=self.limits.silence_seconds,
                shutdown_graceful_timeout=_STOP_SECONDS,
            )

    def _app(self) -> procrastinate.App:
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=self.database.url,
                kwargs={
                    "application_name": f"{self.database.service} jobs",
                    "options": f"-c role={self.database.service}_plumbing -c search_path=jobs -c statement_timeout=10s",
                },
                min_size=1,
                max_size=2,
                timeout=5.0,
            )
        )
        for name, task in self.tasks.items():
            runner = self._runner(name, task)
            app.task(name=name, queue=QUEUE, retry=_After(task.retry_seconds), pass_context=True)(runner)
        for name, periodic in self.periodic.items():
            chore = app.task(name=name, queue=QUEUE, queueing_lock=name)(self._chore(name, periodic))
            app.periodic(cron=periodic.cron)(chore)
        return app

    def _runner(self, name: str, task: Task) -> Callable[..., None]:
        def run(context: procrastinate.JobContext, **arguments: Any) -> None:
            actor = system_actor(self.database.service, UUID(arguments["tenant_id"]))
            log.clear()
            log.bind(request_id=arguments["request_id"], job=name)
            try:
                with tracing.span(f"job {name}", kind=SpanKind.CONSUMER, parent=arguments["traceparent"]):
                    task.run(actor, **_ids(arguments))
            except Exception as error:
                _FAILED.labels(self.database.service, name).inc()
                log.logger().warning("job-failed", attempt=context.job.attempts + 1, **log.describe(error))
                if context.job.attempts >= len(task.retry_seconds):
                    self._give_up(name, task, arguments)
                elif context.job.queueing_lock:
                    self._free_lock(context.job)
                if isinstance(error, StopIteration):
                    # asyncio cannot carry it: the job would never end, and hold its place in this worker for ever.
                    raise RuntimeError("StopIteration in a job") from error  # noqa: TRY004 - no check of a type
                raise
            else:
                _DONE.labels(self.database.service, name).inc()
            finally:
                log.clear()

        return run

    def _chore(self, name: str, periodic: Periodic) -> Callable[..., None]:
        def run(timestamp: int) -> None:  # noqa: ARG001 - procrastinate says which tick it is
            try:
                periodic.run()
            except Exception as error:
                _FAILED.labels(self.database.service, name).inc()
                log.logger().error("chore-failed", job=name, **log.describe(error))
                raise
            _DONE.labels(self.database.service, name).inc()

        return run

    def _give_up(self, name: str, task: Task, arguments: Mapping[str, Any]) -> None:
        _GIVEN_UP.labels(self.database.service, name).inc()
        log.logger().error("job-given-up", task=name)
        if task.give_up is None:
            return
        try:
            task.give_up(system_actor(self.database.service, UUID(arguments["tenant_id"])), **_ids(arguments))
        except Exception as error:  # noqa: BLE001 - the job is failed either way, and counted
            log.logger().error("giving-up-failed", task=name, **log.describe(error))

    def _free_lock(self, job: Job) -> None:
        # Another may wait under its lock by now: the conflict would keep this one out of the queue, `doing` for ever.
        with self.database.plumbing() as tx:
            tx.run(_FREE_LOCK, job=job.id)

    def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                self.sweep_once()
                self.prune()
                self.measure()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep finds the same facts
                log.logger().warning("jobs-sweep-failed", **log.describe(error))
            self._stopping.wait(self.limits.sweep_seconds)


@dataclass(frozen=True)
class _After(BaseRetryStrategy):
    """Tries again after each of some waits."""

    seconds: Sequence[float]

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002 - theirs
        """When to try again; None when it was the last time."""
        if job.attempts >= len(self.seconds):
            return None
        return RetryDecision(retry_in={"milliseconds": int(self.seconds[job.attempts] * 1000)})


def _ids(arguments: Mapping[str, Any]) -> dict[str, UUID]:
    return {name: UUID(value) for name, value in arguments["ids"].items()}

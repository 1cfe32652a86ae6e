"""Wiring of reporting: the only place that constructs things."""

from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.consumer import ConsumerLoop
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.rpc.identity import backend as identity_backend
from kit.rpc.identity import remote_verifier
from kit.rpc.server import Servicer
from kit.service import Service, Threaded
from services.reporting.consumers import TOPICS, handlers
from services.reporting.rpc import ReportingServicer
from services.reporting.store import CONSUMER


class Settings(ServiceSettings):
    """What every service needs to know, and nothing besides."""


def build(settings: Settings) -> Service:
    """Construct everything, start nothing."""
    database = Database(settings.database_url, service="reporting", pool_size=settings.pool_size)
    broker = open_broker(settings.broker_url)
    clock = SystemClock()
    consumer = ConsumerLoop(
        name=CONSUMER, topics=TOPICS, handlers=handlers(clock), database=database, broker=broker, clock=clock
    )
    housekeeping = Housekeeping(database=database, broker=broker, clock=clock)
    return Service(
        name="reporting",
        settings=settings,
        database=database,
        servicers=[
            Servicer(
                ReportingServicer(database),
                reporting_pb2_grpc.add_ReportingServiceServicer_to_server,
                reporting_pb2.DESCRIPTOR.services_by_name["ReportingService"],
            )
        ],
        verifier=remote_verifier(identity_backend(settings.identity_address)),
        workers=[Threaded(consumer, name="consumer"), Threaded(housekeeping, name="housekeeping")],
        worker_checks={"consumer": consumer.is_ready},
        rpc_threads=settings.rpc_threads,
    )

"""The event bus: one contract, two brokers. `open_broker` chooses by the address."""

from urllib.parse import urlsplit

from kit.bus.contract import (
    MAX_VALUE_BYTES,
    Broker,
    BrokerError,
    BrokerUnavailableError,
    Consumer,
    Delivery,
    Producer,
    Record,
    RecordTooLargeError,
    UnknownTopicError,
)

__all__ = [
    "MAX_VALUE_BYTES",
    "Broker",
    "BrokerError",
    "BrokerUnavailableError",
    "Consumer",
    "Delivery",
    "Producer",
    "Record",
    "RecordTooLargeError",
    "UnknownTopicError",
    "open_broker",
]


def open_broker(url: str) -> Broker:
    """The broker at `url`; does not connect.

    `kafka://host:port[,host:port…][?option=value&…]`, options and credentials as in `kit.bus.kafka.KafkaBroker.at`,
    or `postgresql://…`, a database of its own for the bus. Raises `ValueError` for anything else.
    """
    match urlsplit(url).scheme:
        case "kafka":
            # Imported when chosen: the embedded system never pays for the Kafka client, nor a Kafka one for psycopg.
            from kit.bus.kafka import KafkaBroker  # noqa: PLC0415

            return KafkaBroker.at(url)
        case "postgresql" | "postgres":
            from kit.bus.postgres import PostgresBroker  # noqa: PLC0415

            return PostgresBroker(url)
        case scheme:
            msg = f"a broker's address begins with kafka:// or postgresql://, not {scheme!r}"
            raise ValueError(msg)

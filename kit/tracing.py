"""OpenTelemetry traces across HTTP, gRPC, SQL and the broker, without instrumenting what is not sampled.

Spans go to an OTLP endpoint where OTEL_EXPORTER_OTLP_ENDPOINT names one, and to a file where settings name one.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("ascms")
_NO_SPAN = nullcontext()


def configure(*, service: str, ratio: float, file: str = "") -> None:
    """Install the tracer of this process: call once, before the first span."""
    trace.set_tracer_provider(make_provider(service=service, ratio=ratio, file=file))


def make_provider(*, service: str, ratio: float, file: str = "") -> TracerProvider:
    """What `configure` installs. `ratio` is the share of requests that are kept where the caller did not decide."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), sampler=ParentBased(TraceIdRatioBased(ratio))
    )
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - 20 MB nobody needs unless told
            OTLPSpanExporter,
        )

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if file:
        provider.add_span_processor(SimpleSpanProcessor(_FileExporter(Path(file), service)))
    return provider


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, parent: str = "", attributes: Mapping[str, str] | None = None
) -> Iterator[trace.Span]:
    """A span around a block. `parent` is another process's W3C traceparent; else the current span is the parent.

    Names and attributes hold ids and facts. Of an error that leaves the block the span keeps the class alone: its text
    may hold what somebody typed.
    """
    context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    with _TRACER.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=dict(attributes or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
            raise


def remote_span(name: str, *, parent: str) -> AbstractContextManager[object]:
    """A server's span for a call that names its caller's; nothing for one that names none."""
    return span(name, kind=SpanKind.SERVER, parent=parent) if parent else _NO_SPAN


def traceparent() -> str:
    """The current span as a W3C traceparent; empty outside any."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return ""
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{int(current.trace_flags):02x}"


def is_sampled() -> bool:
    """Whether the current span is going to be kept: fine-grained spans are made only then."""
    return trace.get_current_span(otel_context.get_current()).get_span_context().trace_flags.sampled


class _FileExporter(SpanExporter):
    """Appends one JSON object a span to a file that several processes share."""

    def __init__(self, path: Path, service: str) -> None:
        self._path = path
        self._service = service
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write finished spans."""
        lines = []
        for finished in spans:
            own = finished.get_span_context()
            assert own is not None
            lines.append(
                json.dumps(
                    {
                        "service": self._service,
                        "name": finished.name,
                        "trace_id": f"{own.trace_id:032x}",
                        "span_id": f"{own.span_id:016x}",
                        "parent_id": f"{finished.parent.span_id:016x}" if finished.parent else "",
                        "start": finished.start_time,
                        "end": finished.end_time,
                        "attributes": dict(finished.attributes or {}),
                        "fault": finished.status.description or "",
                    }
                )
            )
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        return SpanExportResult.SUCCESS

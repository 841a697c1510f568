"""Traces sent to a collector: OpenTelemetry behind `servicekit.spans`, imported only where a setting asks for it.

Nothing here holds up what is traced. Spans wait in a bounded queue for a thread that sends them; what finds no room, or
no collector, is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter
from pydantic import AfterValidator

from servicekit import spans
from servicekit.calls import Call, Proceed, observed
from servicekit.metrics import go_code
from servicekit.spans import NO_SPAN, Attributes, Kind, Parent, Span

if TYPE_CHECKING:
    from opentelemetry import trace as otel
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

DEFAULT_RATIO: Final = 0.01
MAX_QUEUED: Final = 2_048
"""Spans that wait to be sent; more are dropped."""
_SEND_SECONDS: Final = 5.0
"""For one batch, retries included."""
_FLUSH_SECONDS: Final = 2.0
"""In which what is left is sent when a service ends."""
_COMPLAIN_EVERY_SECONDS: Final = 60.0

SPANS = Counter(
    "playscore_spans_total",
    "Spans by what became of them: exported; failed, as the collector did not take them; dropped, as too many waited.",
    ("outcome",),
)
_EXPORTED, _FAILED, _DROPPED = (SPANS.labels(outcome) for outcome in ("exported", "failed", "dropped"))

_log = structlog.get_logger()


def _endpoint(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query or url.username:
        raise ValueError(
            "must be http://host:port, or https://host:port for TLS; credentials go into OTEL_EXPORTER_OTLP_HEADERS"
        )
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""Where a collector takes OTLP over gRPC: `http://host:port`, `https://host:port` with TLS."""


@asynccontextmanager
async def tracing(service: str, endpoint: str | None, ratio: float = DEFAULT_RATIO) -> AsyncIterator[None]:
    """Traces within the block, where there is an endpoint. Leaving it sends what is left, for two seconds at most.

    `ratio` of the traces that begin here are recorded; those that began elsewhere are where their traceparent says so.
    Raises ImportError where OpenTelemetry is not installed, ValueError where the endpoint is none.
    """
    if endpoint is None:
        yield
        return
    _endpoint(endpoint)
    provider, abort = _provider(service, endpoint, ratio)
    spans.install(_Tracer(provider.get_tracer("playscore")))
    try:
        yield
    finally:
        spans.install(None)
        await asyncio.to_thread(_end, provider, abort)


async def trace(call: Call, proceed: Proceed) -> Any:
    """Makes a span of a call. Health and reflection have none; nor have lasting streams, whose plays have their own."""
    method = call.method
    if method.is_infrastructure or method.lasts:
        return await proceed()
    call.span = spans.begin_trace(
        str(method),
        call.parent,
        kind=Kind.SERVER,
        attributes={"rpc.system": "grpc", "rpc.service": method.service, "rpc.method": method.name},
    )
    if not call.span:
        return await proceed()

    def ended(error: BaseException | None) -> None:
        code = call.code(error)
        call.span.set({"rpc.grpc.status_code": code.value[0]})
        call.span.end("" if error is None else go_code(code))

    return await observed(proceed, ended)


class _Tracer:
    """Begins spans of OpenTelemetry. See `servicekit.spans.Tracer`."""

    def __init__(self, tracer: otel.Tracer) -> None:
        from opentelemetry import trace as otel  # noqa: PLC0415

        self._otel = otel
        self._tracer = tracer
        self._kinds = {kind: otel.SpanKind[kind.name] for kind in Kind}

    def begin(
        self,
        name: str,
        parent: Parent | None,
        kind: Kind,
        began_at: float | None,
        attributes: Attributes | None,
        links: Iterable[Span],
    ) -> Span:
        """See `servicekit.spans.Tracer`."""
        context = None if parent is None else self._context(parent)
        return self.made(name, context, kind, began_at, attributes, links)

    def made(
        self,
        name: str,
        context: Any,
        kind: Kind,
        began_at: float | None,
        attributes: Attributes | None,
        links: Iterable[Span] = (),
    ) -> Span:
        """A span within a context of OpenTelemetry's; None for a new trace."""
        otel = self._otel
        span = self._tracer.start_span(
            name,
            otel.set_span_in_context(otel.INVALID_SPAN) if context is None else context,
            kind=self._kinds[kind],
            attributes=attributes,
            links=[otel.Link(link.context) for link in links if isinstance(link, _Recorded)],
            start_time=_nanoseconds(began_at),
            record_exception=False,
        )
        return _Recorded(self, span) if span.is_recording() else NO_SPAN

    def within(self, span: otel.Span) -> Any:
        """The context of what is a part of a span."""
        return self._otel.set_span_in_context(span)

    def failed(self, error: str) -> otel.Status:
        """The status of a span that failed."""
        return self._otel.Status(self._otel.StatusCode.ERROR, error)

    def _context(self, parent: Parent) -> Any:
        otel = self._otel
        told = otel.SpanContext(
            int(parent.trace_id, 16),
            int(parent.span_id, 16),
            is_remote=True,
            trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED if parent.sampled else otel.TraceFlags.DEFAULT),
        )
        return otel.set_span_in_context(otel.NonRecordingSpan(told))


class _Recorded(Span):
    """A span that is recorded."""

    __slots__ = ("_ids", "_span", "_tracer", "context", "traceparent")

    def __init__(self, tracer: _Tracer, span: otel.Span) -> None:
        self._tracer = tracer
        self._span = span
        self.context = span.get_span_context()
        trace_id, span_id = f"{self.context.trace_id:032x}", f"{self.context.span_id:016x}"
        self.traceparent = f"00-{trace_id}-{span_id}-01"
        self._ids = {"trace_id": trace_id, "span_id": span_id}

    @property
    def ids(self) -> dict[str, str]:
        return self._ids

    def __bool__(self) -> bool:
        return True

    def child(
        self,
        name: str,
        *,
        kind: Kind = Kind.INTERNAL,
        began_at: float | None = None,
        attributes: Attributes | None = None,
    ) -> Span:
        return self._tracer.made(name, self._tracer.within(self._span), kind, began_at, attributes)

    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: str = "", *, at: float | None = None) -> None:
        if not self._span.is_recording():
            return
        if error:
            self._span.set_status(self._tracer.failed(error))
        self._span.end(_nanoseconds(at))


def _nanoseconds(at: float | None) -> int | None:
    """Since 1970, of a time in seconds of `time.perf_counter`; None, as OpenTelemetry has it, for now."""
    return None if at is None else time.time_ns() - int(1e9 * (time.perf_counter() - at))


@dataclass(slots=True)
class _Queue:
    """How many spans wait, and when it was last said that the collector takes none."""

    lock: threading.Lock
    waiting: int = 0
    complained_at: float = -math.inf

    def take(self) -> bool:
        """Whether there is room for one more."""
        with self.lock:
            if self.waiting >= MAX_QUEUED:
                return False
            self.waiting += 1
            return True

    def give_back(self, count: int) -> None:
        """So many have left."""
        with self.lock:
            self.waiting -= count

    def complain(self, endpoint: str, lost: int) -> None:
        """The collector did not take spans. Said once a minute."""
        now = time.monotonic()
        if now >= self.complained_at + _COMPLAIN_EVERY_SECONDS:
            self.complained_at = now
            _log.warning("the collector takes no spans; they are dropped", endpoint=endpoint, spans=lost)


def _provider(service: str, endpoint: str, ratio: float) -> tuple[TracerProvider, Callable[[], None]]:
    """Makes spans and sends them; and what gives up sending."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    for library in ("opentelemetry.exporter", "opentelemetry.sdk"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what they would say again and again is said here
    queue = _Queue(threading.Lock())
    sending = OTLPSpanExporter(endpoint=endpoint, timeout=_SEND_SECONDS)

    class Counted(SpanExporter):
        """Counts what is exported and what is not."""

        def export(self, batch: Sequence[ReadableSpan]) -> SpanExportResult:
            result = SpanExportResult.FAILURE
            try:
                result = sending.export(batch)
            finally:
                queue.give_back(len(batch))
                if result is SpanExportResult.SUCCESS:
                    _EXPORTED.inc(len(batch))
                else:
                    _FAILED.inc(len(batch))
                    queue.complain(endpoint, len(batch))
            return result

        def shutdown(self) -> None:
            sending.shutdown()

    class Bounded(SpanProcessor):
        """Drops and counts what finds no room."""

        def __init__(self) -> None:
            self._batches = BatchSpanProcessor(Counted(), max_queue_size=MAX_QUEUED)

        def on_end(self, span: ReadableSpan) -> None:
            if queue.take():
                self._batches.on_end(span)
            else:
                _DROPPED.inc()

        def shutdown(self) -> None:
            self._batches.shutdown()  # type: ignore[no-untyped-call]

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return self._batches.force_flush(timeout_millis)

    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        resource=Resource.create({"service.name": service, "service.namespace": "playscore"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(Bounded())
    return provider, sending.shutdown


def _end(provider: TracerProvider, abort: Callable[[], None]) -> None:
    """Sends what is left. A collector that does not answer is not waited for."""
    ending = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    ending.start()
    ending.join(_FLUSH_SECONDS)
    if ending.is_alive():
        abort()

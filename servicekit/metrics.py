"""Prometheus metrics: those of every call, histograms made from the budgets, and the port that shows them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal, get_args

import grpc
import prometheus_client
from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import Counter, Gauge, Histogram, MetricsHandler

from servicekit.addresses import Address
from servicekit.admission import Admission, Why
from servicekit.budgets import budgets
from servicekit.calls import Call, Method, Proceed, kind_of, observed

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


def latency_histogram(name: str, documentation: str, labelnames: Sequence[str] = ()) -> Histogram:
    """A histogram of seconds in which every budget of the metric is a bucket's boundary."""
    return Histogram(name, documentation, labelnames, buckets=budgets().buckets(name))


Outcome = Literal["admitted", "too late", "expired", "no room"]

PLAYS = Counter("playscore_plays_total", "Plays by what became of them.", ("outcome", "reason"))
"""Of every service; `reason` is the name of a `playscore.errors.Reason`, empty where nothing was refused."""

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_STARTED = Counter("grpc_server_started_total", "Calls begun.", _METHOD)
_HANDLED = Counter("grpc_server_handled_total", "Calls ended, by the status they ended with.", (*_METHOD, "grpc_code"))
_SECONDS = latency_histogram("grpc_server_handling_seconds", "From a call's begin to its end, seconds.", _METHOD)


def go_code(code: grpc.StatusCode) -> str:
    """A status code as Go writes it, which is how dashboards know it: "OK", "Canceled", "InvalidArgument"."""
    if code is grpc.StatusCode.OK:
        return "OK"
    return code.name.title().replace("_", "").replace("Cancelled", "Canceled")


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of one method."""

    started: Counter
    seconds: Histogram
    handled: Mapping[grpc.StatusCode, Counter]


@cache
def _series(method: Method) -> _Series:
    labels = (method.kind, method.service, method.name)
    handled = {code: _HANDLED.labels(*labels, go_code(code)) for code in grpc.StatusCode}
    return _Series(_STARTED.labels(*labels), _SECONDS.labels(*labels), handled)


def announce(descriptor: ServiceDescriptor) -> None:
    """Makes every series of a service's methods present, at 0, so that the first failure is already a rise."""
    for method in descriptor.methods:
        kind = kind_of(client_streaming=method.client_streaming, server_streaming=method.server_streaming)
        _series(Method(descriptor.full_name, method.name, kind))


async def count(call: Call, proceed: Proceed) -> Any:
    """Counts and times a call."""
    series = _series(call.method)
    series.started.inc()
    begin = time.perf_counter()

    def ended(error: BaseException | None) -> None:
        series.seconds.observe(time.perf_counter() - begin, call.span.ids)
        series.handled[call.code(error)].inc()

    return await observed(proceed, ended)


_ADMISSION = Counter(
    "playscore_admission_calls_total",
    "Calls and streams by whether there was room for them: admitted; too late, as they could not have been answered in "
    "time; expired, as their time ran out while they waited; no room, as too many wait or are open.",
    ("outcome",),
)
_OUTCOMES: Mapping[Outcome, Counter] = {outcome: _ADMISSION.labels(outcome) for outcome in get_args(Outcome)}
_WAIT_SECONDS = latency_histogram(
    "playscore_admission_wait_seconds", "From a unary call's arrival until there was room for it, seconds."
)
_PLAYS_IN_PROGRESS = Gauge("playscore_admission_plays_in_progress", "Plays and records of calls being answered.")
_BYTES_IN_PROGRESS = Gauge("playscore_admission_bytes_in_progress", "Bytes reserved for requests being answered.")
_CALLS_IN_PROGRESS = Gauge("playscore_admission_calls_in_progress", "Unary calls being answered.")
_RESTING = Gauge(
    "playscore_admission_resting_calls", "Unary calls that wait for something else than their turn, and hold no room."
)
_WAITING = Gauge("playscore_admission_waiting_calls", "Unary calls that wait for their turn.")
OPEN_STREAMS = Gauge("playscore_open_streams", "Streams of requests that are open: games, for a featurizer.")
OPEN_WATCHES = Gauge("playscore_open_watches", "Watches that are open, gRPC's own left out.")
SERVING = Gauge(
    "playscore_serving",
    "Whether health says SERVING: 1, or 0; of the service where part is empty, else of a part that can fail alone.",
    ("part",),
)
MEMORY_LIMIT_BYTES = Gauge(
    "playscore_memory_limit_bytes", "Memory that the process may take: of its control group, else of its machine."
)
LOOP_LAG_SECONDS = latency_histogram(
    "playscore_event_loop_lag_seconds", "How late the event loop came to what was due, ten times a second, seconds."
)


class AdmissionMetrics:
    """Shows who is let in. The gauges are those of the last service that was made in the process."""

    def __init__(self, admission: Admission) -> None:
        _PLAYS_IN_PROGRESS.set_function(lambda: admission.plays)
        _BYTES_IN_PROGRESS.set_function(lambda: admission.bytes)
        _CALLS_IN_PROGRESS.set_function(lambda: admission.calls)
        _RESTING.set_function(lambda: admission.resting)
        _WAITING.set_function(lambda: admission.waiting)

    def admitted(self, waited_seconds: float | None = None) -> None:
        """There was room for a call, at once or after a while; or for a stream."""
        _OUTCOMES["admitted"].inc()
        if waited_seconds is not None:
            _WAIT_SECONDS.observe(waited_seconds)

    def refused(self, why: Why) -> None:
        """There was none."""
        _OUTCOMES[why].inc()


@contextmanager
def metrics_port(address: Address) -> Iterator[Address]:
    """Serves the process's metrics over HTTP, in a thread. Gives the address bound; raises OSError if it is taken."""
    server = (_Server6 if ":" in address.host else ThreadingHTTPServer)(address, MetricsHandler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="metrics", daemon=True)
    thread.start()
    try:
        yield Address(address.host, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6

"""The life of a service: start, serve while ready, drain."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc.aio
import structlog
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc

from playscore.errors import PlayscoreError
from servicekit.addresses import Address
from servicekit.audit import Audit
from servicekit.authentication import Authentication
from servicekit.authorization import Authorization, accesses
from servicekit.callers_file import Callers, read_callers
from servicekit.calls import Chain, Interceptor
from servicekit.certificates import CertificateFiles, server_credentials
from servicekit.errors import map_errors
from servicekit.following import Followed, follow
from servicekit.health import Health
from servicekit.lag import observe_lag
from servicekit.limits import Limits, pass_over_expired
from servicekit.logs import configure_logs, log
from servicekit.memory import limit_arenas, memory_limit, spare_from_collection
from servicekit.metrics import MEMORY_LIMIT_BYTES, announce, count, metrics_port
from servicekit.native_output import capture_native_output
from servicekit.reflection import add_reflection
from servicekit.service import Service, ServiceInParts
from servicekit.settings import S, ServiceSettings, parse_settings
from servicekit.signals import told_to_end
from servicekit.threads import FairThreads
from servicekit.tracing import trace, tracing

_log = structlog.get_logger()

SWITCH_SECONDS = 0.0001
"""After which a thread that works hands over to the event loop, which waits for that again and again in a call."""
ACCEPTING = 16
"""Servers on one port. Each takes a new call every few turns of the event loop, which are long when it is busy. Calls
of one connection wait for each other, and for those of the connections that share its server."""
MAX_UNSEEN_CALLS = 4_000
_MAX_PROBES = 64
"""Calls of health in flight at a port of its own: more are refused."""
_ASK_READY_EVERY_SECONDS = 1.0
_ANSWER_READY_WITHIN_SECONDS = 1.0
_LATE_ANSWERS = 2
"""One after the other, until a service that was ready counts as not ready: one alone says that the machine is busy."""


class StartError(Exception):
    """The service cannot start: what is in the way, and what would be right."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that takes calls."""

    address: Address
    metrics_address: Address
    health: Health
    health_address: Address | None
    """Where health alone is told without TLS, if it is."""
    life: asyncio.Task[None]
    """Opens the service and follows its readiness. Ends only where opening fails, with what it raised."""

    async def until_serving(self) -> None:
        """Returns once health says SERVING. Raises what opening the service raised."""
        serving = asyncio.ensure_future(self.health.until_serving())
        try:
            await asyncio.wait({serving, self.life}, return_when=asyncio.FIRST_COMPLETED)
            if self.life.done():
                self.life.result()
        finally:
            serving.cancel()


def run(settings_type: type[S], build: Callable[[S], Service]) -> None:
    """Runs a service until SIGTERM or SIGINT, drains it, and returns; a second signal ends the process at once with 1.

    Settings come from environment and flags; wrong ones exit with 2. A service that cannot start exits with 1. `build`
    only wires; what takes long or may fail for a while belongs to the service's `open`.
    """
    settings = parse_settings(settings_type)
    try:
        service = build(settings)
    except (PlayscoreError, OSError, ValueError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    log_stream = capture_native_output(lambda line: _log.warning("written to standard error", said=line))
    configure_logs(service.name, settings.log_level, log_stream)
    sys.setswitchinterval(SWITCH_SECONDS)
    limit_arenas()
    _log.info("settings", **settings.model_dump(mode="json"))
    try:
        uvloop.run(_run(service, settings))
    except StartError as error:
        _log.error("cannot start", error=str(error))
        raise SystemExit(1) from error
    except Exception as error:
        _log.exception("ended by an error")
        raise SystemExit(1) from error


async def _run(service: Service, settings: ServiceSettings) -> None:
    stop = told_to_end()
    asyncio.get_running_loop().set_default_executor(FairThreads())
    async with serving(service, settings, spare_from_collection) as running:
        _log.info("listening", address=str(running.address), metrics_address=str(running.metrics_address))
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({stopped, running.life}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if running.life.done():
            running.life.result()
    _log.info("ended")


@asynccontextmanager
async def serving(
    service: Service, settings: ServiceSettings, on_opened: Callable[[], None] = lambda: None
) -> AsyncIterator[Running]:
    """Takes calls for a service inside the block; leaving it drains. `on_opened` is called before the first is taken.

    Raises StartError where a port cannot be had, or certificates or the callers file are no use.

    Draining: NOT_SERVING, a wait for load balancers to notice, no more calls, the end of watches, a grace for calls in
    flight, `close`.
    """
    limits = Limits(settings)
    callers = _callers(settings)
    authentication = Authentication(callers, mutual_tls=settings.tls_client_authority is not None)
    access = accesses([service.descriptor])
    authorization, audit = Authorization(access), Audit(access)
    health = Health([service.descriptor.full_name], _parts(service))
    interceptors: list[Interceptor] = [
        *([] if settings.otlp_endpoint is None else [trace]),
        count,
        pass_over_expired,
        log,
        map_errors,
        audit,
        authentication,
        authorization,
        limits,
    ]
    servers = []
    for _ in range(ACCEPTING):
        server = grpc.aio.server(
            interceptors=[Chain(interceptors, stream_idle_seconds=settings.stream_idle_seconds)],
            options=_options(settings),
        )
        unregistered: Any = _Unregistered(server)
        service.register(unregistered)
        health_pb2_grpc.add_HealthServicer_to_server(health, unregistered)
        add_reflection(server, [service.descriptor, health_pb2.DESCRIPTOR.services_by_name["Health"]])
        servers.append(server)
    announce(service.descriptor)
    MEMORY_LIMIT_BYTES.set(memory_limit())

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(tracing(service.name, settings.otlp_endpoint, settings.trace_ratio))
        except ImportError as missing:
            raise StartError(f"cannot trace: {missing}; pip install playscore[tracing]") from missing
        try:
            metrics_address = stack.enter_context(metrics_port(settings.metrics_address))
        except OSError as error:
            raise StartError(
                f"cannot show metrics on {settings.metrics_listen}: {error.strerror}; --metrics-listen sets another"
            ) from error
        health_address = await stack.enter_async_context(_health_port(health, settings))
        address, certificates = _bind(servers, settings)
        for server in servers:
            await server.start()
        for following in (authentication.follow(), follow(certificates)):
            stack.callback(asyncio.create_task(following).cancel)
        life = asyncio.create_task(_live(service, health, limits, on_opened))
        lag = asyncio.create_task(observe_lag())
        stack.callback(lag.cancel)
        try:
            yield Running(address, metrics_address, health, health_address, life)
        finally:
            await _drain(servers, life, health, limits, settings)
            await service.close()


@asynccontextmanager
async def _health_port(health: Health, settings: ServiceSettings) -> AsyncIterator[Address | None]:
    """Tells health without TLS, to whoever asks, for as long as the process lives."""
    wanted = settings.health_address
    if wanted is None:
        yield None
        return
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)], maximum_concurrent_rpcs=_MAX_PROBES)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    try:
        port = server.add_insecure_port(str(wanted))
    except RuntimeError as error:
        raise StartError(f"cannot tell health on {wanted}; --health-listen sets another") from error
    await server.start()
    try:
        yield Address(wanted.host, port)
    finally:
        await server.stop(None)


class _Unregistered:
    """A server that is told handlers but not the names of their methods.

    For each method that is registered, grpc.aio has a task that waits for the next call; with every call that comes, it
    begins to wait for all of these tasks anew.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Nothing: the generic handlers of a service have all of its methods."""


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers may ping this often
        ("grpc.max_connection_idle_ms", _milliseconds(settings.max_connection_idle_seconds)),
        ("grpc.max_connection_age_ms", _milliseconds(settings.max_connection_age_seconds)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(settings.max_connection_age_grace_seconds)),
        # What is not read yet waits at the caller, but for 64 KiB: the windows of connections do not grow.
        ("grpc.http2.bdp_probe", 0),
        # Calls that the event loop has not seen yet. gRPC cancels more, without a reason.
        ("grpc.server.max_pending_requests", MAX_UNSEEN_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_UNSEEN_CALLS),
    ]


def _check_free(address: Address) -> None:
    """Raises OSError where another process takes calls on a port: the two would share them without anybody noticing."""
    if not address.port:
        return
    with socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trying.bind(address)


def _milliseconds(seconds: float) -> int:
    return min(round(1e3 * seconds), 2**31 - 1)


def _bind(servers: Sequence[grpc.aio.Server], settings: ServiceSettings) -> tuple[Address, Followed[object] | None]:
    """The address bound, and the certificates, where there are any."""
    certificate, key = settings.tls_certificate, settings.tls_key
    certificates, tls, listen, port = None, None, settings.listen, 0
    try:
        if certificate is not None and key is not None:
            tls, certificates = server_credentials(CertificateFiles(certificate, key, settings.tls_client_authority))
    except (OSError, ValueError) as error:
        raise StartError(f"cannot use the certificates: {error}") from error
    try:
        _check_free(settings.address)
        for server in servers:
            port = server.add_insecure_port(listen) if tls is None else server.add_secure_port(listen, tls())
            listen = str(Address(settings.address.host, port))
    except (OSError, RuntimeError) as error:
        raise StartError(f"cannot take calls on {settings.listen}: {error}; --listen sets another") from error
    return Address(settings.address.host, port), certificates


def _callers(settings: ServiceSettings) -> Followed[Callers] | None:
    path = settings.callers
    if path is None:
        if not settings.address.is_loopback:
            _log.warning("everybody who can connect may make every call; --callers sets who", address=settings.listen)
        return None
    try:
        return Followed("callers", lambda read: read_callers(path, read))
    except (OSError, ValueError) as error:
        raise StartError(f"cannot use the callers of {path}: {error}") from error


async def _live(service: Service, health: Health, limits: Limits, on_opened: Callable[[], None]) -> None:
    await service.open()
    on_opened()
    await health.opened()
    limits.admit()
    late = 0
    while True:
        answer = await _ready(service)
        late = late + 1 if answer is None else 0
        ready = health.serving and late < _LATE_ANSWERS if answer is None else answer
        if ready != health.serving:
            _log.info("serving" if ready else "not serving")
        await health.set(serving=ready, parts=_parts(service))
        await asyncio.sleep(_ASK_READY_EVERY_SECONDS)


def _parts(service: Service) -> dict[str, bool]:
    """By what health calls them, whether the parts of a service do their work."""
    if not isinstance(service, ServiceInParts):
        return {}
    return {f"{service.descriptor.full_name}/{part}": service.part_ready(part) for part in service.parts}


async def _ready(service: Service) -> bool | None:
    """Whether a service is ready; None where it has not answered in time."""
    try:
        async with asyncio.timeout(_ANSWER_READY_WITHIN_SECONDS):
            return await service.ready()
    except TimeoutError:
        _log.warning("readiness unknown", error=f"no answer within {_ANSWER_READY_WITHIN_SECONDS:g} s")
        return None
    except Exception as error:
        _log.warning("readiness unknown", error=repr(error))
        return False


async def _drain(
    servers: Sequence[grpc.aio.Server],
    life: asyncio.Task[None],
    health: Health,
    limits: Limits,
    settings: ServiceSettings,
) -> None:
    was_serving = health.serving
    await health.set(serving=False)
    life.cancel()
    with suppress(asyncio.CancelledError, Exception):  # those who need what it raised have asked for it
        await life
    if was_serving:
        await asyncio.sleep(settings.drain_seconds)
    await health.end()
    stopping = asyncio.gather(*(server.stop(settings.grace_seconds + 1) for server in servers))
    await asyncio.sleep(0)  # it takes no more calls from here, so that watches do not come back to it
    limits.end_watches()
    await asyncio.wait({stopping}, timeout=settings.grace_seconds)
    if not stopping.done() and (left := limits.end_all()):
        _log.warning("calls ended before they finished", calls=left, grace_seconds=settings.grace_seconds)
    await stopping

"""Logs: one JSON object a line on stderr, with what the call in progress is about."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any, TextIO

import grpc
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from servicekit.bounded_logs import bounded
from servicekit.calls import Call, Proceed, observed

_log = structlog.get_logger()

_PASSWORD_IN_URL = re.compile(r"(://[^\s:/@\"]*):[^\s/@\"]+@")
_SERVER_FAULTS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.UNAVAILABLE,
}


def configure_logs(service: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Sends structlog and the standard library's logging, which libraries use, to a stream as JSON.

    Every line names the service, and is of bounded length without characters that cannot be seen (`bounded_logs`). A
    password inside a URL is masked wherever it stands, tracebacks included.
    """

    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        structlog.processors.format_exc_info,
    ]
    render: list[Processor] = [bounded, structlog.processors.JSONRenderer(default=str), _mask_passwords]
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def configure_terminal_logs() -> None:
    """Sends what a command logs to stderr, for people: bounded as a service's log is, tracebacks without values.

    What is of use only to whoever looks for a defect, level debug, is left out.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            bounded,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def log(call: Call, proceed: Proceed) -> Any:
    """Writes one line for a finished call: method, peer, code, duration, trace, and whatever its handler bound.

    A handler binds with `structlog.contextvars.bind_contextvars(game_id=…, play_id=…)`. Health and reflection are
    logged at debug. Calls for which there was no room have no line of their own.
    """
    begin = time.perf_counter()
    peer = call.context.peer()  # no longer known once the call is over
    if call.span:
        structlog.contextvars.bind_contextvars(**call.span.ids)
    elif call.parent is not None:
        structlog.contextvars.bind_contextvars(trace_id=call.parent.trace_id)

    def ended(error: BaseException | None) -> None:
        if not call.is_refused:
            _write(call, peer, call.code(error), time.perf_counter() - begin)

    return await observed(proceed, ended)


def _write(call: Call, peer: str, code: grpc.StatusCode, seconds: float) -> None:
    write = _log.debug if call.method.is_infrastructure else _log.warning if code in _SERVER_FAULTS else _log.info
    write(
        "call finished",
        method=str(call.method),
        peer=peer,
        code=code.name,
        duration_ms=round(seconds * 1e3, 3),
    )


def _mask_passwords(_logger: WrappedLogger, _method: str, line: str | EventDict) -> str:
    return _PASSWORD_IN_URL.sub(r"\1:***@", str(line))

"""Turns what a handler raises into the status the caller gets."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import grpc.aio
import structlog

from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import status_of
from servicekit.calls import Call, Proceed

_log = structlog.get_logger()

_STORE_UNAVAILABLE = "the store is not available; repeat the call (the log of the service says why)"


async def map_errors(call: Call, proceed: Proceed) -> Any:
    """PlayscoreError → its status and details; anything else → INTERNAL with an id that finds the trace in the log."""
    try:
        return await proceed()
    except (grpc.aio.AbortError, grpc.aio.InternalError):
        raise  # the status is chosen already, or nobody is left to tell
    except Exception as raised:
        error, metadata = _domain_error(call, raised)
        forget_frames(raised)
    structlog.contextvars.bind_contextvars(reason=error.reason.name, detail=error.detail)
    # What grpc_status makes is what abort_with_status takes, though the stubs lack the method.
    await call.context.abort_with_status(status_of(_told(error), metadata))  # type: ignore[attr-defined]


def forget_frames(raised: BaseException) -> None:
    """Frees what the frames hold that an error went through, such as the request.

    Whoever keeps the error in a variable of one of them would hold them all until the next collection of garbage.
    """
    found: list[BaseException] = [raised]
    for error in found:
        error.__traceback__ = None
        further = [
            error.__cause__,
            error.__context__,
            *(error.exceptions if isinstance(error, BaseExceptionGroup) else ()),
        ]
        found += [each for each in further if each is not None and all(each is not other for other in found)]


def _domain_error(call: Call, raised: Exception) -> tuple[PlayscoreError, dict[str, str]]:
    while isinstance(raised, ExceptionGroup) and len(raised.exceptions) == 1:
        raised = raised.exceptions[0]  # what a task group wraps around the one thing that went wrong
    if isinstance(raised, PlayscoreError) and raised.reason is not Reason.INTERNAL:
        return raised, {}
    if isinstance(raised, NotImplementedError) and call.context.code() is grpc.StatusCode.UNIMPLEMENTED:
        return PlayscoreError(Reason.NOT_IMPLEMENTED, f"this release does not implement {call.method}"), {}
    error_id = uuid.uuid4().hex
    return defect(raised, error_id, method=str(call.method)), {"error_id": error_id}


def _told(error: PlayscoreError) -> PlayscoreError:
    """What callers are told of an error. The detail of a store's failure is its path and its driver's words."""
    if error.reason is not Reason.STORE_UNAVAILABLE:
        return error
    return PlayscoreError(error.reason, _STORE_UNAVAILABLE, retry_after_seconds=error.retry_after_seconds)


def defect(raised: BaseException, error_id: str, **where: str) -> PlayscoreError:
    """The error for a fault of the service, whose trace is in its log under the id."""
    _log.error("internal error", error_id=error_id, exc_info=raised, **where)
    return PlayscoreError(Reason.INTERNAL, f"internal error {error_id}; the log of the service has its trace")

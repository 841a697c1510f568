"""Domain errors on the wire: one table from reasons to status codes, and both directions of the details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from playscore.common.v1 import reason_pb2
from playscore.errors import FieldViolation, PlayscoreError, Reason

DOMAIN: Final = "playscore"
"""The domain of every google.rpc.ErrorInfo."""

_CODES: Final[Mapping[Reason, grpc.StatusCode]] = {
    Reason.OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.MESSAGE_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Reason.PERMISSION_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
    Reason.STREAM_ORDER: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.FEATURE_SPECIFICATION_MISMATCH: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.SUBJECT_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.LEAGUE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.GAME_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.REVISION_NOT_KEPT: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_CHANGED: grpc.StatusCode.ABORTED,
    Reason.NOT_SERVING: grpc.StatusCode.UNAVAILABLE,
    Reason.INFERENCE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.NOT_FRESH_ENOUGH: grpc.StatusCode.UNAVAILABLE,
    Reason.STORE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}

# Trailing metadata may take 8 KiB in all, and the detail stands in it twice: percent-encoded (up to 3 bytes a byte) and
# in the status message in base64 (4 bytes for 3).
_MAX_DETAIL_BYTES: Final = 1_200
_MAX_FIELD_BYTES: Final = 1_500


def code_of(reason: Reason) -> grpc.StatusCode:
    """The status code of a call that fails for a reason: INVALID_ARGUMENT unless its comment says otherwise."""
    return _CODES.get(reason, grpc.StatusCode.INVALID_ARGUMENT)


def status_of(error: PlayscoreError, metadata: Mapping[str, str] | None = None) -> grpc.Status:
    """An error as a status with details, for `ServicerContext.abort_with_status`.

    The details are google.rpc.ErrorInfo (reason by its protobuf name, and `metadata`), BadRequest where fields are at
    fault, and RetryInfo where coming back makes sense. What would not fit into the metadata of a call is cut, visibly.
    """
    code: int = code_of(error.reason).value[0]
    status = status_pb2.Status(code=code, message=_cut(error.detail, _MAX_DETAIL_BYTES))
    reason = reason_pb2.Reason.Name(reason_pb2.Reason.ValueType(error.reason.value))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata or {}))
    if error.fields:
        status.details.add().Pack(_bad_request(error.fields))
    if error.retry_after_seconds is not None:
        delay = Duration()
        delay.FromNanoseconds(round(error.retry_after_seconds * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return rpc_status.to_status(status)


def error_from_rpc(error: grpc.RpcError) -> PlayscoreError | None:
    """The domain error that a failed call carries; None where it carries none: no connection, a passed deadline.

    Takes the errors of both `grpc` and `grpc.aio`. A message refused by gRPC for its size comes as MESSAGE_TOO_LARGE.
    A reason that this release does not know yet gives None too: its status code still says what to do.
    """
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return None
    code, detail = error.code(), error.details() or ""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in detail:
        return PlayscoreError(Reason.MESSAGE_TOO_LARGE, detail)
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
    except ValueError:  # details that contradict the call's own status: written by something in between
        return None
    if status is None:
        return None
    reason: Reason | None = None
    fields: tuple[FieldViolation, ...] = ()
    retry_after_seconds: float | None = None
    info, bad_request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for packed in status.details:
        if packed.Unpack(info) and info.domain == DOMAIN:
            reason = _known(info.reason)
        elif packed.Unpack(bad_request):
            fields = tuple(FieldViolation(each.field, each.description) for each in bad_request.field_violations)
        elif packed.Unpack(retry):
            retry_after_seconds = retry.retry_delay.ToNanoseconds() / 1e9
    if reason is None:
        return None
    return PlayscoreError(reason, status.message, fields=fields, retry_after_seconds=retry_after_seconds)


def _known(name: str) -> Reason | None:
    try:
        return Reason(reason_pb2.Reason.Value(name))
    except ValueError:
        return None


def _bad_request(fields: tuple[FieldViolation, ...]) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    left = _MAX_FIELD_BYTES
    for violation in fields:
        left -= len(violation.field.encode()) + len(violation.description.encode())
        if left < 0:
            missing = len(fields) - len(request.field_violations)
            request.field_violations.add(field="…", description=f"and {missing} more, left out for length")
            break
        request.field_violations.add(field=violation.field, description=violation.description)
    return request


def _cut(text: str, max_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[: max_bytes - 3].decode(errors="ignore") + "…"

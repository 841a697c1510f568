"""One table from reasons to status codes, the same as the contract states, and the same in both directions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc.aio import Metadata
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st

from playscore.common.v1 import reason_pb2
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.rpc_errors import code_of, error_from_rpc, status_of

ROOT = Path(__file__).parents[3]
PROTO = ROOT / "protos/playscore/common/v1/reason.proto"


def stated_codes() -> dict[str, str]:
    """What reason.proto says of each reason: the code its comment opens with, else INVALID_ARGUMENT."""
    stated = {}
    for comment, name in re.findall(r"((?: *//.*\n)+) *REASON_(\w+) = [1-9]", PROTO.read_text(encoding="utf-8")):
        code = re.search(r"^ *// ([A-Z_]{5,})\. ", comment, re.MULTILINE)
        stated[name] = code[1] if code else "INVALID_ARGUMENT"
    return stated


def failed(status: grpc.Status) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        status.code, Metadata(), Metadata(*status.trailing_metadata or ()), status.details, debug_error_string=None
    )


def test_reasons_are_those_of_the_contract() -> None:
    contract = {name.removeprefix("REASON_"): number for name, number in reason_pb2.Reason.items() if number}
    assert {reason.name: reason.value for reason in Reason} == contract


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_ends_a_call_with_the_code_its_comment_states(reason: Reason) -> None:
    assert code_of(reason).name == stated_codes()[reason.name]


def test_a_call_that_fails_as_field_invalid_names_the_field() -> None:
    """Where calls are refused. (A core may reject a play as FIELD_INVALID: a rejection has no place for fields.)"""
    nameless = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for edge in ("playscore/wire/*.py", "servicekit/*.py", "*/service.py", "*/messages.py", "*/*/messages.py")
        for file in ROOT.glob(edge)
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "PlayscoreError"
        and ast.unparse(call.args[0]) == "Reason.FIELD_INVALID"
        and "fields" not in {keyword.arg for keyword in call.keywords}
    ]
    assert nameless == []


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(
    st.sampled_from(Reason),
    texts,
    st.lists(st.builds(FieldViolation, texts, texts), max_size=4).map(tuple),
    st.none() | st.integers(0, 10**6).map(lambda milliseconds: milliseconds / 1e3),
)
def test_an_error_arrives_as_it_was_raised(
    reason: Reason, detail: str, fields: tuple[FieldViolation, ...], retry_after_seconds: float | None
) -> None:
    arrived = error_from_rpc(
        failed(status_of(PlayscoreError(reason, detail, fields=fields, retry_after_seconds=retry_after_seconds)))
    )
    assert arrived is not None
    assert (arrived.reason, arrived.detail, arrived.fields) == (reason, detail, fields)
    assert arrived.retry_after_seconds == retry_after_seconds


def test_a_failure_of_the_transport_is_no_domain_error() -> None:
    assert error_from_rpc(grpc.RpcError("no call at all")) is None
    assert error_from_rpc(grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), None, None)) is None


@pytest.mark.parametrize(("domain", "reason"), [("elsewhere", "REASON_INTERNAL"), ("playscore", "REASON_OF_TOMORROW")])
def test_a_reason_we_do_not_know_is_left_to_its_status_code(domain: str, reason: str) -> None:
    status = status_pb2.Status(code=code_pb2.INTERNAL, message="?")
    status.details.add().Pack(error_details_pb2.ErrorInfo(domain=domain, reason=reason))
    assert error_from_rpc(failed(rpc_status.to_status(status))) is None

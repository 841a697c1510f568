"""What a caller gets: answers, or errors with reason, fields and retry hint, from every kind of method."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.rpc_errors import error_from_rpc
from tests.contract.servicekit.echo import DESCRIPTOR, METHODS
from tests.contract.servicekit.refusals import failure, refusal
from tests.processes import until

every_kind = pytest.mark.parametrize("method", METHODS)


async def test_every_kind_of_method_answers(serve: Any) -> None:
    async with serve() as stub:
        assert await stub.call("Unary", "a") == ["a"]
        assert await stub.call("Watch", "a") == ["a", "a", "a"]
        assert await stub.call("Collect", "a", "b") == ["ab"]
        assert await stub.call("Converse", "a", "b") == ["a", "b"]


@every_kind
async def test_a_domain_error_keeps_reason_fields_and_retry_hint(serve: Any, method: str) -> None:
    violation = FieldViolation("plays[3].context.passer_id", "names nobody in the roster")

    async def refuse(_text: str) -> str:
        raise PlayscoreError(Reason.PASSER_NOT_IN_ROSTER, "no player 99", fields=(violation,), retry_after_seconds=0.25)

    async with serve(refuse) as stub:
        failed = await failure(stub, method, "x")
        assert failed.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert failed.details() == "no player 99"
        error = error_from_rpc(failed)
    assert error is not None
    assert (error.reason, error.detail) == (Reason.PASSER_NOT_IN_ROSTER, "no player 99")
    assert (error.fields, error.retry_after_seconds) == ((violation,), 0.25)


@every_kind
async def test_what_a_store_or_a_defect_says_of_this_machine_is_told_to_nobody(serve: Any, method: str) -> None:
    said = "store /var/lib/playscore/aggregator.db: disk I/O error; host=10.0.0.7 user=playscore"
    for reason in (Reason.STORE_UNAVAILABLE, Reason.INTERNAL):

        async def refuse(_text: str, reason: Reason = reason) -> str:
            raise PlayscoreError(reason, said, retry_after_seconds=0.25)

        async with serve(refuse) as stub:
            failed = await failure(stub, method, "x")
        error = error_from_rpc(failed)
        assert error is not None
        assert error.reason is reason
        metadata = repr(failed.trailing_metadata()) + (failed.details() or "")
        assert not any(part in metadata for part in ("/var", "I/O", "10.0.0.7", "user="))
        assert error.retry_after_seconds == (0.25 if reason is Reason.STORE_UNAVAILABLE else None)


async def test_an_error_with_more_to_say_than_a_call_can_carry_arrives_cut(serve: Any) -> None:
    fields = tuple(FieldViolation(f"plays[{i}].context.down", "é" * 40) for i in range(500))

    async def refuse(_text: str) -> str:
        raise PlayscoreError(Reason.FIELD_INVALID, "é" * 10_000, fields=fields)

    async with serve(refuse) as stub:
        error = await refusal(stub, "Unary", "x")
    assert error.detail.endswith("…")
    kept = len(error.fields) - 1
    assert error.fields[:kept] == fields[:kept]
    assert error.fields[kept].description == f"and {500 - kept} more, left out for length"


async def test_an_error_after_some_answers_comes_after_them(serve: Any) -> None:
    async def until_b(text: str) -> str:
        if text == "b":
            raise PlayscoreError(Reason.GAME_MISMATCH, "game 2 in the stream of game 1")
        return text

    async with serve(until_b) as stub:
        call = stub.methods["Converse"]([StringValue(value="a"), StringValue(value="b")], timeout=10)
        assert (await call.read()).value == "a"
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call.read()
    error = error_from_rpc(failed.value)
    assert error is not None
    assert error.reason is Reason.GAME_MISMATCH


async def test_an_error_out_of_a_task_group_is_the_error_inside(serve: Any) -> None:
    async def in_group(_text: str) -> str:
        async with asyncio.TaskGroup() as group:
            group.create_task(refuse())
        return "never"

    async def refuse() -> None:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, "passing:99")

    async with serve(in_group) as stub:
        assert (await refusal(stub, "Unary", "x")).reason is Reason.MODEL_NOT_FOUND


@every_kind
async def test_any_other_error_is_internal_with_an_id_that_finds_its_trace(
    serve: Any, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def crash(_text: str) -> str:
        raise ZeroDivisionError("the secret of the house")

    async with serve(crash) as stub:
        failed = await failure(stub, method, "x")
    assert failed.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (failed.details() or "")
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(failed)  # type: ignore[arg-type]
    assert status is not None
    status.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("playscore", "REASON_INTERNAL")
    assert info.metadata["error_id"] in (failed.details() or "")
    printed = capsys.readouterr()
    assert info.metadata["error_id"] in printed.out + printed.err
    assert "ZeroDivisionError" in printed.out + printed.err


async def test_bytes_that_are_no_request_are_the_callers_error(serve: Any) -> None:
    async with serve() as stub:
        for method in METHODS:
            channel_method = stub.methods[method]
            channel_method._request_serializer = lambda _request: b"\xff\xff\xff"
            refused = await refusal(stub, method, "x")
            assert refused.reason is Reason.FIELD_INVALID
            assert [violation.field for violation in refused.fields] == ["request"]
            assert DESCRIPTOR.full_name in refused.detail


async def test_a_message_over_the_limit_is_refused_and_the_service_serves_on(serve: Any) -> None:
    async with serve(max_message_bytes=4096) as stub:
        for method in METHODS:
            assert (await refusal(stub, method, "x" * 5000)).reason is Reason.MESSAGE_TOO_LARGE
        assert await stub.call("Unary", "x" * 4000) == ["x" * 4000]


async def test_a_method_nobody_knows_is_unimplemented(serve: Any) -> None:
    async with serve() as stub:
        stub.methods["Unary"]._method = f"/{DESCRIPTOR.full_name}/Sing".encode()
        assert (await failure(stub, "Unary", "x")).code() is grpc.StatusCode.UNIMPLEMENTED


async def test_nothing_of_a_refused_request_is_left(serve: Any) -> None:
    """Without a collection of garbage: errors hold the frames that they went through, and those the request."""
    held: list[weakref.ref[object]] = []

    class Content:
        """What a handler works on."""

    async def refuse(text: str) -> str:
        content = Content()
        held.append(weakref.ref(content))
        try:
            return {"": text}[text]
        except KeyError as error:
            raise PlayscoreError(Reason.FIELD_INVALID, "no such thing") from error

    async with serve(refuse) as stub:
        gc.disable()
        try:
            for method in METHODS:
                await refusal(stub, method, "x")
            await until(lambda: all(content() is None for content in held))
        finally:
            gc.enable()
    assert len(held) == len(METHODS)

"""Callers with certificates and roles, over TLS: who may make which call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY

from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import StartError, serving
from servicekit.callers import current_caller
from tests.authority import Authority, Certified, common_name, dns, secure_channel, uri
from tests.contract.servicekit.echo import METHODS, Echo, EchoSettings, EchoStub
from tests.contract.servicekit.refusals import refusal
from tests.processes import until

CALLERS = """
callers:
  reader: {role: reader, certificates: [spiffe://example.org/reader]}
  writer: {role: writer, certificates: [writer.example.org]}
  operator: {role: operator, certificates: [spiffe://example.org/operator, operator.example.org]}
"""
ROLES = {
    "reader": uri("spiffe://example.org/reader"),
    "writer": dns("writer.example.org"),
    "operator": uri("spiffe://example.org/operator"),
}
NEEDED = {"Unary": "reader", "Watch": "reader", "Collect": "writer", "Converse": "operator"}

Connect = Callable[[Certified], AbstractAsyncContextManager[EchoStub]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture
def callers(tmp_path: Path) -> Path:
    path = tmp_path / "callers.yaml"
    path.write_text(CALLERS)
    return path


@pytest.fixture
def settings(authority: Authority, callers: Path) -> EchoSettings:
    certificate, key = authority.sign(dns("localhost"))
    return EchoSettings(
        listen="localhost:0",
        tls_certificate=certificate,
        tls_key=key,
        tls_client_authority=authority.certificate,
        callers=callers,
    )


@pytest.fixture
async def connect(authority: Authority, settings: EchoSettings) -> AsyncIterator[Connect]:
    """`async with connect(certificate) as stub`."""

    async def who(_text: str) -> str:
        return str(current_caller.get().identity)

    async with serving(Echo(who), settings) as running:
        await running.until_serving()

        @asynccontextmanager
        async def connect(caller: Certified) -> AsyncIterator[EchoStub]:
            async with secure_channel(running.address, authority.certificate, caller) as channel:
                yield EchoStub(channel)

        yield connect


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_those_below_it_may(connect: Connect, authority: Authority, role: str) -> None:
    order = list(ROLES)
    async with connect(authority.sign(ROLES[role])) as stub:
        for method in METHODS:
            if order.index(role) >= order.index(NEEDED[method]):
                assert set(await stub.call(method, "")) == {role}
            else:
                refused = await refusal(stub, method)
                assert refused.reason is Reason.PERMISSION_DENIED
                assert (
                    refused.detail == f"echo.v1.EchoService/{method} takes the role {NEEDED[method]}; {role} has {role}"
                )
        assert await stub.healthy()


async def test_whoever_is_not_in_the_file_may_do_nothing_and_learns_nothing(
    connect: Connect, authority: Authority
) -> None:
    strangers = {
        authority.sign(dns("stranger.example.org")): Reason.PERMISSION_DENIED,
        authority.sign(dns("spiffe://example.org/operator")): Reason.PERMISSION_DENIED,
        authority.sign(dns("operator.example.org\0.example.net")): Reason.PERMISSION_DENIED,
        authority.sign(uri("operator.example.org")): Reason.PERMISSION_DENIED,
        authority.sign(subject=common_name("operator")): Reason.UNAUTHENTICATED,
        authority.sign(subject=common_name("operator.example.org")): Reason.UNAUTHENTICATED,
        authority.sign(ROLES["operator"], ROLES["writer"]): Reason.UNAUTHENTICATED,
    }
    for stranger, reason in strangers.items():
        async with connect(stranger) as stub:
            for method in METHODS:
                refused = await refusal(stub, method)
                assert refused.reason is reason
                assert not any(name in refused.detail for name in ("operator", "writer", "example"))
            assert await stub.healthy()


async def test_names_of_one_caller_may_stand_in_one_certificate(connect: Connect, authority: Authority) -> None:
    names = (uri("spiffe://example.org/operator"), dns("operator.example.org"), dns("localhost"))
    async with connect(authority.sign(*names)) as stub:
        assert await stub.call("Unary", "") == ["operator"]


async def test_who_may_call_changes_with_the_file_and_a_broken_one_changes_nothing(
    connect: Connect, authority: Authority, callers: Path
) -> None:
    def in_force() -> bool:
        return bool(REGISTRY.get_sample_value("playscore_reload_successful", {"what": "callers"}))

    def say(text: str) -> None:
        callers.write_text(text)

    async with connect(authority.sign(ROLES["reader"])) as stub:
        assert (await refusal(stub, "Collect")).reason is Reason.PERMISSION_DENIED
        say(CALLERS.replace("role: reader", "role: writer"))
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await stub.call("Collect", "") == ["reader"]
                    break
                except grpc.aio.AioRpcError as refused:
                    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED
        say("callers: nobody")
        await until(lambda: not in_force())
        assert await stub.call("Collect", "") == ["reader"]
        say(CALLERS.replace("reader:", "somebody:"))
        await until(in_force)
        assert await stub.call("Unary", "") == ["somebody"]


async def test_a_stream_ends_when_its_caller_may_no_longer_call_and_no_other_does(
    connect: Connect, authority: Authority, callers: Path
) -> None:
    async with connect(authority.sign(ROLES["operator"])) as stub, connect(authority.sign(ROLES["reader"])) as other:
        streams = [stub.methods["Converse"](), stub.methods["Converse"]()]
        for stream in streams:
            await stream.write(StringValue(value="a"))
            assert (await stream.read()).value == "operator"
        watch = other.call("Watch", "")
        without = CALLERS.replace("spiffe://example.org/operator, ", "")
        await asyncio.to_thread(callers.write_text, without)
        for stream in streams:
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await stream.read()
            error = error_from_rpc(ended.value)
            assert error is not None
            assert error.reason is Reason.NOT_SERVING
            assert error.retry_after_seconds is not None
        assert (await refusal(stub, "Converse")).reason is Reason.PERMISSION_DENIED
        assert await watch == ["reader"] * 3


async def test_a_service_does_not_start_with_callers_that_it_cannot_read(
    settings: EchoSettings, authority: Authority
) -> None:
    with pytest.raises(StartError, match=r"cannot use the callers of .*authority\.pem: must be a mapping"):
        async with serving(Echo(), settings.model_copy(update={"callers": authority.certificate})):
            pass


async def test_without_certificates_callers_are_told_how_to_say_who_they_are(
    authority: Authority, settings: EchoSettings
) -> None:
    async with serving(Echo(), settings.model_copy(update={"tls_client_authority": None})) as running:
        await running.until_serving()
        async with secure_channel(running.address, authority.certificate) as channel:
            refused = await refusal(EchoStub(channel))
    assert refused.reason is Reason.UNAUTHENTICATED
    assert "call with a client certificate" in refused.detail

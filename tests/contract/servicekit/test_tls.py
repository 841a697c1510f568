"""TLS: the service shows its certificate, and with mutual TLS asks for the caller's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509

from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import serving
from servicekit.authentication import current_caller
from tests.authority import Authority, common_name, dns, organization, secure_channel, uri
from tests.contract.servicekit.echo import Echo, EchoSettings, EchoStub


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def tls(authority: Authority) -> dict[str, Any]:
    certificate, key = authority.sign(dns("localhost"))
    return {"listen": "localhost:0", "tls_certificate": certificate, "tls_key": key}


async def who(_text: str) -> str:
    return str(current_caller.get().identity)


async def test_callers_need_no_certificate_where_no_authority_is_set(authority: Authority, tls: dict[str, Any]) -> None:
    async with (
        serving(Echo(who), EchoSettings(**tls)) as running,
        secure_channel(running.address, authority.certificate) as secure,
        grpc.aio.insecure_channel(str(running.address)) as plain,
    ):
        await running.until_serving()
        assert await EchoStub(secure).call("Unary", "") == ["None"]
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await EchoStub(plain).call("Unary", "")
        assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("names", "identity"),
    [
        ([], "pipeline"),
        ([dns("pipeline.playscore")], "pipeline.playscore"),
        ([uri("spiffe://playscore/pipeline"), dns("pipeline.playscore")], "spiffe://playscore/pipeline"),
        ([dns("pipeline\0.example.org")], "pipeline\0.example.org"),
    ],
)
async def test_with_mutual_tls_the_certificate_says_who_calls(
    authority: Authority, tls: dict[str, Any], names: list[x509.GeneralName], identity: str
) -> None:
    caller = authority.sign(*names, subject=common_name("pipeline"))
    async with (
        serving(Echo(who), EchoSettings(**tls, tls_client_authority=authority.certificate)) as running,
        secure_channel(running.address, authority.certificate, caller) as known,
    ):
        await running.until_serving()
        stub = EchoStub(known)
        assert await stub.call("Unary", "") == [identity]
        assert await stub.call("Converse", "") == [identity]
        assert await stub.healthy()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_without_an_identity_a_call_is_known_by_its_address(host: str) -> None:
    async def whose(_text: str) -> str:
        return current_caller.get().party

    async with serving(Echo(whose), EchoSettings(listen=f"{host}:0")) as running:
        await running.until_serving()
        for _ in range(2):
            async with grpc.aio.insecure_channel(str(running.address)) as plain:
                assert await EchoStub(plain).call("Unary", "") == ["127.0.0.1" if "." in host else "::/64"]


async def test_a_certificate_without_a_name_is_refused(authority: Authority, tls: dict[str, Any]) -> None:
    nameless = authority.sign(subject=organization("nameless"))
    async with (
        serving(Echo(who), EchoSettings(**tls, tls_client_authority=authority.certificate)) as running,
        secure_channel(running.address, authority.certificate, nameless) as unknown,
    ):
        await running.until_serving()
        stub = EchoStub(unknown)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call("Unary", "")
        error = error_from_rpc(refused.value)
        assert error is not None
        assert error.reason is Reason.UNAUTHENTICATED
        assert await stub.healthy()


async def test_with_mutual_tls_strangers_get_no_connection(
    authority: Authority, tls: dict[str, Any], tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "theirs").sign(dns("stranger"))
    async with serving(Echo(who), EchoSettings(**tls, tls_client_authority=authority.certificate)) as running:
        for certificate in (None, stranger):
            async with secure_channel(running.address, authority.certificate, certificate) as unknown:
                with pytest.raises(grpc.aio.AioRpcError) as failed:
                    await EchoStub(unknown).call("Unary", "")
                assert failed.value.code() is grpc.StatusCode.UNAVAILABLE

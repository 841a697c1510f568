"""Certificates change while a service runs, and while a call goes on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY

from servicekit import StartError, serving
from tests.authority import Authority, Certified, dns, secure_channel
from tests.contract.servicekit.echo import Echo, EchoSettings, EchoStub
from tests.processes import until


class Mounted:
    """The files that a service reads its certificates from."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate, self.key, self.authority = (folder / name for name in ("tls.pem", "tls.key", "callers.pem"))

    def put(self, service: Certified, authorities: bytes) -> None:
        for source, target in zip(service, (self.certificate, self.key), strict=True):
            shutil.copy(source, target)
        self.authority.write_bytes(authorities)

    def put_certificate(self, content: bytes) -> None:
        self.certificate.write_bytes(content)

    def put_authority(self, content: bytes) -> None:
        self.authority.write_bytes(content)

    def lose_authority(self) -> None:
        self.authority.unlink()

    def settings(self) -> EchoSettings:
        return EchoSettings(
            listen="localhost:0",
            tls_certificate=self.certificate,
            tls_key=self.key,
            tls_client_authority=self.authority,
        )


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def connects(address: object, trusted: Path, caller: Certified) -> bool:
    """Whether a new connection answers a call."""
    async with secure_channel(address, trusted, caller) as channel:
        try:
            return await EchoStub(channel).call("Unary", "a") == ["a"]
        except grpc.aio.AioRpcError as failed:
            assert failed.code() is grpc.StatusCode.UNAVAILABLE
            return False


async def until_connected(*to: Any, answer: bool = True) -> None:
    async with asyncio.timeout(60):
        while await connects(*to) is not answer:
            pass


async def test_certificate_and_authority_change_while_a_stream_goes_on(mounted: Mounted, tmp_path: Path) -> None:
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    old_caller, new_caller = old.sign(dns("caller")), new.sign(dns("caller"))
    mounted.put(old.sign(dns("localhost")), old.certificate.read_bytes())
    async with (
        serving(Echo(), mounted.settings()) as running,
        secure_channel(running.address, old.certificate, old_caller) as channel,
    ):
        await running.until_serving()
        stream = EchoStub(channel).methods["Converse"]()

        async def goes_on() -> None:
            await stream.write(StringValue(value="still here"))
            assert (await stream.read()).value == "still here"

        await goes_on()
        assert not await connects(running.address, new.certificate, new_caller)

        both = old.certificate.read_bytes() + new.certificate.read_bytes()
        mounted.put(new.sign(dns("localhost")), both)
        await until_connected(running.address, new.certificate, new_caller)
        assert await connects(running.address, new.certificate, old_caller)
        assert not await connects(running.address, old.certificate, old_caller)
        await goes_on()

        mounted.put_authority(new.certificate.read_bytes())
        await until_connected(running.address, new.certificate, old_caller, answer=False)
        assert await connects(running.address, new.certificate, new_caller)
        await goes_on()


async def test_what_is_no_use_changes_nothing_and_shows(mounted: Mounted, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    caller = authority.sign(dns("caller"))
    mounted.put(authority.sign(dns("localhost")), authority.certificate.read_bytes())

    def taken_over() -> bool:
        return metric("playscore_reload_successful", what="tls") == 1

    def refused() -> bool:
        return not taken_over()

    async with serving(Echo(), mounted.settings()) as running:
        await running.until_serving()
        expiry = metric("playscore_tls_certificate_expiry_timestamp_seconds")
        assert expiry is not None
        another = authority.sign(dns("localhost"))
        for broken in (b"", b"no certificate", another[0].read_bytes()):  # the last is not that of the key
            mounted.put_certificate(broken)
            await until(refused)
            assert await connects(running.address, authority.certificate, caller)
            mounted.put(another, authority.certificate.read_bytes())
            await until(taken_over)
            another = authority.sign(dns("localhost"))
        mounted.lose_authority()
        await until(refused)
        assert await connects(running.address, authority.certificate, caller)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("certificate", b"", "tls.pem holds no certificate in PEM"),
        ("key", b"no key", "tls.key is not a private key in PEM"),
        ("authority", b"nobody", "callers.pem holds no certificate in PEM"),
    ],
)
async def test_a_service_does_not_start_with_certificates_that_are_none(
    mounted: Mounted, tmp_path: Path, file: str, content: bytes, told: str
) -> None:
    authority = Authority(tmp_path / "ours")
    mounted.put(authority.sign(dns("localhost")), authority.certificate.read_bytes())
    getattr(mounted, file).write_bytes(content)
    with pytest.raises(StartError, match=told):
        async with serving(Echo(), mounted.settings()):
            pass


async def test_a_service_does_not_start_with_the_key_of_another_certificate(mounted: Mounted, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    mounted.put(authority.sign(dns("localhost")), authority.certificate.read_bytes())
    shutil.copy(authority.sign(dns("localhost"))[1], mounted.key)
    with pytest.raises(StartError, match=r"tls\.key is not the key of .*tls\.pem"):
        async with serving(Echo(), mounted.settings()):
            pass

"""Callers with tokens, over TLS: keys in files and at a URL, which change."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp import web
from google.protobuf.wrappers_pb2 import StringValue

from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import serving, signing_keys
from servicekit.bearer_tokens import LEEWAY_SECONDS
from servicekit.callers import current_caller
from tests.authority import Authority, Certified, dns, secure_channel
from tests.contract.servicekit.echo import METHODS, Echo, EchoSettings, EchoStub
from tests.contract.servicekit.refusals import refusal
from tests.tokens import TokenIssuer, TokenKey, jwks

CALLERS = """
callers:
  analyst:
    role: reader
    tokens: [{issuer: https://id.example.org, subject: analyst@example.org}]
  operator:
    role: operator
    certificates: [operator.example.org]
    tokens: [{issuer: https://id.example.org, subject: Zoë}]
issuers:
  https://id.example.org: {audience: playscore, keys: "%s", authority: %s}
"""


class Published:
    """A server that publishes an issuer's keys over HTTPS, as well or badly as it is told to."""

    def __init__(self) -> None:
        self.content = b""
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self._keys
        self.asked = 0

    async def _keys(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.content, content_type="application/json")

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await self.answer(request)


@asynccontextmanager
async def published(certified: Certified) -> AsyncIterator[tuple[Published, str]]:
    """It, and its URL."""
    keys = Published()
    application = web.Application()
    application.router.add_get("/keys", keys.respond)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certified)
    site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
    await site.start()
    assert runner.addresses
    try:
        yield keys, f"https://localhost:{runner.addresses[0][1]}/keys"
    finally:
        await runner.cleanup()


class Place:
    """A service that takes tokens, with everything around it."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.authority = authority
        self.issuer = TokenIssuer()
        self.callers = folder / "callers.yaml"
        self.key_file = folder / "keys.json"
        certificate, key = authority.sign(dns("localhost"))
        self.settings = EchoSettings(
            listen="localhost:0", tls_certificate=certificate, tls_key=key, callers=self._written(self.callers, "{}")
        )

    @staticmethod
    def _written(path: Path, text: str) -> Path:
        path.write_text(text)
        return path

    def take_keys_at(self, url: str) -> None:
        self.callers.write_text(CALLERS % (url, self.authority.certificate))

    def take_keys_of_file(self) -> None:
        self.publish(self.issuer.key)
        self.callers.write_text((CALLERS % (self.key_file.name, "")).replace(", authority: }", "}"))

    def publish(self, *keys: TokenKey) -> None:
        self.key_file.write_bytes(jwks(*keys))

    @asynccontextmanager
    async def served(self, **stated: Any) -> AsyncIterator[EchoStub]:
        async def who(_text: str) -> str:
            return str(current_caller.get().identity)

        async with (
            serving(Echo(who), self.settings.model_copy(update=stated)) as running,
            secure_channel(running.address, self.authority.certificate) as channel,
        ):
            await running.until_serving()
            yield EchoStub(channel)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture
def place(authority: Authority, tmp_path: Path) -> Place:
    return Place(authority, tmp_path)


def bearing(token: str) -> dict[str, Any]:
    return {"metadata": [("authorization", f"Bearer {token}")]}


async def test_a_token_says_who_calls_and_what_they_may(place: Place) -> None:
    place.take_keys_of_file()
    async with place.served() as stub:
        for method in METHODS:
            assert set(await stub.call(method, "", **bearing(place.issuer.token("Zoë")))) == {"operator"}
        analyst = bearing(place.issuer.token("analyst@example.org"))
        assert await stub.call("Unary", "", **analyst) == ["analyst"]
        assert (await refusal(stub, "Collect", **analyst)).reason is Reason.PERMISSION_DENIED
        nobody = await refusal(stub, **bearing(place.issuer.token("Zoë ")))
        assert (nobody.reason, nobody.detail) == (
            Reason.PERMISSION_DENIED,
            "the token is of nobody who may call this service",
        )
        assert (await refusal(stub)).detail.endswith("call with a token or a client certificate")
        assert await stub.healthy()


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ([("authorization", "Bearer ")], 'must be "Bearer " and a token'),
        ([("authorization", "Basic b3BlcmF0b3I6b3BlcmF0b3I=")], 'must be "Bearer " and a token'),
        ([("authorization", "Bearer a"), ("authorization", "Bearer a")], "more than one authorization"),
        ([("authorization", "Bearer a.b.c")], "not a JWT"),
        ([("authorization", f"Bearer {'a' * 6200}")], "more than 6144 characters"),
    ],
)
async def test_an_authorization_that_is_none_is_refused(
    place: Place, metadata: list[tuple[str, str]], told: str
) -> None:
    place.take_keys_of_file()
    async with place.served() as stub:
        for method in METHODS:
            refused = await refusal(stub, method, metadata=metadata)
            assert refused.reason is Reason.UNAUTHENTICATED
            assert told in refused.detail
        assert await stub.healthy()


async def test_headers_beyond_what_a_call_can_carry_are_refused_and_the_service_serves_on(place: Place) -> None:
    place.take_keys_of_file()
    good = bearing(place.issuer.token("Zoë"))
    async with place.served() as stub:
        for size in (20_000, 2_000_000):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.call("Unary", "", **bearing("a" * size))
            assert refused.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED)
            assert await stub.call("Unary", "", **good) == ["operator"]


async def test_a_token_says_who_calls_even_where_a_certificate_says_another(place: Place) -> None:
    place.take_keys_of_file()
    service = serving(Echo(), place.settings.model_copy(update={"tls_client_authority": place.authority.certificate}))
    async with (
        service as running,
        secure_channel(
            running.address, place.authority.certificate, place.authority.sign(dns("operator.example.org"))
        ) as channel,
    ):
        await running.until_serving()
        stub = EchoStub(channel)
        assert await stub.call("Collect", "") == [""]
        analyst = bearing(place.issuer.token("analyst@example.org"))
        assert (await refusal(stub, "Collect", **analyst)).reason is Reason.PERMISSION_DENIED
        expired = bearing(place.issuer.token("Zoë", exp=1))
        assert (await refusal(stub, "Collect", **expired)).detail == "the token has expired"


async def test_a_stream_ends_with_its_callers_token_and_goes_on_with_another(place: Place) -> None:
    place.take_keys_of_file()
    async with place.served() as stub:
        for seconds_left in (2, 3600):
            exp = int(time.time()) - LEEWAY_SECONDS + seconds_left
            stream = stub.methods["Converse"](**bearing(place.issuer.token("Zoë", exp=exp)))
            await stream.write(StringValue(value="a"))
            assert (await stream.read()).value == "operator"
            if seconds_left < 10:
                with pytest.raises(grpc.aio.AioRpcError) as ended:
                    await stream.read()
                error = error_from_rpc(ended.value)
                assert error is not None
                assert error.reason is Reason.NOT_SERVING
            else:
                await stream.done_writing()
                assert await stream.code() is grpc.StatusCode.OK


async def test_a_key_in_a_file_is_exchanged_while_the_service_runs(place: Place) -> None:
    place.take_keys_of_file()
    old = bearing(place.issuer.token("Zoë"))
    async with place.served() as stub:
        assert await stub.call("Unary", "", **old) == ["operator"]
        place.issuer.key = TokenKey()
        new = bearing(place.issuer.token("Zoë"))
        assert (await refusal(stub, **new)).reason is Reason.UNAUTHENTICATED
        place.publish(place.issuer.key)
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await stub.call("Unary", "", **new) == ["operator"]
                    break
                except grpc.aio.AioRpcError as refused:
                    assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
        assert (await refusal(stub, **old)).reason is Reason.UNAUTHENTICATED


async def test_keys_at_a_url_are_had_again_for_a_new_one_at_a_bounded_rate(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with published(place.authority.sign(dns("localhost"))) as (server, url):
        server.content = jwks(place.issuer.key)
        place.take_keys_at(url)
        async with place.served() as stub:
            old = bearing(place.issuer.token("Zoë"))
            assert await stub.call("Unary", "", **old) == ["operator"]
            assert server.asked == 1

            unknown = TokenIssuer()
            for _ in range(20):
                refused = await refusal(stub, **bearing(unknown.token("Zoë")))
                assert refused.reason is Reason.UNAUTHENTICATED
            assert server.asked == 1

            place.issuer.key = TokenKey()
            server.content = jwks(place.issuer.key)
            monkeypatch.setattr(signing_keys, "REFRESH_AT_ONCE_EVERY_SECONDS", 0.0)
            new = bearing(place.issuer.token("Zoë"))
            assert await stub.call("Unary", "", **new) == ["operator"]
            assert server.asked == 2
            assert (await refusal(stub, **old)).reason is Reason.UNAUTHENTICATED


async def test_a_key_that_is_withdrawn_from_a_url_counts_no_longer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_EVERY_SECONDS", 0.0)
    async with published(place.authority.sign(dns("localhost"))) as (server, url):
        server.content = jwks(place.issuer.key)
        place.take_keys_at(url)
        async with place.served() as stub:
            good = bearing(place.issuer.token("Zoë"))
            stream = stub.methods["Converse"](**good)
            await stream.write(StringValue(value="a"))
            assert (await stream.read()).value == "operator"
            server.content = jwks(TokenKey())
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await stream.read()
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
            assert (await refusal(stub, **good)).reason is Reason.UNAUTHENTICATED


async def without_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(100 * 16):  # 100 MiB
        await response.write(b" " * 2**16)
    return response


async def bomb(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=gzip.compress(b" " * 100 * 2**20), headers={"Content-Encoding": "gzip"})


async def hangs(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def elsewhere(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("https://localhost:1/keys")


async def fails(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPInternalServerError


async def nonsense(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>log in first</html>")


@pytest.mark.parametrize("answer", [without_end, bomb, hangs, elsewhere, fails, nonsense])
async def test_a_server_that_does_not_publish_keys_costs_little_and_takes_nothing_away(
    place: Place, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_AT_ONCE_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 1.0)
    async with published(place.authority.sign(dns("localhost"))) as (server, url):
        right, server.answer = server.answer, answer
        place.take_keys_at(url)
        async with place.served() as stub:
            good = bearing(place.issuer.token("Zoë"))
            refused = await refusal(stub, **good)
            assert refused.reason is Reason.NOT_SERVING
            assert refused.retry_after_seconds is not None
            assert url not in refused.detail

            server.content, server.answer = jwks(place.issuer.key), right
            assert await stub.call("Unary", "", **good) == ["operator"]
            server.answer = answer
            assert (await refusal(stub, **bearing(TokenIssuer().token("Zoë")))).reason is Reason.UNAUTHENTICATED
            assert await stub.call("Unary", "", **good) == ["operator"]


async def test_calls_that_wait_for_keys_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "MAX_WAITING", 3)
    arrived, release = asyncio.Event(), asyncio.Event()
    async with published(place.authority.sign(dns("localhost"))) as (server, url):
        right = server.answer

        async def late(request: web.Request) -> web.StreamResponse:
            arrived.set()
            await release.wait()
            return await right(request)

        server.content, server.answer = jwks(place.issuer.key), late
        place.take_keys_at(url)
        async with place.served() as stub:
            good = bearing(place.issuer.token("Zoë"))
            await arrived.wait()
            calls = [asyncio.create_task(stub.call("Unary", "", **good)) for _ in range(10)]
            refused = 0
            while refused < 7:
                await asyncio.wait([call for call in calls if not call.done()], return_when=asyncio.FIRST_COMPLETED)
                refused = sum(call.done() for call in calls)
            assert refused == 7
            release.set()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(answer == ["operator"] for answer in answers) == 3


async def test_a_server_that_cannot_be_trusted_gives_no_keys(place: Place, tmp_path: Path) -> None:
    another = Authority(tmp_path / "another")
    async with published(another.sign(dns("localhost"))) as (server, url):
        server.content = jwks(place.issuer.key)
        place.take_keys_at(url)
        async with place.served() as stub:
            assert (await refusal(stub, **bearing(place.issuer.token("Zoë")))).reason is Reason.NOT_SERVING
        assert server.asked == 0

"""Keys of tokens, over a real server: changed while people watch and page, shared by replicas, kept over a restart."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

import servicekit.following
from aggregator.__main__ import AggregatorSettings, build
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1 import aggregator_pb2_grpc
from servicekit import ServiceSettings, serving
from servicekit.settings import parse_settings
from servicekit.token_keys import TokenKeyFile
from servicekit.tokens import Keyring
from tests.contract.aggregator.test_service import Calls, aggregator, error_of, fresh, record, split, subject
from tests.contract.aggregator.test_watching import of, watching
from tests.unit.aggregator.stores import postgres_url

OLD, NEW = b"o" * 32, b"n" * 32
SECONDS = 30
QUESTION = pb.ListRatingsRequest(split=split(), page_size=1, min_plays=1)


@pytest.fixture(autouse=True)
def read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicekit.following, "LOOK_EVERY_SECONDS", 0.01)


class KeyFile:
    """The file of keys, as an operator writes it."""

    def __init__(self, path: Path, *secrets: bytes) -> None:
        self.path = path
        self._write(*secrets)
        self.read = TokenKeyFile(path)

    async def change(self, *secrets: bytes) -> None:
        """Write it, and wait until the service goes by it."""
        self._write(*secrets)
        async with asyncio.timeout(SECONDS):
            while self.read.keyring.identifiers != Keyring(*secrets).identifiers:  # noqa: ASYNC110 - the file tells nobody
                await asyncio.sleep(0.01)

    def _write(self, *secrets: bytes) -> None:
        written = self.path.with_suffix(".new")
        written.write_bytes(b"".join(base64.b64encode(secret) + b"\n" for secret in secrets))
        written.rename(self.path)


async def page(calls: Calls, token: str) -> pb.ListRatingsResponse:
    request = pb.ListRatingsRequest(page_token=token)
    request.MergeFrom(QUESTION)
    answer: pb.ListRatingsResponse = await calls.stub.ListRatings(request, timeout=SECONDS)
    return answer


async def test_a_key_is_changed_while_people_watch_and_page(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys", OLD)
    async with aggregator(tmp_path, token_keys=keys.read) as calls, watching(calls) as watch:
        written = await calls.record(*(of(f"p{number}", "1", number / 10) for number in range(5)))
        await watch.reach(written.revision)
        paging = pb.ListRatingsRequest(consistency=fresh(written))
        paging.MergeFrom(QUESTION)
        listed = await calls.stub.ListRatings(paging, timeout=SECONDS)
        of_old_key = (listed.next_page_token, written.revision, watch.checkpoint.resume_token)
        seen = [*listed.ratings]
        for number, secrets in enumerate(((OLD, NEW), (NEW, OLD))):
            await keys.change(*secrets)
            listed = await page(calls, listed.next_page_token)
            seen += listed.ratings
            (second,) = (await page(calls, of_old_key[0])).ratings
            assert second.subject.subject_id == "p3"
            written = await calls.record(record(f"again {number}", 0.5, subject=subject("p9")))
            await watch.reach(written.revision)
        await keys.change(NEW)
        while listed.next_page_token:
            listed = await page(calls, listed.next_page_token)
            seen += listed.ratings
        assert sorted(rating.subject.subject_id for rating in seen if rating.subject.subject_id != "p9") == [
            f"p{number}" for number in range(5)
        ]
        async with watching(calls, resume_token=watch.checkpoint.resume_token) as resumed:
            (response,) = await resumed.tick()
            assert not response.restarted
        written = await calls.record(record("the watch goes on", 0.9, subject=subject("p1")))
        await watch.reach(written.revision)

        page_token, revision, resume_token = of_old_key
        code = grpc.StatusCode.INVALID_ARGUMENT
        assert await error_of(page(calls, page_token)) == (code, "REASON_PAGE_TOKEN_INVALID", ["page_token"])
        past = pb.ListRatingsRequest(split=split())
        past.consistency.as_of.CopyFrom(revision)
        assert await error_of(calls.stub.ListRatings(past, timeout=SECONDS)) == (
            *(code, "REASON_REVISION_TOKEN_INVALID"),
            ["consistency.as_of"],
        )
        async with watching(calls, resume_token=resume_token) as refused:
            assert await error_of(refused.response()) == (code, "REASON_RESUME_TOKEN_INVALID", ["resume_token"])


async def test_without_a_file_tokens_are_good_after_a_restart(tmp_path: Path) -> None:
    async with aggregator(tmp_path) as calls:
        written = await calls.record(*(of(f"p{number}", "1", 0.5) for number in range(3)))
        first = pb.ListRatingsRequest(consistency=fresh(written))
        first.MergeFrom(QUESTION)
        listed = await calls.stub.ListRatings(first, timeout=SECONDS)
    async with aggregator(tmp_path) as calls:
        assert [each.subject.subject_id for each in (await page(calls, listed.next_page_token)).ratings] == ["p1"]
        request = pb.ListRatingsRequest(consistency=fresh(written))
        request.MergeFrom(QUESTION)
        assert (await calls.stub.ListRatings(request, timeout=SECONDS)).revision == written.revision


async def test_without_a_file_replicas_of_one_database_take_each_others_tokens(tmp_path: Path) -> None:
    url = postgres_url(tmp_path)
    async with replica(url) as one, replica(url) as other:
        scores = [record(f"{number}", 0.5, subject=subject(f"p{number}")) for number in range(3)]
        for score in scores:
            score.model.version = 3
        written = await Calls(one, None, "").record(*scores)  # type: ignore[arg-type]
        request = pb.ListRatingsRequest(consistency=fresh(written))
        request.MergeFrom(QUESTION)
        listed = await other.ListRatings(request, timeout=SECONDS)
        assert listed.total_size == 3
        request.page_token = listed.next_page_token
        assert len((await one.ListRatings(request, timeout=SECONDS)).ratings) == 1


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[Any]:
    settings = parse_settings(AggregatorSettings, [f"--store={url}", "--listen=127.0.0.1:0"])
    async with serving(build(settings), ServiceSettings()) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            yield aggregator_pb2_grpc.AggregatorServiceStub(channel)

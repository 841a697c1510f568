"""What an inference server must prove before it is used, and what it comes to when it does not."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release, list_releases
from scorer import proof
from scorer.core.inference import Batch, Outputs
from scorer.onnx import OnnxInference
from scorer.proof import TOLERANCE, DisprovedError, Proof, ProvenInference, known_plays, prove

SECONDS = 60.0


@pytest.fixture(scope="module")
def versions(releases: Path) -> tuple[Release, ...]:
    return list_releases(releases)


@pytest.fixture(scope="module")
async def proofs(releases: Path, versions: tuple[Release, ...]) -> Mapping[ModelVersion, Proof]:
    return await prove(releases, versions)


def test_every_release_proves_itself(proofs: Mapping[ModelVersion, Proof], versions: tuple[Release, ...]) -> None:
    assert len(proofs) == len(versions) > 1
    for release in versions:
        known = proofs[release.key]
        known.check_digest(release.graph_sha256)
        known.check_answer(known.expected)


def test_no_release_passes_for_another_of_its_model(proofs: Mapping[ModelVersion, Proof]) -> None:
    pairs = [pair for pair in itertools.permutations(proofs, 2) if pair[0].name == pair[1].name]
    assert pairs
    for one, other in pairs:
        with pytest.raises(DisprovedError, match="states graph"):
            proofs[one].check_digest(proofs[other].digest)
        with pytest.raises(DisprovedError, match="from the released graph's"):
            proofs[one].check_answer(proofs[other].expected)
        for name, expected in proofs[one].expected.items():
            assert np.abs(expected - proofs[other].expected[name]).max() > 1000 * TOLERANCE


def test_known_plays_are_the_same_each_time_and_numbers_all(versions: tuple[Release, ...]) -> None:
    for release in versions:
        one, other = known_plays(release), known_plays(release)
        for name, values in one.inputs.items():
            np.testing.assert_array_equal(values, other.inputs[name])
            assert np.isfinite(values).all()


def test_every_column_decides_what_a_release_answers_to_the_known_plays(
    releases: Path, passing_release: Release
) -> None:
    """A graph that mixes up two columns does not pass."""
    batch = known_plays(passing_release)
    swapped = Batch(batch.frames, batch.mask, batch.statics[:, ::-1].copy())
    assert not np.array_equal(batch.statics, swapped.statics)
    found = asyncio.run(_answers(releases, passing_release, batch, swapped))
    for name in found[0]:
        assert np.abs(found[0][name] - found[1][name]).max() > TOLERANCE


async def _answers(releases: Path, release: Release, *batches: Batch) -> list[Outputs]:
    released = OnnxInference(releases, [release])
    await released.open()
    answers = [await released.infer(release.key, batch, time.monotonic() + SECONDS) for batch in batches]
    await released.close()
    return answers


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values + 2 * TOLERANCE * (1 + np.abs(values)),
        lambda values: values[:-1],
        lambda values: values[..., :-1],
        lambda values: np.full_like(values, np.nan),
        lambda values: np.full_like(values, np.inf),
    ],
)
def test_an_answer_that_is_off_disproves(proofs: Mapping[ModelVersion, Proof], change: object) -> None:
    assert callable(change)
    for known in proofs.values():
        for name, values in known.expected.items():
            with pytest.raises(DisprovedError, match=name):
                known.check_answer({**known.expected, name: change(values)})
            with pytest.raises(DisprovedError, match=name):
                known.check_answer({other: values for other, values in known.expected.items() if other != name})


def test_last_digits_do_not_disprove(proofs: Mapping[ModelVersion, Proof]) -> None:
    for known in proofs.values():
        known.check_answer({name: values * np.float32(1 + 1e-5) for name, values in known.expected.items()})


def test_a_repository_that_states_no_digest_disproves(proofs: Mapping[ModelVersion, Proof]) -> None:
    for known in proofs.values():
        with pytest.raises(DisprovedError, match="playscore triton build"):
            known.check_digest(None)


class Remote(OnnxInference):
    """A server in another process, as far as its port tells: what it serves, and that it is reached, can change."""

    def __init__(self, root: Path, releases: tuple[Release, ...]) -> None:
        super().__init__(root, releases)
        self.losses = 0
        self.lost = asyncio.Event()
        self.serves: dict[ModelVersion, ModelVersion] = {}
        self.lacks_numbers = False
        self.away = False
        self.asked: list[int] = []
        self._digests = {release.key: release.graph_sha256 for release in releases}

    def lose(self) -> None:
        self.losses += 1
        self.lost.set()
        self.lost = asyncio.Event()

    async def loss(self) -> None:
        await self.lost.wait()

    async def stated_digest(self, model: ModelVersion) -> str | None:
        return self._digests[model]

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        if self.away:
            raise PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "the inference server cannot be reached")
        self.asked.append(len(batch))
        answer = await super().infer(self.serves.get(model, model), batch, deadline)
        if self.lacks_numbers or np.abs(batch.statics).max() > 1e30:
            return {name: np.full_like(values, np.nan) for name, values in answer.items()}
        return answer


@asynccontextmanager
async def proven(releases: Path, versions: tuple[Release, ...]) -> AsyncIterator[tuple[ProvenInference, Remote]]:
    remote = Remote(releases, versions)
    inference = ProvenInference(remote, releases, versions, SECONDS)
    await inference.open()
    try:
        yield inference, remote
    finally:
        await inference.close()


@pytest.fixture
async def bench(releases: Path, versions: tuple[Release, ...]) -> AsyncIterator[tuple[ProvenInference, Remote]]:
    async with proven(releases, versions) as made:
        yield made


async def until(inference: ProvenInference, model: ModelVersion, *, ready: bool) -> None:
    end = time.monotonic() + SECONDS
    while await inference.ready(model) is not ready:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def a_play(release: Release, scale: float = 1.0) -> Batch:
    known = known_plays(release)
    return Batch(known.frames[:1], known.mask[:1], (known.statics[:1] * scale).astype(np.float32))


def soon() -> float:
    return time.monotonic() + SECONDS


async def test_a_server_that_serves_what_was_released_becomes_ready(
    bench: tuple[ProvenInference, Remote], versions: tuple[Release, ...]
) -> None:
    inference, _ = bench
    for release in versions:
        await until(inference, release.key, ready=True)
        assert await inference.infer(release.key, a_play(release), soon())


async def test_a_version_is_not_used_before_it_is_proven_and_not_after_it_is_disproven(
    bench: tuple[ProvenInference, Remote], passing_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference, remote = bench
    monkeypatch.setattr(proof, "PROVE_EVERY_SECONDS", 0.01)
    key = passing_release.key
    assert not await inference.ready(key)
    with pytest.raises(PlayscoreError) as refused:
        await inference.infer(key, a_play(passing_release), soon())
    assert refused.value.reason is Reason.INFERENCE_UNAVAILABLE
    assert refused.value.retry_after_seconds is not None
    await until(inference, key, ready=True)
    remote.serves[key] = ModelVersion(key.name, key.version - 1)  # a reload that no connection tells of
    remote.lose()
    with pytest.raises(PlayscoreError) as refused:
        await inference.infer(key, a_play(passing_release), soon())
    assert refused.value.reason is Reason.INFERENCE_UNAVAILABLE
    await asyncio.sleep(0)
    assert not await inference.ready(key)
    remote.serves.clear()
    await until(inference, key, ready=True)


async def test_a_reload_is_found_while_nobody_asks(
    bench: tuple[ProvenInference, Remote], passing_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference, remote = bench
    monkeypatch.setattr(proof, "PROVE_EVERY_SECONDS", 0.01)
    key = passing_release.key
    await until(inference, key, ready=True)
    remote.serves[key] = ModelVersion(key.name, key.version - 1)
    await until(inference, key, ready=False)
    remote.serves.clear()
    await until(inference, key, ready=True)


async def test_what_was_on_its_way_when_the_connection_was_lost_is_asked_of_the_next_server_once_that_is_proven(
    bench: tuple[ProvenInference, Remote], passing_release: Release
) -> None:
    inference, remote = bench
    await until(inference, passing_release.key, ready=True)
    remote.asked.clear()
    asking = asyncio.create_task(inference.infer(passing_release.key, a_play(passing_release), soon()))
    await asyncio.sleep(0)
    remote.lose()
    assert await inference.ready(passing_release.key), "calls go on"
    assert await asking
    ours = [plays for plays in remote.asked if plays == 1]
    assert len(ours) == 2
    assert remote.asked.index(proof.PLAYS) < len(remote.asked) - 1 - remote.asked[::-1].index(1)


async def test_a_server_that_answers_nothing_is_waited_for_a_moment_only(
    bench: tuple[ProvenInference, Remote], passing_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference, remote = bench
    key = passing_release.key
    await until(inference, key, ready=True)
    remote.away = True
    remote.lose()
    with pytest.raises(TimeoutError):
        await inference.infer(key, a_play(passing_release), time.monotonic() + 0.05)
    monkeypatch.setattr(proof, "HANDOVER_SECONDS", 0.1)
    for _ in range(2):
        with pytest.raises(PlayscoreError) as refused:
            await inference.infer(key, a_play(passing_release), soon())
        assert refused.value.reason is Reason.INFERENCE_UNAVAILABLE
    assert not await inference.ready(key)
    remote.away = False
    await until(inference, key, ready=True)
    assert await inference.infer(key, a_play(passing_release), soon())


async def test_no_number_from_a_server_that_fails_its_proof_is_the_servers_fault(
    bench: tuple[ProvenInference, Remote], passing_release: Release
) -> None:
    inference, remote = bench
    key = passing_release.key
    await until(inference, key, ready=True)
    remote.lacks_numbers = True
    with pytest.raises(PlayscoreError) as refused:
        await inference.infer(key, a_play(passing_release), soon())
    assert refused.value.reason is Reason.INFERENCE_UNAVAILABLE
    assert not await inference.ready(key)


async def test_no_number_from_a_server_that_proves_itself_is_what_the_model_says_of_the_play(
    bench: tuple[ProvenInference, Remote], passing_release: Release
) -> None:
    """So nobody can turn a service's health by plays that no model has a number for."""
    inference, remote = bench
    key, extreme = passing_release.key, a_play(passing_release, 1e35)
    await until(inference, key, ready=True)
    remote.asked.clear()
    answers = await asyncio.gather(*(inference.infer(key, extreme, soon()) for _ in range(20)))
    assert all(np.isnan(answer["logits"]).all() for answer in answers)
    assert await inference.ready(key)
    assert remote.asked.count(1) == 20
    assert remote.asked.count(proof.PLAYS) <= 5, "batches that wait for a proof share it"

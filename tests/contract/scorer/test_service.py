"""The scorer's contract, call by call, over a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2
from playscore.tracking.v1 import reason_pb2
from playscore.tracking.v1.tracking_pb2 import (
    PASS_RESULT_COMPLETE,
    PASS_RESULT_INCOMPLETE,
    PASS_RESULT_INTERCEPTED,
    PASS_RESULT_SACK,
    PASS_RESULT_SCRAMBLE,
    PassOutcome,
)
from tests.releases import pass_to_score

SECONDS = 30.0


async def score(stub: Any, *passes: scorer_pb2.PassToScore, version: int = 0) -> scorer_pb2.ScorePassesResponse:
    return await stub.ScorePasses(scorer_pb2.ScorePassesRequest(passes=passes, model_version=version), timeout=SECONDS)


async def grade(stub: Any, *passes: scorer_pb2.PassToGrade) -> scorer_pb2.GradePassesResponse:
    return await stub.GradePasses(scorer_pb2.GradePassesRequest(passes=passes), timeout=SECONDS)


async def refusal(call: Any) -> tuple[grpc.StatusCode, PlayscoreError]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    error = error_from_rpc(refused.value)
    assert error is not None
    return refused.value.code(), error


def law_of(score: scorer_pb2.PassScore) -> SplicedBinnedPareto:
    law = score.law
    return SplicedBinnedPareto.from_probabilities(
        np.array(law.edges),
        np.array(law.probabilities),
        law.lower_shape,
        law.lower_scale,
        law.upper_shape,
        law.upper_scale,
        law.lower_tail,
        law.upper_tail,
    )


# --- ScorePasses ---


async def test_a_play_gets_its_law_and_what_follows_from_it(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release, yards=12.0)
    [scored] = (await score(stub, play)).scores
    assert scored.key == play.tensor.key
    assert scored.revision == play.tensor.revision
    assert (scored.model.name, scored.model.version) == ("passing", passing_release.version)
    assert tuple(scored.law.edges) == passing_release.law.edges
    assert sum(scored.law.probabilities) == pytest.approx(1.0, abs=1e-12)
    law = law_of(scored)
    assert [quantile.probability for quantile in scored.quantiles] == [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    for quantile in scored.quantiles:
        assert law.icdf(quantile.probability) == pytest.approx(quantile.yards, abs=1e-9)
    assert scored.expected_yards == pytest.approx(float(law.mean(low=-55.0, high=45.0)), abs=1e-9)
    assert scored.first_down_probability == pytest.approx(float(law.sf(9.5)), abs=1e-12)
    assert scored.touchdown_probability == pytest.approx(float(law.sf(44.5)), abs=1e-12)
    assert scored.yards_gained == 12.0
    assert scored.play_score == pytest.approx(float(law.cdf(11.5) + law.cdf(12.5)) / 2, abs=1e-12)


async def test_what_is_not_known_is_absent(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release, yards=None, yards_to_go=None, yards_to_end_zone=None)
    [scored] = (await score(stub, play)).scores
    for absent in ("yards_gained", "play_score", "first_down_probability", "touchdown_probability"):
        assert not scored.HasField(absent)
    assert np.isfinite(scored.expected_yards)


async def test_zero_yards_are_known_yards(stub: Any, passing_release: Release) -> None:
    [scored] = (await score(stub, pass_to_score(passing_release, yards=0.0))).scores
    assert scored.HasField("yards_gained")
    assert scored.HasField("play_score")


async def test_bad_plays_are_rejected_by_their_place_and_the_others_scored(stub: Any, passing_release: Release) -> None:
    plays = [pass_to_score(passing_release, str(place), yards=3.0, seed=place) for place in range(10)]
    plays[1].tensor.frames = plays[1].tensor.frames[:-4]
    plays[2].tensor.statics = np.full(len(passing_release.features.static_columns), np.nan, "<f4").tobytes()
    plays[3].outcome.yards_gained = 1e9
    plays[4].outcome.yards_gained = float("nan")
    plays[5] = pass_to_score(passing_release, "5", frames=passing_release.bucket_lengths[-1] + 1)
    plays[6].tensor.key.play_id = ""
    plays[7].tensor.pass_attributes.yards_to_end_zone = -3.0
    plays[8].tensor.pass_attributes.yards_to_go = float("nan")
    response = await score(stub, *plays)
    assert [scored.key.play_id for scored in response.scores] == ["0", "9"]
    assert [(rejected.index, reason_pb2.Reason.Name(rejected.reason)) for rejected in response.rejections] == [
        (1, "REASON_TENSOR_SHAPE_INVALID"),
        (2, "REASON_TENSOR_NOT_FINITE"),
        (3, "REASON_YARDS_OUT_OF_RANGE"),
        (4, "REASON_YARDS_OUT_OF_RANGE"),
        (5, "REASON_TOO_LONG"),
        (6, "REASON_FIELD_INVALID"),
        (7, "REASON_FIELD_INVALID"),
        (8, "REASON_FIELD_INVALID"),
    ]
    assert all(rejected.detail for rejected in response.rejections)
    assert all(rejected.key == plays[rejected.index].tensor.key for rejected in response.rejections)
    alone = (await score(stub, plays[9])).scores[0]
    assert response.scores[1].play_score == pytest.approx(alone.play_score, abs=1e-5)


@pytest.mark.parametrize("yards", [-100.0, 110.0])
async def test_the_yards_at_the_ends_of_what_is_possible_are_ranked(
    stub: Any, passing_release: Release, yards: float
) -> None:
    [scored] = (await score(stub, pass_to_score(passing_release, yards=yards))).scores
    assert 0.0 <= scored.play_score <= 1.0


async def test_a_tensor_of_another_specification_fails_the_call_naming_both(
    stub: Any, passing_release: Release
) -> None:
    good, foreign = pass_to_score(passing_release), pass_to_score(passing_release)
    foreign.tensor.feature_specification_id = "0123456789abcdef"
    code, error = await refusal(score(stub, good, foreign))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason is Reason.FEATURE_SPECIFICATION_MISMATCH
    assert "0123456789abcdef" in error.detail
    assert passing_release.features.id in error.detail
    assert [violation.field for violation in error.fields] == ["passes[1].tensor.feature_specification_id"]


async def test_as_many_plays_as_a_call_may_have_are_scored_and_one_more_is_refused(
    stub: Any, passing_release: Release
) -> None:
    plays = [pass_to_score(passing_release, str(place), frames=1) for place in range(257)]
    assert len((await score(stub, *plays[:256])).scores) == 256
    code, error = await refusal(score(stub, *plays))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.fields] == ["passes"]


async def test_no_plays_no_scores(stub: Any) -> None:
    assert await score(stub) == scorer_pb2.ScorePassesResponse()


async def test_a_version_may_be_asked_for_and_must_be_there(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release)
    [scored] = (await score(stub, play, version=passing_release.version)).scores
    assert scored.model.version == passing_release.version
    for version in (99, -1):
        code, error = await refusal(score(stub, play, version=version))
        assert code is grpc.StatusCode.NOT_FOUND
        assert error.reason is Reason.MODEL_NOT_FOUND
        assert f"version {version}" in error.detail


async def test_calls_that_meet_get_each_their_own_answer(stub: Any, passing_release: Release) -> None:
    plays = [pass_to_score(passing_release, str(place), frames=1 + place, seed=place) for place in range(64)]
    answers = await asyncio.gather(*(score(stub, play) for play in plays))
    assert [answer.scores[0].key.play_id for answer in answers] == [str(place) for place in range(64)]
    together = await score(stub, *plays)
    for answer, scored in zip(answers, together.scores, strict=True):
        np.testing.assert_allclose(answer.scores[0].law.probabilities, scored.law.probabilities, atol=1e-5)


async def test_a_call_without_a_deadline_is_refused(stub: Any) -> None:
    code, error = await refusal(stub.ScorePasses(scorer_pb2.ScorePassesRequest()))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.DEADLINE_REQUIRED


# --- outcomes ---

CONTRADICTIONS = [
    ({"result": PASS_RESULT_INCOMPLETE, "yards_gained": 12.0}, "REASON_OUTCOME_CONTRADICTORY"),
    ({"result": PASS_RESULT_INTERCEPTED, "yards_gained": -3.0}, "REASON_OUTCOME_CONTRADICTORY"),
    ({"result": PASS_RESULT_COMPLETE, "yards_gained": 6.5}, "REASON_OUTCOME_CONTRADICTORY"),
    ({"result": PASS_RESULT_SACK, "yards_gained": -7.0}, "REASON_NO_RELEASE"),
    ({"result": PASS_RESULT_SCRAMBLE}, "REASON_NO_RELEASE"),
    ({"result": 9, "yards_gained": 7.0}, "REASON_FIELD_INVALID"),
    ({"yards_gained": 7.0, "outcome_revision": -1}, "REASON_FIELD_INVALID"),
    ({"yards_gained": 1e9}, "REASON_YARDS_OUT_OF_RANGE"),
    ({"yards_gained": float("nan")}, "REASON_YARDS_OUT_OF_RANGE"),
]


@pytest.mark.parametrize(("outcome", "reason"), CONTRADICTIONS)
async def test_a_result_that_cannot_be_is_refused_alone_by_both_calls(
    stub: Any, passing_release: Release, outcome: dict[str, Any], reason: str
) -> None:
    fine, wrong = pass_to_score(passing_release, "0", yards=3.0), pass_to_score(passing_release, "1")
    wrong.outcome.CopyFrom(PassOutcome(**outcome))
    scored = await score(stub, wrong, fine)
    before = scored.scores[0]
    graded = await grade(
        stub,
        scorer_pb2.PassToGrade(score=before, outcome=wrong.outcome),
        scorer_pb2.PassToGrade(score=before, outcome=fine.outcome),
    )
    for answer in (scored, graded):
        assert len(answer.scores) == 1
        (rejected,) = answer.rejections
        assert (rejected.index, reason_pb2.Reason.Name(rejected.reason)) == (0, reason)
        assert rejected.detail.startswith("outcome.")


@pytest.mark.parametrize("result", [PASS_RESULT_INCOMPLETE, PASS_RESULT_INTERCEPTED])
async def test_an_incompletion_and_an_interception_rank_as_no_yards(
    stub: Any, passing_release: Release, result: int
) -> None:
    play = pass_to_score(passing_release, yards=0.0)
    [plain] = (await score(stub, play)).scores
    play.outcome.result = result
    assert (await score(stub, play)).scores == [plain]


# --- GradePasses ---


async def test_a_stored_law_gives_the_score_that_inference_gave(stub: Any, passing_release: Release) -> None:
    unknown, known = pass_to_score(passing_release), pass_to_score(passing_release, yards=7.0)
    known.outcome.outcome_revision = 1
    [before] = (await score(stub, unknown)).scores
    [at_once] = (await score(stub, known)).scores
    assert (before.outcome_revision, at_once.outcome_revision) == (0, 1)
    [graded] = (await grade(stub, scorer_pb2.PassToGrade(score=before, outcome=known.outcome))).scores
    assert graded.play_score == pytest.approx(at_once.play_score, abs=1e-9)
    graded.play_score = at_once.play_score
    assert graded == at_once


async def test_a_correction_changes_the_grade_and_nothing_else(stub: Any, passing_release: Release) -> None:
    [before] = (await score(stub, pass_to_score(passing_release, yards=7.0))).scores
    correction = scorer_pb2.PassToGrade(score=before, outcome={"yards_gained": 8.0, "outcome_revision": 2})
    [graded] = (await grade(stub, correction)).scores
    assert graded.play_score > before.play_score
    assert (graded.yards_gained, graded.outcome_revision) == (8.0, 2)
    for changed in ("play_score", "yards_gained", "outcome_revision"):
        graded.ClearField(changed)
        before.ClearField(changed)
    assert graded == before


async def test_bad_grades_are_rejected_by_their_place_and_the_others_made(stub: Any, passing_release: Release) -> None:
    [before] = (await score(stub, pass_to_score(passing_release))).scores
    passes = [scorer_pb2.PassToGrade(score=before, outcome={"yards_gained": float(place)}) for place in range(7)]
    passes[1].score.law.lower_scale = -1.0
    passes[2].score.ClearField("law")
    passes[3].score.key.game_id = "a\nb"
    passes[4].outcome.ClearField("yards_gained")
    passes[5].outcome.yards_gained = 1e9
    response = await grade(stub, *passes)
    assert [scored.yards_gained for scored in response.scores] == [0.0, 6.0]
    assert [(rejected.index, reason_pb2.Reason.Name(rejected.reason)) for rejected in response.rejections] == [
        (1, "REASON_LAW_INVALID"),
        (2, "REASON_LAW_INVALID"),
        (3, "REASON_FIELD_INVALID"),
        (4, "REASON_FIELD_INVALID"),
        (5, "REASON_YARDS_OUT_OF_RANGE"),
    ]


async def test_more_grades_than_a_call_may_have_are_refused(stub: Any) -> None:
    code, error = await refusal(grade(stub, *[scorer_pb2.PassToGrade()] * 1025))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.fields] == ["passes"]


# --- ScoreShots and ListModels ---


async def test_shots_are_not_scored_yet(stub: Any) -> None:
    code, error = await refusal(stub.ScoreShots(scorer_pb2.ScoreShotsRequest(), timeout=SECONDS))
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert error.reason is Reason.NOT_IMPLEMENTED


async def test_models_are_listed_with_what_tensors_must_be_made_to(stub: Any, passing_release: Release) -> None:
    response = await stub.ListModels(scorer_pb2.ListModelsRequest(), timeout=SECONDS)
    newest = response.models[-1]
    assert newest.model == scorer_pb2.ModelVersion(name="passing", version=passing_release.version)
    assert newest.feature_specification_id == passing_release.features.id
    assert newest.graph_sha256 == passing_release.graph_sha256
    assert tuple(newest.bucket_lengths) == passing_release.bucket_lengths
    assert newest.ready
    assert newest.is_default
    assert response.next_page_token == ""


async def test_models_are_listed_page_by_page(serve: Any, passing_release: Release) -> None:
    versions = tuple(passing_release.model_copy(update={"version": version}) for version in (1, 2, 5))
    listed, token = [], ""
    async with serve(versions=versions, inference=Loading()) as stub:
        for _ in range(3):
            page = await stub.ListModels(scorer_pb2.ListModelsRequest(page_size=1, page_token=token), timeout=SECONDS)
            listed += [(model.model.version, model.is_default, model.ready) for model in page.models]
            token = page.next_page_token
    assert token == ""
    assert listed == [(1, False, False), (2, False, False), (5, True, True)]


class Loading:
    """Inference that has version 5 alone."""

    async def open(self) -> None: ...

    async def ready(self, version: int) -> bool:
        return version == 5

    async def close(self) -> None: ...


@pytest.mark.parametrize("page_size", [-1, 101])
async def test_a_page_size_that_cannot_be_is_refused(stub: Any, page_size: int) -> None:
    code, error = await refusal(stub.ListModels(scorer_pb2.ListModelsRequest(page_size=page_size), timeout=SECONDS))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.fields] == ["page_size"]


async def test_a_page_token_of_nobodys_is_refused(stub: Any) -> None:
    code, error = await refusal(stub.ListModels(scorer_pb2.ListModelsRequest(page_token="x"), timeout=SECONDS))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize("edges", [[-1e308, 1e308], list(map(float, range(5000)))])
async def test_a_law_that_cannot_be_computed_with_leaves_its_neighbours_alone(
    stub: Any, passing_release: Release, edges: list[float]
) -> None:
    [before] = (await score(stub, pass_to_score(passing_release))).scores
    good, bad = (scorer_pb2.PassToGrade(score=before, outcome={"yards_gained": 3.0}) for _ in range(2))
    bins = len(edges) - 1
    bad.score.law.edges[:], bad.score.law.probabilities[:] = edges, [1.0 / bins] * bins
    response = await grade(stub, bad, good)
    assert [rejected.reason for rejected in response.rejections] == [reason_pb2.REASON_LAW_INVALID]
    assert [scored.yards_gained for scored in response.scores] == [3.0]

"""The scorer's contract, call by call, over a real server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from playscore.common.v1 import common_pb2, reason_pb2
from playscore.distribution.v1 import distribution_pb2
from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from playscore.football.v1.football_pb2 import (
    PASS_RESULT_COMPLETE,
    PASS_RESULT_INCOMPLETE,
    PASS_RESULT_INTERCEPTED,
    PASS_RESULT_SACK,
    PASS_RESULT_SCRAMBLE,
    PassOutcome,
    PassResult,
)
from playscore.release import ModelVersion, Release, Support
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2
from scorer.core.inference import Batch, Outputs
from tests.contract.scorer.conftest import Serve
from tests.releases import pass_to_score

SECONDS = 30.0


async def score(
    stub: Any, *passes: scorer_pb2.PassToScore, model: common_pb2.ModelVersion | None = None
) -> scorer_pb2.ScorePassesResponse:
    request = scorer_pb2.ScorePassesRequest(passes=passes, model=model)
    response: scorer_pb2.ScorePassesResponse = await stub.ScorePasses(request, timeout=SECONDS)
    return response


async def grade(
    stub: Any, *passes: scorer_pb2.PassToGrade, supports: Sequence[distribution_pb2.Support] = ()
) -> scorer_pb2.GradePassesResponse:
    request = scorer_pb2.GradePassesRequest(passes=passes, supports=supports)
    response: scorer_pb2.GradePassesResponse = await stub.GradePasses(request, timeout=SECONDS)
    return response


async def refusal(call: Any) -> tuple[grpc.StatusCode, PlayscoreError]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    error = error_from_rpc(refused.value)
    assert error is not None
    return refused.value.code(), error


def distribution_of(score: scorer_pb2.PassScore, support: distribution_pb2.Support) -> Censored:
    stated = score.distribution.spliced_binned_pareto
    assert stated.support_id == support.support_id
    latent = SplicedBinnedPareto.from_probabilities(
        np.array(support.edges_yards),
        np.array(stated.probabilities),
        stated.lower_shape,
        stated.lower_scale_yards,
        stated.upper_shape,
        stated.upper_scale_yards,
        support.lower_tail_probability,
        support.upper_tail_probability,
    )
    return Censored(latent, stated.ceiling_yards if stated.HasField("ceiling_yards") else math.inf)


def to_grade(before: scorer_pb2.PassScore, **outcome: Any) -> scorer_pb2.PassToGrade:
    return scorer_pb2.PassToGrade(
        key=before.key, revision=before.revision, distribution=before.distribution, outcome=PassOutcome(**outcome)
    )


def reasons(rejections: Iterable[common_pb2.Rejection]) -> list[tuple[int, str]]:
    return [(each.index, reason_pb2.Reason.Name(each.reason)) for each in rejections]


# --- ScorePasses ---


async def test_a_play_gets_its_distribution_and_what_follows_from_it(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release, yards=12.0)
    response = await score(stub, play)
    [scored], [support] = response.scores, response.supports
    assert scored.key == play.tensor.key
    assert scored.revision == play.tensor.revision
    assert (scored.model.name, scored.model.version) == ("passing", passing_release.version)
    assert passing_release.support is not None
    assert support.support_id == passing_release.support.id
    assert tuple(support.edges_yards) == passing_release.support.edges_yards
    assert scored.distribution.spliced_binned_pareto.ceiling_yards == 45.0
    assert sum(scored.distribution.spliced_binned_pareto.probabilities) == pytest.approx(1.0, abs=1e-12)
    distribution = distribution_of(scored, support)
    assert [quantile.probability for quantile in scored.quantiles] == [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    for quantile in scored.quantiles:
        assert distribution.icdf(quantile.probability) == pytest.approx(quantile.yards, abs=1e-9)
    assert scored.expected_yards == pytest.approx(float(distribution.mean(low=-55.0, high=45.0)), abs=1e-9)
    assert scored.first_down_probability == pytest.approx(float(distribution.sf(9.5)), abs=1e-12)
    assert scored.touchdown_probability == pytest.approx(float(distribution.sf(44.5)), abs=1e-12)
    assert scored.grade.yards_gained == 12.0
    rank = float(distribution.cdf(11.5) + distribution.cdf(12.5)) / 2
    assert scored.grade.play_score == pytest.approx(rank, abs=1e-12)


async def test_a_support_is_stated_once_however_many_plays_name_it(stub: Any, passing_release: Release) -> None:
    plays = [pass_to_score(passing_release, str(place), seed=place) for place in range(5)]
    response = await score(stub, *plays)
    assert len(response.scores) == 5
    assert len(response.supports) == 1


async def test_what_is_not_known_is_absent(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release, yards=None, yards_to_go=None, yards_to_end_zone=None)
    [scored] = (await score(stub, play)).scores
    for absent in ("grade", "first_down_probability", "touchdown_probability"):
        assert not scored.HasField(absent)
    assert np.isfinite(scored.expected_yards)


async def test_zero_yards_are_known_yards(stub: Any, passing_release: Release) -> None:
    [scored] = (await score(stub, pass_to_score(passing_release, yards=0.0))).scores
    assert scored.HasField("grade")
    assert scored.grade.yards_gained == 0.0


async def test_bad_passes_to_score_are_rejected_by_index_and_the_others_scored(
    stub: Any, passing_release: Release
) -> None:
    plays = [pass_to_score(passing_release, str(place), yards=3.0, seed=place) for place in range(11)]
    plays[1].tensor.frames = plays[1].tensor.frames[:-4]
    plays[2].tensor.statics = np.full(len(passing_release.features.static_columns), np.nan, "<f4").tobytes()
    plays[3].outcome.yards_gained = 1e9
    plays[4].outcome.yards_gained = float("nan")
    plays[5] = pass_to_score(passing_release, "5", frames=passing_release.bucket_lengths[-1] + 1)
    plays[6].tensor.key.play_id = ""
    plays[7].tensor.pass_attributes.yards_to_end_zone = -3.0
    plays[8].tensor.pass_attributes.yards_to_go = float("nan")
    plays[9].ClearField("tensor")
    response = await score(stub, *plays)
    assert [scored.key.play_id for scored in response.scores] == ["0", "10"]
    assert reasons(response.rejections) == [
        (1, "REASON_TENSOR_SHAPE_INVALID"),
        (2, "REASON_TENSOR_NOT_FINITE"),
        (3, "REASON_YARDS_OUT_OF_RANGE"),
        (4, "REASON_YARDS_OUT_OF_RANGE"),
        (5, "REASON_TOO_LONG"),
        (6, "REASON_FIELD_INVALID"),
        (7, "REASON_FIELD_INVALID"),
        (8, "REASON_FIELD_INVALID"),
        (9, "REASON_FIELD_INVALID"),
    ]
    for rejected in response.rejections:
        play = plays[rejected.index]
        assert rejected.detail
        assert (rejected.key, rejected.revision) == (play.tensor.key, play.tensor.revision)
        assert rejected.task == common_pb2.TASK_PASSING
        assert rejected.subjects == play.tensor.subjects
    paths = {place: rejected.detail.split()[0] for place, rejected in enumerate(response.rejections, start=1)}
    assert paths[1] == "passes[1].tensor.frames"
    assert paths[3] == "passes[3].outcome.yards_gained"
    assert paths[6] == "passes[6].tensor.key.play_id"
    assert paths[9] == "passes[9].tensor"
    alone = (await score(stub, plays[10])).scores[0]
    assert response.scores[1].grade.play_score == pytest.approx(alone.grade.play_score, abs=1e-5)


@pytest.mark.parametrize("yards", [-100.0, 110.0])
async def test_the_least_and_the_most_yards_are_ranked(stub: Any, passing_release: Release, yards: float) -> None:
    [scored] = (await score(stub, pass_to_score(passing_release, yards=yards))).scores
    assert 0.0 <= scored.grade.play_score <= 1.0


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


async def test_256_plays_in_a_call_are_scored_and_257_are_refused(stub: Any, passing_release: Release) -> None:
    plays = [pass_to_score(passing_release, str(place), frames=1) for place in range(257)]
    assert len((await score(stub, *plays[:256])).scores) == 256
    code, error = await refusal(score(stub, *plays))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.fields] == ["passes"]


async def test_no_plays_no_scores(stub: Any) -> None:
    assert await score(stub) == scorer_pb2.ScorePassesResponse()


async def test_every_version_may_be_asked_for_and_the_answer_names_it(stub: Any, passing_release: Release) -> None:
    play = pass_to_score(passing_release)
    for version in range(1, passing_release.version + 1):
        wanted = common_pb2.ModelVersion(name="passing", version=version)
        [scored] = (await score(stub, play, model=wanted)).scores
        assert scored.model == wanted


@pytest.mark.parametrize(("name", "version"), [("passing", 99), ("shots", 1)])
async def test_a_model_that_is_not_served_is_not_found(
    stub: Any, passing_release: Release, name: str, version: int
) -> None:
    wanted = common_pb2.ModelVersion(name=name, version=version)
    code, error = await refusal(score(stub, pass_to_score(passing_release), model=wanted))
    assert code is grpc.StatusCode.NOT_FOUND
    assert error.reason is Reason.MODEL_NOT_FOUND
    assert f"{name}:{version}" in error.detail
    assert [violation.field for violation in error.fields] == ["model"]


@pytest.mark.parametrize(
    ("name", "version", "field"),
    [("passing", 0, "model.version"), ("passing", -1, "model.version"), ("", 1, "model.name")],
)
async def test_an_invalid_model_key_is_refused(
    stub: Any, passing_release: Release, name: str, version: int, field: str
) -> None:
    wanted = common_pb2.ModelVersion(name=name, version=version)
    code, error = await refusal(score(stub, pass_to_score(passing_release), model=wanted))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.fields] == [field]


async def test_calls_that_share_a_batch_get_their_own_answers(stub: Any, passing_release: Release) -> None:
    plays = [pass_to_score(passing_release, str(place), frames=1 + place, seed=place) for place in range(64)]
    answers = await asyncio.gather(*(score(stub, play) for play in plays))
    assert [answer.scores[0].key.play_id for answer in answers] == [str(place) for place in range(64)]
    together = await score(stub, *plays)
    for answer, scored in zip(answers, together.scores, strict=True):
        np.testing.assert_allclose(
            answer.scores[0].distribution.spliced_binned_pareto.probabilities,
            scored.distribution.spliced_binned_pareto.probabilities,
            atol=1e-5,
        )


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
async def test_an_impossible_result_is_rejected_alone_by_both_calls(
    stub: Any, passing_release: Release, outcome: dict[str, Any], reason: str
) -> None:
    fine, wrong = pass_to_score(passing_release, "0", yards=3.0), pass_to_score(passing_release, "1")
    wrong.outcome.CopyFrom(PassOutcome(**outcome))
    scored = await score(stub, wrong, fine)
    [before] = scored.scores
    graded = await grade(stub, to_grade(before, **outcome), to_grade(before, yards_gained=3.0))
    assert len(graded.graded) == 1
    for rejections in (scored.rejections, graded.rejections):
        assert reasons(rejections) == [(0, reason)]
        assert rejections[0].detail.startswith("passes[0].outcome.")


@pytest.mark.parametrize("result", [PASS_RESULT_INCOMPLETE, PASS_RESULT_INTERCEPTED])
async def test_incompletions_and_interceptions_rank_as_0_yards_stated_or_not(
    stub: Any, passing_release: Release, result: PassResult.ValueType
) -> None:
    play = pass_to_score(passing_release, yards=0.0)
    [plain] = (await score(stub, play)).scores
    play.outcome.result = result
    assert (await score(stub, play)).scores == [plain]
    play.outcome.ClearField("yards_gained")
    assert (await score(stub, play)).scores == [plain]
    [graded] = (await grade(stub, to_grade(plain, result=result))).graded
    assert graded.grade.yards_gained == 0.0
    assert graded.grade.play_score == pytest.approx(plain.grade.play_score, abs=1e-9)


# --- GradePasses ---


async def test_a_stored_distribution_gives_the_grade_that_inference_gave(stub: Any, passing_release: Release) -> None:
    unknown, known = pass_to_score(passing_release), pass_to_score(passing_release, yards=7.0)
    known.outcome.outcome_revision = 1
    [before] = (await score(stub, unknown)).scores
    [at_once] = (await score(stub, known)).scores
    assert not before.HasField("grade")
    assert at_once.grade.outcome_revision == 1
    [graded] = (await grade(stub, to_grade(before, yards_gained=7.0, outcome_revision=1))).graded
    assert (graded.key, graded.revision) == (before.key, before.revision)
    assert (graded.grade.yards_gained, graded.grade.outcome_revision) == (7.0, 1)
    assert graded.grade.play_score == pytest.approx(at_once.grade.play_score, abs=1e-9)


async def test_a_correction_changes_the_grade(stub: Any, passing_release: Release) -> None:
    [before] = (await score(stub, pass_to_score(passing_release, yards=7.0))).scores
    [graded] = (await grade(stub, to_grade(before, yards_gained=8.0, outcome_revision=2))).graded
    assert graded.grade.play_score > before.grade.play_score
    assert (graded.grade.yards_gained, graded.grade.outcome_revision) == (8.0, 2)


async def test_a_release_without_a_ceiling_is_served_beside_one_with_it_and_each_is_graded_by_its_own(
    stub: Any, passing_release: Release
) -> None:
    touchdown = pass_to_score(passing_release, yards=45.0)
    before, now = [
        (await score(stub, touchdown, model=common_pb2.ModelVersion(name="passing", version=version))).scores[0]
        for version in (2, passing_release.version)
    ]
    assert not before.distribution.spliced_binned_pareto.HasField("ceiling_yards")
    assert now.distribution.spliced_binned_pareto.ceiling_yards == 45.0
    assert now.grade.play_score == pytest.approx(1.0 - now.touchdown_probability / 2.0, abs=1e-9)
    graded = (await grade(stub, *[to_grade(each, yards_gained=45.0) for each in (before, now)])).graded
    assert [each.grade.play_score for each in graded] == pytest.approx(
        [before.grade.play_score, now.grade.play_score], abs=1e-9
    )


async def test_bad_passes_to_grade_are_rejected_by_index_and_the_others_graded(
    stub: Any, passing_release: Release
) -> None:
    [before] = (await score(stub, pass_to_score(passing_release))).scores
    passes = [to_grade(before, yards_gained=float(place)) for place in range(11)]
    passes[1].distribution.spliced_binned_pareto.lower_scale_yards = -1.0
    passes[2].ClearField("distribution")
    passes[3].key.game_id = "a\nb"
    passes[4].outcome.ClearField("yards_gained")
    passes[5].outcome.yards_gained = 1e9
    passes[7].distribution.bernoulli.probability = 0.5
    passes[8].distribution.spliced_binned_pareto.support_id = "nobody"
    passes[9].distribution.spliced_binned_pareto.ceiling_yards = 45.5
    passes[10].revision = 0
    response = await grade(stub, *passes)
    assert [graded.grade.yards_gained for graded in response.graded] == [0.0, 6.0]
    assert reasons(response.rejections) == [
        (1, "REASON_DISTRIBUTION_INVALID"),
        (2, "REASON_FIELD_INVALID"),
        (3, "REASON_FIELD_INVALID"),
        (4, "REASON_FIELD_INVALID"),
        (5, "REASON_YARDS_OUT_OF_RANGE"),
        (7, "REASON_DISTRIBUTION_INVALID"),
        (8, "REASON_DISTRIBUTION_INVALID"),
        (9, "REASON_DISTRIBUTION_INVALID"),
        (10, "REASON_FIELD_INVALID"),
    ]
    for rejected in response.rejections:
        assert rejected.detail.startswith(f"passes[{rejected.index}].")
        assert rejected.key == passes[rejected.index].key
    assert '"nobody"' in response.rejections[6].detail
    assert "ceiling_yards" in response.rejections[7].detail


async def test_more_grades_than_a_call_may_have_are_refused(stub: Any) -> None:
    code, error = await refusal(grade(stub, *[scorer_pb2.PassToGrade()] * 1025))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.fields] == ["passes"]


def stated(edges: Sequence[float], lower: float = 0.1, upper: float = 0.1) -> distribution_pb2.Support:
    support = Support(edges_yards=tuple(edges), lower_tail_probability=lower, upper_tail_probability=upper)
    return distribution_pb2.Support(
        support_id=support.id,
        edges_yards=edges,
        lower_tail_probability=lower,
        upper_tail_probability=upper,
    )


def over(support: distribution_pb2.Support, before: scorer_pb2.PassScore) -> scorer_pb2.PassToGrade:
    """A pass whose bins of that support are equally likely, and which gained 3 yards."""
    play = to_grade(before, yards_gained=3.0)
    bins = len(support.edges_yards) - 1
    even = play.distribution.spliced_binned_pareto
    even.support_id = support.support_id
    even.probabilities[:] = [1.0 / bins] * bins
    return play


async def test_a_distribution_over_a_stated_support_is_graded(stub: Any, passing_release: Release) -> None:
    [before] = (await score(stub, pass_to_score(passing_release))).scores
    support = stated([-10.5, -0.5, 2.5, 3.5, 20.5])
    response = await grade(stub, over(support, before), to_grade(before, yards_gained=3.0), supports=[support])
    assert [graded.grade.yards_gained for graded in response.graded] == [3.0, 3.0]
    assert response.graded[0].grade.play_score == pytest.approx(0.625, abs=1e-12)


@pytest.mark.parametrize(
    ("support", "what"),
    [
        (stated([2.0, 1.0]), "rising"),
        (stated([0.0, 1.0], lower=0.6, upper=0.6), "leave a body"),
        (distribution_pb2.Support(support_id="mine", edges_yards=[0.0, 1.0], lower_tail_probability=0.1), "above 0"),
        (
            distribution_pb2.Support(
                support_id="mine", edges_yards=[0.0, 1.0], lower_tail_probability=0.1, upper_tail_probability=0.1
            ),
            'must be "',
        ),
        (stated([-1e308, 1e308]), "edges_yards"),
    ],
)
async def test_an_invalid_support_rejects_the_passes_that_name_it(
    stub: Any, passing_release: Release, support: distribution_pb2.Support, what: str
) -> None:
    [before] = (await score(stub, pass_to_score(passing_release))).scores
    response = await grade(stub, over(support, before), to_grade(before, yards_gained=3.0), supports=[support])
    assert reasons(response.rejections) == [(0, "REASON_DISTRIBUTION_INVALID")]
    assert response.rejections[0].detail.startswith("supports[0].")
    assert what in response.rejections[0].detail
    assert [graded.grade.yards_gained for graded in response.graded] == [3.0]


@pytest.mark.parametrize(
    ("support", "field"),
    [
        (stated(np.arange(5000.0).tolist()), "supports[0].edges_yards"),
        (
            distribution_pb2.Support(edges_yards=[0.0, 1.0], lower_tail_probability=0.1, upper_tail_probability=0.1),
            "supports[0].support_id",
        ),
    ],
)
async def test_a_support_beyond_its_limits_fails_the_call(
    stub: Any, support: distribution_pb2.Support, field: str
) -> None:
    code, error = await refusal(grade(stub, supports=[support]))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.fields] == [field]


# --- ListModels ---


async def test_models_are_listed_with_what_they_take_and_answer(stub: Any, passing_release: Release) -> None:
    response = await stub.ListModels(scorer_pb2.ListModelsRequest(), timeout=SECONDS)
    newest = [each for each in response.models if each.model.name == "passing"][-1]
    assert newest.model == common_pb2.ModelVersion(name="passing", version=passing_release.version)
    assert newest.task == common_pb2.TASK_PASSING
    assert newest.feature_specification_id == passing_release.features.id
    assert newest.graph_sha256 == passing_release.graph_sha256
    assert tuple(newest.bucket_lengths) == passing_release.bucket_lengths
    assert [(output.name, list(output.shape)) for output in newest.outputs] == [("logits", [120]), ("tails", [4])]
    assert passing_release.support is not None
    assert newest.support.support_id == passing_release.support.id
    assert tuple(newest.support.edges_yards) == passing_release.support.edges_yards
    assert newest.ready
    assert newest.is_default
    assert response.next_page_token == ""


async def test_models_are_listed_page_by_page(serve: Serve, passing_release: Release) -> None:
    versions = tuple(passing_release.model_copy(update={"version": version}) for version in (1, 2, 5))
    listed, token = [], ""
    async with serve(versions=versions, inference=Loading()) as stub:
        for _ in range(3):
            page = await stub.ListModels(scorer_pb2.ListModelsRequest(page_size=1, page_token=token), timeout=SECONDS)
            listed += [(model.model.version, model.is_default, model.ready) for model in page.models]
            token = page.next_page_token
    assert token == ""
    assert listed == [(1, False, False), (2, False, False), (5, True, True)]


async def test_a_page_size_above_the_limit_is_cut_to_it(serve: Serve, passing_release: Release) -> None:
    versions = tuple(passing_release.model_copy(update={"version": version}) for version in range(1, 121))
    sizes = []
    async with serve(versions=versions, inference=Loading()) as stub:
        for size in (0, 1000):
            page = await stub.ListModels(scorer_pb2.ListModelsRequest(page_size=size), timeout=SECONDS)
            sizes.append(len(page.models))
    assert sizes == [50, 100]


class Loading:
    """Inference that has version 5 alone, and the newest."""

    async def open(self) -> None: ...

    async def ready(self, model: ModelVersion) -> bool:
        return model.version in (5, 120)

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        raise NotImplementedError

    async def close(self) -> None: ...


async def test_a_negative_page_size_is_refused(stub: Any) -> None:
    code, error = await refusal(stub.ListModels(scorer_pb2.ListModelsRequest(page_size=-1), timeout=SECONDS))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.fields] == ["page_size"]


async def test_an_unknown_page_token_is_refused(stub: Any) -> None:
    code, error = await refusal(stub.ListModels(scorer_pb2.ListModelsRequest(page_token="x"), timeout=SECONDS))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason is Reason.PAGE_TOKEN_INVALID
    assert [violation.field for violation in error.fields] == ["page_token"]

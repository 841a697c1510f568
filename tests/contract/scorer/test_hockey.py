"""Shots and face-offs over a real server: calls and streams answer alike."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Release
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2 as pb
from scorer.onnx import OnnxInference
from tests.contract.scorer.conftest import Serve
from tests.hockey import faceoff_to_score, release_faceoffs, release_shots, shot_to_score

SECONDS = 30.0


@dataclass(frozen=True)
class Served:
    """A scorer of hockey."""

    stub: Any
    shots: Release
    faceoffs: Release

    async def score(self, *shots: pb.ShotToScore, model: common.ModelVersion | None = None) -> Any:
        return await self.stub.ScoreShots(pb.ScoreShotsRequest(shots=shots, model=model), timeout=SECONDS)

    async def grade(self, *shots: pb.ShotToGrade) -> Any:
        return await self.stub.GradeShots(pb.GradeShotsRequest(shots=shots), timeout=SECONDS)


@pytest.fixture
async def served(serve: Serve, tmp_path: Path) -> AsyncIterator[Served]:
    shots, faceoffs = release_shots(tmp_path), release_faceoffs(tmp_path)
    async with serve(OnnxInference(tmp_path, [shots, faceoffs]), (shots, faceoffs)) as stub:
        yield Served(stub, shots, faceoffs)


def to_grade(before: pb.ShotScore, result: int, outcome_revision: int = 0) -> pb.ShotToGrade:
    outcome = hockey.ShotOutcome(result=result, outcome_revision=outcome_revision)  # type: ignore[arg-type]
    return pb.ShotToGrade(key=before.key, revision=before.revision, distribution=before.distribution, outcome=outcome)


def reasons(rejections: Iterable[common.Rejection]) -> list[tuple[int, str]]:
    return [(each.index, reason_pb2.Reason.Name(each.reason)) for each in rejections]


async def refusal(call: Any) -> tuple[grpc.StatusCode, PlayscoreError]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    error = error_from_rpc(refused.value)
    assert error is not None
    return refused.value.code(), error


async def test_a_shot_gets_its_chance_its_level_and_its_reasons(served: Served) -> None:
    values = {"puck_distance_feet": 22.0, "goalie_move_feet": 11.0, "one_timer": 1.0}
    shot = shot_to_score(served.shots, values=values, result=hockey.SHOT_RESULT_GOAL, outcome_revision=2)
    response = await served.score(shot)
    [scored] = response.scores
    assert (scored.key, scored.revision) == (shot.tensor.key, 1)
    assert scored.model == common.ModelVersion(name="shots", version=1)
    chance = scored.distribution.bernoulli.probability
    total = scored.intercept_logit + math.fsum(each.logit for each in scored.contributions)
    assert total == pytest.approx(math.log(chance) - math.log1p(-chance), abs=1e-12)
    assert scored.level != hockey.OPPORTUNITY_LEVEL_UNSPECIFIED
    strengths = [abs(each.logit) for each in scored.contributions]
    assert strengths == sorted(strengths, reverse=True)
    told = {each.factor: each for each in scored.contributions}
    assert told["goalie_move_feet"].text == "the goalie had to move 11 ft"
    assert (told["goalie_move_feet"].value, told["goalie_move_feet"].unit) == (11.0, "ft")
    assert told["goalie_move_feet"].percentile == pytest.approx(0.11)
    assert not told["puck_height_feet"].HasField("value")
    assert not told["puck_height_feet"].HasField("percentile")
    assert scored.grade.goals_above_expected == 1.0 - chance
    assert (scored.grade.result, scored.grade.outcome_revision) == (hockey.SHOT_RESULT_GOAL, 2)


async def test_before_the_result_is_known_there_is_no_grade(served: Served) -> None:
    [scored] = (await served.score(shot_to_score(served.shots))).scores
    assert not scored.HasField("grade")


async def test_bad_shots_are_rejected_by_index_and_the_others_scored(served: Served) -> None:
    shots = [shot_to_score(served.shots, str(place)) for place in range(8)]
    shots[1].tensor.statics = shots[1].tensor.statics[:-4]
    shots[2].tensor.statics = np.full(len(served.shots.features.static_columns), np.nan, "<f4").tobytes()
    shots[3].outcome.result = hockey.SHOT_RESULT_BLOCKED
    shots[4].outcome.result = 99  # type: ignore[assignment]
    shots[5].tensor.shape[:] = [30, 5]
    shots[6].tensor.shot_attributes.distance_feet = -1.0
    response = await served.score(*shots)
    assert [scored.key.play_id for scored in response.scores] == ["0", "7"]
    assert reasons(response.rejections) == [
        (1, "REASON_TENSOR_SHAPE_INVALID"),
        (2, "REASON_TENSOR_NOT_FINITE"),
        (3, "REASON_SHOT_BLOCKED"),
        (4, "REASON_FIELD_INVALID"),
        (5, "REASON_TENSOR_SHAPE_INVALID"),
        (6, "REASON_FIELD_INVALID"),
    ]
    for rejected in response.rejections:
        assert rejected.task == common.TASK_SHOTS
        assert rejected.key == shots[rejected.index].tensor.key
        assert rejected.subjects == shots[rejected.index].tensor.subjects


async def test_a_shot_is_graded_again_by_its_chance_without_inference(served: Served) -> None:
    [scored] = (await served.score(shot_to_score(served.shots))).scores
    chance = scored.distribution.bernoulli.probability
    results = [hockey.SHOT_RESULT_GOAL, hockey.SHOT_RESULT_SAVED, hockey.SHOT_RESULT_MISSED, hockey.SHOT_RESULT_POST]
    response = await served.grade(*(to_grade(scored, result, 3) for result in results))
    assert [each.grade.goals_above_expected for each in response.graded] == [1.0 - chance, *[-chance] * 3]
    assert {each.grade.outcome_revision for each in response.graded} == {3}


async def test_what_cannot_be_graded_is_rejected_with_its_reason(served: Served) -> None:
    [scored] = (await served.score(shot_to_score(served.shots))).scores
    of_yards, of_nothing, beyond = (to_grade(scored, hockey.SHOT_RESULT_GOAL) for _ in range(3))
    of_yards.distribution.spliced_binned_pareto.CopyFrom(
        distributions.SplicedBinnedPareto(
            support_id="x", probabilities=[1.0], lower_scale_yards=1.0, upper_scale_yards=1.0
        )
    )
    of_nothing.distribution.ClearField("bernoulli")
    beyond.distribution.bernoulli.probability = 1.5
    response = await served.grade(
        to_grade(scored, hockey.SHOT_RESULT_BLOCKED),
        to_grade(scored, hockey.SHOT_RESULT_UNSPECIFIED),
        of_yards,
        of_nothing,
        beyond,
        to_grade(scored, hockey.SHOT_RESULT_SAVED),
    )
    assert reasons(response.rejections) == [
        (0, "REASON_SHOT_BLOCKED"),
        (1, "REASON_FIELD_INVALID"),
        (2, "REASON_DISTRIBUTION_INVALID"),
        (3, "REASON_DISTRIBUTION_INVALID"),
        (4, "REASON_FIELD_INVALID"),
    ]
    assert len(response.graded) == 1


async def test_a_tensor_of_another_specification_fails_the_call(served: Served) -> None:
    shot = shot_to_score(served.faceoffs)
    code, error = await refusal(served.score(shot))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason is Reason.FEATURE_SPECIFICATION_MISMATCH


@pytest.mark.parametrize(("name", "version"), [("shots", 2), ("faceoffs", 1)])
async def test_a_model_that_is_not_of_shots_is_not_found(served: Served, name: str, version: int) -> None:
    model = common.ModelVersion(name=name, version=version)
    code, error = await refusal(served.score(shot_to_score(served.shots), model=model))
    assert (code, error.reason) == (grpc.StatusCode.NOT_FOUND, Reason.MODEL_NOT_FOUND)
    assert "shots:1" in error.detail


async def test_257_shots_in_a_call_are_refused(served: Served) -> None:
    shots = [shot_to_score(served.shots, str(place)) for place in range(257)]
    assert len((await served.score(*shots[:256])).scores) == 256
    code, error = await refusal(served.score(*shots))
    assert (code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.FIELD_INVALID)


async def test_where_no_model_of_shots_is_served_the_call_says_so(serve: Serve, tmp_path: Path) -> None:
    faceoffs = release_faceoffs(tmp_path)
    async with serve(OnnxInference(tmp_path, [faceoffs]), (faceoffs,)) as stub:
        code, error = await refusal(stub.ScoreShots(pb.ScoreShotsRequest(), timeout=SECONDS))
    assert (code, error.reason) == (grpc.StatusCode.NOT_FOUND, Reason.MODEL_NOT_FOUND)
    assert error.detail == "no model of shots is served"


# --- Face-offs ---


async def test_a_faceoff_is_scored_and_graded(served: Served) -> None:
    won = faceoff_to_score(served.faceoffs, "1", result=hockey.FACEOFF_RESULT_WON)
    open_yet = faceoff_to_score(served.faceoffs, "2")
    wrong = faceoff_to_score(served.faceoffs, "3", result=9)
    request = pb.ScoreFaceoffsRequest(faceoffs=[won, open_yet, wrong])
    response = await served.stub.ScoreFaceoffs(request, timeout=SECONDS)
    first, second = response.scores
    chance = first.distribution.bernoulli.probability
    assert chance == pytest.approx(1 / (1 + math.exp(-0.1)), abs=1e-6)
    assert first.grade.wins_above_expected == 1.0 - chance
    assert not second.HasField("grade")
    assert reasons(response.rejections) == [(2, "REASON_FIELD_INVALID")]
    assert response.rejections[0].task == common.TASK_FACEOFFS

    lost = hockey.FaceoffOutcome(result=hockey.FACEOFF_RESULT_LOST, outcome_revision=1)
    graded = pb.FaceoffToGrade(key=second.key, revision=1, distribution=second.distribution, outcome=lost)
    answer = await served.stub.GradeFaceoffs(pb.GradeFaceoffsRequest(faceoffs=[graded]), timeout=SECONDS)
    assert answer.graded[0].grade.wins_above_expected == -second.distribution.bernoulli.probability
    assert answer.graded[0].grade.outcome_revision == 1


# --- Streams ---


async def test_a_stream_answers_as_the_calls_do(served: Served) -> None:
    shots = [
        shot_to_score(served.shots, str(place), {"puck_distance_feet": 10.0 * place}, result=1 + place % 4)
        for place in range(12)
    ]
    faceoff = faceoff_to_score(served.faceoffs, "f", result=hockey.FACEOFF_RESULT_LOST)
    called = await served.score(*shots)
    taken = (await served.stub.ScoreFaceoffs(pb.ScoreFaceoffsRequest(faceoffs=[faceoff]), timeout=SECONDS)).scores[0]
    grades = [to_grade(score, hockey.SHOT_RESULT_GOAL) for score in called.scores]
    of_taken = pb.FaceoffToGrade(
        key=taken.key,
        revision=1,
        distribution=taken.distribution,
        outcome=hockey.FaceoffOutcome(result=hockey.FACEOFF_RESULT_WON),
    )
    graded = (await served.grade(*grades)).graded
    requests = [
        *(pb.StreamScoresRequest(request_id=place, score_shot=shot) for place, shot in enumerate(shots)),
        *(pb.StreamScoresRequest(request_id=100 + place, grade_shot=each) for place, each in enumerate(grades)),
        pb.StreamScoresRequest(request_id=200, score_faceoff=faceoff),
        pb.StreamScoresRequest(request_id=201, grade_faceoff=of_taken),
    ]
    answers = {answer.request_id: answer async for answer in served.stub.StreamScores(requests)}
    assert len(answers) == len(requests)
    scores, rejections = iter(called.scores), iter(called.rejections)
    for place, shot in enumerate(shots):
        if shot.outcome.result == hockey.SHOT_RESULT_BLOCKED:
            expected = next(rejections)
            answer = answers[place].rejection
            assert (answer.reason, answer.key, answer.task) == (expected.reason, expected.key, common.TASK_SHOTS)
            assert answer.detail == expected.detail.replace(f"shots[{place}]", "score_shot")
        else:
            assert answers[place].shot_score == next(scores)
    assert [answers[100 + place].graded_shot for place in range(len(grades))] == list(graded)
    assert answers[200].faceoff_score == taken
    assert answers[201].graded_faceoff.grade.wins_above_expected == 1.0 - taken.distribution.bernoulli.probability
    assert not any(answer.HasField("support") for answer in answers.values())

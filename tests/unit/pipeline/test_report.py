"""What `playscore replay --json` writes: scripts read it, so its keys stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.replay import Replay, Standings
from pipeline.report import report_as_json
from pipeline.reported_plays import outcome_of
from pipeline.results import Ending, PlayResult, StageTimes
from pipeline.task import Scored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1.reason_pb2 import Reason as ReasonNumber
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.wire.common import rejection

PLAY_KEYS = {
    "game_id", "play_id", "kind", "outcome", "reason", "detail", "revision", "recorded", "passer_id", "passer_name",
    "team_id", "yards", "score", "expected_yards", "first_down_probability", "touchdown_probability", "quantiles",
    "attributes",
}  # fmt: skip
RATING_KEYS = {
    "subject_id", "subject_name", "team_id", "role", "model", "plays", "rating", "rating_low", "rating_high",
    "mean_play_score", "yards_per_play", "expected_yards_per_play", "qualified", "rank", "qualified_peers",
}  # fmt: skip
DISTRIBUTION_KEYS = {
    "edges_yards", "probabilities", "lower_tail_probability", "upper_tail_probability", "lower_shape",
    "lower_scale_yards", "upper_shape", "upper_scale_yards", "ceiling_yards",
}  # fmt: skip

KEY = common.PlayKey(league="NFL", game_id="7", play_id="54")
PASSER = common.Subject(role=common.ROLE_PASSER, subject_id="101", subject_name="Paul Able", team_id="KC")
SUPPORT = distribution.Support(
    support_id="s", edges_yards=[-5.0, 0.0, 20.0], lower_tail_probability=0.05, upper_tail_probability=0.1
)
ATTRIBUTES = football.PassAttributes(
    season=2021,
    down=3,
    game_clock_seconds=0.0,
    home=False,
    under_pressure=True,
    depth=football.PASS_DEPTH_DEEP,
    team_id="KC",
)


def tensor(**attributes: Any) -> featurizer.PlayTensor:
    return featurizer.PlayTensor(key=KEY, revision=1, subjects=[PASSER], pass_attributes=ATTRIBUTES, **attributes)


EXPECTED = distribution.Distribution(
    spliced_binned_pareto=distribution.SplicedBinnedPareto(support_id="s", probabilities=[0.25, 0.75], upper_shape=0.5)
)


def recorded(**measure: Any) -> aggregator.PlayRecord:
    return aggregator.PlayRecord(
        score=aggregator.ScoreRecord(
            key=KEY,
            revision=1,
            subject=PASSER,
            pass_attributes=ATTRIBUTES,
            distribution=EXPECTED,
            pass_measure=aggregator.PassMeasure(**measure) if measure else None,
        )
    )


def score(**said: Any) -> scorer.PassScore:
    return scorer.PassScore(
        key=KEY,
        revision=1,
        expected_yards=6.5,
        distribution=EXPECTED,
        quantiles=[scorer.Quantile(probability=0.05, yards=-1.0), scorer.Quantile(probability=0.5, yards=5.0)],
        **said,
    )


def scored_play() -> PlayResult:
    graded = score(
        grade=scorer.PassGrade(yards_gained=9.0, play_score=0.75, outcome_revision=1), touchdown_probability=0.125
    )
    record = recorded(play_score=0.75, yards_gained=9.0, expected_yards=6.5)
    scored = Scored((record,), (PASSER,), (SUPPORT,), outcome_revision=1, score=graded)
    result = feed.OfficialResult(pass_outcome=football.PassOutcome(yards_gained=9.0, outcome_revision=1))
    return PlayResult.of(KEY, 1, tensor=tensor(), scored=scored, result=result)


def ungraded_play() -> PlayResult:
    return PlayResult.of(KEY, 1, tensor=tensor(), scored=Scored((recorded(),), (PASSER,), (SUPPORT,), score=score()))


def stored_play() -> PlayResult:
    """Scored by another process, and graded by a corrected result."""
    record = recorded(play_score=0.5, yards_gained=4.0, expected_yards=6.5)
    result = feed.OfficialResult(pass_outcome=football.PassOutcome(yards_gained=4.0, outcome_revision=2))
    return PlayResult.of(KEY, 1, scored=Scored((record,), (PASSER,), (SUPPORT,), outcome_revision=2), result=result)


def rejected_play(reason: int = Reason.NO_SNAP.value, subjects: tuple[common.Subject, ...] = ()) -> PlayResult:
    return PlayResult.of(KEY, 2, rejection=rejection(KEY, 2, reason, "no snap was seen", subjects))


def superseded_play() -> PlayResult:
    """It was scored, but another worker has recorded that it does not count."""
    return PlayResult.of(KEY, 1, tensor=tensor(), scored=scored_play().scored, standing=(2, 0))


def as_json(*plays: PlayResult, distributions: bool = False, standings: Standings | None = None) -> dict[str, Any]:
    replay = Replay(
        games=1,
        plays_read=len(plays),
        results=list(plays),
        standings={} if standings is None else {("NFL", common.ROLE_PASSER): standings},
        times=StageTimes({"score": [0.001, 0.003]}),
    )
    report = report_as_json(replay, distributions=distributions)
    assert json.loads(json.dumps(report)) == report
    return report


def only(report: dict[str, Any]) -> dict[str, Any]:
    (play,) = report["plays"]
    assert isinstance(play, dict)
    return play


def test_its_parts_have_the_names_that_scripts_know() -> None:
    assert set(as_json()) == {
        "plays",
        "ratings",
        "standings",
        "min_plays",
        "coverage",
        "stages",
        "refused_messages",
        "failed_games",
        "left_out",
        "shared_faults",
    }


@pytest.mark.parametrize("play", [scored_play(), ungraded_play(), stored_play(), rejected_play(), superseded_play()])
def test_every_play_has_every_key_whatever_became_of_it(play: PlayResult) -> None:
    assert set(only(as_json(play))) == PLAY_KEYS
    assert set(only(as_json(play, distributions=True))) == PLAY_KEYS | {"distribution"}


def test_a_play_that_was_scored() -> None:
    play = only(as_json(scored_play()))
    assert {key: play[key] for key in PLAY_KEYS - {"attributes"}} == {
        "game_id": "7",
        "play_id": "54",
        "kind": "pass",
        "outcome": "scored",
        "reason": None,
        "detail": "",
        "revision": 1,
        "recorded": True,
        "passer_id": "101",
        "passer_name": "Paul Able",
        "team_id": "KC",
        "yards": 9.0,
        "score": 0.75,
        "expected_yards": 6.5,
        "first_down_probability": None,
        "touchdown_probability": 0.125,
        "quantiles": {"0.05": -1.0, "0.5": 5.0},
    }


def test_a_play_whose_result_is_not_known_yet_has_what_was_expected_of_it() -> None:
    play = only(as_json(ungraded_play()))
    assert (play["reason"], play["yards"], play["score"], play["expected_yards"]) == (
        "OUTCOME_UNKNOWN",
        None,
        None,
        6.5,
    )


def test_a_play_that_was_scored_before_has_what_is_stored_of_it() -> None:
    play = only(as_json(stored_play(), distributions=True))
    assert (play["outcome"], play["yards"], play["score"], play["expected_yards"]) == ("scored", 4.0, 0.5, 6.5)
    assert play["attributes"]["down"] == 3
    assert play["distribution"]["probabilities"] == [0.25, 0.75]
    assert play["quantiles"] is None


def test_a_play_that_was_rejected_says_why_and_whose_it_was() -> None:
    play = only(as_json(rejected_play(subjects=(PASSER,)), distributions=True))
    assert (play["outcome"], play["reason"], play["detail"]) == ("rejected", "NO_SNAP", "no snap was seen")
    assert (play["revision"], play["passer_id"]) == (2, "101")
    assert [play[key] for key in ("score", "quantiles", "attributes", "distribution")] == [None] * 4


def test_a_play_of_which_a_later_revision_stands_is_superseded_and_has_no_score() -> None:
    play = only(as_json(superseded_play(), distributions=True))
    assert (play["outcome"], play["reason"]) == ("superseded", None)
    assert play["detail"] == "a later revision stands: revision 2, outcome_revision 0"
    assert [play[key] for key in ("score", "expected_yards", "quantiles", "distribution")] == [None] * 4
    assert play["passer_id"] == "101"


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.NO_RELEASE.value, "no_release"),
        (Reason.NOT_A_PASS.value, "not_a_pass"),
        (Reason.TOO_SHORT.value, "rejected"),
        (9999, "rejected"),
    ],
)
def test_outcomes_that_are_not_errors_have_their_own_names(reason: int, outcome: str) -> None:
    assert outcome_of(rejected_play(reason)) == outcome


def test_a_reason_of_a_newer_contract_is_told_by_its_number() -> None:
    play = only(as_json(rejected_play(9999)))
    assert (play["outcome"], play["reason"]) == ("rejected", None)
    assert play["detail"] == "reason 9999, which this release does not know: no snap was seen"


def test_attributes_are_every_split_field_under_its_name_in_the_contract() -> None:
    attributes = only(as_json(scored_play()))["attributes"]
    assert set(attributes) == set(football.PassAttributes.DESCRIPTOR.fields_by_name)
    known = {name: value for name, value in attributes.items() if value is not None}
    assert known == {
        "season": 2021,
        "down": 3,
        "game_clock_seconds": 0.0,
        "home": False,
        "under_pressure": True,
        "depth": "PASS_DEPTH_DEEP",
        "team_id": "KC",
    }


def test_a_distribution_has_its_support_beside_its_parameters() -> None:
    stated = only(as_json(scored_play(), distributions=True))["distribution"]
    assert set(stated) == DISTRIBUTION_KEYS
    assert stated["edges_yards"] == [-5.0, 0.0, 20.0]
    assert stated["probabilities"] == [0.25, 0.75]
    assert (stated["upper_tail_probability"], stated["upper_shape"], stated["ceiling_yards"]) == (0.1, 0.5, None)


def test_ratings_say_by_what_they_are_ranked_and_coverage_why_plays_are_missing() -> None:
    ranking = aggregator.Ranking(model=common.ModelVersion(name="passing", version=2), min_plays=14, qualified=31)
    rating = aggregator.Rating(
        subject=PASSER,
        plays=20,
        passing=aggregator.PassingRating(rating=88.0, rating_low=80.0, rating_high=95.0, mean_play_score=0.6),
        qualified=True,
        rank=2,
    )
    coverage = aggregator.GetCoverageResponse(
        plays=25,
        graded=20,
        ungraded=1,
        unscored=[
            aggregator.ReasonCount(reason=Reason.NO_SNAP.value, plays=3),  # type: ignore[arg-type]
            aggregator.ReasonCount(reason=ReasonNumber.ValueType(9999), plays=1),
        ],
    )
    report = as_json(standings=Standings([rating], ranking, coverage))
    (row,) = report["ratings"]
    assert set(row) == RATING_KEYS
    assert (row["subject_name"], row["role"], row["model"]) == (
        "Paul Able",
        "passer",
        {"name": "passing", "version": 2},
    )
    assert (row["rating"], row["rank"], row["qualified"], row["qualified_peers"]) == (88.0, 2, True, 31)
    assert (row["mean_play_score"], row["yards_per_play"]) == (0.6, None)
    assert report["min_plays"] == {"NFL": 14}
    assert report["coverage"] == {
        "NFL": {"plays": 25, "scored": 20, "ungraded": 1, "unscored": {"NO_SNAP": 3, "9999": 1}}
    }


def test_stages_have_counts_and_milliseconds() -> None:
    (stage,) = as_json()["stages"].values()
    assert stage["count"] == 2
    assert stage["p50_ms"] == pytest.approx(2.0)
    assert set(stage) == {"count", "p50_ms", "p99_ms"}


def test_a_play_that_the_aggregator_does_not_answer_for_is_lost() -> None:
    lost = PlayResult.of(
        KEY, 2, rejection=rejection(KEY, 2, Reason.TRACKING_UNAVAILABLE.value, "no film"), recorded=False
    )
    replay = Replay(plays_read=3, results=[scored_play(), lost])
    assert replay.lost == 2
    assert replay.endings() == {(Ending.SCORED, None): 1, (Ending.REJECTED, Reason.TRACKING_UNAVAILABLE): 1}


def test_a_superseded_play_is_counted_as_such_and_is_not_lost() -> None:
    replay = Replay(plays_read=2, results=[scored_play(), superseded_play()])
    assert replay.lost == 0
    assert replay.endings() == {(Ending.SCORED, None): 1, (Ending.SUPERSEDED, None): 1}

"""Records of scored plays, as workers write them, by what matters to tests of pages."""

from __future__ import annotations

from typing import Any

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Support

EDGES = (-10.5, -0.5, 0.5, 10.5, 30.5)
SUPPORT = distribution.Support(
    support_id=Support(edges_yards=EDGES, lower_tail_probability=0.05, upper_tail_probability=0.05).id,
    edges_yards=EDGES,
    lower_tail_probability=0.05,
    upper_tail_probability=0.05,
)
PASSING = common.ModelVersion(name="passing", version=3)
SHOTS = common.ModelVersion(name="shots", version=1)


def a_pass(
    play: int,
    play_score: float | None = 0.5,
    *,
    league: str = "SIM",
    game: str = "g1",
    passer: str = "p1",
    name: str = "P. One",
    yards: float = 7.0,
    result: football.PassResult.ValueType = football.PASS_RESULT_COMPLETE,
    model: common.ModelVersion = PASSING,
    **attributes: Any,
) -> aggregator.PlayRecord:
    """A pass; without a play score one whose official result is not known yet."""
    team = attributes.setdefault("team_id", "KC")
    record = aggregator.ScoreRecord(
        key=common.PlayKey(league=league, game_id=game, play_id=str(play)),
        subject=common.Subject(role=common.ROLE_PASSER, subject_id=passer, subject_name=name, team_id=team),
        model=model,
        revision=1,
        pass_attributes=football.PassAttributes(**{"season": 2021, "week": 1, "down": 3, "quarter": 2, **attributes}),
        distribution=distribution.Distribution(
            spliced_binned_pareto=distribution.SplicedBinnedPareto(
                support_id=SUPPORT.support_id,
                probabilities=[0.1, 0.35, 0.4, 0.15],
                lower_shape=0.1,
                lower_scale_yards=2,
                upper_shape=0.1,
                upper_scale_yards=9,
                ceiling_yards=40,
            )
        ),
    )
    if play_score is not None:
        record.pass_measure.CopyFrom(
            aggregator.PassMeasure(play_score=play_score, yards_gained=yards, expected_yards=6.5, result=result)
        )
    return aggregator.PlayRecord(score=record)


def a_sack(play: int, *, league: str = "SIM", game: str = "g1") -> aggregator.PlayRecord:
    """A pass play that was not scored."""
    return aggregator.PlayRecord(
        unscored=common.Rejection(
            key=common.PlayKey(league=league, game_id=game, play_id=str(play)),
            revision=1,
            reason=reason_pb2.REASON_NO_RELEASE,
            detail="a sack",
            task=common.TASK_PASSING,
        )
    )


def a_shot(
    play: int,
    chance: float = 0.1,
    result: hockey.ShotResult.ValueType = hockey.SHOT_RESULT_SAVED,
    *,
    league: str = "SIH",
    game: str = "h1",
    names: tuple[str, str] = ("S. Shooter", "G. Goalie"),
    **attributes: Any,
) -> list[aggregator.PlayRecord]:
    """A shot of BOS against MTL: a record for the shooter, their team and the goalie."""
    told = {"x_feet": 70.0, "y_feet": 5.0, "level": hockey.OPPORTUNITY_LEVEL_MEDIUM, "zone": hockey.ICE_ZONE_SLOT}
    subjects = (
        common.Subject(role=common.ROLE_SHOOTER, subject_id="s1", subject_name=names[0], team_id="BOS"),
        common.Subject(role=common.ROLE_SHOOTING_TEAM, subject_id="BOS", team_id="BOS"),
        common.Subject(role=common.ROLE_GOALIE, subject_id="k1", subject_name=names[1], team_id="MTL"),
    )
    return [
        aggregator.PlayRecord(
            score=aggregator.ScoreRecord(
                key=common.PlayKey(league=league, game_id=game, play_id=str(play)),
                subject=subject,
                model=SHOTS,
                revision=1,
                outcome_revision=1,
                shot_measure=aggregator.ShotMeasure(goal_probability=chance, result=result),
                shot_attributes=hockey.ShotAttributes(
                    **{
                        "season": 2023,
                        "period": 2,
                        "game_clock_seconds": 61,
                        "shooting_team_id": "BOS",
                        "defending_team_id": "MTL",
                        "shooter_id": "s1",
                        "goalie_id": "k1",
                        **told,
                        **attributes,
                    }
                ),
                distribution=distribution.Distribution(bernoulli=distribution.Bernoulli(probability=chance)),
            )
        )
        for subject in subjects
    ]

"""`playscore ratings`, `compare`, `plays` and `coverage` over a real store, on a service and straight on the file."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import itertools
import json
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, TypeVar

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result

from aggregator import commands
from aggregator.__main__ import AggregatorSettings, build
from aggregator.commands.compare import Compared, lines
from aggregator.commands.question import Question
from aggregator.commands.roles import VIEWS
from aggregator.local import reading
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient, ListedPlay
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Support, list_releases
from playscore.shipped import RELEASES
from servicekit.server import serving
from tests.clients.services import ROOT, running

Answer = TypeVar("Answer")

PASSING = max(list_releases(RELEASES, "passing"), key=lambda release: release.key.version).key
SHOTS = max(list_releases(RELEASES, "shots"), key=lambda release: release.key.version).key
EDGES = (-10.5, 0.0, 10.0, 99.5)
SUPPORT = distributions.Support(
    support_id=Support(edges_yards=EDGES, lower_tail_probability=0.05, upper_tail_probability=0.05).id,
    edges_yards=EDGES,
    lower_tail_probability=0.05,
    upper_tail_probability=0.05,
)
PASSERS = {
    "p1": ("Jordan Swift", "KC", 0.7),
    "p2": ("Jordan Smith", "BUF", 0.6),
    "p3": ("大谷 José", "KC", 0.5),
    "p4": ("=SUM(A1)", "DEN", 0.4),
}


def passed(passer: str, play: int, *, week: int) -> messages.PlayRecord:
    name, team, level = PASSERS[passer]
    return messages.PlayRecord(
        score=messages.ScoreRecord(
            key=common.PlayKey(league="NFL", game_id=f"g{week}", play_id=f"{passer}-{play}"),
            subject=common.Subject(role=common.ROLE_PASSER, subject_id=passer, subject_name=name, team_id=team),
            model=common.ModelVersion(name=PASSING.name, version=PASSING.version),
            revision=1,
            outcome_revision=1,
            pass_measure=messages.PassMeasure(
                play_score=level + (play % 7 - 3) / 20,
                yards_gained=play % 13 - 2,
                expected_yards=6.5,
                result=football.PASS_RESULT_COMPLETE,
            ),
            pass_attributes=football.PassAttributes(
                season=2021,
                week=week,
                quarter=1 + play % 4,
                game_clock_seconds=872,
                down=1 + play % 3,
                yards_to_go=7,
                team_id=team,
                under_pressure=play % 2 == 0,
                time_to_throw_seconds=2 + play / 10,
                depth=football.PASS_DEPTH_DEEP if play % 3 else football.PASS_DEPTH_UNSPECIFIED,
            ),
            distribution=distributions.Distribution(
                spliced_binned_pareto=distributions.SplicedBinnedPareto(
                    support_id=SUPPORT.support_id,
                    probabilities=[0.25, 0.5, 0.25],
                    lower_shape=0.1,
                    lower_scale_yards=2,
                    upper_shape=-0.1,
                    upper_scale_yards=9,
                    ceiling_yards=60,
                )
            ),
        )
    )


def shot(play: int) -> messages.PlayRecord:
    return messages.PlayRecord(
        score=messages.ScoreRecord(
            key=common.PlayKey(league="NHL", game_id="h1", play_id=str(play)),
            subject=common.Subject(role=common.ROLE_SHOOTER, subject_id=f"s{play % 2}", subject_name="A. Shooter"),
            model=common.ModelVersion(name=SHOTS.name, version=SHOTS.version),
            revision=1,
            shot_measure=messages.ShotMeasure(
                goal_probability=0.1, result=hockey.SHOT_RESULT_GOAL if play == 1 else hockey.SHOT_RESULT_SAVED
            ),
            shot_attributes=hockey.ShotAttributes(
                season=2022, period=2, strength=hockey.STRENGTH_POWER_PLAY, rebound=play == 2, distance_feet=21
            ),
            distribution=distributions.Distribution(bernoulli=distributions.Bernoulli(probability=0.1)),
        )
    )


def unscored(play: int, reason: int = reason_pb2.REASON_NO_RELEASE) -> messages.PlayRecord:
    return messages.PlayRecord(
        unscored=common.Rejection(
            key=common.PlayKey(league="NFL", game_id="g1", play_id=f"u{play}"),
            revision=1,
            reason=reason_pb2.Reason.ValueType(reason),
            task=common.TASK_PASSING,
        )
    )


def recorded(path: Path, *requests: Sequence[messages.PlayRecord]) -> list[tuple[str, datetime]]:
    """Records requests in a store file. The state after each, and a time at which it was the last one."""
    settings = AggregatorSettings(store=f"sqlite:///{path}", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")

    async def record() -> list[tuple[str, datetime]]:
        states = []
        async with serving(build(settings), settings) as service:
            await service.until_serving()
            async with AggregatorClient(str(service.address)) as aggregator:
                for records in requests:
                    written = await aggregator.record_scores(records, [SUPPORT])
                    assert not written.rejections
                    states.append((written.revision.value, datetime.now().astimezone()))
        return states

    return asyncio.run(record())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A season of four passers, a few shots, and plays that were not scored."""
    path = tmp_path_factory.mktemp("store") / "scores.sqlite"
    passes = [passed(passer, play, week=1 + play // 10) for passer in PASSERS for play in range(20)]
    passes.append(passed("p1", 20, week=3))
    waiting = passed("p1", 99, week=3)
    waiting.score.ClearField("pass_measure")
    recorded(path, [*passes, waiting, *map(shot, range(6)), unscored(1), unscored(2), unscored(3, 4711)])
    return path


@pytest.fixture
def say(store: Path) -> Callable[..., Result]:
    """Runs a command on the store file."""

    def say(command: str, *arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(getattr(commands, command), [*arguments, "--store", str(store)])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done

    return say


def asked(store: Path, question: Callable[[AggregatorClient], Awaitable[Answer]]) -> Answer:
    """What a client is answered of the same file."""

    async def ask() -> Answer:
        async with reading(f"sqlite:///{store}") as address, AggregatorClient(address) as aggregator:
            return await question(aggregator)

    return asyncio.run(ask())


# --- Ratings ---


def test_ratings_are_a_table_for_people(say: Callable[..., Result]) -> None:
    lines = say("ratings", "--split", "under_pressure AND week = 1", "--min-plays", "5").stdout.splitlines()
    assert lines[0] == f"NFL passers · under_pressure AND week = 1 · {PASSING}"
    assert lines[2].split() == ["rank", "passer", "team", "plays", "rating", "90%", "interval", "yards", "expected"]
    (rank, *name), (team, plays, rating) = lines[3].split()[:3], lines[3].split()[3:6]
    assert (rank, " ".join(name), team, plays) == ("1", "Jordan Swift", "KC", "5")
    assert "├" in lines[3] and "●" in lines[3] and f"{float(rating):.1f}" == rating
    assert "大谷 José" in lines[5]
    assert lines[8] == "4 of 4 passers ranked (minimum 5 plays); --min-plays changes it."


def test_those_without_a_rank_are_listed_without_one(say: Callable[..., Result]) -> None:
    arguments = ("--split", "week = 3 OR week = 1", "--min-plays", "11")
    listed = say("ratings", *arguments).stdout.splitlines()
    assert [line.split()[0] for line in listed[3:7]] == ["1", "-", "-", "-"]
    assert len(say("ratings", *arguments, "--qualified-only", "--csv").stdout.splitlines()) == 2


def test_a_table_says_how_many_are_not_shown(say: Callable[..., Result]) -> None:
    assert "2 of 4 passers shown; --limit shows more." in say("ratings", "--limit", "2").stdout
    assert len(json.loads(say("ratings", "--limit", "2", "--json").stdout)["ratings"]) == 2


def test_ratings_by_groups_name_the_groups(say: Callable[..., Result]) -> None:
    shown = say("ratings", "--group-by", "team_id, season", "--min-plays", "1").stdout
    assert shown.splitlines()[2].split()[:4] == ["rank", "team", "season", "plays"]
    assert [line.split()[:4] for line in shown.splitlines()[3:6]] == [
        ["1", "KC", "2021", "41"],
        ["2", "BUF", "2021", "20"],
        ["3", "DEN", "2021", "20"],
    ]
    assert "3 of 3 groups ranked (minimum 1 play)" in shown


def test_where_nobody_has_a_rank_it_says_how_many_there_are_and_what_a_rank_takes(say: Callable[..., Result]) -> None:
    told = say("ratings", "--qualified-only", "--min-plays", "99").stdout.splitlines()[-1]
    assert told == "0 of 4 passers ranked (minimum 99 plays); --min-plays changes it."
    one = say("ratings", "--split", "week = 3", "--min-plays", "1").stdout.splitlines()[-1]
    assert one == "1 of 1 passer ranked (minimum 1 play); --min-plays changes it."


def test_a_split_without_plays_says_what_to_change(say: Callable[..., Result]) -> None:
    assert (
        "No goalies have plays in this split; check --role, --league and --split."
        in say("ratings", "--role", "goalie").stdout
    )


def test_json_csv_and_parquet_are_what_the_service_answers(
    say: Callable[..., Result], store: Path, tmp_path: Path
) -> None:
    async def question(aggregator: AggregatorClient) -> tuple[messages.ListRatingsResponse, list[messages.Rating]]:
        listing = aggregator.list_ratings("NFL", split="down = 2", group_by=["subject_id", "season"], min_plays=8)
        return await listing.first_page(), [rating async for rating in listing]

    page, ratings = asked(store, question)
    arguments = ("ratings", "--split", "down = 2", "--group-by", "subject_id,season", "--min-plays", "8")
    document = json.loads(say(*arguments, "--json").stdout)
    expected = [
        {
            "subject_id": rating.subject.subject_id,
            "subject_name": rating.subject.subject_name,
            "team_id": rating.subject.team_id,
            "season": 2021,
            "plays": rating.plays,
            "rating": rating.passing.rating,
            "rating_low": rating.passing.rating_low,
            "rating_high": rating.passing.rating_high,
            "mean_play_score": rating.passing.mean_play_score,
            "yards_per_play": rating.passing.yards_per_play,
            "expected_yards_per_play": rating.passing.expected_yards_per_play,
            "qualified": rating.qualified,
            "rank": rating.rank or None,
            "percentile": rating.percentile if rating.HasField("percentile") else None,
        }
        for rating in ratings
    ]
    assert document.pop("ratings") == expected
    assert document == {
        "league": "NFL",
        "role": "passer",
        "split": "down = 2",
        "model": {"name": "passing", "version": PASSING.version},
        "group_by": ["subject_id", "season"],
        "min_plays": 8,
        "qualified": page.ranking.qualified,
        "total": 4,
        "revision": page.revision.value,
    }
    lines = list(csv.DictReader(io.StringIO(say(*arguments, "--csv").stdout)))
    assert [float(line["rating"]) for line in lines] == [each["rating"] for each in expected]
    assert [line["subject_name"] for line in lines][-1] == "'=SUM(A1)"
    say(*arguments, "--parquet", str(tmp_path / "new" / "ratings.parquet"))
    frame = pl.read_parquet(tmp_path / "new" / "ratings.parquet")
    assert frame.to_dicts() == expected
    assert frame.schema["season"] == pl.Int64


def test_what_is_not_known_is_null_under_its_own_type(say: Callable[..., Result], tmp_path: Path) -> None:
    say("plays", "--parquet", str(tmp_path / "plays.parquet"))
    frame = pl.read_parquet(tmp_path / "plays.parquet")
    assert frame.schema["score_difference"] == pl.Int64
    assert frame["score_difference"].null_count() == frame.height == 81
    assert frame["under_pressure"].dtype == pl.Boolean
    assert set(frame["depth"]) == {None, "PASS_DEPTH_DEEP"}


def test_a_state_that_was_is_asked_for_by_its_revision_or_by_a_time(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    before, after = recorded(path, [passed("p1", 1, week=1)], [passed("p1", 2, week=1), passed("p2", 1, week=1)])

    def plays(*arguments: str) -> dict[str, int]:
        done = CliRunner().invoke(commands.ratings, ["--store", str(path), "--json", *arguments])
        assert done.exit_code == 0, done.output + repr(done.exception)
        return {each["subject_id"]: each["plays"] for each in json.loads(done.stdout)["ratings"]}

    assert plays("--as-of", before[0]) == plays("--as-of", before[1].isoformat()) == {"p1": 1}
    assert plays("--as-of", after[0]) == plays() == {"p1": 2, "p2": 1}
    local = before[1].replace(tzinfo=None)
    assert plays("--as-of", local.isoformat()) == {"p1": 1}


# --- A service and a file ---


@pytest.fixture(scope="module")
def served(store: Path) -> Iterator[str]:
    with running("aggregator", "--store", f"sqlite:///{store}") as address:
        yield address


@pytest.mark.parametrize(
    "arguments",
    [
        ["ratings", "--split", "under_pressure"],
        ["ratings", "--json", "--group-by", "season,subject_id"],
        ["plays", "--subject", "swift", "--distributions", "--csv"],
        ["compare", "p1", "p2", "--json"],
        ["coverage", "--game", "g1"],
    ],
)
def test_a_file_says_what_the_service_says_that_has_it_open(arguments: list[str], served: str, store: Path) -> None:
    command, *others = arguments
    on_service = CliRunner().invoke(getattr(commands, command), [*others, "--aggregator", served])
    on_file = CliRunner().invoke(getattr(commands, command), [*others, "--store", f"sqlite:///{store}"])
    assert (on_service.exit_code, on_file.exit_code) == (0, 0), on_service.output + on_file.output
    assert on_service.stdout == on_file.stdout != ""


def test_reading_leaves_the_file_as_it_is(say: Callable[..., Result], store: Path) -> None:
    before = hashlib.sha256(store.read_bytes()).digest()
    say("ratings")
    say("plays", "--distributions")
    assert hashlib.sha256(store.read_bytes()).digest() == before


def test_the_address_can_come_from_the_environment(served: str) -> None:
    done = CliRunner().invoke(commands.coverage, [], env={"PLAYSCORE_AGGREGATOR": served})
    assert done.exit_code == 0 and "NFL passers" in done.stdout


def test_a_store_is_rated_by_what_the_environment_of_a_service_says(store: Path, tmp_path: Path) -> None:
    def asked(**env: str) -> Result:
        return CliRunner().invoke(commands.ratings, ["--store", str(store), "--json"], env=env)

    older = f"passing:{PASSING.version - 1}"
    answer = json.loads(asked(PLAYSCORE_AGGREGATOR_DEFAULT_MODELS=older).stdout)
    assert (answer["model"]["version"], answer["ratings"]) == (PASSING.version - 1, [])
    refused = asked(PLAYSCORE_AGGREGATOR_RELEASES=str(tmp_path / "none"))
    assert refused.exit_code == 2
    assert "settings refused: --releases (PLAYSCORE_AGGREGATOR_RELEASES)" in refused.stderr


def test_a_store_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(commands.ratings, ["--store", str(tmp_path / "none.sqlite")])
    assert isinstance(done.exception, PlayscoreError)
    assert "there is no such file" in done.exception.detail
    assert list(tmp_path.iterdir()) == []


# --- What cannot be answered ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ratings", "--league", "NFLX"], "nothing is recorded of league 'NFLX'; there are: NFL, NHL"),
        (["ratings", "--split", "quarterback = 7"], "there is no field 'quarterback'"),
        (["ratings", "--group-by", "yards_to_go"], "'yards_to_go' is not one of defenders_near_target, depth, down"),
        (["ratings", "--as-of", "WyJ4IiwxXQ"], "the revision token is not one that this release makes"),
        (["ratings", "--as-of", "yesterday"], "--as-of takes a time, for example 2026-11-26T13:00, or a revision"),
        (["ratings", "--as-of", "2999-01-01"], "--as-of must not be in the future; the service's time is 2"),
        (["ratings", "--order-by", "height"], "--order-by: 'height' is not one of rating,"),
        (["ratings", "--split", "depth = deep"], "not 'deep'; did you mean PASS_DEPTH_DEEP?"),
        (["ratings", "--league", "a b"], "--league"),
        (["ratings", "--model", "shots:1"], "shots:1 is not a released model of passer; released: passing:1"),
        (["plays", "--subject", " "], "the subject is empty; give an identifier or a name"),
        (["coverage", "--game", "g9"], "nothing is recorded of game 'g9'"),
    ],
)
def test_refusals_of_the_service_are_raised_in_its_words(
    say: Callable[..., Result], arguments: list[str], message: str
) -> None:
    refused = say(*arguments, code=1).exception
    assert isinstance(refused, PlayscoreError)
    assert message in refused.detail
    assert "split." not in refused.detail
    assert "consistency" not in refused.detail


def test_a_refusal_is_printed_once(store: Path) -> None:
    command = [sys.executable, "-m", "playscore", "ratings", "--store", str(store), "--split", "down = 3 and home"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("home") == 1
    assert "split.filter" not in done.stderr


def test_another_service_is_not_taken_for_an_aggregator() -> None:
    with running("featurizer") as address:
        refused = CliRunner().invoke(commands.ratings, ["--aggregator", address]).exception
    assert isinstance(refused, PlayscoreError)
    assert refused.detail == f"{address} does not have this call: it is another service, or an earlier release"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ratings", "--json", "--csv"], "give one of --json, --csv and --parquet"),
        (["ratings", "--model", "passing"], '"passing" is not name:version'),
        (["ratings", "--model", "passing:99999999999"], "Invalid value for '--model'"),
        (["ratings", "--aggregator", "here:1"], "--store reads without a service"),
        (["compare", "Swift"], "give a second SUBJECT"),
        (["compare", "a", "b", "c"], "two subjects can be compared, not 3"),
        (["watch"], "the leaderboard needs a terminal; --json prints a line for each change"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    say: Callable[..., Result], arguments: list[str], message: str
) -> None:
    assert message in say(*arguments, code=2).stderr


def test_a_store_url_of_another_kind_is_refused() -> None:
    done = CliRunner().invoke(commands.ratings, ["--store", "cassandra://here"])
    assert done.exit_code == 2 and "is not a store URL" in done.stderr


# --- Subjects ---


def test_a_subject_is_found_by_identifier_or_part_of_a_name(say: Callable[..., Result]) -> None:
    for text in ("p3", "jose", "大谷 José"):
        assert say("plays", "--subject", text).stdout.splitlines()[0].endswith("大谷 José")


def test_a_name_of_several_lists_them(say: Callable[..., Result]) -> None:
    refused = say("plays", "--subject", "jordan", code=1).exception
    assert isinstance(refused, PlayscoreError)
    assert refused.reason is Reason.SUBJECT_NOT_FOUND
    assert refused.detail == (
        "'jordan' matches 2 passers: Jordan Smith (p2, BUF), Jordan Swift (p1, KC); give an identifier"
    )


def test_a_name_that_no_subject_has_is_refused(say: Callable[..., Result]) -> None:
    refused = say("plays", "--subject", "Nobody", code=1).exception
    assert isinstance(refused, PlayscoreError)
    assert refused.detail == "no passer of NFL has the identifier or name 'Nobody'"


# --- Comparisons ---


def test_two_subjects_are_compared_in_words(say: Callable[..., Result], store: Path) -> None:
    answer = asked(store, lambda aggregator: aggregator.compare_ratings("NFL", "p1", "p4"))
    difference = answer.difference
    sentence, _, *table = say("compare", "swift", "p4").stdout.splitlines()
    assert sentence == (
        f"Jordan Swift ({answer.first.passing.rating:.1f}) compared with "
        f"=SUM(A1) ({answer.second.passing.rating:.1f}): "
        f"estimated true difference {difference.difference:.1f} points higher "
        f"[90%: {difference.difference_low:.1f} to {difference.difference_high:.1f}]; "
        f"probability that it is higher: {difference.probability_first_is_better:.0%}."
    )
    assert [line.split()[0] for line in table[1:3]] == ["Jordan", "=SUM(A1)"]


def test_the_worse_one_first_is_as_probably_worse(say: Callable[..., Result]) -> None:
    one, other = (say("compare", *pair).stdout.splitlines()[0] for pair in (("p1", "p4"), ("p4", "p1")))
    assert "points higher" in one and "points lower" in other
    assert one.rpartition(": ")[2] == other.rpartition(": ")[2]


def test_one_subject_is_compared_in_two_splits(say: Callable[..., Result]) -> None:
    arguments = ("compare", "Swift", "--split", "under_pressure", "--second-split", "down = 2")
    shown = say(*arguments).stdout
    assert "Jordan Swift where under_pressure (" in shown and "Jordan Swift where down = 2 (" in shown
    document = json.loads(say(*arguments, "--json").stdout)
    assert (document["first"]["split"], document["second"]["split"]) == ("under_pressure", "down = 2")
    shared = document["difference"]["shared_plays"]
    assert f"{shared} plays are in both splits and cancel out." in shown
    assert document["difference"]["measure"] == "rating"


def test_plays_that_two_takers_or_two_models_share_are_not_said_to_cancel_out() -> None:
    view = VIEWS["faceoff-taker"]
    one, other = (common.Subject(subject_id=each, subject_name=each) for each in ("f1", "f2"))
    model = common.ModelVersion(name="faceoffs", version=1)

    def said(second: common.Subject, second_model: common.ModelVersion, shared: int) -> str:
        answer = messages.CompareRatingsResponse(
            first=messages.Rating(plays=60, faceoffs=messages.FaceoffRating()),
            second=messages.Rating(plays=60, faceoffs=messages.FaceoffRating()),
            first_model=model,
            second_model=second_model,
            difference=messages.RatingDifference(shared_plays=shared),
        )
        question = Question("NHL", view)
        *_, last = lines(Compared(question, question, (one, second), answer), None)
        return last

    assert said(other, model, 60) == "60 plays are shared."
    assert said(one, common.ModelVersion(name="faceoffs", version=2), 1) == "1 play is shared."
    assert said(one, model, 1) == "1 play is in both splits and cancels out."


def test_a_side_without_plays_is_named(say: Callable[..., Result]) -> None:
    arguments = ("compare", "Swift", "--split", "week = 1", "--second-split", "week = 17")
    assert say(*arguments).stdout.startswith("Jordan Swift where week = 17 has no plays: there is nothing to compare.")
    assert json.loads(say(*arguments, "--json").stdout)["difference"] is None


def test_two_sides_without_plays_are_named_once(say: Callable[..., Result]) -> None:
    told = say("compare", "p1", "p2", "--split", "week = 99").stdout
    assert told == "Neither Jordan Swift nor Jordan Smith has plays where week = 99.\n"


def test_shooters_are_compared_by_the_shot(say: Callable[..., Result]) -> None:
    sentence = say("compare", "s1", "s0", "--role", "shooter").stdout.splitlines()[0]
    assert "over 3 shots) compared with" in sentence and "goals a shot higher" in sentence


def test_a_difference_that_rounds_to_nothing_is_none(say: Callable[..., Result]) -> None:
    sentence, *_, note = say(
        "compare", "s0", "s0", "--role", "shooter", "--split", "play_id = 2", "--second-split", "play_id = 4"
    ).stdout.splitlines()
    assert "cannot be told apart: estimated true difference 0.000 goals a shot [90%: -0." in sentence
    assert "probability that the first is higher: 50%" in sentence
    assert "shrunk toward 0" in note


# --- Plays ---


def test_plays_have_their_situation_measures_and_distribution(say: Callable[..., Result]) -> None:
    lines = say("plays", "--subject", "p1", "--split", "week = 3", "--distributions").stdout.splitlines()
    assert lines[2].split() == [
        "game",
        "play",
        "situation",
        "result",
        "yards",
        "expected",
        "score",
        "-10",
        "to",
        "50",
        "yd",
    ]
    assert "g3    p1-20  Q1 14:32, 3rd & 7, under pressure, 4.0 s, deep  complete      5       6.5" in lines[3]
    assert set(lines[3].split()[-1]) <= set("▁▂▃▄▅▆▇█") and len(lines[3].split()[-1]) == 15
    assert lines[-1] == "1 play."


def test_plays_that_wait_for_their_result_are_shown_when_asked_for(say: Callable[..., Result]) -> None:
    shown = say("plays", "--subject", "p1", "--split", "week = 3", "--ungraded").stdout
    (line,) = [line for line in shown.splitlines() if "p1-99" in line]
    assert "result pending" in line


def test_quantiles_of_what_was_expected_are_those_of_the_distribution(say: Callable[..., Result], store: Path) -> None:
    async def question(aggregator: AggregatorClient) -> ListedPlay:
        listing = aggregator.list_plays("NFL", subject_id="p1", split="week = 3", include_distributions=True)
        return await anext(aiter(listing))

    expected = asked(store, question).distribution()
    arguments = ("plays", "--subject", "p1", "--split", "week = 3", "--distributions")
    (play,) = json.loads(say(*arguments, "--json").stdout)["plays"]
    for name, share in (("yards_p05", 0.05), ("yards_p50", 0.5), ("yards_p95", 0.95)):
        assert play[name] == pytest.approx(float(expected.icdf(share)))
    assert play["touchdown_probability"] == pytest.approx(float(expected.atom))


def test_chances_of_shots_are_drawn_as_bars(say: Callable[..., Result]) -> None:
    lines = say("plays", "--role", "shooter", "--distributions", "--limit", "3").stdout.splitlines()
    assert "P2, 21 ft, power play           saved       0.10" in lines[3]
    assert lines[3].endswith("█░░░░░░░░░")
    assert "rebound" in lines[5]
    assert lines[-1] == "3 of 6 plays shown; --limit shows more."


# --- Leagues ---


def test_leagues_are_listed_with_the_roles_that_have_plays(say: Callable[..., Result]) -> None:
    assert "NFL  passers (81 plays)\n" in say("leagues").stdout
    listed = json.loads(say("leagues", "--json").stdout)
    assert {"league": "NFL", "graded": {"passer": 81}} in listed["leagues"]


# --- Coverage ---


def test_coverage_says_in_plain_words_why_plays_were_not_scored(say: Callable[..., Result]) -> None:
    shown = say("coverage").stdout
    assert "NFL passers · all games · 85 plays" in shown
    assert "      81  ███████████████████░  95%  in ratings" in shown
    assert "       1  ░░░░░░░░░░░░░░░░░░░░   1%  waiting for the official result" in shown
    assert "       2  NO_RELEASE: The play ended without the ball being thrown." in shown
    assert "       1  4711: Reason 4711 is unknown to this release." in shown


def test_coverage_of_a_role_that_a_league_lacks_names_those_it_has(say: Callable[..., Result]) -> None:
    told = say("coverage", "--league", "NHL", "--role", "passer").stdout
    assert told == "NHL has no passers; roles with plays: shooter.\n"


def test_coverage_as_json_adds_up(say: Callable[..., Result]) -> None:
    answer = json.loads(say("coverage", "--game", "g1", "--json").stdout)
    assert answer["plays"] == answer["graded"] + answer["ungraded"] + sum(each["plays"] for each in answer["unscored"])
    assert answer["unscored"][0] == {
        "reason": "NO_RELEASE",
        "meaning": "The play ended without the ball being thrown.",
        "plays": 2,
    }


# --- The command line around them ---


def test_every_command_is_an_entry_point_that_needs_no_extra() -> None:
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())
    entries = project["project"]["entry-points"]["playscore.commands"]
    for name in commands.__all__:
        entry = EntryPoint(name, entries[name], "playscore.commands")
        assert isinstance(entry.load(), click.Command)
        assert not entry.extras


def test_calling_a_service_needs_the_base_install_only_and_an_unreachable_one_is_reported_with_what_to_try() -> None:
    missing = ("lark", "grpc_health", "polars", "rich", "structlog", "uvloop", "prometheus_client", "pydantic_settings")
    probe = (
        f"import sys\nfor name in {missing!r}: sys.modules[name] = None\n"
        "sys.argv = ['playscore', 'ratings', '--aggregator', '127.0.0.1:1']\n"
        "from playscore.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: no answer from an aggregator: 127.0.0.1:1: ")
    assert "--store PATH|URL reads a store without one" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["erase", "--league", "NFL", "--whole-league", "--justification", "request 17", "--yes"],
        ["operations"],
        ["models", "switch", "passing:3", "--league", "NFL", "--task", "passing"],
    ],
)
def test_a_command_that_reads_no_store_does_not_advise_to_read_one(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playscore.client.connection.backoff", lambda: itertools.repeat(0.0))
    command, *others = arguments
    refused = CliRunner().invoke(getattr(commands, command), [*others, "--aggregator", "127.0.0.1:1"]).exception
    assert isinstance(refused, PlayscoreError)
    assert refused.reason is Reason.NOT_SERVING
    assert "--aggregator HOST:PORT" in refused.detail
    assert "--store" not in refused.detail


def test_a_reader_that_has_read_enough_ends_a_command_quietly(store: Path) -> None:
    command = f"{sys.executable} -c 'from aggregator.commands import plays; plays()' --store {store} --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout == "{\n"
    assert done.stderr == ""

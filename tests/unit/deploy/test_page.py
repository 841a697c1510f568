"""The page of the demo: one file that needs nothing else, and what it says."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from deploy.local.page import SCRIPTS, render, words
from deploy.local.page.leaderboard import Split, fewer_yards_rated_higher, leaderboard_data
from deploy.local.page.plays import ScoredPass, plays_data
from pipeline.results import Ending
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import chance, counted
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.game import Game, Play, TrackedObject
from playscore.passing import PassOutcome, PassResult, PlayKind, situation_of
from playscore.reasons import MEANINGS
from playscore.release import Support
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.wire.distributions import support_to_message
from simulator import simulate


def embedded(page: str) -> object:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def source(name: str) -> str:
    return files("deploy.local.page").joinpath(name).read_text()


def rating(
    name: str, *, rating: float, score: float, yards: float, expected: float, qualified: bool = True
) -> aggregator.Rating:
    message = aggregator.Rating(
        plays=20,
        passing=aggregator.PassingRating(
            rating=rating,
            rating_low=rating - 10,
            rating_high=rating + 10,
            mean_play_score=score,
            yards_per_play=yards,
            expected_yards_per_play=expected,
        ),
        qualified=qualified,
        rank=1 if qualified else 0,
    )
    message.subject.subject_name = name
    return message


def test_the_page_carries_its_data_style_and_script() -> None:
    data = {"summary": "a slate", "plays": []}
    page = render(data)
    assert embedded(page) == data
    assert "/* style */" not in page
    assert "/* script */" not in page


def test_the_page_asks_nobody_for_anything() -> None:
    page = render({})
    assert not re.findall(r'src="|href="(?!#)|@import|url\(|fetch\(|XMLHttpRequest', page)
    assert set(re.findall(r"https?://\S+?(?=[\"'])", page)) == {
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/2000/svg",
    }


def test_a_name_cannot_break_out_of_the_data() -> None:
    data = {"summary": "</script><script>alert(1)</script>", "plays": []}
    assert embedded(render(data)) == data


def test_every_element_that_is_named_exists() -> None:
    page = source("page.html")
    script = "".join(source(f"{name}.js") for name in SCRIPTS)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    named = set(re.findall(r'\$\("([^"]+)"\)', script)) | set(re.findall(r'(?:aria-labelledby|for)="([^"]+)"', page))
    assert named <= set(ids)


def test_headings_are_in_order_and_pictures_have_a_name() -> None:
    page = source("page.html")
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert 'canvas.setAttribute("aria-label"' in source("football.js")
    assert '$("ice").setAttribute("aria-label"' in source("hockey.js")
    assert len(re.findall(r"<canvas[^>]*role=\"img\"", page)) == len(re.findall(r"<canvas", page))
    assert re.search(r"<svg[^>]*aria-labelledby=", page)


@pytest.mark.parametrize(("number", "text"), [(0, "0 games"), (1, "1 game"), (2, "2 games")])
def test_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "game") == text


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "under 1%"),
        (0.0049, "under 1%"),
        (0.01, "1%"),
        (0.5, "50%"),
        (0.99, "99%"),
        (0.9951, "over 99%"),
        (1.0, "over 99%"),
    ],
)
def test_a_chance_is_never_nothing_or_certainty(probability: float, text: str) -> None:
    assert chance(probability) == text


@pytest.mark.parametrize("how", Ending)
def test_an_ending_reads_as_words(how: Ending) -> None:
    assert "_" not in words.ending(how, Reason.TOO_SHORT)
    assert words.ending(how, None)


def test_a_rejected_play_says_why() -> None:
    assert words.ending(Ending.REJECTED, Reason.NOT_A_PASS) == MEANINGS[Reason.NOT_A_PASS]


@pytest.mark.parametrize(
    ("how", "yards", "text"),
    [
        (PassResult.COMPLETE, 19, "19 yards"),
        (PassResult.COMPLETE, 1, "1 yard"),
        (PassResult.COMPLETE, -5, "loss of 5 yards"),
        (PassResult.INCOMPLETE, 0, "incomplete"),
        (PassResult.INTERCEPTED, 0, "intercepted"),
        (None, 3, "3 yards"),
    ],
)
def test_a_result_reads_as_words(how: PassResult | None, yards: float, text: str) -> None:
    assert words.result(how, yards) == text


def test_an_unknown_situation_is_left_out() -> None:
    assert words.situation(3, 2, 8) == "quarter 3, 2nd & 8"
    assert words.situation(None, 4, 1) == "4th & 1"
    assert words.situation(None, None, None) == ""


def test_a_verdict_states_what_was_less_the_same_and_more_likely() -> None:
    assert words.verdict("Ann Lee", -1, 4.25, 0.002, 0.098) == (
        "Ann Lee lost 1 yard. In the same situation a league-average passer would gain fewer under 1% of the time,"
        " the same 10%, and more 90%; on average 4.2."
    )


def test_unknown_prospects_are_left_out() -> None:
    assert words.prospects(0.25, None) == "When the ball was thrown, the chance of a first down was 25%."
    assert words.prospects(None, None) == ""


def test_the_example_is_the_pair_furthest_apart_that_expected_yards_explain() -> None:
    ratings = [
        rating("First", rating=88, score=0.60, yards=6.2, expected=4.0),
        rating("Second", rating=84, score=0.55, yards=7.0, expected=6.0),
        rating("Third", rating=80, score=0.50, yards=8.0, expected=7.9),
    ]
    example = fewer_yards_rated_higher(ratings)
    assert "First gained 6.2 yards a play where 4.0 were expected (average play score 0.60, rating 88)" in example
    assert "Third gained 8.0 yards a play where 7.9 were expected (average play score 0.50, rating 80)" in example


@pytest.mark.parametrize(
    "other",
    [
        rating("gained fewer", rating=80, score=0.50, yards=6.0, expected=7.0),
        rating("beat the expectation by more", rating=80, score=0.50, yards=9.0, expected=4.0),
        rating("scored better on average", rating=80, score=0.70, yards=8.0, expected=7.9),
        rating("is not ranked", rating=80, score=0.50, yards=8.0, expected=7.9, qualified=False),
    ],
    ids=lambda other: other.subject.subject_name,
)
def test_no_example_is_made_up(other: aggregator.Rating) -> None:
    assert fewer_yards_rated_higher([rating("First", rating=88, score=0.60, yards=6.2, expected=4.0), other]) == ""


def test_a_leaderboard_says_how_many_plays_a_rank_needs_and_who_has_them() -> None:
    ratings = (
        rating("Ranked", rating=88, score=0.6, yards=6, expected=5),
        rating("Few plays", rating=80, score=0.5, yards=6, expected=5, qualified=False),
    )
    shown = leaderboard_data(Split("Deep", "Passes 20 yards or more downfield.", "deep", 14, ratings))
    assert shown["min_plays_applied"] == 14
    assert shown["qualified"] == 1
    assert [(row["rank"], row["qualified"]) for row in shown["ratings"]] == [(1, True), (0, False)]


@pytest.fixture(scope="module")
def game() -> Game:
    return next(iter(simulate(seed=3, games=1, plays_per_game=40))).game


def thrown(game: Game) -> list[Play]:
    return [
        play
        for play in game.plays
        if situation_of(play.context).kind is PlayKind.PASS
        and isinstance(play.outcome, PassOutcome)
        and play.outcome.result in {PassResult.COMPLETE, PassResult.INCOMPLETE, PassResult.INTERCEPTED}
    ]


def scored(game: Game, play: Play, play_score: float) -> ScoredPass:
    """A flat distribution from 20 yards lost to 80 gained, graded as `play_score`."""
    assert isinstance(play.outcome, PassOutcome)
    assert play.outcome.yards_gained is not None
    edges = np.arange(-20.5, 80.0)
    support = Support(edges_yards=tuple(edges.tolist()), lower_tail_probability=0.05, upper_tail_probability=0.05)
    score = scorer.PassScore(
        distribution=distribution.Distribution(
            spliced_binned_pareto=distribution.SplicedBinnedPareto(
                support_id=support.id,
                probabilities=np.full(len(edges) - 1, 0.01).tolist(),
                lower_scale_yards=2.0,
                upper_scale_yards=5.0,
            )
        ),
        expected_yards=29.5,
        grade=scorer.PassGrade(yards_gained=play.outcome.yards_gained, play_score=play_score),
    )
    score.key.game_id, score.key.play_id = game.header.game_id, play.context.play_id
    return score, support_to_message(support)


def test_the_plays_shown_are_spread_from_the_best_to_the_worst(game: Game) -> None:
    plays = thrown(game)
    scores = np.random.default_rng(1).permutation(np.linspace(0.01, 0.99, len(plays)))
    shown = plays_data([game], [scored(game, play, score) for play, score in zip(plays, scores, strict=True)])
    assert len(shown) == 12
    assert [play["score"] for play in shown] == sorted((play["score"] for play in shown), reverse=True)
    assert (shown[0]["score"], shown[-1]["score"]) == (pytest.approx(0.99), pytest.approx(0.01))


def test_a_play_is_shown_with_its_film_and_its_distribution(game: Game) -> None:
    for play in thrown(game):
        (shown,) = plays_data([game], [scored(game, play, 0.5)])
        assert json.dumps(shown, allow_nan=False)
        assert sum(shown["distribution"]["probabilities"]) == pytest.approx(1)
        assert shown["yards"] in shown["distribution"]["yards"]
        assert shown["snap"] < shown["release"] < len(shown["x"]) == len(play.frames)
        assert [player["role"] for player in shown["players"]].count("passer") == 1
        passer = [player["role"] for player in shown["players"]].index("passer")
        assert shown["x"][shown["release"]][passer] < shown["line_of_scrimmage"]


def test_the_ball_is_where_its_track_has_it(game: Game) -> None:
    play = thrown(game)[0]
    (shown,) = plays_data([game], [scored(game, play, 0.5)])
    (ball,) = [track for track in play.tracks if track.tracked is TrackedObject.BALL]
    assert len(shown["ball_x"]) == len(play.frames)
    assert sum(x is not None for x in shown["ball_x"]) == int(np.isfinite(ball.x).sum())


def test_nothing_scored_shows_no_plays(game: Game) -> None:
    assert plays_data([game], []) == []

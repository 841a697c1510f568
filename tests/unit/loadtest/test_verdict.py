"""The verdict of a load test follows from what was recorded and from the budgets, and from nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.histograms import Buckets, Latencies
from loadtest.recording import Recording
from loadtest.verdict import MAX_LAG_SHARE, PLAY, Outcome, Verdict, verdict
from servicekit.budgets import MAX_SECONDS, Budget, Budgets, budgets

RECORDINGS = Path(__file__).with_name("recordings")
PLAYS = 200

MEDIAN = Budget(name="play-median", metric=PLAY, quantile=0.5, seconds=0.025, meaning="A play.")
TAIL = Budget(name="play", metric=PLAY, quantile=0.99, seconds=0.1, meaning="A play.")
CALL = Budget(
    name="call",
    metric="grpc_server_handling_seconds",
    labels={"grpc_type": "unary"},
    each=("grpc_method",),
    quantile=0.99,
    seconds=0.05,
    meaning="A call.",
)
BUDGETS = Budgets(budgets=(MEDIAN, TAIL, CALL))


def recorded(
    readable: list[float] | None = None, lag: list[float] | None = None, series: list[Buckets] | None = None
) -> Recording:
    """A load test of `PLAYS` plays that took 12 ms each, by a generator that was half a millisecond late."""
    plays = [0.012] * PLAYS if readable is None else readable
    return Recording(
        scenario="sunday",
        scale=1,
        target="a test",
        games=14,
        seconds=60.0,
        messages=1000,
        plays_told=len(plays) + 20,
        plays_recorded=len(plays) + 20,
        plays_scored=len(plays),
        flat_out=False,
        lag=Latencies([0.0005] * 1000 if lag is None else lag),
        readable=Latencies(plays),
        series=series or [],
    )


def calls(method: str, within: int, later: int, kind: str = "unary") -> Buckets:
    """Calls of which so many took at most 50 ms."""
    counts = {0.01: within / 2, 0.05: within, 0.5: within + later, math.inf: within + later}
    return Buckets("grpc_server_handling_seconds", {"grpc_type": kind, "grpc_method": method}, counts)


def judged(recording: Recording) -> Verdict:
    return verdict(recording, BUDGETS)


def test_it_is_kept_where_every_budget_is_and_every_play_is_recorded() -> None:
    done = judged(recorded(series=[calls("ScorePasses", 100, 1)]))
    assert (done.outcome, list(done.reasons)) == (Outcome.KEPT, [])
    assert [(each.name, each.kept) for each in done.judgements] == [
        ("play-median", True),
        ("play", True),
        ("call", True),
    ]


def test_one_play_in_a_hundred_may_be_late() -> None:
    on_time = [0.012] * 198
    assert judged(recorded([*on_time, 0.3, 0.3])).outcome is Outcome.KEPT
    late = judged(recorded([*on_time[:197], 0.3, 0.3, 0.3]))
    assert late.outcome is Outcome.BROKEN
    assert late.reasons == ["play: 3 of 200 took longer than 100 ms, 1% may"]


def test_a_slow_median_is_broken_though_no_play_is_very_late() -> None:
    done = judged(recorded([0.03] * PLAYS))
    assert [each.name for each in done.judgements if not each.kept] == ["play-median"]
    assert done.outcome is Outcome.BROKEN


def test_methods_are_judged_separately() -> None:
    done = judged(recorded(series=[calls("ScorePasses", 1000, 0), calls("ListPlays", 10, 1)]))
    assert done.reasons == ["call (ListPlays): 1 of 11 took longer than 50 ms, 1% may"]


def test_a_budget_holds_only_for_the_series_that_it_names() -> None:
    assert judged(recorded(series=[calls("StreamScores", 0, 50, kind="bidi_stream")])).outcome is Outcome.KEPT


def test_what_was_not_measured_breaks_nothing_and_is_said() -> None:
    done = judged(recorded())
    assert [(each.name, each.count) for each in done.judgements][-1] == ("call", 0)
    assert done.outcome is Outcome.KEPT


@pytest.mark.parametrize("budget", [MEDIAN, TAIL], ids=lambda budget: budget.name)
def test_it_is_invalid_where_the_generator_was_late_by_too_much_of_a_budget(budget: Budget) -> None:
    late = round(1000 * (1 - budget.quantile)) + 1
    behind = MAX_LAG_SHARE * budget.seconds + 0.001
    assert judged(recorded(lag=[0.0] * (1000 - late) + [behind] * late)).outcome is Outcome.INVALID
    assert judged(recorded(lag=[0.0] * (1000 - late) + [behind - 0.002] * late)).outcome is Outcome.KEPT


def test_a_starved_generator_makes_it_invalid_whatever_the_services_did() -> None:
    broken = recorded([5.0] * PLAYS, lag=[0.4] * 1000)
    done = judged(broken)
    assert done.outcome is Outcome.INVALID
    assert all("generator was behind" in reason for reason in done.reasons)
    assert judged(replace(broken, plays_recorded=0)).outcome is Outcome.INVALID


@pytest.mark.parametrize(("recorded_plays", "said"), [(219, "-1"), (221, "+1")])
def test_a_play_that_is_lost_or_recorded_twice_breaks_it(recorded_plays: int, said: str) -> None:
    done = judged(replace(recorded(), plays_recorded=recorded_plays))
    assert done.outcome is Outcome.BROKEN
    assert said in done.reasons[0]


def test_a_scored_play_that_no_reader_finds_breaks_it() -> None:
    assert judged(replace(recorded(), plays_scored=PLAYS + 1)).outcome is Outcome.BROKEN


def test_flat_out_only_what_is_lost_counts() -> None:
    backlog = replace(recorded([], lag=[]), flat_out=True, series=[calls("ScorePasses", 0, 50)], plays_scored=20)
    assert judged(backlog).outcome is Outcome.KEPT
    assert judged(replace(backlog, plays_recorded=19)).outcome is Outcome.BROKEN


# --- Recordings of real load tests ---


def wider(times: float) -> Budgets:
    """The shipped budgets, so many times as wide."""
    wide = [
        budget.model_copy(update={"seconds": min(times * budget.seconds, MAX_SECONDS)}) for budget in budgets().budgets
    ]
    return Budgets(budgets=tuple(wide))


def test_a_recorded_test_with_a_starved_generator_is_invalid() -> None:
    recording = Recording.load(RECORDINGS / "starved.json")
    assert recording.lag.quantile(0.99) > MAX_LAG_SHARE * 0.1
    assert verdict(recording, budgets()).outcome is Outcome.INVALID


def test_a_recorded_sunday_on_two_slow_cores_is_broken_by_what_was_late_and_nothing_else() -> None:
    recording = Recording.load(RECORDINGS / "sunday_4_too_slow.json")
    judged = verdict(recording, budgets())
    assert judged.outcome is Outcome.BROKEN
    assert all("took longer than" in reason for reason in judged.reasons)
    assert verdict(recording, wider(16)).outcome is Outcome.KEPT


def test_a_recorded_test_whose_scorer_was_stopped_for_moments_names_the_scorer() -> None:
    judged = verdict(Recording.load(RECORDINGS / "scorer_slowed.json"), budgets())
    assert judged.outcome is Outcome.BROKEN
    assert any(reason.startswith("call (ScorerService ScorePasses)") for reason in judged.reasons)
    assert any(reason.startswith("pipeline-play:") for reason in judged.reasons)


def test_a_recorded_season_flat_out_is_judged_by_completeness_alone() -> None:
    recording = Recording.load(RECORDINGS / "season_kept.json")
    assert verdict(recording, budgets()).outcome is Outcome.KEPT
    assert verdict(replace(recording, plays_recorded=recording.plays_recorded - 1), budgets()).outcome is Outcome.BROKEN


def test_the_same_latencies_are_broken_where_the_generator_was_on_time_and_kept_by_wider_budgets() -> None:
    recording = replace(Recording.load(RECORDINGS / "starved.json"), lag=Latencies([0.0003] * 3400))
    assert verdict(recording, budgets()).outcome is Outcome.BROKEN
    assert verdict(recording, wider(100)).outcome is Outcome.KEPT


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_a_recording_is_read_as_it_was_written(path: Path) -> None:
    recording = Recording.load(path)
    again = Recording.from_json(recording.as_json())
    assert verdict(again, budgets()) == verdict(recording, budgets())
    assert again.as_json() == recording.as_json()

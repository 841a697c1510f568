"""Each budget is stated once and is the boundary of a bucket."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import grpc
import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from playscore.errors import Reason
from servicekit.budgets import Budget, Budgets, budgets
from servicekit.metrics import go_code, latency_histogram


def budget(**changes: object) -> Budget:
    return Budget.model_validate(
        {"name": "play", "metric": "play_seconds", "quantile": 0.99, "seconds": 0.1, "meaning": "A play."} | changes
    )


@pytest.mark.parametrize("stated", budgets().budgets, ids=lambda stated: str(stated.name))
def test_every_budget_is_a_boundary(stated: Budget) -> None:
    assert stated.seconds in budgets().buckets(stated.metric)


@pytest.mark.parametrize(
    "metric", [*dict.fromkeys(stated.metric for stated in budgets().budgets), "without_budget_seconds"]
)
def test_buckets_rise_from_100_microseconds_to_10_seconds_by_no_more_than_half(metric: str) -> None:
    bounds = budgets().buckets(metric)
    assert (bounds[0], bounds[-1]) == (100e-6, 10)
    assert all(low < high < 1.5 * low for low, high in pairwise(bounds))


def test_budgets_that_do_not_line_up_are_boundaries_all_the_same() -> None:
    both = Budgets(budgets=(budget(), budget(name="median", seconds=0.0301)))
    assert {0.1, 0.0301} <= set(both.buckets("play_seconds"))


def test_a_histogram_has_the_boundaries_of_its_budgets() -> None:
    latency_histogram("test_budgets_seconds", "Of this test.").observe(0.0009)
    assert REGISTRY.get_sample_value("test_budgets_seconds_bucket", {"le": "0.001"}) == 1
    assert REGISTRY.get_sample_value("test_budgets_seconds_bucket", {"le": "0.000707"}) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 99},
        {"seconds": 0},
        {"seconds": 60},
        {"metric": "play_ms"},
        {"metre": 1},
        {"meaning": ""},
        {"name": "Play time"},
    ],
)
def test_a_wrong_budget_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        budget(**wrong)


def test_a_budget_is_kept_when_its_share_is_in_time() -> None:
    assert budget().is_kept(0.99)
    assert not budget().is_kept(0.9899)


def test_a_budget_is_found_by_name() -> None:
    assert Budgets(budgets=(budget(),)).named("play").seconds == 0.1
    with pytest.raises(KeyError, match="there are play"):
        Budgets(budgets=(budget(),)).named("rating")


def test_reasons_and_codes_that_count_against_availability_exist() -> None:
    known = {reason.name for reason in Reason} | {go_code(code) for code in grpc.StatusCode}
    for promise in budgets().availability:
        assert set(promise.bad) <= known


def test_two_budgets_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="twice: play"):
        Budgets(budgets=(budget(), budget()))


def test_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tight.yaml"
    path.write_text("budgets: [{name: a, metric: a_seconds, quantile: 0.5, seconds: 0.002, meaning: A.}]")
    monkeypatch.setenv("PLAYSCORE_BUDGETS", str(path))
    assert budgets.__wrapped__().of("a_seconds")[0].seconds == 0.002


def test_a_named_file_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYSCORE_BUDGETS", str(tmp_path / "none.yaml"))
    with pytest.raises(FileNotFoundError, match="PLAYSCORE_BUDGETS"):
        budgets.__wrapped__()

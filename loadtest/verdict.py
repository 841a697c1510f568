"""The verdict of a load test: a pure function of what was recorded and of the budgets."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtest.histograms import together
from loadtest.recording import Recording
from servicekit.budgets import Budget, Budgets

PLAY: Final = "playscore_pipeline_play_seconds"
"""The metric whose budgets are judged by what a reader saw, from the intended time of a play's closing message."""
MAX_LAG_SHARE: Final = 0.2
"""Of a budget from closing frame to readable rating: how late the generator may be at the budget's own quantile."""


class Outcome(enum.IntEnum):
    """What a load test comes to, as the exit status of the command."""

    KEPT = 0
    BROKEN = 1
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """One budget, or one series of it where it is judged separately."""

    budget: Budget
    series: str
    """What tells this series from the budget's others: "RecordScores"; empty for all together."""
    count: int
    """Observations. 0: the load test had none, and the budget is not judged."""
    late: int
    """Of these, how many took longer than the budget."""
    measured_seconds: float
    """The latency that the budget's share of them stay within; of a Prometheus histogram the bound above it."""

    @property
    def name(self) -> str:
        """Of the budget."""
        return self.budget.name

    @property
    def kept(self) -> bool:
        """Whether few enough were late."""
        return not self.count or self.budget.is_kept((self.count - self.late) / self.count)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a load test comes to, and why."""

    outcome: Outcome
    judgements: Sequence[Judgement]
    reasons: Sequence[str]
    """Why it is broken or invalid, a sentence each; empty where it is kept."""

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "outcome": self.outcome.name.lower(),
            "reasons": list(self.reasons),
            "budgets": [
                {
                    "name": each.name,
                    "series": each.series,
                    "quantile": each.budget.quantile,
                    "budget_seconds": each.budget.seconds,
                    "count": each.count,
                    "late": each.late,
                    "measured_seconds": each.measured_seconds if math.isfinite(each.measured_seconds) else None,
                    "kept": each.kept if each.count else None,
                }
                for each in self.judgements
            ],
        }


def verdict(recording: Recording, budgets: Budgets) -> Verdict:
    """Judges a load test.

    It is invalid where the generator fell behind its own schedule: then the services were not asked what the scenario
    says. Else it is broken where a budget is, or where a play is not recorded exactly once. Flat out, plays wait for
    each other, so that only what is lost counts.
    """
    judged = () if recording.flat_out else tuple(_judgements(recording, budgets))
    if starved := list(_starved(recording, budgets)):
        return Verdict(Outcome.INVALID, judged, starved)
    broken = [_why(each) for each in judged if not each.kept]
    if lost := recording.plays_told - recording.plays_recorded:
        broken.append(f"{recording.plays_told} plays were told, {recording.plays_recorded} are recorded ({-lost:+d})")
    if not recording.flat_out and recording.readable.count != recording.plays_scored:
        broken.append(f"{recording.plays_scored} plays are scored, a reader found {recording.readable.count}")
    return Verdict(Outcome.BROKEN if broken else Outcome.KEPT, judged, broken)


def _judgements(recording: Recording, budgets: Budgets) -> Iterator[Judgement]:
    for budget in budgets.budgets:
        if budget.metric == PLAY:
            yield _of_plays(budget, recording)
            continue
        series = [
            each
            for each in recording.series
            if each.metric == budget.metric
            and all(each.labels.get(label) == value for label, value in budget.labels.items())
        ]
        if not series:
            yield Judgement(budget, "", 0, 0, math.nan)
        for labels, one in together(series, budget.each).items():
            yield Judgement(
                budget,
                " ".join(value.rpartition(".")[2] for _, value in labels),
                round(one.count),
                round(one.count - one.within(budget.seconds)),
                one.at_most(budget.quantile),
            )


def _of_plays(budget: Budget, recording: Recording) -> Judgement:
    plays = recording.readable
    return Judgement(budget, "", plays.count, plays.above(budget.seconds), plays.quantile(budget.quantile))


def _starved(recording: Recording, budgets: Budgets) -> Iterator[str]:
    """How the generator was too late, if it was."""
    for budget in budgets.of(PLAY):
        late, allowed = recording.lag.quantile(budget.quantile), MAX_LAG_SHARE * budget.seconds
        if late > allowed:
            yield (
                f"the generator was behind its schedule: {1e3 * late:.1f} ms at {100 * budget.quantile:g}% of its"
                f" messages, of which {1e3 * allowed:.1f} ms are allowed ({budget.name})"
            )


def _why(judged: Judgement) -> str:
    name = f"{judged.name} ({judged.series})" if judged.series else judged.name
    return (
        f"{name}: {judged.late} of {judged.count} took longer than {1e3 * judged.budget.seconds:g} ms,"
        f" {100 * (1 - judged.budget.quantile):g}% may"
    )

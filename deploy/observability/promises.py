"""Rules that follow from the budgets: how fast each promise is being used up, and alerts when that is too fast.

The method is that of the SRE workbook, "Alerting on SLOs": several windows, each with a burn rate of its own. A burn
rate of 1 uses up what a promise allows in exactly its window of days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client.utils import floatToGoString

from deploy.observability.rules import Alert, Recording, Severity
from servicekit.budgets import Availability, Budget, Budgets

NAMESPACE: Final = "namespace"
"""Kept wherever series are added up, so that two suites under one Prometheus stay apart; empty outside Kubernetes."""
MIN_BAD: Final = 10
"""Bad events in the long window before an alert fires: one slow call in a quiet night wakes nobody."""

Promise = Budget | Availability


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert condition: both windows burn at `rate` or faster."""

    long: str
    short: str
    rate: float
    severity: Severity


BURNS: Final = (
    Burn("1h", "5m", 14.4, "page"),
    Burn("6h", "30m", 6.0, "page"),
    Burn("1d", "2h", 3.0, "ticket"),
    Burn("3d", "6h", 1.0, "ticket"),
)
"""They use up 2%, 5%, 10% and 10% of what 30 days allow before they fire."""
WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
LONG_WINDOWS: Final = tuple(dict.fromkeys(burn.long for burn in BURNS))


def selector(metric: str, labels: dict[str, str], *more: str) -> str:
    """A metric's series with these labels, in PromQL."""
    matchers = [*(f'{label}="{value}"' for label, value in labels.items()), *more]
    return f"{metric}{{{','.join(matchers)}}}" if matchers else metric


def _edge(seconds: float) -> str:
    """The label of a bucket, as the services write it."""
    return str(floatToGoString(seconds))  # type: ignore[no-untyped-call]


def kept_labels(promise: Promise) -> str:
    """The labels by which a promise is judged separately, in PromQL."""
    return ", ".join((NAMESPACE, *promise.each))


def bad_and_all(promise: Promise, function: str, window: str) -> tuple[str, str]:
    """The bad events of a promise and all of them, in PromQL; `function` is "rate" or "increase"."""
    by, labels = f"sum by ({kept_labels(promise)})", dict(promise.labels)

    def added_up(series: str) -> str:
        return f"{by} ({function}({series}[{window}]))"

    if isinstance(promise, Budget):
        everything = added_up(selector(f"{promise.metric}_count", labels))
        good = added_up(selector(f"{promise.metric}_bucket", {**labels, "le": _edge(promise.seconds)}))
        return f"({everything} - {good})", everything
    values = "|".join(promise.bad)
    matcher = f'{promise.label}=~"{values}"'
    everything = added_up(selector(promise.metric, labels))
    bad = added_up(selector(promise.metric, labels, matcher))
    return f"({bad} or 0 * {everything})", everything


def recordings(budgets: Budgets) -> Iterator[Recording]:
    """The share of bad events of each promise over each window, and their number over the long ones."""
    for promise in budgets.promises:
        for window in (*WINDOWS, f"{budgets.window_days}d"):
            bad, everything = bad_and_all(promise, "rate", window)
            yield Recording(ratio(window), f"{bad} / {everything}", {"promise": promise.name})
        for window in LONG_WINDOWS:
            bad, _ = bad_and_all(promise, "increase", window)
            yield Recording(number(window), bad, {"promise": promise.name})


def ratio(window: str) -> str:
    """The recorded share of bad events over a window."""
    return f"playscore:promise_bad:ratio_rate{window}"


def number(window: str) -> str:
    """The recorded number of bad events over a window."""
    return f"playscore:promise_bad:increase{window}"


def burns_of(promise: Promise) -> tuple[Burn, ...]:
    """The burns that can happen: where half of all may be bad, no rate above 2 exists."""
    return tuple(burn for burn in BURNS if burn.rate * (1 - promise.objective) < 1)


def alert_name(promise: Promise) -> str:
    """What a promise's alert is called."""
    return "Playscore" + "".join(word.capitalize() for word in promise.name.split("-")) + "BudgetBurn"


def alerts(budgets: Budgets) -> Iterator[Alert]:
    """An alert for each promise and severity."""
    for promise in budgets.promises:
        for severity in ("page", "ticket"):
            burns = [burn for burn in burns_of(promise) if burn.severity == severity]
            if burns:
                yield _alert(promise, burns, budgets.window_days, severity)


def _alert(promise: Promise, burns: list[Burn], window_days: int, severity: Severity) -> Alert:
    conditions = [_condition(promise, burn) for burn in burns]
    where = "".join(f" {label}={{{{ $labels.{label} }}}}" for label in promise.each)
    if isinstance(promise, Budget):
        promised = f"{promise.objective:.4g} of these must take at most {promise.seconds * 1e3:g} ms"
    else:
        promised = f"{promise.objective:.4g} of these must be good"
    windows = " or ".join(f"{burn.long} (over {burn.rate:g} times too fast)" for burn in burns)
    return Alert(
        name=alert_name(promise),
        expression="\nor\n".join(conditions),
        severity=severity,
        summary=f"{promise.name}{where}: {{{{ $value | humanizePercentage }}}} are bad",
        description=f"{promise.meaning} Over {window_days} days, {promised}; what that allows is being used up too fast"
        f" for {windows}.",
    )


def _condition(promise: Promise, burn: Burn) -> str:
    labels = {"promise": promise.name}
    limit = f"{burn.rate * (1 - promise.objective):.6g}"
    return (
        f"({selector(ratio(burn.long), labels)} > {limit}\n"
        f" and {selector(ratio(burn.short), labels)} > {limit}\n"
        f" and {selector(number(burn.long), labels)} >= {MIN_BAD})"
    )

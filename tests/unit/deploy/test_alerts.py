"""Each alert fires when it should, stays silent when it should, and has a runbook; `promtool` says so."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.observability.__main__ import FOLDER, files
from deploy.observability.promises import alert_name, burns_of
from servicekit.budgets import Availability, Budget, budgets

ROOT = Path(__file__).resolve().parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "rules.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
HOUR = 60
"""Minutes; enough for every window, which counts what there is."""
NAMES = sorted({rule["alert"] for rule in ALERTS})


@dataclass(frozen=True)
class Case:
    """What Prometheus sees for so many minutes, and whether the alert fires then."""

    alert: str
    fires: bool
    series: Mapping[str, str]
    minutes: int = 20


def worker(metric: str, **labels: str) -> str:
    return series(metric, job="worker", instance="worker-0", namespace="playscore", **labels)


def series(metric: str, **labels: str) -> str:
    return metric + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def up(job: str, instance: str = "0") -> str:
    return series("up", job=job, instance=instance)


AGGREGATOR = {"job": "aggregator", "instance": "aggregator-0"}
FREE = series("playscore_aggregator_store_free_bytes", **AGGREGATOR)
WRITES = series("playscore_aggregator_writes_taken", **AGGREGATOR)
SERVING = series("playscore_serving", job="scorer", instance="scorer-0", part="")
READY = series("playscore_scorer_model_ready", model="passing", version="5")
LAG = "playscore_event_loop_lag_seconds"
EXPIRY = series("playscore_tls_certificate_expiry_timestamp_seconds", job="scorer")
LIVE, MESSAGES = worker("playscore_work_games_live"), worker("playscore_work_messages_total")
SILENCE_IN_PLAY = worker("playscore_work_feed_silence_seconds", during="play")
SILENCE_IN_BREAK = worker("playscore_work_feed_silence_seconds", during="break")
WAITING, BEHIND = worker("playscore_work_games_waiting"), worker("playscore_work_messages_behind")
ASIDE, FAILED = (worker("playscore_work_runs_total", ending=ending) for ending in ("set_aside", "failed"))
UNREADABLE = worker("playscore_work_unreadable_messages_total")
CONNECTED = worker("playscore_work_broker_connected")
MODEL = {"model": "passing", "version": "5"}
SHOTS = {"model": "shots", "version": "2"}
WEEK = {"minutes": 90}


def admission(outcome: str) -> str:
    return series("playscore_admission_calls_total", job="scorer", outcome=outcome)


def lag(edge: str) -> str:
    return series(f"{LAG}_bucket", job="scorer", instance="scorer-0", le=edge)


def memory(used: str, limit: str) -> dict[str, str]:
    labels = {"job": "worker", "instance": "worker-0"}
    return {
        series("process_resident_memory_bytes", **labels): used,
        series("playscore_memory_limit_bytes", **labels): limit,
    }


def scores(total: str, count: str) -> dict[str, str]:
    metric = "playscore_model_play_score"
    return {series(f"{metric}_sum", **MODEL): total, series(f"{metric}_count", **MODEL): count}


def chances(occurred: str, expected: str, variance: str) -> dict[str, str]:
    told = {"occurred": occurred, "expected": expected, "variance": variance}
    return {series(f"playscore_model_{name}_total", **SHOTS): values for name, values in told.items()}


def plays(outcome: str, reason: str) -> str:
    return series("playscore_plays_total", job="featurizer", outcome=outcome, reason=reason)


CASES = (
    *(
        case
        for job in ("featurizer", "scorer", "aggregator", "worker", "triton")
        for case in (
            Case(f"Playscore{job.capitalize()}Absent", True, {up(job): "1x5 0x20"}),
            Case(f"Playscore{job.capitalize()}Absent", True, {up("other"): "1x20"}),
            Case(f"Playscore{job.capitalize()}Absent", False, {up(job, "0"): "0x20", up(job, "1"): "1x20"}),
        )
    ),
    Case("PlayscoreTargetDown", True, {up("scorer", "0"): "0x20", up("scorer", "1"): "1x20"}),
    Case("PlayscoreTargetDown", False, {up("scorer"): "1x16 0x4", up("of-others"): "0x20"}),
    Case("PlayscoreNotServing", True, {SERVING: "1x5 0x15"}),
    Case("PlayscoreNotServing", False, {SERVING: "1x18 0x2"}),
    Case("PlayscoreWritesFail", True, {WRITES: "1x5 0x15"}),
    Case("PlayscoreWritesFail", False, {WRITES: "1x20"}),
    Case("PlayscoreStoreDiskFilling", True, {FREE: "900000000x20"}),
    Case("PlayscoreStoreDiskFilling", True, {FREE: "20000000000-20000000x20"}),
    Case("PlayscoreStoreDiskFilling", False, {FREE: "20000000000-2000x20"}),
    Case("PlayscoreStoreDiskFilling", False, {FREE: "-1x20"}),
    Case("PlayscoreModelNotReady", True, {READY: "1x5 0x15"}),
    Case("PlayscoreModelNotReady", False, {READY: "1x10 0 1x9"}),
    Case("PlayscoreCallsRefused", True, {admission("admitted"): "0+98x20", admission("no room"): "0+2x20"}),
    Case("PlayscoreCallsRefused", False, {admission("admitted"): "0+999x20", admission("no room"): "0+1x20"}),
    Case("PlayscoreEventLoopLag", True, {lag("0.1"): "0+90x20", lag("0.2"): "0+100x20", lag("+Inf"): "0+100x20"}),
    Case("PlayscoreEventLoopLag", False, {lag("0.05"): "0+100x20", lag("0.1"): "0+100x20", lag("+Inf"): "0+100x20"}),
    Case("PlayscoreMemoryNearLimit", True, memory("950x20", "1000x20")),
    Case("PlayscoreMemoryNearLimit", False, memory("500x15 950x5", "1000x20")),
    Case("PlayscoreBrokerLost", True, {CONNECTED: "1x5 0x15"}),
    Case("PlayscoreBrokerLost", False, {CONNECTED: "1x20"}),
    Case("PlayscoreAllFeedsSilent", True, {LIVE: "16x20", MESSAGES: "0+500x10 5000x10"}),
    Case("PlayscoreAllFeedsSilent", False, {LIVE: "16x20", MESSAGES: "0+10x20"}),
    Case("PlayscoreAllFeedsSilent", False, {LIVE: "1x20", MESSAGES: "0+500x10 5000x10"}),
    Case("PlayscoreFeedSilentInPlay", True, {SILENCE_IN_PLAY: "0x18 60+60x2"}),
    Case("PlayscoreFeedSilentInPlay", False, {SILENCE_IN_PLAY: "2x20", SILENCE_IN_BREAK: "0+45x20"}),
    Case("PlayscoreFeedSilent", True, {SILENCE_IN_BREAK: "0+65x20"}),
    Case("PlayscoreFeedSilent", False, {SILENCE_IN_BREAK: "0+60x18 1x2"}),
    Case("PlayscoreGamesWaiting", True, {WAITING: "0x10 3x10"}),
    Case("PlayscoreGamesWaiting", False, {WAITING: "0x10 3x1 0x9"}),
    Case("PlayscoreWorkersBehind", True, {BEHIND: "0x5 2000x15"}),
    Case("PlayscoreWorkersBehind", False, {BEHIND: "0x17 2000x3"}),
    Case("PlayscoreGameSetAside", True, {ASIDE: "0x10 1x10"}),
    Case("PlayscoreGameSetAside", False, {ASIDE: "3x20"}),
    Case("PlayscoreGameRunsFail", True, {FAILED: "0x10 5x10"}),
    Case("PlayscoreGameRunsFail", False, {FAILED: "0x10 2x10"}),
    Case("PlayscoreUnreadableMessages", True, {UNREADABLE: "0x10 1x10"}),
    Case("PlayscoreUnreadableMessages", False, {UNREADABLE: "7x20"}),
    Case("PlayscoreReloadFailed", True, {series("playscore_reload_successful", what="tls"): "1x5 0x15"}),
    Case("PlayscoreReloadFailed", False, {series("playscore_reload_successful", what="tls"): "1x5 0x2 1x13"}),
    Case("PlayscoreCertificateExpires", True, {EXPIRY: "500000x20"}),
    Case("PlayscoreCertificateExpires", False, {EXPIRY: "5000000x20"}),
    Case("PlayscorePlayScoresDrift", True, scores("0+55x90", "0+100x90"), **WEEK),
    Case("PlayscorePlayScoresDrift", False, scores("0+51x90", "0+100x90"), **WEEK),
    Case("PlayscorePlayScoresDrift", False, scores("0+0.06x90", "0+0.1x90"), **WEEK),
    Case("PlayscoreChancesDrift", True, chances("0+13x90", "0+10x90", "0+9x90"), **WEEK),
    Case("PlayscoreChancesDrift", False, chances("0+10.5x90", "0+10x90", "0+9x90"), **WEEK),
    Case("PlayscoreChancesDrift", False, chances("0+0.13x90", "0+0.1x90", "0+0.09x90"), **WEEK),
    Case(
        "PlayscorePlaysRejected",
        True,
        {plays("tensor", ""): "0+80x40", plays("rejected", "PLAYER_JUMPED"): "0+20x40"},
        minutes=40,
    ),
    Case(
        "PlayscorePlaysRejected",
        False,
        {plays("tensor", ""): "0+60x40", plays("rejected", "NOT_A_PASS"): "0+40x40"},
        minutes=40,
    ),
)


def share_of_bad(promise: Budget | Availability, burn_rate: float) -> float:
    """The share of bad events that burns so fast, as far as there is one."""
    return min(burn_rate * (1 - promise.objective), 0.95)


def counted(promise: Budget | Availability, bad: float, everything: float) -> dict[str, str]:
    """An hour of a promise of which so many events a minute are bad."""
    labels = {**promise.labels, **dict.fromkeys(promise.each, "some"), "instance": "0"}

    def rising(a_minute: float) -> str:
        return f"0+{a_minute:g}x{HOUR}"

    if isinstance(promise, Budget):
        return {
            series(f"{promise.metric}_bucket", **labels, le=f"{promise.seconds:g}"): rising(everything - bad),
            series(f"{promise.metric}_count", **labels): rising(everything),
        }
    return {
        series(promise.metric, **labels, **{promise.label: "fine"}): rising(everything - bad),
        series(promise.metric, **labels, **{promise.label: promise.bad[-1]}): rising(bad),
    }


def promise_tests(name: str, burn_rate: float, severity: str, only_promises: str) -> dict[str, Any]:
    """All promises burn at once; those that can burn so fast fire."""
    inputs: dict[str, str] = {}
    firing = set()
    for promise in budgets().promises:
        bad = share_of_bad(promise, burn_rate)
        inputs |= counted(promise, bad * 100_000, 100_000)
        if any(burn.severity == severity and bad > burn.rate * (1 - promise.objective) for burn in burns_of(promise)):
            firing.add((alert_name(promise), severity))
    return test_of(name, inputs, HOUR, firing, f'{only_promises}severity="{severity}",')


def test_of(
    name: str, inputs: Mapping[str, str], minutes: int, firing: set[tuple[str, str]], matcher: str
) -> dict[str, Any]:
    """A test as promtool reads it: which alerts fire in the end, of those that match."""
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in inputs.items()],
        "promql_expr_test": [
            {
                "expr": f'count by (alertname, severity) (ALERTS{{{matcher}alertstate="firing"}}) > bool 0',
                "eval_time": f"{minutes}m",
                "exp_samples": [
                    {"labels": f'{{alertname="{alert}", severity="{severity}"}}', "value": 1}
                    for alert, severity in sorted(firing)
                ],
            }
        ],
    }


test_of.__test__ = False  # type: ignore[attr-defined]


def severities(alert: str) -> str:
    [severity] = {rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == alert}
    return str(severity)


def tests_of_promises() -> Iterator[dict[str, Any]]:
    names = "|".join(alert_name(promise) for promise in budgets().promises)
    only_promises = f'alertname=~"{names}",'
    for share, severity in ((20, "page"), (7, "page"), (4, "ticket"), (1.5, "ticket")):
        yield promise_tests(f"{share} times too fast", share, severity, only_promises)
    for share, a_minute in ((0.5, 100_000), (20, 0.05)):
        inputs: dict[str, str] = {}
        for promise in budgets().promises:
            inputs |= counted(promise, share_of_bad(promise, share) * a_minute, a_minute)
        yield test_of(f"silent at {share} times, {a_minute} a minute", inputs, HOUR, set(), only_promises)


def tests_of_cases() -> Iterator[dict[str, Any]]:
    for number, case in enumerate(CASES):
        firing = {(case.alert, severities(case.alert))} if case.fires else set()
        yield test_of(f"{case.alert}, {number}", case.series, case.minutes, firing, f'alertname="{case.alert}",')


tests_of_promises.__test__ = tests_of_cases.__test__ = False  # type: ignore[attr-defined]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing: install Debian's package prometheus")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_what_is_committed_is_what_the_budgets_make() -> None:
    made = files(budgets())
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, f"{name} is not up to date: run make generate"
    assert {path.name for path in (FOLDER / "dashboards").iterdir()} == {
        Path(name).name for name in made if name.startswith("dashboards/")
    }


def test_the_panels_of_traced_latencies_ask_for_exemplars_and_no_others() -> None:
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    for path in (FOLDER / "dashboards").iterdir():
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                asked[target["exemplar"]].add(panel["title"])
    assert {"From closing frame to rating", "Stages, p99", "Unary calls, p99"} <= asked[True]
    assert {"CPU, cores", "How late the event loop is, p99"} <= asked[False] - asked[True]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(NAMES)


def test_the_page_lists_every_alert_with_its_severities() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    listed = dict(re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| ([a-z, ]+) \|", page, re.MULTILINE))
    severities_of: dict[str, list[str]] = {}
    for rule in ALERTS:
        severities_of.setdefault(rule["alert"], []).append(rule["labels"]["severity"])
    assert listed == {name: ", ".join(found) for name, found in severities_of.items()}


def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}")


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_it_means_what_users_see_where_to_look_and_what_to_do(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    places = [
        text.index(f"**{part}**") for part in ("What it means.", "What users see.", "How to look.", "What to do.")
    ]
    assert places == sorted(places)
    assert text.startswith(f"# {name}\n")


def test_the_cases_cover_every_alert_both_ways() -> None:
    of_promises = {alert_name(promise) for promise in budgets().promises}
    for fires in (True, False):
        assert {case.alert for case in CASES if case.fires is fires} | of_promises == set(NAMES)


def test_prometheus_takes_the_rules() -> None:
    checked = promtool("check", "rules", FOLDER / "rules.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("prefix", "tests"),
    [("playscore-promise", tests_of_promises), ("playscore-", tests_of_cases)],
    ids=["promises", "cases"],
)
def test_alerts_fire_when_they_should_and_only_then(
    prefix: str, tests: Callable[[], Iterator[dict[str, Any]]], tmp_path: Path
) -> None:
    groups = [group for group in RULES["groups"] if group["name"].startswith(prefix)]
    if tests is tests_of_cases:  # what the promises record costs most of the time, and no case needs it
        groups = [group for group in groups if not group["name"].startswith("playscore-promise")]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    written = tmp_path / "tests.yaml"
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(tests())}
    written.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
    tested = promtool("test", "rules", written)
    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-6000:]


def test_a_rule_that_never_fires_is_found(tmp_path: Path) -> None:
    [group] = [group for group in RULES["groups"] if group["name"] == "playscore-alerts"]
    mutant = yaml.safe_dump({"groups": [group]}).replace("taken == 0", "taken == 2")
    (tmp_path / "rules.yaml").write_text(mutant)
    fires = next(case for case in CASES if case.alert == "PlayscoreWritesFail" and case.fires)
    test = test_of("mutant", fires.series, fires.minutes, {(fires.alert, "page")}, f'alertname="{fires.alert}",')
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document))
    tested = promtool("test", "rules", tmp_path / "tests.yaml")
    assert "FAILED" in tested.stdout + tested.stderr

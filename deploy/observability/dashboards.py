"""The dashboards as data: one of the whole way, one a service, one of the models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from deploy.observability.promises import ratio, selector
from servicekit.budgets import Budget, Budgets

Unit = Literal["short", "s", "percentunit", "bytes", "reqps"]

RATE: Final = "$__rate_interval"
_WITH_EXEMPLARS: Final = (
    "grpc_server_handling_seconds",
    "playscore_aggregator_commit_seconds",
    "playscore_featurizer_tensor_seconds",
    "playscore_pipeline_play_seconds",
    "playscore_scorer_inference_seconds",
)
"""Histograms that state the trace of what they observe."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: queries with the text of their legends."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: Unit = "short"
    only_in_failure: str = ""
    """Why its queries have no data while all is well; empty: they have."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels below each other, two in a row."""

    uid: str
    title: str
    panels: Sequence[Panel]


def dashboards(budgets: Budgets) -> Iterator[Dashboard]:
    """All of them."""
    yield Dashboard("playscore-overview", "playscore / the way of a play", (*_promises(budgets), *_way()))
    for job, own in (("featurizer", _featurizer), ("scorer", _scorer), ("aggregator", _aggregator)):
        yield Dashboard(f"playscore-{job}", f"playscore / {job}", (*own(budgets), *_calls(job), *_process(job)))
    yield Dashboard("playscore-worker", "playscore / worker", (*_worker(), *_process("worker")))
    yield Dashboard("playscore-models", "playscore / models", tuple(_models()))


def quantile(share: float, metric: str, by: str = "", **labels: str) -> str:
    """A quantile of a histogram over the last moments, in PromQL."""
    kept = f"{by}, le" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({kept}) (rate({selector(f'{metric}_bucket', labels)}[{RATE}])))"


def has_exemplars(query: str) -> bool:
    """Whether a query shows a latency of which there are examples, each with its trace."""
    return query.startswith("histogram_quantile(") and any(f"{name}_bucket" in query for name in _WITH_EXEMPLARS)


def _budgeted(budget: Budget) -> Panel:
    by = ", ".join(budget.each)
    legend = " ".join(f"{{{{{label}}}}}" for label in budget.each)
    shown = f"p{budget.quantile * 100:g} {legend}".strip()
    measured = quantile(budget.quantile, budget.metric, by, **budget.labels)
    return Panel(
        f"{budget.name}: {budget.meaning}",
        ((measured, shown), (f"vector({budget.seconds:g})", "budget")),
        "s",
    )


def _promises(budgets: Budgets) -> Iterator[Panel]:
    promises = budgets.promises
    window = f"{budgets.window_days}d"
    left = " or ".join(
        f"1 - {selector(ratio(window), {'promise': promise.name})} / {1 - promise.objective:.6g}"
        for promise in promises
    )
    yield Panel(
        f"What is left of each promise over {budgets.window_days} days (below 0: broken)",
        ((left, "{{promise}} {{grpc_service}} {{grpc_method}} {{model}} {{version}}"),),
        "percentunit",
    )
    burning = " or ".join(
        f"{selector(ratio('1h'), {'promise': promise.name})} / {1 - promise.objective:.6g}" for promise in promises
    )
    yield Panel("Burn rate over an hour (1: just kept)", ((burning, "{{promise}} {{grpc_method}} {{model}}"),))


def _way() -> Iterator[Panel]:
    yield Panel(
        "From closing frame to rating",
        tuple((quantile(share, "playscore_pipeline_play_seconds"), f"p{share * 100:g}") for share in (0.5, 0.9, 0.99)),
        "s",
    )
    yield Panel(
        "Stages, p99",
        (
            (quantile(0.99, "playscore_featurizer_tensor_seconds"), "tensor"),
            (quantile(0.99, "playscore_scorer_inference_seconds"), "inference"),
            (quantile(0.99, "playscore_aggregator_commit_seconds"), "commit"),
        ),
        "s",
    )
    yield Panel(
        "Plays by what became of them, a second",
        ((f'sum by (outcome) (rate(playscore_plays_total{{job="worker"}}[{RATE}]))', "{{outcome}}"),),
        "reqps",
    )
    yield Panel(
        "Games",
        (
            ("sum(playscore_work_games_held)", "held"),
            ("sum(playscore_work_games_live)", "live"),
            ("max(playscore_work_games_waiting)", "waiting for a worker"),
        ),
    )
    yield Panel(
        "Replicas that serve",
        (('sum by (job) (playscore_serving{part=""})', "{{job}}"), ('sum(up{job="triton"})', "triton")),
    )
    yield Panel(
        "Alerts that fire",
        (('sum by (alertname, severity) (ALERTS{alertname=~"Playscore.*",alertstate="firing"})', "{{alertname}}"),),
        only_in_failure="no alert fires while all is well",
    )


def _featurizer(budgets: Budgets) -> Iterator[Panel]:
    yield _budgeted(budgets.named("featurizer-tensor"))
    yield Panel(
        "Plays by what became of them, a second",
        ((f'sum by (outcome) (rate(playscore_plays_total{{job="featurizer"}}[{RATE}]))', "{{outcome}}"),),
        "reqps",
    )
    yield _rejections("featurizer")


def _scorer(budgets: Budgets) -> Iterator[Panel]:
    yield _budgeted(budgets.named("scorer-inference"))
    yield Panel(
        "Plays that wait for inference", (("sum by (instance) (playscore_scorer_waiting_plays)", "{{instance}}"),)
    )
    yield Panel(
        "Models that can be used",
        (("min by (model, version) (playscore_scorer_model_ready)", "{{model}} {{version}}"),),
    )
    yield Panel(
        "Triton: requests that wait",
        (("sum by (model, version) (nv_inference_pending_request_count)", "{{model}} {{version}}"),),
    )
    yield Panel(
        "Triton: batches a second",
        ((f"sum by (model) (rate(nv_inference_exec_count[{RATE}]))", "{{model}}"),),
        "reqps",
    )
    yield Panel(
        "Triton: plays a batch",
        (
            (
                f"sum by (model) (rate(nv_inference_count[{RATE}]))"
                f" / sum by (model) (rate(nv_inference_exec_count[{RATE}]))",
                "{{model}}",
            ),
        ),
    )


def _aggregator(budgets: Budgets) -> Iterator[Panel]:
    yield _budgeted(budgets.named("aggregator-commit"))
    yield _budgeted(budgets.named("aggregator-watch"))
    yield Panel("Writes are taken", (("min by (instance) (playscore_aggregator_writes_taken)", "{{instance}}"),))
    yield Panel(
        "Free where the store is (-1: not here)",
        (("min by (instance) (playscore_aggregator_store_free_bytes)", "{{instance}}"),),
        "bytes",
    )
    yield Panel(
        "Watches",
        (("sum(playscore_aggregator_watches)", "watches"), ("sum(playscore_aggregator_watched_splits)", "splits")),
    )


def _worker() -> Iterator[Panel]:
    yield Panel(
        "Games",
        (
            ("sum by (instance) (playscore_work_games_held)", "held by {{instance}}"),
            ("max(playscore_work_games_waiting)", "waiting"),
        ),
    )
    yield Panel(
        "Messages",
        (
            (f"sum(rate(playscore_work_messages_total[{RATE}]))", "taken a second"),
            ("sum(playscore_work_messages_behind)", "not read yet"),
        ),
    )
    yield Panel(
        "Longest silence of a live game",
        (("max by (during) (playscore_work_feed_silence_seconds)", "during a {{during}}"),),
        "s",
    )
    yield Panel(
        "Runs of games by how they ended, in 15 minutes",
        (("sum by (ending) (increase(playscore_work_runs_total[15m]))", "{{ending}}"),),
    )
    yield Panel(
        "What goes wrong, in 15 minutes",
        (
            ("sum(increase(playscore_work_redeliveries_total[15m]))", "games taken over"),
            ("sum(increase(playscore_work_unreadable_messages_total[15m]))", "unreadable messages"),
        ),
    )
    yield Panel("The broker is there", (("min by (instance) (playscore_work_broker_connected)", "{{instance}}"),))


def _rejections(job: str) -> Panel:
    rejected = f'playscore_plays_total{{job="{job}",reason!=""}}'
    return Panel(
        "Plays by the reason that they have no score, in an hour",
        ((f"sum by (reason) (increase({rejected}[1h])) > 0", "{{reason}}"),),
    )


def _calls(job: str) -> Iterator[Panel]:
    own = 'grpc_service!~"grpc[.].*"'
    yield Panel(
        "Calls a second",
        ((f'sum by (grpc_method) (rate(grpc_server_started_total{{job="{job}",{own}}}[{RATE}]))', "{{grpc_method}}"),),
        "reqps",
    )
    yield Panel(
        "Calls by status, a second",
        ((f'sum by (grpc_code) (rate(grpc_server_handled_total{{job="{job}",{own}}}[{RATE}]))', "{{grpc_code}}"),),
        "reqps",
    )
    yield Panel(
        "Unary calls, p99",
        (
            (
                "histogram_quantile(0.99, sum by (grpc_method, le) (rate(grpc_server_handling_seconds_bucket"
                f'{{job="{job}",grpc_type="unary",{own}}}[{RATE}])))',
                "{{grpc_method}}",
            ),
        ),
        "s",
    )
    yield Panel(
        "Let in or refused, a second",
        ((f'sum by (outcome) (rate(playscore_admission_calls_total{{job="{job}"}}[{RATE}]))', "{{outcome}}"),),
        "reqps",
    )
    yield Panel(
        "Open and waiting",
        (
            (f'sum(playscore_open_streams{{job="{job}"}})', "streams"),
            (f'sum(playscore_open_watches{{job="{job}"}})', "watches"),
            (f'sum(playscore_admission_calls_in_progress{{job="{job}"}})', "calls in progress"),
            (f'sum(playscore_admission_waiting_calls{{job="{job}"}})', "calls waiting"),
        ),
    )


def _process(job: str) -> Iterator[Panel]:
    of = f'{{job="{job}"}}'
    yield Panel("CPU, cores", ((f"rate(process_cpu_seconds_total{of}[{RATE}])", "{{instance}}"),))
    yield Panel(
        "Memory",
        (
            (f"process_resident_memory_bytes{of}", "{{instance}}"),
            (f"min(playscore_memory_limit_bytes{of})", "limit"),
        ),
        "bytes",
    )
    yield Panel(
        "How late the event loop is, p99",
        ((quantile(0.99, "playscore_event_loop_lag_seconds", "instance", job=job), "{{instance}}"),),
        "s",
    )


def _models() -> Iterator[Panel]:
    shown = "{{model}} {{version}}"
    yield Panel(
        "Coverage: plays that are scored, of those recorded in an hour",
        (
            (
                'sum(increase(playscore_plays_total{job="worker",outcome=~"scored|ungraded"}[1h]))'
                ' / sum(increase(playscore_plays_total{job="worker",outcome!="superseded"}[1h]))',
                "share",
            ),
        ),
        "percentunit",
    )
    yield _rejections("worker")
    yield Panel(
        "Mean play score over 7 days (0.5 while the model is right)",
        (("playscore:model_play_score:mean7d", shown),),
    )
    at_most = 'sum by (model, version) (increase(playscore_model_play_score_bucket{{le="{}"}}[7d]))'
    inside = f"{at_most.format('0.99')} - {at_most.format('0.01')}"
    yield Panel(
        "Plays outside the middle 98% of their distribution, over 7 days (2% while the model is right)",
        ((f"1 - ({inside}) / sum by (model, version) (increase(playscore_model_play_score_count[7d]))", shown),),
        "percentunit",
    )
    yield Panel(
        "What happened, of what was predicted, over 7 days (1 while the model is right)",
        (("playscore:model_chances:ratio7d", shown),),
    )
    yield Panel(
        "How many standard deviations that is from 1",
        (("playscore:model_chances:z7d", shown),),
    )
    yield Panel(
        "Graded plays a minute",
        (
            (f"60 * sum by (model, version) (rate(playscore_model_play_score_count[{RATE}]))", shown),
            (f"60 * sum by (model, version) (rate(playscore_model_chances_total[{RATE}]))", shown),
        ),
    )
    yield Panel(
        "Play scores: the share below 0.25, 0.5 and 0.75, over 7 days",
        tuple(
            (
                f'sum by (model, version) (increase(playscore_model_play_score_bucket{{le="{edge}"}}[7d]))'
                " / sum by (model, version) (increase(playscore_model_play_score_count[7d]))",
                f"{shown} below {edge}",
            )
            for edge in ("0.25", "0.5", "0.75")
        ),
        "percentunit",
    )


def as_document(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana imports it (schema version 39: Grafana 10 and later)."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["playscore"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": [_panel(panel, place) for place, panel in enumerate(dashboard.panels)],
    }


def _panel(panel: Panel, place: int) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": {"x": place % 2 * 12, "y": place // 2 * 8, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": source,
                "expr": query,
                "legendFormat": legend,
                "exemplar": has_exemplars(query),
            }
            for number, (query, legend) in enumerate(panel.queries)
        ],
    }

"""`python -m deploy.observability` writes the rules and dashboards that are committed beside this file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.observability import alerts, dashboards, promises
from deploy.observability.rules import Group, Recording, as_document, as_yaml
from servicekit.budgets import Budgets, budgets

FOLDER: Final = Path(__file__).parent
RUNBOOKS: Final = "https://playscore.example.org/runbooks"
_COMMENT: Final = "Written by `make generate` (python -m deploy.observability). Do not edit."


def groups(promised: Budgets) -> tuple[Group, ...]:
    """All rules."""
    recordings = list(promises.recordings(promised))
    whole = promises.ratio(f"{promised.window_days}d")
    return (
        Group("playscore-promises", [rule for rule in recordings if rule.record != whole]),
        Group("playscore-promises-window", [rule for rule in recordings if rule.record == whole], interval="5m"),
        Group("playscore-models", _of_models(), interval="1m"),
        Group("playscore-promise-alerts", list(promises.alerts(promised))),
        Group("playscore-alerts", list(alerts.alerts())),
    )


def _of_models() -> list[Recording]:
    def week(metric: str) -> str:
        return f"sum by ({promises.NAMESPACE}, model, version) (increase({metric}[7d]))"

    occurred, expected = week("playscore_model_occurred_total"), week("playscore_model_expected_total")
    scores = "playscore_model_play_score"
    return [
        Recording("playscore:model_play_score:count7d", week(f"{scores}_count")),
        Recording("playscore:model_play_score:mean7d", f"{week(f'{scores}_sum')} / {week(f'{scores}_count')}"),
        Recording("playscore:model_chances:ratio7d", f"{occurred} / {expected}"),
        Recording(
            "playscore:model_chances:z7d", f"({occurred} - {expected}) / sqrt({week('playscore_model_variance_total')})"
        ),
    ]


def files(promised: Budgets, runbooks: str = RUNBOOKS) -> Mapping[str, str]:
    """What is generated, by its path in this folder."""
    rules = as_document(groups(promised), runbooks)
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "playscore"},
        "spec": rules,
    }
    shown = {
        f"dashboards/{dashboard.uid}.json": json.dumps(dashboards.as_document(dashboard), indent=1) + "\n"
        for dashboard in dashboards.dashboards(promised)
    }
    return {
        "rules.yaml": as_yaml(rules, _COMMENT),
        "prometheus-rule.yaml": as_yaml(resource, _COMMENT),
        **shown,
    }


def main() -> None:
    """Writes the files, and removes dashboards that are no longer made."""
    parser = argparse.ArgumentParser(description="Write Prometheus rules and Grafana dashboards.")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="URL of the folder of runbooks, without a slash")
    parser.add_argument(
        "--out", default=FOLDER, type=Path, help="folder to write to; default: where the committed ones are"
    )
    chosen = parser.parse_args()
    made = files(budgets(), chosen.runbooks)
    for old in (chosen.out / "dashboards").glob("*.json"):
        old.unlink()
    for name, text in made.items():
        path = chosen.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

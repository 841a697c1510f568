"""Prometheus rules as data, and the files that they are written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import yaml

Severity: TypeAlias = Literal["page", "ticket"]
"""page: somebody is woken. ticket: somebody looks during the day."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that is worked out again and again."""

    record: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody is told, and when. Its runbook has its name."""

    name: str
    expression: str
    severity: Severity
    summary: str
    description: str
    wait: str = ""
    """How long the expression must hold; empty: not at all."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are worked out together, in their order."""

    name: str
    rules: Sequence[Recording | Alert]
    interval: str = ""
    """Empty: Prometheus' own."""


def as_document(groups: Iterable[Group], runbooks: str) -> dict[str, Any]:
    """The rules as Prometheus reads them. `runbooks` is the URL of the folder of runbooks, without a slash."""
    return {"groups": [_group(group, runbooks) for group in groups]}


def _group(group: Group, runbooks: str) -> dict[str, Any]:
    rules = [_recording(rule) if isinstance(rule, Recording) else _alert(rule, runbooks) for rule in group.rules]
    return {"name": group.name, **({"interval": group.interval} if group.interval else {}), "rules": rules}


def _recording(rule: Recording) -> dict[str, Any]:
    return {"record": rule.record, "expr": rule.expression, **({"labels": dict(rule.labels)} if rule.labels else {})}


def _alert(rule: Alert, runbooks: str) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expression,
        **({"for": rule.wait} if rule.wait else {}),
        "labels": {"severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"{runbooks}/{rule.name}",
        },
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(document: object, comment: str) -> str:
    """A document as YAML, below a comment of one line."""
    return f"# {comment}\n" + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=200)

"""docs/settings.md: every setting of every service, from the classes that read them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import DirectoryPath, FilePath
from pydantic.fields import FieldInfo

from servicekit.settings import HostAndPort, ServiceSettings

_PAGE = """# Settings

<!-- Written by `make generate` from the settings classes of the services. Do not edit: write the page anew. -->

A setting is a flag and an environment variable. The flag wins over the variable, the variable over the default.
`python -m <service> --help` lists the same. A service logs its settings when it starts, without its secrets; a wrong
one ends it with exit code 2 and one line that says what would be right.

A flag that is true or false is set with `--flag` and cleared with `--no-flag`, its variable with `true` and `false`.

## Every service

`<SERVICE>` is {services}. A service that has another default says so below.

{common}
{sections}
## Variables without a flag

| environment variable | |
|---|---|
{others}
"""

_OTHERS = {
    "PLAYSCORE_AGGREGATOR": "Address of the aggregator that `playscore leagues`, `ratings`, `compare`, `plays`, "
    "`coverage`, `watch`, `report`, `board`, `models`, `erase` and `operations` call where `--aggregator` names none.",
    "PLAYSCORE_BROKER": "URL of the broker that `playscore feed`, `publish` and `work` use where `--broker` names "
    "none.",
    "PLAYSCORE_BUDGETS": "File of latency budgets to use instead of those that come with playscore; histograms take "
    "their buckets from it.",
    "PLAYSCORE_OTLP_ENDPOINT": "Where `playscore work` and `playscore publish` send spans where `--otlp-endpoint` says "
    "nothing (docs/observability.md).",
    "PLAYSCORE_TRACE_RATIO": "Part of the traces that begin in `playscore work` and `playscore publish` that is "
    "recorded, where `--trace-ratio` says nothing.",
    "PLAYSCORE_TRITON": "Folder of the environment that a local Triton server runs in; what `playscore triton install` "
    "makes where not set.",
}

_KINDS: dict[Any, str] = {FilePath: "path of a file", DirectoryPath: "path of a folder", HostAndPort: "`host:port`"}
_NAMES: dict[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}
_BOUNDS = ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))


def settings_page(root: Path) -> str:
    """The page in Markdown, of the services under the project's `root`."""
    services = sorted(_services(root), key=lambda service: service.__name__)
    sections = (_section(service, root) for service in services)
    return _PAGE.format(
        services=_listed([f"`{_name(service).upper()}`" for service in services]),
        common=_table("PLAYSCORE_<SERVICE>_", ServiceSettings.model_fields.items(), root),
        sections="\n".join(sections),
        others="\n".join(f"| `{name}` | {meaning} |" for name, meaning in sorted(_OTHERS.items())),
    )


def _services(root: Path) -> Iterator[type[ServiceSettings]]:
    """The settings classes that the services' `__main__` modules declare."""
    for service in sorted(root.glob("*/service.py")):
        if not service.with_name("__main__.py").exists():
            continue  # servicekit, which defines what a service is
        module = importlib.import_module(f"{service.parent.name}.__main__")
        for declared in vars(module).values():
            if isinstance(declared, type) and issubclass(declared, ServiceSettings) and declared is not ServiceSettings:
                yield declared


def _name(service: type[ServiceSettings]) -> str:
    return service.__module__.partition(".")[0]


def _section(service: type[ServiceSettings], root: Path) -> str:
    common = ServiceSettings.model_fields
    own = [
        (name, setting)
        for name, setting in service.model_fields.items()
        if name not in common or setting.default != common[name].default
    ]
    introduction = (service.__doc__ or "").strip().partition("\n")[0]
    table = _table(service.model_config["env_prefix"], own, root)
    return f"## {_name(service).capitalize()}\n\n{introduction} `python -m {_name(service)}`\n\n{table}"


def _table(prefix: str, settings: Iterable[tuple[str, FieldInfo]], root: Path) -> str:
    lines = ["| flag, environment variable | type | default | |", "|---|---|---|---|"]
    for name, setting in settings:
        cells = [
            f"`--{name.replace('_', '-')}`<br>`{prefix}{name.upper()}`",
            _type(setting.annotation, setting.metadata),
            _default(setting, root),
            (setting.description or "").replace("<", "\\<"),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _type(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_type(choice) for choice in get_args(annotation) if choice is not type(None))
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is Annotated:
        base, *inner = get_args(annotation)
        return _type(base, [*inner, *metadata])
    for kind, name in _KINDS.items():
        base, *marks = get_args(kind)
        if base == annotation and all(mark in metadata for mark in marks):
            return name
    bounds = [
        f"{sign} {getattr(limit, key):g}"
        for limit in metadata
        for kind, key, sign in _BOUNDS
        if isinstance(limit, kind)
    ]
    return " ".join([_NAMES.get(annotation, annotation.__name__), *bounds])


def _default(setting: FieldInfo, root: Path) -> str:
    default = setting.get_default(call_default_factory=True)
    if default is None:
        return "not set"
    if isinstance(default, Path) and default.is_relative_to(root):
        return f"`{default.relative_to(root)}` of playscore"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + f" or {items[-1]}"

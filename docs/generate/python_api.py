"""A page for each public module of `playscore`; mkdocstrings fills it with what the docstrings say."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from types import ModuleType

_INTERNAL = {"__main__", "cli", "field_limits", "shipped"}


def python_pages(package: ModuleType) -> dict[str, str]:
    """The Markdown of one page for each public module directly under `package`, by the module's name.

    The generated contracts have pages of their own. The command line and what only the project itself uses have none.
    """
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    modules = [f"{package.__name__}.{name}" for name in names if _is_public(package, name)]
    return {module: f"# {module}\n\n::: {module}\n" for module in modules}


def _is_public(package: ModuleType, name: str) -> bool:
    is_contract = any((Path(folder) / name / "v1").is_dir() for folder in package.__path__)
    return not (name.startswith("_") or name in _INTERNAL or is_contract)

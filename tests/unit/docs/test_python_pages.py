"""Every public module of playscore has a page."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import playscore
from docs.generate.python_api import python_pages

PAGES = python_pages(playscore)


def docstrings(module: ModuleType) -> Iterator[str]:
    yield module.__doc__ or ""
    for name, public in vars(module).items():
        if not name.startswith("_") and getattr(public, "__module__", "").startswith("playscore."):
            yield inspect.getdoc(public) or ""


def test_clients_errors_and_types_have_pages_contracts_and_the_command_line_do_not() -> None:
    assert {"playscore.client", "playscore.errors", "playscore.distributions", "playscore.release"} <= PAGES.keys()
    assert not {"playscore.scorer", "playscore.common", "playscore.cli", "playscore.__main__"} & PAGES.keys()


def test_a_page_shows_its_module() -> None:
    assert PAGES["playscore.client"] == "# playscore.client\n\n::: playscore.client\n"


@pytest.mark.parametrize("name", PAGES)
def test_no_docstring_is_taken_for_html(name: str) -> None:
    for text in docstrings(importlib.import_module(name)):
        assert not re.search(r"<[a-z_]+>", re.sub(r"`[^`]*`|^ {4}.*$", "", text, flags=re.MULTILINE)), text

"""docs/command_line.md shows commands that there are, with options that they have."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from aggregator import commands

PAGE = Path(__file__).resolve().parents[3] / "docs" / "command_line.md"
SHOWN = [
    shlex.split(line)[1:]
    for language, block in re.findall(r"^```(\w*)\n((?:.*\n)*?)```$", PAGE.read_text(), re.MULTILINE)
    for line in block.splitlines()
    if not language and line.startswith("playscore ") and line.split()[1] in commands.__all__
]


def test_every_command_is_shown() -> None:
    assert {name for name, *_ in SHOWN} == set(commands.__all__)


@pytest.mark.parametrize("shown", SHOWN, ids=" ".join)
def test_what_is_shown_is_understood(shown: list[str]) -> None:
    name, *arguments = shown
    command = getattr(commands, name)
    if isinstance(command, click.Group):
        group, (name, *arguments) = command, arguments
        command = group.commands[name]
    context = command.make_context(name, arguments)
    assert context.params.get("league", "SIM") == "SIM"


@pytest.mark.parametrize("name", commands.__all__)
def test_every_option_is_explained(name: str) -> None:
    text = PAGE.read_text()
    for parameter in getattr(commands, name).params:
        for option in parameter.opts:
            assert not option.startswith("--") or f"`{option}" in text or f" {option}" in text, option

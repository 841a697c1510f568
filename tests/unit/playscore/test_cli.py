"""The command line: every room's commands under one name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from playscore.cli import cli, extras_with

_RUN_WITHOUT = """
import sys
for package in sys.argv.pop(1).split(","):
    sys.modules[package] = None
from playscore.cli import main
main()
"""


def run_without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line where some packages, comma separated, are not installed."""
    command = [sys.executable, "-c", _RUN_WITHOUT, packages, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_the_commands_of_every_room_with_a_line_each() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    listed = shown.output.partition("Commands:")[2]
    for command in (
        "backfill",
        "demo",
        "evaluate",
        "feed",
        "models",
        "publish",
        "release",
        "replay",
        "simulate",
        "stack",
        "train",
        "triton",
        "work",
    ):
        line = next(line.split(maxsplit=1) for line in listed.splitlines() if line.split()[:1] == [command])
        assert len(line) == 2, f"{command} says nothing of itself"


def test_an_unknown_command_is_refused() -> None:
    shown = CliRunner().invoke(cli, ["reply"])
    assert shown.exit_code == 2
    assert "No such command 'reply'; did you mean replay?" in shown.output
    assert "No such command 'xyzzy'.\n" in CliRunner().invoke(cli, ["xyzzy"]).output


def test_playing_games_does_not_load_torch() -> None:
    asked = "import sys; from playscore.cli import cli; cli(['replay', '--help'], standalone_mode=False);"
    probe = asked + "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["replay", "--data", "games"], "polars", "services"),
        (["replay", "--help"], "grpc_health,polars", "services"),
        (["simulate", "--out", "games"], "polars", "services"),
        (["train", "passing", "--out", "run"], "rich", "train"),
        (["train", "passing", "--out", "run"], "torch", "train"),
        (["evaluate", "passing", "--compare", "--run", "run"], "torch", "train"),
    ],
)
def test_a_command_that_lacks_a_package_says_what_to_install(
    arguments: list[str], missing: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_without(missing, *arguments)
    assert done.returncode == 1
    assert done.stderr == f"Error: {arguments[0]} needs pip install 'playscore[{extra}]'\n"


def test_help_lists_what_lacks_a_package_with_what_to_install() -> None:
    shown = run_without("polars", "--help")
    assert shown.returncode == 0
    assert "(needs pip install 'playscore[services]')" in shown.stdout


def test_a_module_of_our_own_that_is_missing_is_an_error_to_see() -> None:
    done = run_without("pipeline.commands", "replay", "--help")
    assert done.returncode == 1
    assert "import of pipeline.commands halted" in done.stderr


@pytest.mark.parametrize("package", ["gluonts", "lightning", "xgboost"])
def test_the_alternatives_of_a_model_are_of_the_extra_compare(package: str) -> None:
    assert extras_with(package)[0] == "compare"


def test_what_the_domain_refuses_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "playscore", "replay", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr

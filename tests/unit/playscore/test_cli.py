"""The command line: every room's commands under one name."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from playscore.cli import cli


def test_help_lists_the_commands_of_every_room_with_a_line_each() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    listed = shown.output.partition("Commands:")[2]
    for command in ("demo", "evaluate", "release", "replay", "simulate", "stack", "train", "triton"):
        line = next(line.split(maxsplit=1) for line in listed.splitlines() if line.split()[:1] == [command])
        assert len(line) == 2, f"{command} says nothing of itself"


def test_an_unknown_command_is_refused() -> None:
    shown = CliRunner().invoke(cli, ["reply"])
    assert shown.exit_code == 2
    assert "No such command 'reply'" in shown.output


def test_playing_games_does_not_load_torch() -> None:
    asked = "import sys; from playscore.cli import cli; cli(['replay', '--help'], standalone_mode=False);"
    probe = asked + "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode == 0


def test_what_the_domain_refuses_is_one_line_and_exit_code_1(tmp_path: object) -> None:
    command = [sys.executable, "-m", "playscore", "replay", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("playscore: ")
    assert "Traceback" not in done.stderr

"""Nothing foreign controls a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore import cli
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.terminal_text import printable, printable_lines
from tests.unit.playscore.wire.domain import PRINTABLE

HOSTILE = "\x1b]0;title\x07\x1b[2J\u202evil\x9b31m\r"


@given(st.text())
def test_no_text_controls_a_terminal(text: str) -> None:
    shown = printable(text).replace("\u200c", "").replace("\u200d", "")
    assert shown.isprintable()
    assert printable_lines(text).count("\n") == text.count("\n")


@given(st.text(PRINTABLE))
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("raised", [
    click.ClickException(f"game {HOSTILE}: [/]\nand another"),
    PlayscoreError(Reason.FIELD_INVALID, f"game {HOSTILE}", fields=(FieldViolation("game_id", HOSTILE),)),
])  # fmt: skip
def test_errors_of_any_command_control_nothing(
    raised: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def fails() -> None:
        raise raised

    monkeypatch.setattr(cli, "_entry", lambda name: name)
    monkeypatch.setattr(cli, "_load", lambda entry: fails)
    monkeypatch.setattr(sys, "argv", ["playscore", "fails"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("Error: game ")
    assert said.replace("\n", "").isprintable()


def test_a_file_named_by_an_attacker_controls_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[31mred"
    folder.mkdir()
    (folder / "feed.bin").write_text("x")
    command = [sys.executable, "-m", "playscore", "replay", "--data", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "\x1b" not in done.stdout + done.stderr

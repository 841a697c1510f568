"""`make breaking` refuses every change that a caller of the released contracts would notice, and no other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What `make breaking` reads, to be changed."""
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    for name in ("Makefile", "buf.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def released(project: Path) -> Path:
    """The same, with the contracts of today released."""
    done = make(project, "released")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def make(project: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", f"BIN={PROGRAMS}", target]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def breaking(project: Path) -> subprocess.CompletedProcess[str]:
    return make(project, "breaking")


def change(project: Path, pattern: str, replacement: str) -> None:
    """Makes a change at the first place in the contracts that has the pattern."""
    for contract in sorted(project.glob("protos/playscore/*/v1/*.proto")):
        text, count = re.subn(pattern, replacement, contract.read_text(), count=1, flags=re.MULTILINE | re.DOTALL)
        if count:
            contract.write_text(text)
            return
    raise AssertionError(f"no contract has {pattern}")


def test_the_contracts_serve_callers_of_the_released_ones(project: Path) -> None:
    done = breaking(project)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        pytest.param(r"^  \w+ \w+ = \d+;\n", "", id="a field removed"),
        pytest.param(r"^  (\w+) (\w+ = \d+;)", r"  \1 another_\2", id="a field renamed"),
        pytest.param(r"^  (\w+ \w+) = \d+;", r"  \1 = 9999;", id="a field renumbered"),
        pytest.param(r"^  string (\w+ = \d+;)", r"  int64 \1", id="a field of another type"),
        pytest.param(r"^  repeated (\w+ \w+ = \d+)", r"  \1", id="a repeated field made single"),
        pytest.param(r"^  [A-Z_\d]+ = [1-9]\d*;\n", "", id="an enum value removed"),
        pytest.param(r"^  ([A-Z]+)(_[A-Z_\d]+ = [1-9]\d*;)", r"  \1_ANOTHER\2", id="an enum value renamed"),
        pytest.param(r"^  rpc [^;{]+(;|\{.*?^  \})\n", "", id="a call removed"),
        pytest.param(r"^(  rpc \w+)\(\w+\) (returns \((\w+)\))", r"\1(\3) \2", id="a call of another request"),
        pytest.param(r"^service \w+ \{.*?^\}\n", "", id="a service removed"),
    ],
)
def test_a_change_that_callers_notice_is_refused(released: Path, pattern: str, replacement: str) -> None:
    change(released, pattern, replacement)
    done = breaking(released)
    assert done.returncode != 0
    assert re.search(r"^protos/.*\b(deleted|changed)\b", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    ("pattern", "addition"),
    [
        pytest.param(r"^message \w+ \{\n", r"\g<0>  string added_later = 9999;\n", id="a field"),
        pytest.param(r"^  rpc \w+([^;{]+(;|\{.*?^  \})\n)", r"\g<0>  rpc AddedLater\1", id="a call"),
    ],
)
def test_an_addition_is_not_refused(project: Path, pattern: str, addition: str) -> None:
    change(project, pattern, addition)
    done = breaking(project)
    assert done.returncode == 0, done.stdout + done.stderr

"""Every program in docs/clients.md runs as it stands, against real services, and prints what it says it does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import Authority, dns
from tests.clients.conftest import NODE
from tests.clients.services import ROOT, Services, running

TEXT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")

NUMBER = r"-?\d+(\.\d+)?"
PRINTED = {
    "ratings.py": (
        r"\d+ passers have 10 plays, by passing \d+\n"
        r"( +\d+\. [\w ]+ \d\d \(\d\d to \d\d\), \d+ plays\n)+"
    ),
    "watch.py": r"\d+ changed, 0 left\n( +\d+\. [\w ]+ \d\d\n)+",
    "plays.py": (
        r"Max Oakbourne \(MRR\): \d+ plays\non third down \d\d over \d+ plays\n"
        r"(  game \d+, play +\d+: +-?\d+ yards, score [01]\.\d\d: \d+% of such passes gain more\n)+"
    ),
    "compare.py": (
        r"[\w ]+ against [\w ]+: [+-]\d+\.\d \([+-]\d+\.\d to [+-]\d+\.\d\), better with a probability of \d+%\n"
        r"(with quick throws against all \d+ plays: [+-]\d+\.\d \(.*\), better .* \d+%\n|[\w ]+ has no quick throws\n)"
    ),
    "my_game.py": "",
    "score_a_play.py": (
        rf"{NUMBER} yards were expected, and \d+% gain 20 or more\n"
        r"14 yards are a play score of 0\.\d\d\nQB 1 rates \d\d after 1 play\n"
    ),
    "score_a_shot.py": (
        r"\d+% for a goal, OPPORTUNITY_LEVEL_(LOW|MEDIUM|HIGH), because of\n"
        r"(  [^\n]+ \([+-]\d\.\d\d\)\n){3}"
        r"B\. Goalie: -0\.\d\d goals saved above expected\n"
    ),
    "live.py": r"play 100: \d+% for a first down\n1 play finished\n",
    "blocking.py": r"( +\d+ [\w ]+ \d\d\n)+",
    "ratings.mjs": r"(\d+ [\w ]+ \d\d\n)+REASON_SUBJECT_NOT_FOUND .*nobody.*\n",
    "watch.mjs": r"(\d+ [\w ]+ \d\d\n)+",
    "score_a_play.mjs": rf"play 100: {NUMBER} yards, first down 0\.\d\d\n",
    "playscore.mjs": "",
    "errors.py": (
        r"LEAGUE_NOT_FOUND: .*SIM.*\nSUBJECT_NOT_FOUND: .*\n"
        r"FIELD_INVALID: .*\n  subject_id: .*\nFILTER_FIELD_UNKNOWN: (.|\n)*"
    ),
    "service_config.py": r"(TASK_[A-Z]+: \w+ \d+(, the default)?\n)*TASK_PASSING: passing \d+, the default\n(.|\n)*",
    "tls.py": r"([a-z_]+ .*\n){15,}",
}
"""What each program prints, as a regular expression."""


@dataclass(frozen=True)
class Program:
    """A block of code of the page."""

    language: str
    name: str
    code: str


def programs() -> Iterator[Program]:
    for info, code in re.findall(r"^```(.*)\n((?:.*\n)*?)```$", TEXT, re.MULTILINE):
        match = re.fullmatch(r'(\w+) title="([\w.]+)"', info)
        assert match is not None, f"a block without a title is not tested: ```{info}"
        yield Program(match[1], match[2], code)


PROGRAMS = {program.name: program for program in programs()}


def of(language: str) -> list[str]:
    return [name for name, program in PROGRAMS.items() if program.language == language]


Write = Callable[[Path], None]


@pytest.fixture
def write(services: Services) -> Write:
    """Writes all programs into a folder, with the addresses of the services under test in place of the usual ones."""
    addresses = {
        "127.0.0.1:50051": services.featurizer,
        "127.0.0.1:50052": services.scorer,
        "127.0.0.1:50053": services.aggregator,
    }

    def write(folder: Path) -> None:
        for program in PROGRAMS.values():
            code = re.sub("|".join(map(re.escape, addresses)), lambda usual: addresses[usual[0]], program.code)
            (folder / program.name).write_text(code, encoding="utf-8")

    return write


def as_said(name: str, printed: str) -> None:
    assert re.fullmatch(PRINTED[name], printed), f"{name} printed\n{printed}"


def printed(command: list[str], folder: Path) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def test_every_program_is_tested() -> None:
    assert list(PRINTED) != [] and set(PRINTED) == set(PROGRAMS)


@pytest.mark.parametrize("name", [name for name in of("python") if name != "tls.py"])
def test_a_python_program_runs(name: str, write: Write, tmp_path: Path) -> None:
    write(tmp_path)
    as_said(name, printed([sys.executable, name], tmp_path))


def test_the_program_in_the_readme_prints_ranked_passers(services: Services, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n((?:.*\n)*?)```$", readme, re.MULTILINE)
    (tmp_path / "readme.py").write_text(code.replace("127.0.0.1:50053", services.aggregator), encoding="utf-8")
    ranked = printed([sys.executable, "readme.py"], tmp_path)
    assert re.match(r"( +\d+  [\w ]+ \d\d  \(\d+ plays\)\n)+", ranked), ranked


@pytest.mark.parametrize("name", of("javascript"))
def test_a_node_program_runs(name: str, write: Write, node_folder: Path) -> None:
    write(node_folder)
    as_said(name, printed(["node", name], node_folder))


def test_the_program_with_tls_runs(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.sign(dns("localhost"))
    callers_certificate, callers_key = authority.sign(dns("caller"))
    flags = {
        "--listen": "localhost:0",
        "--store": f"sqlite:///{tmp_path / 'scores.sqlite'}",
        "--tls-certificate": str(certificate),
        "--tls-key": str(key),
        "--tls-client-authority": str(authority.certificate),
    }
    with running("aggregator", *(word for flag in flags.items() for word in flag)) as address:
        (tmp_path / "tls.py").write_text(PROGRAMS["tls.py"].code.replace("ratings.example.com:443", address))
        (tmp_path / "authority.pem").symlink_to(authority.certificate)
        (tmp_path / "caller.pem").symlink_to(callers_certificate)
        (tmp_path / "caller.key").symlink_to(callers_key)
        as_said("tls.py", printed([sys.executable, "tls.py"], tmp_path))


def test_python_programs_are_typed(tmp_path: Path) -> None:
    for name in of("python"):
        (tmp_path / name).write_text(PROGRAMS[name].code, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *(str(tmp_path / name) for name in of("python"))],
        cwd=ROOT,  # where mypy is told to be strict, and may know playscore already
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_python_programs_are_in_the_style_of_the_project(tmp_path: Path) -> None:
    for name in of("python"):
        (tmp_path / name).write_text(PROGRAMS[name].code, encoding="utf-8")
    config = str(ROOT / "pyproject.toml")
    for check in (["check", "--ignore", "D1"], ["format", "--diff"]):
        printed([sys.executable, "-m", "ruff", *check, "--quiet", "--config", config, "."], tmp_path)


def test_the_versions_of_node_packages_are_those_tested() -> None:
    package = (NODE / "package.json").read_text(encoding="utf-8")
    named = re.findall(r"([@\w/-]+)@(\d+\.\d+\.\d+)", TEXT)
    assert {name for name, _ in named} == {"@grpc/grpc-js", "@grpc/proto-loader", "protobufjs"}
    for name, version in named:
        assert f'"{name}": "{version}"' in package

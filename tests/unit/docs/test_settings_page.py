"""docs/settings.md lists what the services read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.settings import settings_page
from pipeline.jetstream.streams import FEED_STREAM, WORK_STREAM

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def page() -> str:
    return settings_page(ROOT)


def test_the_committed_page_is_that_of_the_settings_classes(page: str) -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == page, "run `make generate`"


def test_flag_variable_type_default_and_meaning_are_told(page: str) -> None:
    assert (
        "| `--triton-timeout-seconds`<br>`PLAYSCORE_SCORER_TRITON_TIMEOUT_SECONDS` | number > 0 | `5.0` | longest wait "
        in page
    )
    assert "| `--inference`<br>`PLAYSCORE_SCORER_INFERENCE` | `triton` or `onnxruntime` | `triton` |" in page
    assert "| `--tls-key`<br>`PLAYSCORE_<SERVICE>_TLS_KEY` | path of a file | not set |" in page


def test_nothing_of_this_machine_is_in_it(page: str) -> None:
    assert str(ROOT) not in page


def test_every_variable_that_the_code_names_is_in_it(page: str) -> None:
    rooms = (path.parent for path in ROOT.glob("*/__init__.py"))
    sources = (source.read_text() for room in rooms for source in room.rglob("*.py"))
    named = {name for source in sources for name in re.findall(r"\bPLAYSCORE_[A-Z]+(?:_[A-Z]+)*\b", source)}
    common = {name.partition("<SERVICE>_")[2] for name in re.findall(r"PLAYSCORE_<SERVICE>_[A-Z_]+", page)}
    missing = {
        name for name in named if f"`{name}`" not in page and not any(name.endswith(f"_{one}") for one in common)
    }
    assert missing <= {FEED_STREAM, WORK_STREAM}

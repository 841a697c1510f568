"""docs/security.md says who may make which call, and shows callers files that are taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.__main__ import SECURITY, security_page
from servicekit.callers_file import read_callers
from tests.authority import Authority
from tests.tokens import TokenKey, jwks

FILES = re.findall(r"^```yaml\n((?:.*\n)*?)```$", SECURITY.read_text(), re.MULTILINE)


def test_the_committed_table_is_that_of_the_contracts() -> None:
    assert SECURITY.read_text() == security_page(), "run `make generate`"
    assert "| `AggregatorService` | `EraseRecords` | operator | yes |" in security_page()


@pytest.mark.parametrize("text", FILES)
def test_a_callers_file_that_is_shown_is_taken(text: str, tmp_path: Path) -> None:
    files = {"callers.yaml": text.encode(), "keys.json": jwks(TokenKey())}
    authority = Authority(tmp_path / "tls")
    read = read_callers(Path("callers.yaml"), lambda path: files.get(path.name) or authority.certificate.read_bytes())
    assert read.by_uri or read.by_token


def test_a_callers_file_is_shown() -> None:
    assert FILES

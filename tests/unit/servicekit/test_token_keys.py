"""The file of token keys: read at the start, followed while the service runs, and never believed when it is wrong."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import servicekit.following
from servicekit.token_keys import TokenKeyFile, parse_keys
from servicekit.tokens import Keyring

OLD, NEW = b"o" * 32, b"n" * 40


def line(secret: bytes) -> str:
    return base64.b64encode(secret).decode() + "\n"


@pytest.fixture(autouse=True)
def read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicekit.following, "LOOK_EVERY_SECONDS", 0.01)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the file tells nobody
            await asyncio.sleep(0.01)


def taken_over() -> float | None:
    return REGISTRY.get_sample_value("playscore_reload_successful", {"what": "token keys"})


def test_the_first_key_of_a_file_signs() -> None:
    assert parse_keys(f"# since Monday\n{line(NEW)}\n  \n # before\n  {line(OLD)}") == [NEW, OLD]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it holds no key"),
        ("# nothing\n\n", "it holds no key"),
        (line(OLD) + "hunter2!\n", "line 2 is not base64"),
        (line(b"short"), "the key in line 1 has 5 bytes; it must have 32 or more"),
        (line(OLD) + line(NEW) + line(OLD), "the key in line 3 is there twice"),
    ],
)
def test_a_file_that_is_wrong_is_refused_at_the_start_and_not_shown(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem) as refused:
        TokenKeyFile(path)
    assert str(path) in str(refused.value)
    assert not any(secret.strip() in str(refused.value) for secret in text.splitlines() if secret.strip())


def test_a_file_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="keys"):
        TokenKeyFile(tmp_path / "keys")


async def test_keys_follow_the_file_and_survive_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(line(OLD))
    keys = TokenKeyFile(path)
    keys.open()
    old, new = Keyring(OLD).identifiers, Keyring(NEW).identifiers
    try:
        assert keys.keyring.identifiers == old
        for wrong in ("", "nonsense", None):
            if wrong is None:
                path.unlink()
            else:
                path.write_text(wrong)
            await until(lambda: taken_over() == 0)
            assert keys.keyring.identifiers == old
            path.write_text(line(OLD))
            await until(lambda: taken_over() == 1)
        replaced = tmp_path / "new"
        replaced.write_text(line(NEW) + line(OLD))
        replaced.rename(path)  # as an editor, or Kubernetes, does
        await until(lambda: keys.keyring.identifiers == [*new, *old])
        path.write_text(line(NEW))
        await until(lambda: keys.keyring.identifiers == new)
    finally:
        await keys.close()

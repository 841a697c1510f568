"""Where Triton's environment is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.local import triton_environment
from deploy.local.process import ServerError
from deploy.local.triton import triton_server
from deploy.local.triton_environment import environment_folder, pinned
from deploy.triton.commands import triton


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where Triton is not installed; its user's cache is `cache`."""
    monkeypatch.setattr(triton_environment, "_CHECKOUT", tmp_path / "checkout" / ".triton")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PLAYSCORE_TRITON", raising=False)
    return tmp_path


def test_the_variable_comes_before_the_checkout_and_the_checkout_before_the_cache(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment_folder() == nowhere / "cache" / "playscore" / "triton"
    (nowhere / "checkout" / ".triton").mkdir(parents=True)
    assert environment_folder() == nowhere / "checkout" / ".triton"
    monkeypatch.setenv("PLAYSCORE_TRITON", "/opt/triton")
    assert environment_folder() == Path("/opt/triton")


def test_without_a_cache_folder_of_its_own_the_cache_is_in_the_home(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(nowhere / "home"))
    assert environment_folder() == nowhere / "home" / ".cache" / "playscore" / "triton"


def test_every_package_is_pinned() -> None:
    assert set(pinned()) == {"nvidia-pytriton", "numpy", "onnxruntime"}


def test_where_triton_is_missing_it_is_said_how_to_get_it_and_how_to_do_without(nowhere: Path) -> None:
    with pytest.raises(ServerError) as missing:
        triton_server(nowhere / "models", 1, 2, 3, nowhere / "triton.log")
    assert str(nowhere / "cache" / "playscore" / "triton") in str(missing.value)
    for way_out in ("`playscore triton install`", "PLAYSCORE_TRITON", "--inference onnxruntime"):
        assert way_out in str(missing.value)


def test_a_failed_installation_is_one_line(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    done = CliRunner().invoke(triton, ["install"])
    assert done.exit_code == 1
    assert "Triton was not installed" in done.output
    assert "Traceback" not in done.output

"""Addresses and settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit import ServiceSettings
from servicekit.addresses import Address
from servicekit.settings import parse_settings


class Settings(ServiceSettings, env_prefix="PLAYSCORE_TEST_"):
    """A service under test."""

    listen: str = "127.0.0.1:50059"


@given(st.sampled_from(["127.0.0.1", "0.0.0.0", "localhost", "::1", "featurizer.playscore"]), st.integers(0, 65535))
def test_an_address_reads_as_it_is_written(host: str, port: int) -> None:
    assert Address.parse(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize("text", ["", "50051", ":50051", "host:", "host:-1", "host:65536", "host:1x", "::1:50051"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("db", False)],
)
def test_only_loopback_is_out_of_reach_of_other_machines(host: str, loopback: bool) -> None:
    assert Address(host, 1).is_loopback is loopback


def test_flags_come_before_the_environment_and_that_before_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYSCORE_TEST_DRAIN_SECONDS", "5")
    monkeypatch.setenv("PLAYSCORE_TEST_GRACE_SECONDS", "5")
    settings = parse_settings(Settings, ["--grace-seconds", "7"])
    assert (settings.drain_seconds, settings.grace_seconds, settings.listen) == (5, 7, "127.0.0.1:50059")


def test_help_names_every_setting_with_its_flag_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse_settings(Settings, ["--help"])
    assert left.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "A service under test." in text
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in text
        assert f"PLAYSCORE_TEST_{name.upper()}" in text

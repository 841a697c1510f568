"""Whose call it is: an identity, else an address."""

from __future__ import annotations

import pytest

from servicekit.callers import Caller, peer_address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:50000", "192.0.2.7"),
        ("ipv6:[::1]:50000", "::/64"),
        ("ipv6:%5B2001:db8::1:2:3:4%5D:443", "2001:db8::/64"),
        ("ipv6:[2001:db8::ffff:1]:1", "2001:db8::/64"),
        ("ipv6:[fe80::1%25eth0]:1", "fe80::/64"),
        ("ipv6:[::ffff:192.0.2.7]:50000", "192.0.2.7"),
        ("unix:", "unix:"),
        ("unix:/run/playscore.sock", "unix:/run/playscore.sock"),
        ("ipv4:nonsense", "ipv4:nonsense"),
        ("", ""),
    ],
)
def test_an_address_is_that_of_a_host_whatever_port_it_calls_from(peer: str, address: str) -> None:
    assert peer_address(peer) == address


def test_a_call_is_its_callers_by_identity_and_else_by_address() -> None:
    assert Caller("pipeline", "192.0.2.7").party == "pipeline"
    assert Caller(None, "192.0.2.7").party == "192.0.2.7"

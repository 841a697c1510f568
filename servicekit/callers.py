"""Who calls, and what they may do."""

from __future__ import annotations

import enum
import ipaddress
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import unquote

from playscore.errors import PlayscoreError, Reason


class Role(enum.IntEnum):
    """What a caller may do: `playscore.common.v1.CallerRole`. Each role may do all that the ones before it may."""

    READER = 1
    WRITER = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a call. Where a service is not told who its callers are, all of them may do everything."""

    identity: str | None
    """The name that the caller proved to have; None where callers need no proof."""
    address: str = ""
    """Where the call came from, without the port: an IPv4 address; the /64 network of an IPv6 address, which one host
    can have to itself; or what gRPC says of any other transport."""
    role: Role = Role.OPERATOR
    """What they may do."""
    leagues: frozenset[str] | None = None
    """The leagues that they may write to; None for all."""

    @property
    def party(self) -> str:
        """Whose call it is, for shares: the identity, else the address."""
        return self.address if self.identity is None else self.identity

    def check_writes_to(self, league: str) -> None:
        """Raises PlayscoreError, PERMISSION_DENIED, for a league that they may not write to."""
        if self.leagues is not None and league not in self.leagues:
            own = ", ".join(sorted(self.leagues))
            raise PlayscoreError(Reason.PERMISSION_DENIED, f'{self.party} writes to {own} only, not to "{league}"')


current_caller: ContextVar[Caller] = ContextVar("current_caller", default=Caller(None))  # noqa: B039  # it is frozen
"""The caller of the call in progress."""


def peer_address(peer: str) -> str:
    """`Caller.address` out of gRPC's name of a peer: `ipv4:192.0.2.1:50000`, `ipv6:%5B2001:db8::1%5D:50000`."""
    address = _ip_address(peer)
    if address is None:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_loopback(peer: str) -> bool:
    """Whether a peer, as gRPC names it, is on this machine."""
    address = _ip_address(peer)
    return peer.startswith("unix:") if address is None else address.is_loopback


def _ip_address(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A peer's IP address, IPv4 where it is one in the clothes of IPv6; None for any other transport."""
    kind, _, place = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return None
    try:
        address = ipaddress.ip_address(unquote(place).rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address

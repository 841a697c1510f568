"""The ports of a local stack, and how they are held so that nobody else gets them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from deploy.local.port_holders import holders, sockets
from deploy.local.process import ServerError

LOOPBACK = "127.0.0.1"
PORTS = 9
"""How many ports a stack has."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens on 127.0.0.1, in the order that `--base-port` counts. 0 means any free port."""

    featurizer: int = 0
    scorer: int = 0
    aggregator: int = 0
    triton: int = 0
    triton_http: int = 0
    featurizer_metrics: int = 0
    scorer_metrics: int = 0
    aggregator_metrics: int = 0
    triton_metrics: int = 0

    @classmethod
    def documented(cls) -> Ports:
        """The ports that the README names."""
        return cls(
            featurizer=50051,
            scorer=50052,
            aggregator=50053,
            triton=8001,
            triton_http=8000,
            featurizer_metrics=9101,
            scorer_metrics=9102,
            aggregator_metrics=9103,
            triton_metrics=8002,
        )

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Nine ports in a row, the first of them `base`."""
        return cls(*range(base, base + PORTS))

    @contextmanager
    def reserved(self, names: Sequence[str]) -> Iterator[Ports]:
        """Reserves the named ports; gives the ports with every named 0 replaced. See `reserve`."""
        with reserve(*(getattr(self, name) for name in names)) as given:
            yield replace(self, **dict(zip(names, given, strict=True)))


class PortsTakenError(ServerError):
    """Somebody else holds ports that we need. `taken` maps each port to who holds it."""

    def __init__(self, taken: Mapping[int, str]) -> None:
        ports_of: dict[str, list[str]] = {}
        for port, who in taken.items():
            ports_of.setdefault(who, []).append(str(port))
        lines = (f"port{'s' * (len(ports) > 1)} {', '.join(ports)}: held by {who}" for who, ports in ports_of.items())
        super().__init__("\n".join(lines))
        self.taken = taken


@contextmanager
def reserve(*ports: int) -> Iterator[tuple[int, ...]]:
    """Reserves ports of 127.0.0.1 for servers that this process starts. 0 means any free port.

    Inside the block the system gives these ports to nobody, and binding one fails without SO_REUSEADDR. Servers that
    set SO_REUSEADDR (gRPC, Triton, Python's HTTP server) can listen on them, stop, and come back.

    Raises:
        PortsTakenError: at least one is taken. It names all that are.
    """
    taken: dict[int, str] = {}
    with ExitStack() as held:
        given: list[int] = []
        for port in ports:
            try:
                bound = held.enter_context(_bound(port))
            except OSError as refused:
                taken[port] = "; ".join(map(str, holders(port))) or _unseen(refused)
            else:
                given.append(bound.getsockname()[1])
        if taken:
            raise PortsTakenError(taken)
        yield tuple(given)


def _bound(port: int) -> socket.socket:
    """A bound socket that does not listen, so another with SO_REUSEADDR can.

    It is bound without SO_REUSEADDR, so two processes cannot reserve the same port. That also fails for a minute after
    a connection on the port was closed; only then is it bound with SO_REUSEADDR.
    """
    try:
        return _bind(port, reuse=False)
    except OSError as refused:
        on_port = sockets(port)
        if refused.errno != errno.EADDRINUSE or not on_port or any(one.inode for one in on_port):
            raise
        return _bind(port, reuse=True)


def _bind(port: int, *, reuse: bool) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        made.bind((LOOPBACK, port))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    except OSError:
        made.close()
        raise
    return made


def _unseen(refused: OSError) -> str:
    if refused.errno == errno.EADDRINUSE:
        return "a process that is not listening yet, perhaps another stack that is starting"
    return f"the system ({refused.strerror})"

"""Who holds a TCP port of this machine, according to Linux's /proc."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playscore.terminal_text import printable

_PROC = Path("/proc")
_LISTEN = "0A"
_COMMAND_CHARACTERS = 160
_REACHED_ON_LOOPBACK = {
    "00000000",  # 0.0.0.0
    "0100007F",  # 127.0.0.1
    "0" * 32,  # ::
    "0000000000000000FFFF00000100007F",  # ::ffff:127.0.0.1
}


@dataclass(frozen=True, slots=True)
class Socket:
    """One line of /proc/net/tcp."""

    port: int
    listening: bool
    user_id: int
    inode: int
    """0 if no process has it open any more, as in TIME_WAIT."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a socket on a port."""

    pid: int | None
    """None if it belongs to another user and cannot be inspected."""
    user_id: int
    parent_pid: int | None = None
    """None if init is its parent."""
    command: str = ""

    def __str__(self) -> str:
        if self.pid is None:
            return f"a process of user {self.user_id}, which cannot be inspected"
        parent = f" (child of pid {self.parent_pid})" if self.parent_pid else ""
        return printable(f"pid {self.pid}{parent}, {self.command}")


def parse_sockets(table: str) -> Iterator[Socket]:
    """The sockets in /proc/net/tcp or /proc/net/tcp6 that share 127.0.0.1 with ours."""
    for line in table.splitlines()[1:]:
        _, local, _, state, _, _, _, user_id, _, inode, *_ = line.split()
        address, port = local.split(":")
        if address in _REACHED_ON_LOOPBACK:
            yield Socket(int(port, 16), state == _LISTEN, int(user_id), int(inode))


def sockets(port: int) -> tuple[Socket, ...]:
    """The sockets on a port. Empty if /proc cannot be read; bound sockets that do not listen are never listed."""
    found: list[Socket] = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            found += parse_sockets((_PROC / "net" / name).read_text())
    return tuple(socket for socket in found if socket.port == port)


def holders(port: int) -> tuple[Holder, ...]:
    """The processes that have a port: those that listen on it, if any does."""
    held = [socket for socket in sockets(port) if socket.inode]
    held = [socket for socket in held if socket.listening] or held
    users = {socket.inode: socket.user_id for socket in held}
    found: dict[int, Holder] = {}
    seen: set[int] = set()
    for process in _PROC.glob("[0-9]*") if users else ():
        pid = int(process.name)
        if own := inodes(pid) & users.keys():
            seen |= own
            found[pid] = Holder(pid, users[min(own)], _parent(process), _command(process))
    unseen = {users[inode] for inode in users.keys() - seen}
    return (*found.values(), *(Holder(None, user_id) for user_id in sorted(unseen)))


def only_listener(pid: int, port: int) -> bool:
    """Whether a process, and no other, listens on a port. True if there is no /proc to tell."""
    if not (_PROC / "net" / "tcp").exists():
        return True
    listening = {socket.inode for socket in sockets(port) if socket.listening}
    return bool(listening) and listening <= inodes(pid)


def inodes(pid: int) -> frozenset[int]:
    """The inodes of the sockets that a process has open; empty if it is gone or cannot be inspected."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    found.add(int(target[len("socket:[") : -1]))
    return frozenset(found)


def _parent(process: Path) -> int | None:
    with contextlib.suppress(OSError):
        _, _, after_name = (process / "stat").read_text().rpartition(") ")
        pid = int(after_name.split()[1])
        return pid if pid > 1 else None
    return None


def _command(process: Path) -> str:
    with contextlib.suppress(OSError):
        line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        if line:
            return line if len(line) <= _COMMAND_CHARACTERS else f"{line[:_COMMAND_CHARACTERS]}..."
        return (process / "comm").read_text().strip()
    return "a process that has just ended"

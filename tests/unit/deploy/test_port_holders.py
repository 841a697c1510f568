"""Who holds a port, told from /proc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.local.port_holders import Socket, holders, only_listener, parse_sockets, sockets

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:C383 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0 100 0 0 10 0
   2: 0100007F:C383 0100007F:8F2A 06 00000000:00000000 03:00001768 00000000     0        0 0 3 0
   3: 0200000A:C383 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0
"""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def test_a_table_holds_what_shares_loopback_with_us() -> None:
    assert list(parse_sockets(TABLE)) == [
        Socket(port=50051, listening=True, user_id=1000, inode=31337),
        Socket(port=22, listening=True, user_id=0, inode=22),
        Socket(port=50051, listening=False, user_id=0, inode=0),
    ]


def test_the_holder_of_a_port_is_named_with_pid_parent_and_command(listening: socket.socket) -> None:
    (holder,) = holders(port_of(listening))
    assert (holder.pid, holder.parent_pid) == (os.getpid(), os.getppid())
    assert f"pid {os.getpid()} (child of pid {os.getppid()}), " in str(holder)
    assert "python" in holder.command


def test_who_listens_holds_the_port_not_who_calls(listening: socket.socket) -> None:
    program = f"import socket; s = socket.create_connection(('127.0.0.1', {port_of(listening)})); print(); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        caller.stdout.readline()
        assert [holder.pid for holder in holders(port_of(listening))] == [os.getpid()]
        assert any(not one.listening for one in sockets(port_of(listening)))
        caller.communicate(b"\n")


def test_nobody_holds_a_port_that_was_closed(listening: socket.socket) -> None:
    port = port_of(listening)
    listening.close()
    assert holders(port) == ()


def test_a_listener_is_the_only_one_until_another_joins() -> None:
    with socket.socket() as first, socket.socket() as second:
        for server in (first, second):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind(("127.0.0.1", 0))
        port = port_of(first)
        assert not only_listener(os.getpid(), port)
        first.listen()
        assert only_listener(os.getpid(), port)
        assert not only_listener(os.getppid(), port)
        program = (
            "import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); "
            f"s.bind(('127.0.0.1', {port})); s.listen(); print(); input()"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            assert not only_listener(os.getpid(), port)
            other.communicate(b"\n")

"""Ports are held from the moment they are chosen."""

from __future__ import annotations

import os
import socket
from dataclasses import astuple, fields

import pytest

from deploy.local.ports import PORTS, Ports, PortsTakenError, reserve


def bind(port: int, *, reuse: bool) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    made.bind(("127.0.0.1", port))
    return made


def test_the_nine_ports_of_a_base_are_a_row_in_the_documented_order() -> None:
    assert len(fields(Ports)) == PORTS
    assert astuple(Ports.from_base(42000)) == tuple(range(42000, 42009))
    ports = Ports.from_base(42000)
    assert (ports.featurizer, ports.scorer, ports.aggregator, ports.triton, ports.triton_http) == (
        *range(42000, 42005),
    )
    assert (ports.featurizer_metrics, ports.scorer_metrics) == (42005, 42006)
    assert (ports.aggregator_metrics, ports.triton_metrics) == (42007, 42008)


def test_a_reserved_port_is_for_a_server_that_comes_goes_and_comes_back() -> None:
    with reserve(0) as (port,):
        for _ in range(2):
            with bind(port, reuse=True) as server:
                server.listen()
                with socket.create_connection(("127.0.0.1", port)):
                    server.accept()[0].close()


def test_a_reserved_port_is_nobody_elses() -> None:
    with reserve(0) as (port,):
        with pytest.raises(OSError, match="in use"):
            bind(port, reuse=False)
        with pytest.raises(PortsTakenError, match=f"port {port}: held by a process that is not listening yet"):
            reserve(port).__enter__()
    bind(port, reuse=False).close()


def test_any_free_ports_are_all_different() -> None:
    with reserve(*[0] * 50) as ports:
        assert len(set(ports)) == 50
        assert 0 not in ports


def test_every_taken_port_is_named_with_its_holder_and_none_is_kept() -> None:
    with reserve(0) as (free,):
        pass
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [server.getsockname()[1] for server in (one, other)]
        with pytest.raises(PortsTakenError) as refused:
            reserve(ports[0], free, ports[1]).__enter__()
    assert str(refused.value).startswith(f"ports {ports[0]}, {ports[1]}: held by pid {os.getpid()} ")
    assert list(refused.value.taken) == ports
    bind(free, reuse=False).close()


def test_connections_closed_a_moment_ago_are_not_in_the_way() -> None:
    with reserve(0) as (port,), bind(port, reuse=True) as server:
        server.listen()
        with socket.create_connection(("127.0.0.1", port)) as caller:
            server.accept()[0].close()  # the server closes first: its end of the connection waits for a minute
            assert caller.recv(1) == b""
    with pytest.raises(OSError, match="in use"):
        bind(port, reuse=False)
    with reserve(port) as again:
        assert again == (port,)


def test_only_the_named_ports_of_a_stack_are_reserved() -> None:
    with Ports().reserved(("scorer", "triton_http")) as ports:
        assert ports.scorer
        assert ports.triton_http
        assert (ports.featurizer, ports.triton) == (0, 0)

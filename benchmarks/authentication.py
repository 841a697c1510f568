"""What it costs a call that its caller says who they are.

python -m benchmarks.authentication [--calls 2000]

One caller asks a service over TLS, one call after the other, for the fields of splits: a call that reads nothing. Each
way of saying who calls is tried in turns, `ROUNDS` times. Stated are the medians of the time of a call, and of the CPU
time that it takes both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from aggregator.__main__ import AggregatorSettings, build
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.common.v1 import common_pb2 as common
from servicekit import serving
from tests.authority import Authority, Certified, dns, secure_channel
from tests.tokens import TokenIssuer

ROUNDS = 5
CALLERS = """
callers:
  reader:
    role: reader
    certificates: [reader.example.org]
    tokens: [{issuer: https://id.example.org, subject: reader}]
issuers:
  https://id.example.org: {audience: playscore, keys: keys.pem}
"""
REQUEST = messages.DescribeSplitsRequest(role=common.ROLE_PASSER)


async def measured(stub: Any, calls: int, token: Callable[[], str] | None) -> tuple[float, float]:
    """Median time of a call, and CPU time a call, µs."""
    metadata = [None if token is None else (("authorization", f"Bearer {token()}"),) for _ in range(calls)]
    times = []
    cpu = time.process_time()
    for headers in metadata:
        begin = time.perf_counter()
        await stub.DescribeSplits(REQUEST, timeout=10, metadata=headers)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6, (time.process_time() - cpu) / calls * 1e6


async def measure(calls: int, folder: Path) -> None:
    """Prints the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    authority, issuer = Authority(folder / "tls"), TokenIssuer()
    certificate, key = authority.sign(dns("localhost"))
    reader = authority.sign(dns("reader.example.org"))
    callers = folder / "callers.yaml"
    callers.write_text(CALLERS)
    (folder / "keys.pem").write_bytes(issuer.key.pem)
    served: dict[str, Any] = {"listen": "localhost:0", "metrics_listen": "127.0.0.1:0"}
    served |= {"tls_certificate": certificate, "tls_key": key}
    one = issuer.token("reader")
    ways: dict[str, tuple[dict[str, Any], Certified | None, Callable[[], str] | None]] = {
        "nobody asks": ({}, None, None),
        "certificate": ({"callers": callers, "tls_client_authority": authority.certificate}, reader, None),
        "token, the same": ({"callers": callers}, None, lambda: one),
        "token, a new one each (ES256)": ({"callers": callers}, None, lambda: issuer.token("reader")),
    }
    async with AsyncExitStack() as stack:
        stubs: dict[str, Any] = {}
        for name, (own, shown, _) in ways.items():
            store = f"sqlite:///{folder}/{len(stubs)}.sqlite"
            settings = AggregatorSettings(store=store, **served, **own)
            running = await stack.enter_async_context(serving(build(settings), settings))
            await running.until_serving()
            channel = await stack.enter_async_context(secure_channel(running.address, authority.certificate, shown))
            stubs[name] = AggregatorServiceStub(channel)
            await measured(stubs[name], 50, ways[name][2])
        rounds = [{name: await measured(stubs[name], calls, ways[name][2]) for name in ways} for _ in range(ROUNDS)]
    print(f"{'':32} {'µs a call':>10} {'CPU µs':>8}")
    for name in ways:
        took, cpu = (statistics.median(each[name][what] for each in rounds) for what in (0, 1))
        print(f"{name:32} {took:10.0f} {cpu:8.0f}")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls of a round")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(parser.parse_args().calls, Path(folder)))


if __name__ == "__main__":
    main()

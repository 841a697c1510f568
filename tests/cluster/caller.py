"""Calls a service again and again, as a client in the cluster does, and never twice for one answer.

`python caller.py featurizer` prints a line of JSON a second: how many calls were answered, and what failed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import grpc.aio

from playscore.aggregator.v1 import aggregator_pb2, aggregator_pb2_grpc
from playscore.client.connection import Connection
from playscore.common.v1 import common_pb2
from playscore.featurizer.v1 import featurizer_pb2, featurizer_pb2_grpc
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc

CALLS: Mapping[str, tuple[int, Callable[[grpc.aio.Channel], Any], Any]] = {
    "featurizer": (
        50051,
        lambda channel: featurizer_pb2_grpc.FeaturizerServiceStub(channel).DescribeFeatures,
        featurizer_pb2.DescribeFeaturesRequest(task=common_pb2.TASK_PASSING),
    ),
    "scorer": (
        50052,
        lambda channel: scorer_pb2_grpc.ScorerServiceStub(channel).ListModels,
        scorer_pb2.ListModelsRequest(),
    ),
    "aggregator": (
        50053,
        lambda channel: aggregator_pb2_grpc.AggregatorServiceStub(channel).ListLeagues,
        aggregator_pb2.ListLeaguesRequest(),
    ),
}


async def main(service: str) -> None:
    port, method, request = CALLS[service]
    answered, failed, told = 0, Counter[str](), 0.0
    async with Connection(f"dns:///{service}:{port}") as client:
        call = method(client.channel)
        while True:
            try:
                await call(request, timeout=10.0)
                answered += 1
            except grpc.aio.AioRpcError as error:
                failed[f"{error.code().name}: {error.details()}"] += 1
            if time.monotonic() > told + 1.0:
                told = time.monotonic()
                print(json.dumps({"answered": answered, "failed": failed}), flush=True)
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

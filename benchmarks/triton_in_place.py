"""What a Triton does when its repository changes under way: `python -m benchmarks.triton_in_place`.

Callers ask it for two versions of a model all the time, while a third one comes and goes, good and bad. A change is
made on command (`explicit`), or Triton looks for it every second (`poll`).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import grpc
import grpc.aio
from tritonclient.grpc import service_pb2, service_pb2_grpc

from deploy.local.http import status
from deploy.local.ports import reserve
from deploy.local.process import ServerError
from deploy.local.triton import device, triton_server
from deploy.triton.repository import Target, build_repository
from playscore.release import GRAPH, ModelVersion, list_releases
from playscore.shipped import RELEASES
from scorer.core.batching import pad
from scorer.core.tensors import Tensor
from scorer.proof import known_plays

MODEL = "passing"
MODES = {
    "explicit": ("--model-control-mode=explicit", "--load-model=*"),
    "poll": ("--model-control-mode=poll", "--repository-poll-secs=1"),
}
CALLERS = 4
"""For each version."""
SETTLED_SECONDS = 6.0
TIMEOUT_SECONDS = 60.0


async def tried(mode: str, folder: Path) -> None:
    """Prints a line for each change."""
    *kept, third = (release.key for release in list_releases(RELEASES, MODEL)[-3:])
    others = [release.key for release in list_releases(RELEASES) if release.key not in (*kept, third)]

    def build(*without: ModelVersion) -> Path:
        return build_repository(RELEASES, folder / "models", Target.PYTHON, device(), 1, [*others, *without])

    repository = build(third)
    graph, configuration = repository / MODEL / str(third.version) / GRAPH, repository / MODEL / "config.pbtxt"

    def again() -> None:
        for served in repository.glob("*/*/model.py"):
            served.touch()

    def broken_graph() -> None:
        build()
        graph.write_bytes(b"no graph")

    def broken_configuration() -> None:
        configuration.write_text("nothing {")

    changes: dict[str, Callable[[], Any]] = {
        "loaded again": again,
        "third version added": build,
        "third version removed": lambda: build(third),
        "first version removed": lambda: build(kept[0], third),
        "first version back": lambda: build(third),
        "third version with a broken graph": broken_graph,
        "mended": lambda: build(third),
        "configuration broken": broken_configuration,
    }
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, folder / "triton.log", MODES[mode])
        await server.start()
        try:
            await server.wait_ready(TIMEOUT_SECONDS)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(channel)

                async def make(change: Callable[[], Any]) -> None:
                    await asyncio.to_thread(change)
                    if mode == "explicit":
                        asked = service_pb2.RepositoryModelLoadRequest(model_name=MODEL)
                        try:
                            await stub.RepositoryModelLoad(asked, timeout=TIMEOUT_SECONDS)
                        except grpc.aio.AioRpcError as error:
                            click.echo(f"  refused: {(error.details() or '').splitlines()[0]}")
                    await asyncio.sleep(SETTLED_SECONDS)

                for name, change in changes.items():
                    outcomes = await _while_asked(stub, kept, make(change))
                    ready = await status(f"http://127.0.0.1:{http_port}/v2/health/ready")
                    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
                    click.echo(f"{mode}: {name}: {said}; /v2/health/ready {ready}")
            await server.kill()
            await server.start()
            try:
                await server.wait_ready(TIMEOUT_SECONDS)
                click.echo(f"{mode}: it starts again with that")
            except ServerError:
                click.echo(f"{mode}: it does not start again with that")
        finally:
            await server.kill()


async def _while_asked(stub: Any, versions: list[ModelVersion], change: Awaitable[None]) -> Counter[str]:
    """How many requests for each version came to what, while a change was made."""
    outcomes: Counter[str] = Counter()
    requests = {version: _request(version) for version in versions}
    done = asyncio.Event()

    async def ask(version: ModelVersion) -> None:
        while not done.is_set():
            try:
                await stub.ModelInfer(requests[version], timeout=TIMEOUT_SECONDS)
                outcomes[f"of {version} answered"] += 1
            except grpc.aio.AioRpcError as error:
                outcomes[f"of {version} {error.code().name}"] += 1
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as asking:
        for version in versions:
            for _ in range(CALLERS):
                asking.create_task(ask(version))
        await change
        done.set()
    return outcomes


def _request(version: ModelVersion) -> service_pb2.ModelInferRequest:
    [release] = (each for each in list_releases(RELEASES, version.name) if each.key == version)
    known = known_plays(release)
    batch = pad([Tensor(known.frames[0], known.statics[0])], release.bucket_lengths[0])
    request = service_pb2.ModelInferRequest(model_name=version.name, model_version=str(version.version))
    for name, values in batch.inputs.items():
        request.inputs.add(name=name, datatype="FP32", shape=values.shape)
        request.raw_input_contents.append(values.tobytes())
    return request


@click.command()
@click.option("--mode", "modes", type=click.Choice(list(MODES)), multiple=True, default=list(MODES), show_default=True)
def main(modes: tuple[str, ...]) -> None:
    """Change what a Triton serves while it is asked."""
    for mode in modes:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(tried(mode, Path(folder)))


if __name__ == "__main__":
    main()

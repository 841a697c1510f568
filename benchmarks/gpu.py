"""The released graphs alone, in onnxruntime, on the CPU and on a GPU where there is one: `python -m benchmarks.gpu`.

Prints how far the answers are from those of the released graph on the CPU, over random plays of each of its lengths,
and how many plays a second one session answers. CUDA is measured in TF32, its default, and in float32, which the Triton
targets use. It needs `onnxruntime-gpu[cuda,cudnn]` in place of `onnxruntime` in the environment that this runs in.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

import click
import numpy as np
import onnxruntime

from playscore.game import Floats
from playscore.release import GRAPH, Release, list_releases
from playscore.shipped import RELEASES
from scorer.core.batching import pad
from scorer.core.inference import Batch
from scorer.core.tensors import Tensor

RELEASED = {str(release.key): release for release in list_releases(RELEASES)}
CPU = "CPU, one core"
CUDA = {"CUDA, TF32": "1", "CUDA, float32": "0"}
"""What onnxruntime is told of TF32, by what it is called here."""
_PROVIDER = "CUDAExecutionProvider"
COMPARED = 256
"""Plays of each length that are compared."""
SEED = 0


def devices() -> Sequence[str]:
    """What there is to run a graph on here."""
    onnxruntime.preload_dlls()  # CUDA and cuDNN, where they came as packages
    return [CPU, *(CUDA if _PROVIDER in onnxruntime.get_available_providers() else ())]


def opened(release: Release, device: str) -> onnxruntime.InferenceSession:
    """A session of a release. Raises click.ClickException where onnxruntime would go on with the CPU instead."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    provider = (_PROVIDER, {"use_tf32": CUDA[device]}) if device in CUDA else ("CPUExecutionProvider", {})
    graph = RELEASES / release.key.name / str(release.key.version) / GRAPH
    session = onnxruntime.InferenceSession(graph, options, providers=[provider])
    if provider[0] not in session.get_providers():
        raise click.ClickException(f"onnxruntime cannot use {provider[0]}: are CUDA and cuDNN there?")
    return session


def random_plays(release: Release, plays: int, length: int) -> Batch:
    """Plays of random numbers, of any number of frames up to `length`, and 8 or more."""
    random = np.random.default_rng(SEED)
    frames, statics = len(release.features.frame_columns), len(release.features.static_columns)

    def numbers(*shape: int) -> Floats:
        return random.normal(size=shape).astype(np.float32)

    lengths = random.integers(min(8, length), length + 1, size=plays)
    return pad([Tensor(numbers(each, frames), numbers(statics)) for each in lengths], length)


def one_by_one(session: onnxruntime.InferenceSession, inputs: Mapping[str, Floats]) -> Sequence[Floats]:
    """What a graph answers if it is asked for each play alone."""
    plays = len(inputs["static"])
    alone = [session.run(None, {name: part[[play]] for name, part in inputs.items()}) for play in range(plays)]
    return [np.concatenate(parts) for parts in zip(*alone, strict=True)]


def farthest(release: Release, device: str) -> Sequence[float]:
    """The largest difference from the released graph on the CPU, for each length of plays.

    On the CPU itself that is of plays asked for one by one: what rounding comes to.
    """
    reference, session = opened(release, CPU), opened(release, device)
    found = []
    for length in release.bucket_lengths:
        inputs = random_plays(release, COMPARED, length).inputs
        answers = one_by_one(session, inputs) if device == CPU else session.run(None, inputs)
        expected = reference.run(None, inputs)
        found.append(max(float(np.abs(a - b).max()) for a, b in zip(answers, expected, strict=True)))
    return found


def batch_seconds(release: Release, device: str, plays: int, seconds: float) -> float:
    """Median time of a batch of plays of the shortest length, of all that are answered in so many seconds."""
    session = opened(release, device)
    inputs = random_plays(release, plays, release.bucket_lengths[0]).inputs
    for _ in range(5):
        session.run(None, inputs)
    took = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        session.run(None, inputs)
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def _between(values: Sequence[float]) -> str:
    low, high = (f"{each:.1g}" for each in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


@click.command()
@click.option(
    "--model",
    "models",
    type=click.Choice(list(RELEASED)),
    multiple=True,
    default=["passing:2", "passing:3", "shots:1"],
    show_default=True,
)
@click.option(
    "--timed",
    type=click.Choice(list(RELEASED)),
    default="passing:3",
    show_default=True,
    help="The model whose plays a second are measured.",
)
@click.option("--plays", default="1,8,64,256,1024", show_default=True, help="Plays of a batch.")
@click.option("--seconds", default=1.0, show_default=True, help="For each size of a batch.")
def main(models: tuple[str, ...], timed: str, plays: str, seconds: float) -> None:
    """Measure the released graphs on the CPU, and on a GPU where there is one."""
    found = devices()
    click.echo(f"onnxruntime {onnxruntime.__version__}; the most by which {COMPARED} plays of each length differ")
    click.echo(f"| | {' | '.join(found)} |\n{'|---' * (len(found) + 1)}|")
    for model in models:
        release = RELEASED[model]
        click.echo(f"| {model} | {' | '.join(_between(farthest(release, device)) for device in found)} |")
    release = RELEASED[timed]
    frames = release.bucket_lengths[0]
    click.echo(f"\n{timed}, plays of {frames} frames, in one session")
    click.echo("| | plays at once | ms | plays a second |\n|---|---|---|---|")
    for device in found:
        for size in map(int, plays.split(",")):
            took = batch_seconds(release, device, size, seconds)
            click.echo(f"| {device} | {size:,} | {1e3 * took:.1f} | {size / took:,.0f} |")
    if not CUDA.keys() & set(found):
        click.echo("\nno GPU: onnxruntime has no CUDA here, so only the CPU was measured")


if __name__ == "__main__":
    main()

"""How Triton answers, by instances, batches and how many ask at once: `python -m benchmarks.triton sweep`, then `draw`.

The load is Triton's own tool, perf_analyzer, which the manylinux wheel of `tritonclient` 2.41.0 carries and newer ones
do not. It needs Debian's `libb64-0d`, and libcudart.so.12 of PyPI's `nvidia-cuda-runtime-cu12`. It runs on the same
machine as Triton. Each row is one setting of Triton with the released passing model, asked by so many at once.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from matplotlib.axes import Axes

from deploy.local.ports import reserve
from deploy.local.triton import device, triton_server
from deploy.triton.repository import Device, Target, build_repository
from models.core.drawing import figure
from playscore.release import list_releases
from playscore.shipped import RELEASES

MODEL = "passing"
DYNAMIC = "dynamic_batching { }"
BATCHING = {
    "none": "",
    "dynamic": DYNAMIC,
    "1 ms": "dynamic_batching { max_queue_delay_microseconds: 1000 }",
}
"""By name, what the configuration says of batching: never together, what waits, or what comes within a millisecond."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What Triton is told, and what it is asked."""

    device: str
    instances: int
    batching: str
    length: int
    """Frames of a play: one of the model's buckets."""
    plays_a_request: int
    requests_at_once: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What perf_analyzer found in one setting. Times are in milliseconds a request."""

    setting: Setting
    plays_a_second: float
    p50: float
    p99: float
    queue: float
    compute: float


@dataclass(frozen=True, slots=True)
class Tool:
    """perf_analyzer and the libraries that it needs beside the system's."""

    program: Path
    libraries: Sequence[Path]
    window_ms: int

    def measure(self, url: str, shapes: Sequence[str], setting: Setting) -> Measured | None:
        """One row, or None where six windows differ too much. Raises click.ClickException with the tool's own words."""
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "table.csv"
            command = [str(self.program), "-m", MODEL, "-i", "grpc", "-u", url, "-b", str(setting.plays_a_request)]
            command += [word for shape in shapes for word in ("--shape", shape)]
            command += ["--concurrency-range", str(setting.requests_at_once), "-a", "--max-threads", "2"]
            command += ["-p", str(self.window_ms), "-r", "6", "-s", "30", "--input-data", "zero", "-f", str(table)]
            path = ":".join(map(str, self.libraries))
            done = subprocess.run(command, env={"LD_LIBRARY_PATH": path}, capture_output=True, text=True, check=False)
            if not table.exists() and "Failed to obtain stable measurement" in done.stdout + done.stderr:
                return None
            if not table.exists():
                raise click.ClickException(f"{setting}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
            (row,) = csv.DictReader(table.read_text().splitlines())
        inference = sum(float(row[f"Server Compute {part}"]) for part in ("Input", "Infer", "Output"))
        return Measured(
            setting,
            plays_a_second=float(row["Inferences/Second"]),
            p50=float(row["p50 latency"]) / 1e3,
            p99=float(row["p99 latency"]) / 1e3,
            queue=float(row["Server Queue"]) / 1e3,
            compute=inference / 1e3,
        )


@asynccontextmanager
async def served(where: Device, instances: int, batching: str) -> Any:
    """A Triton with the released models in the given setting: where it takes gRPC calls."""
    with tempfile.TemporaryDirectory() as folder, reserve(0, 0, 0) as (grpc_port, http_port, metrics_port):
        scratch = Path(folder)
        repository = build_repository(RELEASES, scratch / "models", Target.PYTHON, where, instances)
        for configuration in repository.glob("*/config.pbtxt"):
            configuration.write_text(configuration.read_text().replace(DYNAMIC, BATCHING[batching]))
        triton = triton_server(repository, grpc_port, http_port, metrics_port, scratch / "triton.log")
        await triton.start()
        try:
            await triton.wait_ready(180)
            yield f"127.0.0.1:{grpc_port}"
        finally:
            await triton.stop()


async def measured(tool: Tool, where: Device, settings: Sequence[Setting]) -> list[Measured]:
    """Every setting's row, in the order given; those of one Triton must follow each other."""
    features = list_releases(RELEASES, MODEL)[-1].features
    found = []
    for (instances, batching), group in itertools.groupby(settings, lambda each: (each.instances, each.batching)):
        async with served(where, instances, batching) as url:
            for setting in group:
                shapes = (
                    f"frames:{setting.length},{len(features.frame_columns)}",
                    f"mask:{setting.length}",
                    f"static:{len(features.static_columns)}",
                )
                row = await asyncio.to_thread(tool.measure, url, shapes, setting)
                click.echo(line(row) if row else f"not stable: {setting}")
                if row:
                    found.append(row)
    return found


COLUMNS = (
    "device",
    "instances",
    "batching",
    "frames",
    "plays a request",
    "requests at once",
    "plays/s",
    "p50 ms",
    "p99 ms",
    "waits ms",
    "computes ms",
)


def line(row: Measured) -> str:
    """A row of the table."""
    setting = row.setting
    cells = [setting.device, setting.instances, setting.batching, setting.length, setting.plays_a_request]
    times = [f"{each:.2f}" for each in (row.p50, row.p99, row.queue, row.compute)]
    return f"| {' | '.join(map(str, [*cells, setting.requests_at_once, f'{row.plays_a_second:,.0f}', *times]))} |"


def numbers(text: str) -> Iterator[int]:
    """Comma-separated whole numbers."""
    return map(int, text.split(","))


@click.group()
def main() -> None:
    """Measure Triton, and draw what was measured."""


@main.command()
@click.option("--perf-analyzer", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--library", "libraries", type=click.Path(path_type=Path, exists=True), multiple=True, help="A folder.")
@click.option("--instances", default="1,2", show_default=True)
@click.option("--batching", type=click.Choice(list(BATCHING)), multiple=True, default=["none", "dynamic", "1 ms"])
@click.option("--lengths", default="32", show_default=True, help="Frames of a play.")
@click.option("--plays", default="1,8", show_default=True, help="Plays a request.")
@click.option("--at-once", default="1,8,32", show_default=True, help="Requests at once.")
@click.option("--window-ms", default=2000, show_default=True, help="What perf_analyzer measures at a time.")
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False), help="File that the rows go to.")
def sweep(
    perf_analyzer: Path,
    libraries: tuple[Path, ...],
    instances: str,
    batching: tuple[str, ...],
    lengths: str,
    plays: str,
    at_once: str,
    window_ms: int,
    out: Path | None,
) -> None:
    """Measure every combination, on the GPU where Triton's environment has onnxruntime-gpu."""
    where = device()
    settings = [
        Setting(where.value, *each)
        for each in itertools.product(
            numbers(instances), batching, [*numbers(lengths)], [*numbers(plays)], [*numbers(at_once)]
        )
    ]
    click.echo(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    rows = asyncio.run(measured(Tool(perf_analyzer.resolve(), libraries, window_ms), where, settings))
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1))


@main.command()
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The SVG file to write.")
def draw(files: tuple[Path, ...], out: Path) -> None:
    """Draw the rows of FILES: what a device answers, and how long it takes, the more ask at once."""
    rows = [
        Measured(**{**row, "setting": Setting(**row["setting"])})
        for file in files
        for row in json.loads(file.read_text())
    ]
    devices = sorted({row.setting.device for row in rows})
    with figure(4.5 * len(devices), 4) as (drawn, svg):
        for place, shown in enumerate(devices, 1):
            _panel(drawn.add_subplot(1, len(devices), place), [row for row in rows if row.setting.device == shown])
    out.write_text(svg(), encoding="utf-8")


def _panel(axes: Axes, rows: Sequence[Measured]) -> None:
    def of(row: Measured) -> tuple[int, str, int]:
        return row.setting.instances, row.setting.batching, row.setting.plays_a_request

    for (instances, batching, plays), line_of in itertools.groupby(sorted(rows, key=of), of):
        points = sorted(line_of, key=lambda row: row.setting.requests_at_once)
        axes.plot(
            [row.plays_a_second for row in points],
            [row.p99 for row in points],
            marker="o" if plays == 1 else "s",
            markersize=3,
            linestyle={"dynamic": "-", "none": ":"}.get(batching, "--"),
            color=f"C{instances.bit_length() - 1}",
            label=f"{instances} × {plays} a request, {batching}",
        )
    axes.set(
        xscale="log", yscale="log", xlabel="plays a second", ylabel="p99, ms", title=rows[0].setting.device.upper()
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter("")
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))


if __name__ == "__main__":
    main()

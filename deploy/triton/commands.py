"""`playscore triton`: what Triton needs."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.triton.repository import Device, Target, build_repository


@click.group()
def triton() -> None:
    """Make what a Triton server serves."""


@triton.command()
@click.option(
    "--target",
    type=click.Choice([target.value for target in Target]),
    required=True,
    help="python: Triton's Python backend over onnxruntime; onnxruntime: the official container.",
)
@click.option("--device", type=click.Choice([device.value for device in Device]), default="cpu", show_default=True)
@click.option("--instances", type=click.IntRange(1, 64), default=1, show_default=True, help="Copies of the model.")
@click.option(
    "--releases",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("models/releases"),
    show_default=True,
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
def build(target: str, device: str, instances: int, releases: Path, out: Path) -> None:
    """Write Triton's model repository from the releases."""
    build_repository(releases, out, Target(target), Device(device), instances)
    for version in sorted(out.glob("*/[0-9]*")):
        click.echo(f"{version.parent.name} version {version.name} -> {version}")
    click.echo(f"tritonserver --model-repository={out}")

"""`playscore triton`: what Triton needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from deploy.local.triton_environment import VARIABLE, environment_folder, python_of
from deploy.local.triton_environment import install as install_environment
from deploy.triton.repository import Device, Target, build_repository
from playscore.release import parse_models
from playscore.shipped import RELEASES


@click.group()
def triton() -> None:
    """Install Triton, and make what it serves."""


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
    default=RELEASES,
    help="Folder of <model>/<version>/.  [default: the releases that come with playscore]",
)
@click.option("--without", default="", metavar="MODEL:VERSION,...", help="Releases to leave out: nobody asks for them.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
def build(target: str, device: str, instances: int, releases: Path, without: str, out: Path) -> None:
    """Write Triton's model repository from the releases."""
    try:
        left_out = parse_models(without)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--without") from None
    build_repository(releases, out, Target(target), Device(device), instances, left_out)
    for version in sorted(out.glob("*/[0-9]*")):
        click.echo(f"{version.parent.name} version {version.name} -> {version}")
    click.echo(f"tritonserver --model-repository={out}")


@triton.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder of the environment.  [default: ${VARIABLE}, else .triton of the checkout, else the user's cache]",
)
def install(folder: Path | None) -> None:
    """Install the Triton server that `stack`, `demo` and `replay` start, in an environment of its own: 320 MB."""
    chosen = folder or environment_folder()
    click.echo(f"installing Triton in {chosen}")
    try:
        install_environment(chosen)
    except subprocess.CalledProcessError as failure:
        raise click.ClickException(f"Triton was not installed: {failure}") from None
    click.echo(f"done: {python_of(chosen)}")
    if chosen != environment_folder():
        click.echo(f"set {VARIABLE}={chosen.resolve()} to use it")

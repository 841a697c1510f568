"""Data-parallel training in a group of processes, one per device, with torch's DDP.

Every process draws the same batches and takes every n-th play of each. Losses are scaled so that the averaged gradient
is that of the whole batch. In a single process all of this changes nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import torch
import torch.distributed as group
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from playscore.errors import PlayscoreError, Reason


def world() -> int:
    """The number of processes in the group."""
    return group.get_world_size() if group.is_initialized() else 1


def leads() -> bool:
    """Whether this process writes the files."""
    return not group.is_initialized() or group.get_rank() == 0


def part(plays: int) -> slice:
    """Which plays of a batch belong to this process."""
    return slice(group.get_rank(), plays, world()) if group.is_initialized() else slice(None)


def wait() -> None:
    """Wait for the rest of the group."""
    if group.is_initialized():
        group.barrier()


def agreed(figure: float) -> float:
    """The first process's figure, so that all processes decide the same whatever the last digits of theirs."""
    if not group.is_initialized():
        return figure
    said = [figure]
    group.broadcast_object_list(said)
    return said[0]


def dropout_state(device: torch.device) -> Tensor:
    """The state of the random numbers that dropout draws on the device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def restore_dropout(state: Tensor, device: torch.device) -> None:
    """Continue drawing where `dropout_state` was taken."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def shared(network: nn.Module) -> nn.Module:
    """The network, with gradients averaged over the group."""
    return nn.parallel.DistributedDataParallel(network) if group.is_initialized() else network


def check(processes: int, device: str) -> None:
    """Raise FIELD_INVALID if each process needs a GPU and this machine has fewer."""
    if device == "cuda" and processes > torch.cuda.device_count():
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{processes} processes need a GPU each, and this machine has {torch.cuda.device_count()}: use "
            "--device cpu or fewer processes",
        )


def launch(work: Callable[[str], None], processes: int, device: str) -> None:
    """Run `work(device)` in this many processes: one per GPU for "cuda", else with the cores divided among them."""
    if processes == 1:
        work(device)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spawn(_member, (work, processes, device, port), nprocs=processes)  # type: ignore[no-untyped-call]


def _member(rank: int, work: Callable[[str], None], processes: int, device: str, port: int) -> None:
    if device == "cuda":
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))
    backend = "nccl" if device == "cuda" else "gloo"
    group.init_process_group(backend, init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes)
    try:
        work(f"cuda:{rank}" if device == "cuda" else device)
    finally:
        group.destroy_process_group()

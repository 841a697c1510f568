"""Training in a group of processes, one a device: data-parallel, gradients averaged by torch's DDP.

Every process draws the same batches and takes every n-th play of each; losses are scaled so that the averaged gradient
is that of the whole batch. Alone, all of this is the identity.
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
    """Processes in the group."""
    return group.get_world_size() if group.is_initialized() else 1


def leads() -> bool:
    """Whether this process writes the files."""
    return not group.is_initialized() or group.get_rank() == 0


def part(plays: int) -> slice:
    """Which plays of a batch are this process's."""
    return slice(group.get_rank(), plays, world()) if group.is_initialized() else slice(None)


def wait() -> None:
    """For all others of the group."""
    if group.is_initialized():
        group.barrier()


def agreed(figure: float) -> float:
    """The first process's, so that all decide alike whatever the last digit of their own."""
    if not group.is_initialized():
        return figure
    said = [figure]
    group.broadcast_object_list(said)
    return said[0]


def dropout_state(device: torch.device) -> Tensor:
    """Of the random numbers that dropout draws on the device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def restore_dropout(state: Tensor, device: torch.device) -> None:
    """Go on drawing where `dropout_state` was taken."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def shared(network: nn.Module) -> nn.Module:
    """The network with gradients averaged over the group."""
    return nn.parallel.DistributedDataParallel(network) if group.is_initialized() else network


def check(processes: int, device: str) -> None:
    """Raises PlayscoreError (FIELD_INVALID) where this machine has not a GPU for each process and is asked for one."""
    if device == "cuda" and processes > torch.cuda.device_count():
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{processes} {'GPU is' if processes == 1 else 'GPUs are'} asked for and {torch.cuda.device_count()} are "
            "here: one a process; take --device cpu, or fewer processes",
        )


def launch(work: Callable[[str], None], processes: int, device: str) -> None:
    """Run `work(device)` in so many processes: one a GPU for "cuda", else with the cores dealt out."""
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

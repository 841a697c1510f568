"""What processes of this machine take: CPU time and memory, of each with all that it started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtest.recording import Part

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """So far."""

    cpu_seconds: float
    memory_bytes: int


def usage(leaders: Mapping[str, int]) -> dict[str, Usage]:
    """What process groups have taken so far, by name. Each is named with the process that leads it."""
    names = {pid: name for name, pid in leaders.items()}
    cpu, memory = dict.fromkeys(leaders, 0.0), dict.fromkeys(leaders, 0)
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        name = names.get(int(fields[2]))
        if name is not None:
            user, system, waited_user, waited_system = map(int, fields[11:15])
            cpu[name] += (user + system + waited_user + waited_system) / _TICKS
            memory[name] += int(fields[21]) * _PAGE
    return {name: Usage(cpu[name], memory[name]) for name in leaders}


def spent(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, Part]:
    """What was taken between."""
    return {
        name: Part(later.cpu_seconds - before[name].cpu_seconds, later.memory_bytes)
        for name, later in after.items()
        if name in before
    }

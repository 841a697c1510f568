"""Packets that the kernel drops between two processes of this machine: nobody is told, as when a cable is pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TABLES: Final = ("iptables", "--wait")


def why_not() -> str | None:
    """Why packets cannot be dropped on this machine; None if they can."""
    if os.geteuid() != 0:
        return "dropping packets takes root"
    if shutil.which(_TABLES[0]) is None:
        return "iptables is missing: apt-get install iptables"
    listed = subprocess.run([*_TABLES, "-L", "INPUT", "-n"], capture_output=True, text=True, check=False)
    return f"iptables does not work here: {listed.stderr.strip()}" if listed.returncode else None


@contextmanager
def dropped(port: int, probability: float = 1.0) -> Iterator[None]:
    """Drops packets to and from a port of loopback inside the block: all of them, or some.

    Raises subprocess.CalledProcessError where the kernel lacks what that takes.
    """
    some = ("-m", "statistic", "--mode", "random", "--probability", f"{probability:g}") if probability < 1 else ()
    rules = [
        ("INPUT", "-i", "lo", "-p", "tcp", side, str(port), *some, "-j", "DROP") for side in ("--dport", "--sport")
    ]
    added = []
    try:
        for rule in rules:
            subprocess.run([*_TABLES, "-A", *rule], check=True, capture_output=True)
            added.append(rule)
        yield
    finally:
        for rule in added:
            subprocess.run([*_TABLES, "-D", *rule], check=False, capture_output=True)

"""`python -I -S tied.py PARENT COMMAND...`: becomes COMMAND, tied to the process that started it.

Linux kills COMMAND (SIGKILL) when the thread that started it ends, even by SIGKILL. COMMAND replaces this program: it
has the same process id, environment and streams.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:
    """Never returns: the process becomes `command`, or exits if its parent is already gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(f"{command[0]}: not started, its parent is gone")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])

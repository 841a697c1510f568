"""The commands of docs/operations.md, run as they are written."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.cluster import cluster
from tests.unit.deploy.manifests import ROOT

PAGE: Final = ROOT / "docs" / "operations.md"
_BLOCK: Final = re.compile(r"^( *)```\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_KUBECTL: Final = """#!/usr/bin/env bash
# kubectl, but for a cluster whose manifests go through a filter: `apply --kustomize` cannot have one.
set -euo pipefail
words=("$@")
for place in "${!words[@]}"; do
  if [ "$1" = apply ] && [ "${words[$place]}" = --kustomize ]; then
    folder=${words[$((place + 1))]}
    unset "words[$place]" "words[$((place + 1))]"
    KUBECTL kustomize "$folder" | FILTER | KUBECTL "${words[@]}" --filename -
    exit
  fi
done
exec KUBECTL "$@"
"""


def commands(section: str) -> list[str]:
    """The blocks of commands under a heading such as "Upgrade", without those of its subsections."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1]
    text = re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [textwrap.dedent(block) for _, block in _BLOCK.findall(text)]


class Shell:
    """A shell of someone who follows the page."""

    def __init__(self, folder: Path) -> None:
        """`folder` takes the place of a checkout, so that nothing is left in one."""
        self._folder = folder
        (folder / "deploy").symlink_to(ROOT / "deploy")
        environment = Path(sys.executable).parent
        self._path = f"{folder}:{environment}:{os.environ['PATH']}"
        if cluster.MANIFESTS:
            kubectl = _KUBECTL.replace("KUBECTL", shlex.quote(str(environment / "kubectl")))
            (folder / "kubectl").write_text(kubectl.replace("FILTER", cluster.MANIFESTS))
            (folder / "kubectl").chmod(0o755)

    def run(self, block: str) -> str:
        """What a block of commands prints; what it leaves running ends with it. Raises AssertionError if one fails."""
        output = self._folder / "output"
        with output.open("w") as printed:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=self._folder,
                env={**os.environ, "PATH": self._path},
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(1_200.0)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        said = output.read_text()
        assert status == 0, f"{block}: exit code {status}\n{said}"
        return said

"""The campaign: `python -m tests.adversary mutations`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.adversary import mutations

_PARTS = {"mutations": (mutations, "wrong messages to all methods of all services")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.adversary", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/adversary"), help="folder for logs, stores and faults")
    parts = parser.add_subparsers(dest="part", required=True)
    for name, (module, described) in _PARTS.items():
        module.add_arguments(
            parts.add_parser(name, help=described, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        )
    options = parser.parse_args()
    sys.exit(0 if _PARTS[options.part][0].run(options) else 1)


if __name__ == "__main__":
    main()

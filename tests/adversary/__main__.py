"""The campaign: attacks on the whole suite, each a part of its own. `python -m tests.adversary mutations --help`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import structlog

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # before gRPC is imported: it starts processes all the time

from tests.adversary import clock, disk, feed, kills, mutations, network, overload, soak

_PARTS = {
    "mutations": (mutations, "wrong messages to all methods of all services"),
    "feed": (feed, "wrong messages in the live feed, among sound ones"),
    "kills": (kills, "processes killed while games are played"),
    "network": (network, "links between processes that go bad while games are played"),
    "disk": (disk, "disks that fill up while games are played"),
    "clock": (clock, "clocks that jump while games are played"),
    "overload": (overload, "more calls than a service can answer"),
    "soak": (soak, "steady play, with memory and descriptors watched"),
}


def main() -> None:
    """Runs one part. Exit code 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.adversary", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/adversary"), help="folder for logs, stores and faults")
    parts = parser.add_subparsers(dest="part", required=True)
    for name, (module, described) in _PARTS.items():
        module.add_arguments(
            parts.add_parser(name, help=described, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        )
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.exit(0 if _PARTS[options.part][0].run(options) else 1)


if __name__ == "__main__":
    main()

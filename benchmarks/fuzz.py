"""Damages games, reads them, and counts what becomes of them: `python -m benchmarks.fuzz --cases 20000`.

python -m benchmarks.fuzz [--cases N] [--seed N] [--processes N] [--corpus NAME] [--data ../shared/data]

Case i of a run from seed s is the seed s + i // n of corpus i % n. The real games are left out where they are absent.
The exit code is 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzz.corpus import REAL, SIMULATED, corpus
from tests.fuzz.verdict import MAX_SECONDS, Trial, Trials

GIVE_UP_SECONDS: Final = 4 * MAX_SECONDS
"""After which a process that says nothing is ended: it hangs where Python cannot interrupt it, or is gone."""


@dataclass
class Worker:
    process: Any
    cases: list[tuple[str, int]]
    """Those to come; the one in hand first."""
    heard: float


def work(number: int, cases: Sequence[tuple[str, int]], data: Path | None, answers: Any) -> None:
    parent = multiprocessing.parent_process()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trials: dict[str, Trials] = {}
        for which, seed in cases:
            if parent is not None and not parent.is_alive():
                return
            if which not in trials:
                trials[which] = Trials(corpus(which, folder, data), folder / "damaged")
            try:
                trial = trials[which].trial(seed)
                answer = counts_of(trial), str(trial) if trial.faults else ""
            except Exception:
                answer = Counter({"cases": 1, "faults": 1}), f"{which!r}, seed {seed}: {traceback.format_exc()}"
            answers.put((number, *answer))


def counts_of(trial: Trial) -> Counter[str]:
    kinds = Counter({"cases": 1, "damages": len(trial.case.damages), "faults": bool(trial.faults)})
    return kinds + trial.outcome.counts()


def start(number: int, cases: list[tuple[str, int]], data: Path | None, answers: Any) -> Worker:
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(number, cases, data, answers), daemon=True
    )
    process.start()
    return Worker(process, cases, time.monotonic())


def run(cases: Sequence[tuple[str, int]], processes: int, data: Path | None) -> Iterator[tuple[Counter[str], str]]:
    """Counts of each case, and what was wrong."""
    answers: Any = multiprocessing.get_context("spawn").Queue()
    workers = {number: start(number, list(cases[number::processes]), data, answers) for number in range(processes)}
    while any(worker.cases for worker in workers.values()):
        try:
            number, counts, wrong = answers.get(timeout=1)
            workers[number].cases.pop(0)
            workers[number].heard = time.monotonic()
            yield counts, wrong
        except queue.Empty:
            for number, worker in workers.items():
                gone = not worker.process.is_alive()
                if worker.cases and (gone or time.monotonic() - worker.heard > GIVE_UP_SECONDS):
                    worker.process.kill()
                    which, seed = worker.cases.pop(0)
                    yield (
                        Counter({"cases": 1, "faults": 1}),
                        f"{which!r}, seed {seed}: the process {'is gone' if gone else 'hangs'}",
                    )
                    workers[number] = start(number, worker.cases, data, answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--corpus", choices=[*SIMULATED, *REAL])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    data = options.data if options.data.is_dir() else None
    if data is None:
        print(f"the real games are left out: {options.data} does not exist")
    names = [options.corpus] if options.corpus else [*SIMULATED, *(REAL if data else ())]
    cases = [(names[case % len(names)], options.seed + case // len(names)) for case in range(options.cases)]
    begin = time.monotonic()
    total: Counter[str] = Counter()
    for counts, wrong in run(cases, options.processes, data):
        total += counts
        if wrong:
            print(f"FAULT {wrong}", flush=True)
        if total["cases"] % 1000 == 0:
            print(f"{total['cases']:,} cases, {total['faults']} faults, {time.monotonic() - begin:.0f} s", flush=True)
    for what, count in total.most_common():
        print(f"{what:28} {count:10,}")
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(bool(total["faults"]))


if __name__ == "__main__":
    main()

"""Games played side by side, frame by frame. Each is the same whoever plays beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulator.hockey import officials, possession, shooting, skating
from simulator.hockey.film import Recorder, Reel
from simulator.hockey.league import Skills
from simulator.hockey.rinks import RATE_HERTZ, SAMPLES, Log, Rinks

BEFORE_SECONDS: Final = 5.0
AFTER_SECONDS: Final = 0.3
BEFORE: Final = round(BEFORE_SECONDS * RATE_HERTZ)
AFTER: Final = int(np.ceil(AFTER_SECONDS * RATE_HERTZ))
_CHUNK: Final = 256
"""Frames of a whole period that are taken off the recorder at a time."""


@dataclass
class Played:
    """One game that is over, and its film."""

    log: Log
    periods: list[list[Reel]] = field(default_factory=list)
    """Of each period its reels one after the other; none where only windows were filmed."""
    windows: dict[int, Reel] = field(default_factory=dict)
    """By place among the attempts: from five seconds before the release to 0.3 s after it, both within the period."""


def play(seed: int, games: Sequence[int], skills: Skills, *, period_seconds: float, whole: bool) -> Iterator[Played]:
    """Plays these games of the league to their end, all at once; yields each as it ends.

    `whole`: film of whole periods, else of the attempts only.
    """
    rinks = Rinks(seed, games, skills, period_seconds)
    recorder = Recorder(len(rinks), _CHUNK if whole else BEFORE + AFTER + 2)
    played = [Played(log, periods=[[]] if whole else []) for log in rinks.logs]
    filmed = [0] * len(rinks)
    """Frames of the period that are on reels; or attempts whose windows are."""
    officials.begin(rinks, rinks.everyone)
    samples = np.repeat(rinks.puck[:, None], SAMPLES, axis=1)
    while len(rinks):
        _happen(rinks)
        recorder.record(rinks, samples)
        _collect(rinks, recorder, played, filmed, whole=whole)
        if rinks.ended.any():
            done = np.flatnonzero(rinks.over)
            for lane in done.tolist():
                yield played[lane]
            if len(done):
                stay = np.flatnonzero(~rinks.over)
                rinks.keep(stay)
                recorder.keep(stay)
                samples = samples[stay]
                played = [played[lane] for lane in stay]
                filmed = [filmed[lane] for lane in stay]
                if not len(rinks):
                    return
        fresh = np.flatnonzero(rinks.ended)
        before = rinks.puck[:, 0].copy()
        skating.aim(rinks)
        skating.skate(rinks)
        samples = skating.move_puck(rinks)
        possession.cross_lines(rinks, before)
        rinks.frame += 1
        if len(fresh):
            officials.next_period(rinks, fresh)
            samples[fresh] = rinks.puck[fresh, None]


def _happen(rinks: Rinks) -> None:
    """All that happens at this frame."""
    shooting.land(rinks)
    possession.arrive(rinks)
    possession.pick_up(rinks)
    possession.decide(rinks)
    officials.pull_goalies(rinks)
    officials.change_lines(rinks)
    officials.resume(rinks)
    officials.run_clock(rinks)


def _collect(rinks: Rinks, recorder: Recorder, played: list[Played], filmed: list[int], *, whole: bool) -> None:
    """Takes finished film off the recorder."""
    for lane in range(len(rinks)) if whole else _with_open_windows(rinks, filmed):
        frame, ended = int(rinks.frame[lane]), bool(rinks.ended[lane])
        if whole:
            if frame + 1 - filmed[lane] == _CHUNK or ended:
                played[lane].periods[-1].append(recorder.reel(lane, frame + 1 - filmed[lane], frame))
                filmed[lane] = frame + 1
            if ended:
                played[lane].log.period_frames.append(frame + 1)
                filmed[lane] = 0
                if not rinks.over[lane]:
                    played[lane].periods.append([])
            continue
        attempts = played[lane].log.attempts
        while filmed[lane] < len(attempts):
            attempt = attempts[filmed[lane]]
            after = frame - attempt.frame
            if after < AFTER and not ended:
                break
            played[lane].windows[filmed[lane]] = recorder.reel(lane, BEFORE + after + 1, frame)
            filmed[lane] += 1


def _with_open_windows(rinks: Rinks, filmed: list[int]) -> list[int]:
    return [lane for lane, log in enumerate(rinks.logs) if filmed[lane] < len(log.attempts) or rinks.ended[lane]]

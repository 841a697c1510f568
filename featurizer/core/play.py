"""A pass play from its first frame to its tensor: frames are added as they come, and the release closes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple

import numpy as np

from featurizer.core import checks, features, normalise
from featurizer.core.columns import FRAME_RATE_HERTZ, PASSING, TARGET
from featurizer.core.features import PassAttributes
from featurizer.core.film import Film, check_columns, splice
from featurizer.core.lineup import LineUp
from featurizer.core.normalise import GAP_FRAMES, Array
from featurizer.core.windows import Tags, Window
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import (
    Floats,
    FootballSituation,
    Frames,
    GameHeader,
    PlayContext,
    Player,
    PlayKind,
)

MIN_FRAMES: Final = 4
"""From snap to release, both included."""
MAX_FRAMES: Final = 128
"""From snap to release, both included."""
MAX_HELD_FRAMES: Final = 2_000
"""Frames that an open play holds, duplicates counted."""
MAX_TAGS: Final = 100
"""Snaps and releases that are told of one play."""
LEAD_IN: Final = GAP_FRAMES
"""Frames before the snap that are looked at, without being rows of the tensor."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A play as a model reads it."""

    play_id: str
    revision: int
    frames: Floats
    """(T, C) in the order of `PASSING.frame_columns`"""
    statics: Floats
    """(S,) in the order of `PASSING.static_columns`"""
    subject_id: str
    subject_name: str
    attributes: PassAttributes
    interpolated_frames: tuple[int, ...]
    """Rows in which a player was interpolated."""
    duplicate_samples: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """A play that became no tensor, and why."""

    play_id: str
    revision: int
    reason: Reason
    detail: str
    subject_id: str = ""
    """The passer, where known."""
    subject_name: str = ""
    team_id: str = ""


def check_header(header: GameHeader) -> None:
    """Raise SPORT_UNSUPPORTED or FRAME_RATE_UNSUPPORTED where plays of this game cannot be read."""
    if header.sport is not PASSING.sport:
        raise PlayscoreError(
            Reason.SPORT_UNSUPPORTED,
            f"the featurizer reads {PASSING.sport.name}, not {header.sport.name}",
            fields=(FieldViolation("header.sport", f"must be {PASSING.sport.name}"),),
        )
    if header.frame_rate_hertz != FRAME_RATE_HERTZ:
        raise PlayscoreError(
            Reason.FRAME_RATE_UNSUPPORTED,
            f"frame_rate_hertz is {header.frame_rate_hertz}; the passing score works at {FRAME_RATE_HERTZ:g} frames a"
            " second and resamples nothing",
            fields=(FieldViolation("header.frame_rate_hertz", f"must be {FRAME_RATE_HERTZ:g}"),),
        )


class _Batch(NamedTuple):
    """Frames, and the least and the greatest of their numbers."""

    first: int
    last: int
    frames: Frames


class OpenPlay:
    """A play that is being played. Holds at most `MAX_HELD_FRAMES` frames."""

    def __init__(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext) -> None:
        """Open the play; `roster` may grow while it is open. Raises as `check_header`."""
        check_header(header)
        self._header = header
        self._roster = roster
        self._context = context
        self._tags = Tags()
        self._batches: list[_Batch] = []
        self._held = 0
        self._last_frame = -1
        self._fault: PlayscoreError | None = None

    @property
    def context(self) -> PlayContext:
        """What is known of the play by now."""
        return self._context

    @property
    def is_full(self) -> bool:
        """It holds as many frames as it may."""
        return self._held > MAX_HELD_FRAMES

    def amend(self, context: PlayContext) -> bool:
        """Add to what is known: a field that is set replaces, one that is not keeps. False: of an older revision."""
        known = self._context
        if context.revision < known.revision:
            return False
        later = {f.name: getattr(context.football, f.name) for f in fields(FootballSituation)}
        stated = {name: value for name, value in later.items() if value not in (None, "", PlayKind.UNSPECIFIED)}
        self._context = replace(
            context,
            offense_team_id=context.offense_team_id or known.offense_team_id,
            attacking_direction=context.attacking_direction or known.attacking_direction,
            football=replace(known.football, **stated),
        )
        return True

    def add(self, frames: Frames) -> bool:
        """Take in frames; True once the play can close: further frames would change nothing.

        That is when the release frame has arrived, with every frame since the snap. Missing frames, and a tag set by
        hand where a program tagged the release, are waited for until half a second of film has passed.
        """
        if self._fault:
            return True
        try:
            check_columns(frames)
        except PlayscoreError as fault:
            self.refuse(fault)
            return True
        self._tags.note(frames.events)
        if len(self._tags) > MAX_TAGS:
            self.refuse(
                PlayscoreError(
                    Reason.FIELD_INVALID,
                    f"the play has more than {MAX_TAGS} snaps and releases; a play has one of each, tagged a few times",
                )
            )
            return True
        self._held += max(len(frames), 1)
        if numbers := frames.frame_numbers.tolist():
            self._batches.append(_Batch(min(numbers), max(numbers), replace(frames, events=())))
            self._last_frame = max(self._last_frame, *numbers)
        if self._can_close():
            return True
        if self.is_full:
            self.refuse(
                PlayscoreError(
                    Reason.TOO_LONG,
                    f"the play has more than {MAX_HELD_FRAMES} frames and no release; no pass lasts so long",
                )
            )
            return True
        return False

    def refuse(self, fault: PlayscoreError) -> None:
        """Close the play as rejected for `fault`, and let go of its frames."""
        self._fault = fault
        self._batches.clear()

    def close(self) -> Tensor | Rejection:
        """What became of the play."""
        situation = self._context.football
        try:
            if self._fault:
                raise self._fault
            return self._tensor(situation)
        except PlayscoreError as fault:
            passer = self._roster.get(situation.passer_id)
            return Rejection(
                play_id=self._context.play_id,
                revision=self._context.revision,
                reason=fault.reason,
                detail=fault.detail,
                subject_id=situation.passer_id,
                subject_name=passer.display_name if passer else "",
                team_id=passer.team_id if passer else self._context.offense_team_id,
            )

    def _can_close(self) -> bool:
        release = self._tags.release()
        if release is None or self._last_frame < release:
            return False
        if not self._tags.settled(release, self._last_frame):
            return False
        if self._last_frame >= release + GAP_FRAMES:
            return True
        window = self._window_before(release)
        if len(window) > MAX_FRAMES:
            return True
        return bool(self._film(window.snap, window.release).seen.any(axis=1).all())

    def _film(self, first: int, last: int) -> Film:
        return splice(
            [batch.frames for batch in self._batches if batch.first <= last and batch.last >= first], first, last
        )

    def _window_before(self, release: int) -> Window:
        return Window(self._tags.snap(release, lambda snap: self._pace(snap - 2, min(snap + 2, release))), release)

    def _pace(self, first: int, last: int) -> float:
        """Mean speed of all players between two frames, in yards a second; 0 where it cannot be told."""
        film = self._film(first, last)
        rows = np.flatnonzero(film.seen.any(axis=1))
        if not len(rows):
            return 0.0
        position = normalise.positions(film.samples, self._header.coordinates)
        way = position[:, rows[-1]] - position[:, rows[0]]
        moved = np.hypot(way[0], way[1])
        moved = moved[np.isfinite(moved)]
        seconds = float(rows[-1] - rows[0]) / FRAME_RATE_HERTZ
        return float(moved.mean()) / seconds if seconds and len(moved) else 0.0

    def _tensor(self, situation: FootballSituation) -> Tensor:
        window = self._window(situation)
        passer, home = self._passer(situation)
        # Film from before the snap helps to interpolate and to tell velocities. None from after the release is used.
        film = self._film(window.snap - LEAD_IN, window.release)
        checks.check_finite(film)
        checks.check_possible(film)
        offense, defense = self._sides(film, passer)
        last = checks.last_row(film, passer, window)
        checks.check_numbers(film, last, offense, defense)
        field = normalise.to_field(film.samples, self._header.coordinates)
        checks.check_on_field(field, film)
        line_up = _line_up(field, film, offense, defense)
        sign = line_up.direction(self._context.attacking_direction)
        line = line_up.line(sign, situation.yards_to_end_zone)
        target_id = situation.target_id if situation.target_id in offense else ""
        slots = line_up.slots(sign, line, passer.player_id, target_id if target_id != passer.player_id else "")

        field = _in_slots(field, film, slots)
        interpolated = normalise.interpolate(field)
        play = features.motion(field, interpolated, sign, line).rows(LEAD_IN, last + 1)
        checks.check_followed(play, passer, window)

        derived = features.derive(play, line)
        frames = features.frame_columns(play, derived)
        if not np.isfinite(frames).all():
            raise PlayscoreError(
                Reason.SAMPLE_NOT_FINITE, "a speed is so large that the features made of it are not finite numbers"
            )
        return Tensor(
            play_id=self._context.play_id,
            revision=self._context.revision,
            frames=frames,
            statics=features.static_columns(self._header, situation, home, slots[TARGET] is not None),
            subject_id=passer.player_id,
            subject_name=passer.display_name,
            attributes=features.attributes(
                play,
                derived,
                self._header,
                situation,
                home=home,
                time_to_throw=(window.release - window.snap) / FRAME_RATE_HERTZ,
                spot_y=sign * line_up.spot_y(),
            ),
            interpolated_frames=tuple(np.flatnonzero(play.interpolated.any(axis=1)).tolist()),
            duplicate_samples=film.duplicate_samples,
        )

    def _window(self, situation: FootballSituation) -> Window:
        release = self._tags.release()
        if not self._tags.releases and situation.kind in (PlayKind.RUN, PlayKind.OTHER):
            raise PlayscoreError(
                Reason.NOT_A_PASS, f"the source calls the play {situation.kind.name}, and no release was seen"
            )
        if not self._held:
            raise PlayscoreError(Reason.NO_FRAMES, "the play has no frames")
        if not self._tags.releases:
            raise PlayscoreError(
                Reason.NO_RELEASE, f"no release was seen up to frame {self._last_frame}: a sack, a scramble or no pass"
            )
        if release is None:
            raise PlayscoreError(
                Reason.NO_SNAP, f"no snap was seen before the release at frame {min(self._tags.releases)}"
            )
        window = self._window_before(release)
        if not MIN_FRAMES <= len(window) <= MAX_FRAMES:
            raise PlayscoreError(
                Reason.TOO_SHORT if len(window) < MIN_FRAMES else Reason.TOO_LONG,
                f"from the snap at frame {window.snap} to the release at frame {release} there are {len(window)}"
                f" frames; a pass takes {MIN_FRAMES} to {MAX_FRAMES}",
            )
        return window

    def _passer(self, situation: FootballSituation) -> tuple[Player, bool]:
        """Who threw, and whether he plays at home."""
        teams = (self._header.home_team_id, self._header.away_team_id)
        offense = self._context.offense_team_id
        if offense not in teams:
            raise PlayscoreError(
                Reason.OFFENSE_UNKNOWN, f"offense_team_id is {offense!r}; the teams are {teams[0]!r} and {teams[1]!r}"
            )
        if not situation.passer_id:
            raise PlayscoreError(
                Reason.PASSER_UNKNOWN, "a pass was thrown, but no context of the play names the passer"
            )
        passer = self._roster.get(situation.passer_id)
        if passer is None:
            raise PlayscoreError(
                Reason.PASSER_NOT_IN_ROSTER, f"passer_id is {situation.passer_id!r}; no roster names that player"
            )
        if passer.team_id != offense:
            raise PlayscoreError(
                Reason.OFFENSE_UNKNOWN,
                f"passer {passer.player_id} plays for {passer.team_id!r}, but offense_team_id is {offense!r}",
            )
        return passer, offense == teams[0]

    def _sides(self, film: Film, passer: Player) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who of the offense and who of the defense is on the field."""
        seen = film.seen[LEAD_IN:]
        offense: list[str] = []
        defense: list[str] = []
        in_play = np.flatnonzero(seen.any(axis=0))
        for player_id in (film.player_ids[e] for e in in_play):
            player = self._roster.get(player_id)
            if player is None:
                raise PlayscoreError(
                    Reason.PLAYER_NOT_IN_ROSTER, f"player {player_id!r} is in the frames, but no roster names him"
                )
            (offense if player.team_id == passer.team_id else defense).append(player_id)
        if not offense and not defense:
            raise PlayscoreError(
                Reason.NO_FRAMES, f"no player was seen from frame {film.first_frame + LEAD_IN} to the release"
            )
        if passer.player_id not in offense:
            raise PlayscoreError(
                Reason.PASSER_NOT_TRACKED, f"passer {passer.player_id} has no sample between snap and release"
            )
        at_release = dict(zip(film.player_ids, seen[-1], strict=True))
        return checks.eleven(offense, at_release, "offense"), checks.eleven(defense, at_release, "defense")


def featurize(
    header: GameHeader, roster: Mapping[str, Player], context: PlayContext, frames: Iterable[Frames]
) -> Tensor | Rejection:
    """What becomes of a play that is there whole. Raises as `check_header`."""
    play = OpenPlay(header, roster, context)
    for batch in frames:
        if play.add(batch) and play.is_full:
            break
    return play.close()


def _line_up(field: Array, film: Film, offense: tuple[str, ...], defense: tuple[str, ...]) -> LineUp:
    first_seen = LEAD_IN + film.seen[LEAD_IN:].argmax(axis=0)
    x, y = field[:2, first_seen, np.arange(len(first_seen))].tolist()
    return LineUp(offense, defense, dict(zip(film.player_ids, zip(x, y, strict=True), strict=True)))


def _in_slots(field: Array, film: Film, slots: tuple[str | None, ...]) -> Array:
    """(6, T, 22): the players in the slots."""
    column = {player_id: e for e, player_id in enumerate(film.player_ids)}
    placed = field[:, :, [0 if player_id is None else column[player_id] for player_id in slots]]
    placed[:, :, [player_id is None for player_id in slots]] = np.nan
    return placed

"""A pass while its film comes in, from the snap to the release, and its tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from featurizer.core.outcomes import Tensor
from featurizer.core.segments import Footage
from featurizer.core.tracking_window import TrackingWindow
from featurizer.passing import checks, consistency, features, normalize, orientation
from featurizer.passing.columns import FRAME_RATE_HERTZ, SPECIFICATION, TARGET
from featurizer.passing.lineup import LineUp
from featurizer.passing.normalize import GAP_FRAMES, Array
from featurizer.passing.windows import Tags, Window
from playscore.errors import PlayscoreError, Reason
from playscore.game import GameHeader, PlayContext, Player
from playscore.passing import PASSER, PlayKind, situation_of
from playscore.subjects import Subject

MIN_FRAMES: Final = 4
"""From snap to release, both included."""
MAX_FRAMES: Final = 128
"""From snap to release, both included."""
MAX_TAGS: Final = 100
"""Snaps and releases of one play."""
MAX_TAG_SPAN: Final = 1_000
"""Frames between tags that are looked at to tell why they make no pass."""
LEAD_IN: Final = GAP_FRAMES
"""Frames before the snap that are looked at, without being rows of the tensor."""
NO_ATTEMPTS: Final = {
    PlayKind.SPIKE: (Reason.SPIKE, "a spike"),
    PlayKind.KNEEL: (Reason.KNEEL, "a kneel"),
    PlayKind.CONVERSION_TRY: (Reason.CONVERSION_TRY, "a try for points after a touchdown"),
    PlayKind.SPECIAL_TEAMS: (Reason.SPECIAL_TEAMS, "a play of the special teams"),
}
"""Kinds of plays that are not graded, whatever their film shows."""


class PassPlay:
    """A pass over the film that comes in: the `OpenPlay` of passing."""

    def __init__(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> None:
        """Open the play of a game whose header has coordinates; `roster` may grow while it is open."""
        assert header.coordinates is not None
        self._header = header
        self._coordinates = header.coordinates
        self._roster = roster
        self._context = context
        self._situation = situation_of(context)
        self._film = film
        self._tags = Tags(context.release_frame)
        self._release: int | None = None
        self._paces: dict[tuple[int, int], tuple[int, float]] = {}
        """By first and last frame: how many frames were seen between them, and the pace that they showed."""

    def is_complete(self) -> bool:
        """Whether the release frame has come, with every frame since the snap.

        Missing frames, and a tag set by hand where a program tagged the release, are waited for until half a second of
        film has passed. Raises FIELD_INVALID for more than `MAX_TAGS` snaps and releases.
        """
        self._note_events()
        release, last_frame = self._release, self._film.last_frame
        if release is None or last_frame < release or not self._tags.settled(release, last_frame):
            return False
        if last_frame >= release + GAP_FRAMES:
            return True
        window = Window(self._tags.snap(release, lambda snap: self._pace_so_far(*_around(snap, release))), release)
        return len(window) > MAX_FRAMES or self._film.frames_seen(window.snap, window.release) == len(window)

    def tensor(self) -> Tensor:
        """The play from the film that has come. Raises PlayscoreError with the reason why it has no tensor."""
        self._note_events()
        window = self._window()
        passer, home = self._passer()
        # Film from before the snap helps to interpolate and to tell velocities. None from after the release is used.
        film = self._film.window(window.snap - LEAD_IN, window.release)
        checks.check_finite(film)
        checks.check_possible(film)
        field = normalize.to_field(film.samples, self._coordinates)
        film = consistency.mend(field, film, self._coordinates)
        offense, defense = self._sides(film, passer)
        last = checks.last_row(film, passer, window)
        checks.check_numbers(film, last, offense, defense)
        line_up = _line_up(field, film, offense, defense)
        sign = line_up.direction(self._context.attacking_direction)
        if not orientation.is_believed(film, field[:, LEAD_IN], sign, offense):
            field[4:6] = np.nan
        situation = self._situation
        line = line_up.line(sign, situation.yards_to_end_zone, self._coordinates)
        target_id = situation.target_id if situation.target_id in offense else ""
        slots = line_up.slots(sign, line, passer.player_id, target_id if target_id != passer.player_id else "")

        field = _in_slots(field, film, slots)
        interpolated = normalize.interpolate(field)
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
            specification_id=SPECIFICATION.id,
            frames=frames,
            statics=features.static_columns(self._header, situation, home, slots[TARGET] is not None),
            subjects=(Subject(PASSER, passer.player_id, passer.display_name, passer.team_id),),
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

    def _note_events(self) -> None:
        events = self._film.new_events()
        if not events:
            return
        self._tags.note(events)
        self._release = self._tags.release()
        if len(self._tags) > MAX_TAGS:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the play has more than {MAX_TAGS} snaps and releases; a play has one of each, tagged a few times",
            )

    def _pace_so_far(self, first: int, last: int) -> float:
        """As `_pace`, worked out anew only when a frame has come that was not seen before."""
        seen = self._film.frames_seen(first, last)
        known = self._paces.get((first, last))
        if known is None or known[0] != seen:
            known = self._paces[first, last] = seen, self._pace(first, last)
        return known[1]

    def _pace(self, first: int, last: int) -> float:
        """Mean speed of all players between two frames, in yards a second; 0 if it cannot be told."""
        film = self._film.window(first, last)
        rows = np.flatnonzero(film.seen.any(axis=1))
        if not len(rows):
            return 0.0
        position = normalize.positions(film.samples, self._coordinates)
        way = position[:, rows[-1]] - position[:, rows[0]]
        moved = np.hypot(way[0], way[1])
        moved = moved[np.isfinite(moved)]
        seconds = float(rows[-1] - rows[0]) / FRAME_RATE_HERTZ
        return float(moved.mean()) / seconds if seconds and len(moved) else 0.0

    def _window(self) -> Window:
        kind, release, last_frame = self._situation.kind, self._release, self._film.last_frame
        if kind in NO_ATTEMPTS:
            reason, what = NO_ATTEMPTS[kind]
            raise PlayscoreError(reason, f"the source calls the play {what}; the books count no attempt to pass")
        if not self._tags.releases and kind in (PlayKind.RUN, PlayKind.OTHER):
            raise PlayscoreError(Reason.NOT_A_PASS, f"the source calls the play {kind.name}, and no release was seen")
        if last_frame < 0:
            raise PlayscoreError(Reason.NO_FRAMES, "the play has no frames")
        if not self._tags.releases:
            raise PlayscoreError(
                Reason.NO_RELEASE, f"no release was seen up to frame {last_frame}: a sack, a scramble or no pass"
            )
        if release is None:
            self._check_numbers()
            raise PlayscoreError(
                Reason.NO_SNAP, f"no snap was seen before the release at frame {min(self._tags.releases)}"
            )
        window = Window(self._tags.snap(release, lambda snap: self._pace(*_around(snap, release))), release)
        if not MIN_FRAMES <= len(window) <= MAX_FRAMES:
            self._check_numbers()
            raise PlayscoreError(
                Reason.TOO_SHORT if len(window) < MIN_FRAMES else Reason.TOO_LONG,
                f"from the snap at frame {window.snap} to the release at frame {release} there are {len(window)}"
                f" frames; a pass takes {MIN_FRAMES} to {MAX_FRAMES}",
            )
        return window

    def _check_numbers(self) -> None:
        """Raise TIMES_CONTRADICTED or SAMPLES_CONTRADICTED if frame numbers start again between the tags.

        Then the snap may seem to come after the release, or right before it.
        """
        first, last = self._tags.span
        if last - first < MAX_TAG_SPAN:
            consistency.check_numbers(self._film.window(first, last), self._coordinates)

    def _passer(self) -> tuple[Player, bool]:
        """Who threw, and whether they play at home."""
        home, away = self._header.team_ids
        offense = self._context.attacking_team_id
        if offense not in (home, away):
            raise PlayscoreError(
                Reason.OFFENSE_UNKNOWN, f"attacking_team_id is {offense!r}; the teams are {home!r} and {away!r}"
            )
        passer_id = self._situation.passer_id
        if not passer_id and self._situation.kind in (PlayKind.RUN, PlayKind.OTHER):
            raise PlayscoreError(
                Reason.NOT_A_PASS,
                f"the source calls the play {self._situation.kind.name} and names no passer, though a release was seen",
            )
        if not passer_id:
            raise PlayscoreError(
                Reason.PASSER_UNKNOWN, "a pass was thrown, but no context of the play names the passer"
            )
        passer = self._roster.get(passer_id)
        if passer is None:
            raise PlayscoreError(
                Reason.PASSER_NOT_IN_ROSTER, f"passer_id is {passer_id!r}; no roster names that player"
            )
        if passer.team_id != offense:
            raise PlayscoreError(
                Reason.OFFENSE_UNKNOWN,
                f"passer {passer.player_id} plays for {passer.team_id!r}, but attacking_team_id is {offense!r}",
            )
        return passer, offense == home

    def _sides(self, film: TrackingWindow, passer: Player) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who of the offense and who of the defense is on the field."""
        seen = film.seen[LEAD_IN:]
        offense: list[str] = []
        defense: list[str] = []
        in_play = np.flatnonzero(seen.any(axis=0))
        for player_id in (film.player_ids[e] for e in in_play):
            player = self._roster.get(player_id)
            if player is None:
                raise PlayscoreError(
                    Reason.PLAYER_NOT_IN_ROSTER, f"player {player_id!r} is in the frames, but no roster names them"
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


def _around(snap: int, release: int) -> tuple[int, int]:
    """The frames by which it is told whether the players stood at a snap."""
    return snap - 2, min(snap + 2, release)


def _line_up(field: Array, film: TrackingWindow, offense: tuple[str, ...], defense: tuple[str, ...]) -> LineUp:
    first_seen = LEAD_IN + film.seen[LEAD_IN:].argmax(axis=0)
    x, y = field[:2, first_seen, np.arange(len(first_seen))].tolist()
    return LineUp(offense, defense, dict(zip(film.player_ids, zip(x, y, strict=True), strict=True)))


def _in_slots(field: Array, film: TrackingWindow, slots: tuple[str | None, ...]) -> Array:
    """(6, T, 22): the players in the slots."""
    column = {player_id: e for e, player_id in enumerate(film.player_ids)}
    placed = field[:, :, [0 if player_id is None else column[player_id] for player_id in slots]]
    placed[:, :, [player_id is None for player_id in slots]] = np.nan
    return placed

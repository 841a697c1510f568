"""A shot while its film comes in, up to its release, and its factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from featurizer.core.outcomes import NO_FRAMES, Tensor
from featurizer.core.segments import Footage
from featurizer.core.verdicts import let_go
from featurizer.shots import checks
from featurizer.shots.attributes import attributes_of
from featurizer.shots.clip import Clip, View
from featurizer.shots.events import (
    events_of,
    handedness_factors,
    place_factors,
    sequence_factors,
    state_factors,
)
from featurizer.shots.factors import SPECIFICATION
from featurizer.shots.film import puck_factors, scene_factors
from featurizer.shots.ice import Ice, sign_of
from featurizer.shots.puck import Puck
from featurizer.shots.release import (
    RISE_SECONDS,
    SEARCH_AHEAD_SECONDS,
    SEARCH_BACK_SECONDS,
    find_release,
    first_release,
)
from featurizer.shots.scene import Scene, is_goalie, scene_of
from featurizer.shots.skaters import Skaters
from featurizer.shots.values import flag, known, statics
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.game import GameHeader, PlayContext, Player, TrackedObject, TrackingEventKind
from playscore.shots import GOALIE, situation_of
from playscore.subjects import Subject
from playscore.tracking_events import kind_of

FILM_SECONDS: Final = 5.0
"""Before the release: the window of a shot."""
AHEAD_SECONDS: Final = 0.2
"""After the release: the puck's first way, by which release and speed are told."""
SOON_SECONDS: Final = 0.35
"""After the source's frame: a release up to there is looked for before any later one."""
NEAR_SECONDS: Final = 1.5
"""Before the source's frame: so late most events are."""
LATEST_SECONDS: Final = SEARCH_AHEAD_SECONDS + AHEAD_SECONDS
"""After the source's frame, when a release that did not show is not waited for any longer."""
LOOK_BACK_SECONDS: Final = FILM_SECONDS + SEARCH_BACK_SECONDS
"""Of film that a shot may need before the frame that its source names."""
MAX_CLIP_SECONDS: Final = 30.0
"""Of film that is searched for a shot of which the source names no frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Filmed:
    """What the film shows of a shot."""

    ice: Ice
    puck: Puck
    scene: Scene
    released: float
    """Second of the segment's clock."""
    place: tuple[float, float]
    """Of the puck then, feet; NaN where it is not seen."""
    found: bool
    """The puck's way shows it; else it is the source's word."""


class Shot:
    """A shot over the film that comes in, if there is any: the `OpenPlay` of shots."""

    def __init__(
        self,
        header: GameHeader,
        roster: Mapping[str, Player],
        context: PlayContext,
        film: Footage,
        subjects: tuple[Subject, ...],
    ) -> None:
        """Open the shot; `roster` may grow while it is open."""
        self._header = header
        self._roster = roster
        self._context = context
        self._situation = situation_of(context)
        self._film = film
        self._subjects = subjects
        self._tagged: int | None = None
        """The first frame that the film tags as a shot."""
        self._last_look: tuple[tuple[int, float, float | None], Filmed | None] | None = None
        """What the film showed when it, and the puck's track, had come this far and the source said this."""

    def is_complete(self) -> bool:
        """Whether nothing is filmed of it, or the film has come far enough beyond the release.

        Where the puck's way shows no release yet, it is waited for as long as a source's event may be early, and so is
        the puck itself where its track is behind.
        """
        stated = self._stated()
        if stated is None:
            return not self._is_filmed
        come = min(self._film_until(), self._puck_until())
        if come < stated + SOON_SECONDS - 1e-9:
            return self._film_until() >= stated + LATEST_SECONDS - 1e-9
        try:
            filmed = self._filmed(stated)
        except PlayscoreError:
            return True
        if filmed is not None and filmed.found and come >= filmed.released + RISE_SECONDS + AHEAD_SECONDS - 1e-9:
            return True
        return self._film_until() >= stated + LATEST_SECONDS - 1e-9

    def tensor(self) -> Tensor:
        """The factors of the shot. Raises PlayscoreError with the reason why there are none."""
        checks.check_situation(self._header, self._context, self._situation)
        filmed = self.look()
        situation = self._situation
        ice = filmed.ice if filmed is not None else self._ice()
        x, y = self._place(filmed, ice)
        if ice is None or math.isnan(x):
            raise PlayscoreError(
                Reason.LOCATION_UNKNOWN,
                "neither the situation's x and y nor the tracking of puck and shooter say where the shot was taken",
            )
        checks.check_places(situation, ice.coordinates)
        events = events_of(situation, self._context.attacking_team_id, ice)
        values: dict[str, float | None] = {
            **place_factors(x, y),
            **handedness_factors(situation, y),
            **state_factors(situation),
            **sequence_factors(events, x, y),
        }
        if situation.one_timer is not None:
            values["one_timer"] = flag(situation.one_timer)
        if filmed is not None:
            values |= self._from_film(filmed, x, y)
        row = statics(values)
        subjects = self._subjects if filmed is None else self._with_goalie(filmed.scene)
        return Tensor(
            play_id=self._context.play_id,
            revision=self._context.revision,
            specification_id=SPECIFICATION.id,
            frames=NO_FRAMES,
            statics=row,
            subjects=tuple(subject for subject in subjects if subject.subject_id),
            attributes=replace(
                attributes_of(
                    self._header, self._context, situation, dict(known(values)), (x, y), tracked=filmed is not None
                ),
                goalie_id=next((subject.subject_id for subject in subjects if subject.role is GOALIE), ""),
            ),
        )

    def look(self) -> Filmed | None:
        """What the film shows; None where there is none of the shot.

        Raises PlayscoreError with the reason why it shows no shot.
        """
        if not self._is_filmed or self._film.last_frame < 0:
            return None
        return self._filmed(self._stated())

    # --- The film ---

    @property
    def _is_filmed(self) -> bool:
        """Whether the source films the game: then a shot is not over before its film has come."""
        return self._header.frame_rate_hertz is not None and self._header.coordinates is not None

    @property
    def _rate(self) -> float:
        assert self._header.frame_rate_hertz is not None
        return self._header.frame_rate_hertz

    def _stated(self) -> float | None:
        """The second of the segment's clock at which the source says that the shot was taken; None: it does not yet."""
        if not self._is_filmed:
            return None
        tagged = [event.frame_number for event in self._film.new_events() if kind_of(event) is TrackingEventKind.SHOT]
        if self._tagged is None and tagged:
            self._tagged = min(tagged)
        frame = self._context.release_frame if self._context.release_frame is not None else self._tagged
        return None if frame is None else frame / self._rate

    def _film_until(self) -> float:
        """The last second of the segment's clock that was filmed."""
        return self._film.last_frame / self._rate

    def _puck_until(self) -> float:
        """The last second at which the puck's track has come; -1 where it has none."""
        return max(
            (
                float(track.sample_numbers.max()) / track.rate_hertz
                for track in self._film.tracks(TrackedObject.PUCK)[-1:]
                if len(track)
            ),
            default=-1.0,
        )

    def _filmed(self, stated: float | None) -> Filmed | None:
        """What the film up to now shows of a shot that the source has at a second, or anywhere where that is None."""
        come = self._film.last_frame, self._puck_until(), stated
        if self._last_look is None or self._last_look[0] != come:
            self._last_look = come, self._look_again(stated)
        return self._last_look[1]

    def _look_again(self, stated: float | None) -> Filmed | None:
        """As `_filmed`. What is found does not depend on how much more has been filmed by now.

        A release near the source's second is looked for first, then the first one after it, then any before it. Nothing
        is read off the film that was shot later than `AHEAD_SECONDS` after the release.
        """
        until = self._film_until()
        if stated is None:
            return self._search(until)
        if not self._film.holds_track(TrackedObject.PUCK, max(stated - LOOK_BACK_SECONDS, 0.0)):
            raise let_go()
        clip = self._clip(stated - LOOK_BACK_SECONDS, min(until, stated + LATEST_SECONDS))
        seen = clip.until(stated + SOON_SECONDS)
        if seen is None:
            return None
        sign = self._direction(seen, stated)
        view = seen.turned(sign)
        shooter = view.way_of(self._situation.shooter_id)
        released = find_release(view.puck, (stated - NEAR_SECONDS, stated + SOON_SECONDS), stated, shooter)
        if released is None and (seen := clip.until(stated + LATEST_SECONDS)) is not None:
            later = seen.turned(sign)
            way = later.way_of(self._situation.shooter_id)
            released = first_release(later.puck, (stated, stated + SEARCH_AHEAD_SECONDS), way)
        if released is None:
            released = find_release(view.puck, (stated - SEARCH_BACK_SECONDS, stated), stated, shooter)
        if released is None:
            checks.check_puck_near_shooter(view.puck, shooter, stated)
            return self._scene(view, stated, found=False)
        seen = clip.until(released + AHEAD_SECONDS)
        return None if seen is None else self._scene(seen.turned(sign), released, found=True)

    def _search(self, until: float) -> Filmed | None:
        """A shot of which the source names no frame, anywhere in the film."""
        view = self._clip(max(0.0, until - MAX_CLIP_SECONDS), until).until(until)
        if view is None:
            return None
        view = view.turned(self._direction(view, until))
        released = find_release(view.puck, (0.0, until), None, view.way_of(self._situation.shooter_id))
        if released is None:
            raise PlayscoreError(
                Reason.RELEASE_NOT_FOUND,
                "the source names no frame of the shot, and the puck's way shows no shot at the net",
            )
        return self._scene(view, released, found=True)

    def _clip(self, first: float, last: float) -> Clip:
        assert self._header.coordinates is not None
        return Clip.of(self._film, Ice(self._header.coordinates), self._rate, first, last)

    def _scene(self, view: View, released: float, *, found: bool) -> Filmed:
        x, y, _ = view.puck.at(np.array([released]))[:, 0].tolist()
        scene = scene_of(
            view.skaters,
            view.skaters.row(released),
            self._roster,
            self._context.attacking_team_id,
            self._situation,
            (x, y),
        )
        return Filmed(view.ice, view.puck, scene, released, (x, y), found)

    def _direction(self, view: View, at: float) -> int:
        """+1 where the shooting team attacks toward the source's +x, else -1."""
        stated = sign_of(self._context.attacking_direction)
        by_goalie = self._side_of_goalie(view.skaters, at)
        if stated is not None:
            if by_goalie is not None and by_goalie != stated:
                raise PlayscoreError(
                    Reason.SITUATION_CONTRADICTED,
                    "the context says that the shooting team attacks the other end than the one where the defending"
                    " goalie stands: is attacking_direction that of the period before?",
                )
            return stated
        if by_goalie is not None:
            return by_goalie
        x, _, _ = view.puck.at(np.array([at]))
        return self._side_of(float(x[0]))

    def _side_of_goalie(self, skaters: Skaters, at: float) -> int | None:
        """The end at which a goalie of the defending team stands; None where none is seen in an end zone."""
        row = skaters.row(at)
        if not 0 <= row < len(skaters.x):
            return None
        others = [
            (float(skaters.x[row, e]), player_id == self._situation.goalie_id)
            for e, player_id in enumerate(skaters.player_ids)
            if (player := self._roster.get(player_id)) is not None
            and player.team_id != self._context.attacking_team_id
            and (is_goalie(player) or player_id == self._situation.goalie_id)
        ]
        deep = [x for x, _ in sorted(others, key=lambda each: -each[1]) if abs(x) > rink.END_ZONE_DOT_X_FEET - 10.0]
        return None if not deep else (1 if deep[0] > 0 else -1)

    def _side_of(self, x: float) -> int:
        """The end that a shot from a place goes to: that of its own zone. Raises DIRECTION_UNKNOWN."""
        if not abs(x) > rink.BLUE_LINE_X_FEET:
            raise PlayscoreError(
                Reason.DIRECTION_UNKNOWN,
                "which way the shooting team attacks is not stated, no goalie of the other team is seen, and the shot"
                " was not taken in an end zone",
            )
        return 1 if x > 0 else -1

    # --- What it shows ---

    def _ice(self) -> Ice | None:
        """How places are read without film; None where there is none to read."""
        coordinates, x = self._header.coordinates, self._situation.x
        if coordinates is None or x is None:
            return None
        raw = Ice(coordinates)
        sign = sign_of(self._context.attacking_direction)
        return raw.turned(self._side_of(raw.place(x, 0.0)[0]) if sign is None else sign)

    def _place(self, filmed: Filmed | None, ice: Ice | None) -> tuple[float, float]:
        """Where the shot was taken, feet: where the puck was, or what the source states, or where the shooter stood."""
        if filmed is not None and math.isfinite(filmed.place[0]):
            return filmed.place
        situation = self._situation
        if ice is not None and situation.x is not None and situation.y is not None:
            return ice.place(situation.x, situation.y)
        if filmed is not None and filmed.scene.shooter is not None:
            return filmed.scene.place(filmed.scene.shooter)
        return math.nan, math.nan

    def _with_goalie(self, scene: Scene) -> tuple[Subject, ...]:
        """Whose shot it is, the goalie that the film shows among them where the source names none."""
        if scene.goalie is None or any(subject.role is GOALIE for subject in self._subjects):
            return self._subjects
        goalie = self._roster[scene.skaters.player_ids[scene.goalie]]
        if not is_goalie(goalie):
            return self._subjects
        return *self._subjects, Subject(GOALIE, goalie.player_id, goalie.display_name, goalie.team_id)

    def _from_film(self, filmed: Filmed, x: float, y: float) -> dict[str, float]:
        """The factors that the film tells, the guarding of the net among them where the source does not state it."""
        scene = filmed.scene
        values = {**scene_factors(scene, x, y), **puck_factors(filmed.puck, scene, filmed.released)}
        return dict(known({**values, "empty_net": flag(scene.empty_net)}))

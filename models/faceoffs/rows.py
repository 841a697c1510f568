"""Face-offs as training and evaluation use them, from sources of real games."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.faceoffs.columns import SPECIFICATION
from featurizer.faceoffs.task import FACEOFFS
from playscore.errors import PlayscoreError, Reason
from playscore.faceoffs import FaceoffResult, outcome_of
from playscore.game import Floats
from playscore.sources import layouts

REAL = ("hockeyr", "pwhl")
"""Layouts with face-offs."""


@dataclass(frozen=True, eq=False)
class Faceoffs:
    """N face-offs, each as seen from its taker. Arrays (N, …)."""

    statics: Floats
    """(N, S) in the order of the specification."""
    won: NDArray[np.bool_]
    games: NDArray[np.str_]
    """Names of their games, `<source>/<game>`."""
    leagues: NDArray[np.str_]
    seasons: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.won)

    def subset(self, chosen: NDArray[np.bool_]) -> Faceoffs:
        """The face-offs where this is true."""
        return Faceoffs(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def real(folder: Path, names: Sequence[str] = REAL) -> Faceoffs:
    """The face-offs with known winners of all games in the folder. Raises FIELD_INVALID if there are none."""
    statics, won, games, leagues, seasons = [], [], [], [], []
    for name in names:
        layout = layouts()[name]
        if layout.recognize(folder).missing:
            continue
        source = layout.open(folder)
        for game_id in source.game_ids:
            game = source.game(game_id)
            roster = {player.player_id: player for player in game.roster}
            for play in game.plays:
                outcome = outcome_of(play)
                if outcome is None or outcome.result is None:
                    continue
                tensor = featurize((FACEOFFS,), game.header, roster, play.context, [play.frames])
                if isinstance(tensor, Tensor):
                    statics.append(tensor.statics)
                    won.append(outcome.result is FaceoffResult.WON)
                    games.append(f"{name}/{game_id}")
                    leagues.append(game.header.league)
                    seasons.append(game.header.season or 0)
    if not won:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} has no face-offs in any of the layouts {', '.join(names)}"
        )
    return Faceoffs(
        np.asarray(statics, np.float32).reshape(-1, len(SPECIFICATION.static_columns)),
        np.asarray(won, np.bool_),
        np.asarray(games),
        np.asarray(leagues),
        np.asarray(seasons, np.int64),
    )

"""The columns of a face-off, as seen from its taker."""

from __future__ import annotations

from typing import Final

from featurizer.core.flags import with_flags
from playscore.features import Column, FeatureSpecification
from playscore.game import Sport

PRIOR_FACEOFFS: Final = 50.0
"""Even face-offs that everybody's record is given, so that a short one says little."""

COLUMNS: Final = (
    Column("taker_record", "1", "Share of face-offs that the taker won before, with PRIOR_FACEOFFS even ones added."),
    Column("opponent_record", "1", "As taker_record, of the opponent."),
    Column("taker_experience", "1", "ln(1 + face-offs that the taker took before)."),
    Column("opponent_experience", "1", "As taker_experience, of the opponent."),
    Column("zone", "1", "1 in the zone that the taker's team attacks, -1 in its own, 0 between the blue lines."),
    Column("skater_advantage", "1", "Skaters of the taker's team less those of the other."),
    Column("home", "1", "1 where the taker plays at home, -1 where they do not, 0 where it is not known."),
    Column("score_difference", "1", "Goals of the taker's team less those of the other, -4 to 4."),
    Column(
        "taker_forehand",
        "1",
        "1 where the draw lies on the taker's backhand side toward the boards, else -1; 0: unknown.",
    ),
    Column("opponent_forehand", "1", "As taker_forehand, of the opponent."),
)
"""What is not known is 0, and its flag says so."""

SPECIFICATION: Final = FeatureSpecification(
    sport=Sport.ICE_HOCKEY,
    frame_rate_hertz=0.0,
    frame_columns=(),
    static_columns=with_flags(COLUMNS),
)

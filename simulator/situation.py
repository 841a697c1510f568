"""What the distribution of a pass depends on, measured in the release frame as a source publishes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FIELD_WIDTH = 160 / 3
"""Yards."""
OFFENSE = 11
"""Players 0 … 10 of a play are the offense, 0 the passer; 11 … 21 the defense."""


@dataclass(frozen=True, eq=False)
class ReleaseSituation:
    """B plays at their release. Arrays (B,); yards and yards per second."""

    separation: Array
    """From the target to the nearest defender."""
    closing: Array
    """How fast that defender approaches the target; negative: the defender falls behind."""
    crowd: Array
    """Defenders around the aim, each counted as exp(-(distance / 2.5)² / 2)."""
    defenders_ahead: Array
    """Defenders between the aim and the end zone; closer ones count more."""
    rusher_distance: Array
    """From the passer to the nearest defender."""
    rusher_closing: Array
    """How fast that defender approaches the passer."""
    air_yards: Array
    """From the line of scrimmage to the aim: where the target is when the ball arrives if they keep their velocity."""
    throw_length: Array
    """From the passer to the aim."""
    sideline_distance: Array
    """From the aim to the nearest sideline."""
    forward_speed: Array
    """Of the target, toward the end zone."""
    yards_to_end_zone: Array
    down: Array
    yards_to_go: Array
    aim: Array
    """(B, 2): downfield from the line of scrimmage, and across the field from its right edge as the offense sees it."""
    flight_seconds: Array


def measure(
    positions: Array,
    velocities: Array,
    target: NDArray[np.int64],
    *,
    yards_to_end_zone: Array,
    down: Array,
    yards_to_go: Array,
) -> ReleaseSituation:
    """Measure B releases.

    `positions` and `velocities`: (B, 22, 2), x downfield from the line of scrimmage, y across the field from 0 to 53⅓,
    passer first, then their ten teammates, then the defense. `target`: (B,), index of the player aimed at.
    """
    plays = np.arange(len(target))
    passer, receiver = positions[:, 0], positions[plays, target]
    velocity = velocities[plays, target]
    defense, pursuit = positions[:, OFFENSE:], velocities[:, OFFENSE:]

    flight = 0.2 + np.linalg.norm(receiver - passer, axis=1) / 22
    aim = receiver + velocity * flight[:, None]
    aim[:, 0] = np.minimum(aim[:, 0], yards_to_end_zone + 9)
    aim[:, 1] = np.clip(aim[:, 1], 0.5, FIELD_WIDTH - 0.5)

    separation, closing = _nearest(receiver, velocity, defense, pursuit)
    rusher_distance, rusher_closing = _nearest(passer, velocities[:, 0], defense, pursuit)
    from_aim = defense - aim[:, None]
    ahead = 1 / (1 + np.exp(-from_aim[..., 0]))
    near = np.exp(-(np.linalg.norm(from_aim / (12.0, 8.0), axis=2) ** 2))
    return ReleaseSituation(
        separation=separation,
        closing=closing,
        crowd=np.exp(-((np.linalg.norm(from_aim, axis=2) / 2.5) ** 2) / 2).sum(axis=1),
        defenders_ahead=(ahead * near).sum(axis=1),
        rusher_distance=rusher_distance,
        rusher_closing=rusher_closing,
        air_yards=aim[:, 0],
        throw_length=np.linalg.norm(aim - passer, axis=1),
        sideline_distance=np.minimum(aim[:, 1], FIELD_WIDTH - aim[:, 1]),
        forward_speed=velocity[:, 0],
        yards_to_end_zone=yards_to_end_zone,
        down=down,
        yards_to_go=yards_to_go,
        aim=aim,
        flight_seconds=flight,
    )


def _nearest(place: Array, velocity: Array, others: Array, their_velocity: Array) -> tuple[Array, Array]:
    """Distance (B,) to the nearest of the others, and how fast they approach (B,)."""
    apart = others - place[:, None]
    distances = np.linalg.norm(apart, axis=2)
    plays, nearest = np.arange(len(place)), distances.argmin(axis=1)
    distance = distances[plays, nearest]
    relative = their_velocity[plays, nearest] - velocity
    closing = -(apart[plays, nearest] * relative).sum(axis=1) / np.maximum(distance, 0.1)
    return distance, closing

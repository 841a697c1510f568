"""The roles of the columns of a feature specification, derived from their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playscore.errors import PlayscoreError, Reason
from playscore.features import Column, FeatureSpecification

SLOT_MASKS = ("present", "orientation_known")
YARDS_TO_END_ZONE = "yards_to_end_zone"

_SLOT_LENGTHS = ("x", "y", "speed_x", "speed_y", "acceleration_x", "acceleration_y")
_SLOT_ANGLES = {"direction": "present", "orientation": "orientation_known"}
_MIRRORED = ("y", "speed_y", "acceleration_y", *_SLOT_ANGLES)


@dataclass(frozen=True)
class Roles:
    """Places of the columns by role. A slot is one player's columns `<slot>.x`, `<slot>.y`, ..."""

    slots: tuple[str, ...]
    lengths: tuple[tuple[int, ...], ...]
    """By slot: position, velocity and acceleration, along the field and across it."""
    angles: tuple[tuple[int, ...], ...]
    """By slot: columns in radians."""
    angle_masks: tuple[tuple[int, ...], ...]
    """By slot: the mask of each of its angles."""
    masks: tuple[tuple[int, ...], ...]
    """By slot: `present`, `orientation_known`."""
    others: tuple[int, ...]
    """Columns of the frame that belong to no player."""
    mirrored: tuple[int, ...]
    """Columns whose sign changes when left and right are swapped."""
    values: tuple[int, ...]
    """Static values that may be unknown."""
    value_masks: tuple[int, ...]
    """The mask of each of them."""
    flags: tuple[int, ...]
    """Static masks and flags."""
    yards_to_end_zone: int
    """Among the static columns."""


def roles(features: FeatureSpecification) -> Roles:
    """The roles of all columns. Raises FIELD_INVALID if a column that the network needs is missing."""
    frame, static = places(features.frame_columns), places(features.static_columns)
    slots = tuple(name.removesuffix(".present") for name in frame if name.endswith(".present"))
    try:
        lengths = tuple(tuple(frame[f"{slot}.{name}"] for name in _SLOT_LENGTHS) for slot in slots)
        angles = tuple(tuple(frame[f"{slot}.{name}"] for name in _SLOT_ANGLES) for slot in slots)
        masks = tuple(tuple(frame[f"{slot}.{name}"] for name in SLOT_MASKS) for slot in slots)
        angle_masks = tuple(tuple(frame[f"{slot}.{name}"] for name in _SLOT_ANGLES.values()) for slot in slots)
        end_zone = static[YARDS_TO_END_ZONE]
        flags = tuple(place for name, place in static.items() if name.endswith("known") or name == "home")
        values = tuple(place for place in static.values() if place not in flags)
        value_masks = tuple(static[f"{name}.known"] for name, place in static.items() if place in values)
    except KeyError as missing:
        raise PlayscoreError(Reason.FIELD_INVALID, f"the network needs a column {missing}") from None
    players = {place for group in (*lengths, *angles, *masks) for place in group}
    return Roles(
        slots=slots,
        lengths=lengths,
        angles=angles,
        angle_masks=angle_masks,
        masks=masks,
        others=tuple(place for place in frame.values() if place not in players),
        mirrored=tuple(frame[f"{slot}.{name}"] for slot in slots for name in _MIRRORED),
        values=values,
        value_masks=value_masks,
        flags=flags,
        yards_to_end_zone=end_zone,
    )


def places(columns: Sequence[Column]) -> dict[str, int]:
    """The place of each column by its name."""
    return {column.name: place for place, column in enumerate(columns)}


def orientation(features: FeatureSpecification) -> tuple[int, ...]:
    """Places of all players' orientations, and of the masks that say which are known."""
    frame = places(features.frame_columns)
    return tuple(place for name, place in frame.items() if name.endswith((".orientation", ".orientation_known")))

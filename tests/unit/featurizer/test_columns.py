"""The specification of the features, and what a reader of a tensor finds where."""

from __future__ import annotations

from dataclasses import replace

from featurizer.passing.columns import (
    DEFENSE_SLOTS,
    DERIVED_AT,
    OFFENSE_SLOTS,
    ORIENTED_AT,
    PRESENT_AT,
    SLOTS,
    SPECIFICATION,
)

FRAME_NAMES = [column.name for column in SPECIFICATION.frame_columns]
STATIC_NAMES = [column.name for column in SPECIFICATION.static_columns]


def test_a_frame_begins_with_eight_features_of_each_of_22_slots() -> None:
    assert len(OFFENSE_SLOTS) == len(DEFENSE_SLOTS) == 11
    assert len(SLOTS) == 22
    assert FRAME_NAMES[:8] == [
        f"passer.{name}"
        for name in ("x", "y", "speed_x", "speed_y", "acceleration_x", "acceleration_y", "direction", "orientation")
    ]
    assert FRAME_NAMES[8] == "target.x"
    assert PRESENT_AT == 22 * 8


def test_masks_and_derived_columns_follow() -> None:
    assert FRAME_NAMES[PRESENT_AT] == "passer.present"
    assert FRAME_NAMES[ORIENTED_AT] == "passer.orientation_known"
    assert FRAME_NAMES[DERIVED_AT] == "target.defenders_within_2_yards"


def test_names_are_unique_and_every_column_is_explained() -> None:
    for names, columns in ((FRAME_NAMES, SPECIFICATION.frame_columns), (STATIC_NAMES, SPECIFICATION.static_columns)):
        assert len(set(names)) == len(names)
        assert all(column.unit and column.description for column in columns)


def test_every_static_value_that_may_be_missing_has_a_mask() -> None:
    values = {name for name in STATIC_NAMES if f"{name}.known" in STATIC_NAMES}
    assert set(STATIC_NAMES) == values | {f"{name}.known" for name in values} | {"target_known"}


def test_nothing_says_who_anybody_is_or_what_happened_after_the_release() -> None:
    for word in ("id", "name", "team", "air_yards", "result", "yards_gained"):
        assert not [name for name in FRAME_NAMES + STATIC_NAMES if word in name.replace(".", "_").split("_")], word
        assert word not in FRAME_NAMES + STATIC_NAMES


def test_the_identifier_depends_on_order_and_units_but_not_on_words() -> None:
    columns = SPECIFICATION.frame_columns
    swapped = replace(SPECIFICATION, frame_columns=(columns[1], columns[0], *columns[2:]))
    reworded = replace(SPECIFICATION, frame_columns=(replace(columns[0], description="other words"), *columns[1:]))
    assert swapped.id != SPECIFICATION.id
    assert reworded.id == SPECIFICATION.id

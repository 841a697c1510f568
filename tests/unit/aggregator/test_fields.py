"""The fields of splits are those of the contract."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor

from aggregator.core.fields import PASSING, FieldType
from aggregator.core.records import PLAUSIBLE
from playscore.tracking.v1 import tracking_pb2

TYPES = {
    FieldDescriptor.TYPE_INT32: FieldType.INTEGER,
    FieldDescriptor.TYPE_DOUBLE: FieldType.NUMBER,
    FieldDescriptor.TYPE_BOOL: FieldType.BOOLEAN,
    FieldDescriptor.TYPE_STRING: FieldType.STRING,
    FieldDescriptor.TYPE_ENUM: FieldType.STRING,
}


def test_every_attribute_of_a_pass_is_a_split_field_of_its_type() -> None:
    of_contract = {field.name: TYPES[field.type] for field in tracking_pb2.PassAttributes.DESCRIPTOR.fields}
    assert {field.name: field.type for field in PASSING.attributes} == of_contract


def test_depths_are_those_of_the_contract_in_their_order() -> None:
    of_contract = tracking_pb2.PassDepth.keys()[1:]
    assert [f"PASS_DEPTH_{value.upper()}" for value in PASSING.fields["depth"].values] == of_contract
    assert list(tracking_pb2.PassDepth.values()) == [0, 1, 2, 3, 4]


def test_fields_are_described_and_sorted_by_name() -> None:
    assert list(PASSING.fields) == sorted(PASSING.fields)
    assert all(field.description.endswith(".") for field in PASSING.fields.values())
    assert {"game_id", "play_id", "subject_id"} <= set(PASSING.fields)


def test_the_documentation_lists_every_field_with_its_type_and_unit() -> None:
    documentation = (Path(__file__).parents[3] / "docs" / "splits.md").read_text()
    for field in PASSING.fields.values():
        assert f"| `{field.name}` | {field.type.name.lower()} | {field.unit} | {field.description} |" in documentation


def test_every_attribute_that_is_a_number_has_bounds() -> None:
    numbers = {each.name for each in PASSING.attributes if each.type in (FieldType.INTEGER, FieldType.NUMBER)}
    assert numbers <= PLAUSIBLE.keys()

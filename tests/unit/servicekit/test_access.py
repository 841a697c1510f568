"""Who may make which call: what the contracts say."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

import playscore
from playscore.common.v1 import access_pb2
from servicekit.authorization import Access, accesses
from servicekit.callers import Role


def services() -> Iterator[ServiceDescriptor]:
    """Every service of every contract."""
    folder = Path(playscore.__file__).parent
    for path in sorted(folder.glob("*/v1/*_pb2.py")):
        module = importlib.import_module(".".join(["playscore", *path.relative_to(folder).with_suffix("").parts]))
        yield from module.DESCRIPTOR.services_by_name.values()


def test_every_method_states_a_role() -> None:
    stated = accesses(services())
    assert {name.partition("/")[0].rpartition(".")[2] for name in stated} == {
        "AggregatorService",
        "FeaturizerService",
        "ScorerService",
    }
    assert len(stated) == sum(len(service.methods) for service in services())


def test_what_is_kept_is_changed_by_writers_and_operators_only() -> None:
    writing = {name.rpartition("/")[2]: access.role for name, access in accesses(services()).items() if access.writes}
    assert writing == {"RecordScores": Role.WRITER, "SwitchModel": Role.OPERATOR, "EraseRecords": Role.OPERATOR}


def test_the_roles_are_those_of_the_contract() -> None:
    assert {f"CALLER_ROLE_{role.name}": role.value for role in Role} == {
        name: number for name, number in access_pb2.CallerRole.items() if number
    }


def test_a_method_without_a_role_keeps_its_service_from_starting() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="open.proto", package="open.v1")
    file.message_type.add(name="Nothing")
    method = file.service.add(name="OpenService").method.add(
        name="Do", input_type=".open.v1.Nothing", output_type=".open.v1.Nothing"
    )
    service = descriptor_pool.DescriptorPool().AddSerializedFile(file.SerializeToString())
    with pytest.raises(ValueError, match=r"open\.v1\.OpenService\.Do states no"):
        accesses([service.services_by_name["OpenService"]])

    method.options.Extensions[access_pb2.access].role = access_pb2.CALLER_ROLE_READER
    service = descriptor_pool.DescriptorPool().AddSerializedFile(file.SerializeToString())
    assert accesses([service.services_by_name["OpenService"]]) == {"open.v1.OpenService/Do": Access(Role.READER, False)}

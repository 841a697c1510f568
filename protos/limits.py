"""`python protos/limits.py DESCRIPTORS OUT`: writes the field limits that the contracts state as a Python module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FieldOptions, FileDescriptorSet

from playscore.common.v1 import limits_pb2
from playscore.common.v1.limits_pb2 import FieldLimits, TextKind
from playscore.common.v1.reason_pb2 import Reason

HEADER = '''"""Generated from protos/: the limits that the contracts state, by the full name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from playscore.errors import Reason
from playscore.limits import FieldLimits, TextKind

FIELD_LIMITS: Mapping[str, FieldLimits] = MappingProxyType(
    {
'''


def messages(descriptors: FileDescriptorSet) -> Iterator[Descriptor]:
    """Every message of ours, in the order of the contracts."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    for file in descriptors.file:
        if file.package.startswith("playscore."):
            yield from pool.FindFileByName(file.name).message_types_by_name.values()


def as_python(limits: FieldLimits) -> str:
    """The limits as a call of playscore.limits.FieldLimits."""
    arguments = [f"{field.name}={_value(field.name, value)}" for field, value in limits.ListFields()]
    return f"FieldLimits({', '.join(arguments)})"


def _value(name: str, value: Any) -> str:
    match name:
        case "text":
            return "TextKind." + TextKind.Name(value).removeprefix("TEXT_KIND_")
        case "reason":
            return "Reason." + Reason.Name(value).removeprefix("REASON_")
    return str(value)


def main(descriptors: Path, out: Path) -> None:
    """Writes the module."""
    lines = []
    for message in messages(FileDescriptorSet.FromString(descriptors.read_bytes())):
        for field in message.fields:
            # Parsed again, because the pool that the descriptors are in does not know the extension.
            options = FieldOptions.FromString(field.GetOptions().SerializeToString())
            if options.HasExtension(limits_pb2.limits):
                lines.append(f'        "{field.full_name}": {as_python(options.Extensions[limits_pb2.limits])},\n')
    out.write_text(HEADER + "".join(lines) + "    }\n)\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

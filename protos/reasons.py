"""`python protos/reasons.py DESCRIPTORS OUT`: writes what the contract says of its reasons as a Python module.

The descriptors need their source info, because what is said are the comments of the enum's values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

HEADER = '''"""Generated from protos/: what each reason means, in the words of `playscore.common.v1.Reason`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from playscore.errors import Reason

MEANINGS: Mapping[Reason, str] = MappingProxyType(
    {
'''

FOOTER = '''    }
)
"""One or two sentences for each reason, for people."""
'''

_ENUM = "Reason"
_STATUS_CODE = re.compile(r"^[A-Z_]{4,}\. ")
_EXAMPLE = re.compile(r" ?Example: .*$")


def comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """The name of each reason without its prefix, and the comment above it in one line."""
    place, enum = next((place, enum) for place, enum in enumerate(file.enum_type) if enum.name == _ENUM)
    enums = FileDescriptorProto.DESCRIPTOR.fields_by_name["enum_type"].number
    values = EnumDescriptorProto.DESCRIPTOR.fields_by_name["value"].number
    above = {tuple(location.path): location.leading_comments for location in file.source_code_info.location}
    for number, value in enumerate(enum.value):
        if value.number:
            comment = above[enums, place, values, number]
            yield value.name.removeprefix("REASON_"), " ".join(comment.split())


def meaning(comment: str) -> str:
    """What a comment says of the reason itself, without the status code and the example."""
    return _EXAMPLE.sub("", _STATUS_CODE.sub("", comment))


def main(descriptors: Path, out: Path) -> None:
    """Writes the module."""
    files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    (file,) = (file for file in files if any(enum.name == _ENUM for enum in file.enum_type))
    lines = [f"        Reason.{name}: {meaning(comment)!r},\n" for name, comment in comments(file)]
    out.write_text(HEADER + "".join(lines) + FOOTER)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

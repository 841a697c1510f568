"""A page for each package of the contracts, made from the .proto files and the comments in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from google.protobuf.descriptor import FieldDescriptor

_File = descriptor_pb2.FileDescriptorProto
_Message = descriptor_pb2.DescriptorProto
_Enum = descriptor_pb2.EnumDescriptorProto
_Field = descriptor_pb2.FieldDescriptorProto
_Method = descriptor_pb2.MethodDescriptorProto
_Service = descriptor_pb2.ServiceDescriptorProto
_Path = tuple[int, ...]

# Numbers of the fields of descriptor.proto by which a source location names what it belongs to.
_DEFINITIONS = _MESSAGE, _ENUM, _SERVICE, _EXTENSION = 4, 5, 6, 7
_FIELD, _NESTED_MESSAGE, _NESTED_ENUM, _ONEOF = 2, 3, 4, 8
_VALUE = _METHOD = 2

_STANDARD_OPTIONS = {"deprecated"}
"""Field options of protobuf itself that a reader of a contract needs to know."""

_IDENTIFIER = re.compile(r"`[^`]+`|\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b")
_SPECIAL = re.compile(r"([\\*_<>\[\]$#|`])")


def contract_pages(protos: Path) -> dict[str, str]:
    """The Markdown of one page for each package under `protos`, by the package's name.

    Raises ValueError with the compiler's message where the contracts do not compile.
    """
    compiled = _compile(protos)
    options = _FieldOptions(compiled)
    packages: dict[str, list[_File]] = defaultdict(list)
    types: dict[str, str] = {}
    for file in compiled.file:
        if not (protos / file.name).exists():
            continue  # an import from elsewhere, such as descriptor.proto
        packages[file.package].append(file)
        types |= dict.fromkeys(_type_names(file), file.package)
    return {
        package: _Page(package, types, options).of(sorted(of_package, key=lambda each: each.name))
        for package, of_package in sorted(packages.items())
    }


def _compile(protos: Path) -> descriptor_pb2.FileDescriptorSet:
    sources = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "contracts.binpb"
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--descriptor_set_out={out}"]
        done = subprocess.run(
            [*protoc, "--include_imports", "--include_source_info", *sources],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ValueError(f"the contracts in {protos} do not compile:\n{done.stderr}")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def _type_names(file: _File) -> Iterator[str]:
    def nested(scope: str, owner: _Message) -> Iterator[str]:
        yield scope
        for enum in owner.enum_type:
            yield f"{scope}.{enum.name}"
        for inner in owner.nested_type:
            yield from nested(f"{scope}.{inner.name}", inner)

    for enum in file.enum_type:
        yield f"{file.package}.{enum.name}"
    for owner in file.message_type:
        yield from nested(f"{file.package}.{owner.name}", owner)


class _FieldOptions:
    """What a field's options say, those that the contracts declare themselves included."""

    def __init__(self, compiled: descriptor_pb2.FileDescriptorSet) -> None:
        pool = descriptor_pool.DescriptorPool()
        names = {file.name for file in compiled.file}
        if "google/protobuf/descriptor.proto" not in names:
            descriptor_pb2.DESCRIPTOR.CopyToProto(standard := _File())
            pool.Add(standard)
        for file in compiled.file:
            pool.Add(file)
        self._type = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FieldOptions"))
        for name in sorted(names):
            for extension in pool.FindFileByName(name).extensions_by_name.values():
                if extension.message_type is not None:
                    message_factory.GetMessageClass(extension.message_type)

    def of(self, owner: _Field) -> Iterator[str]:
        """Each option in a line of Markdown; of a message its parts: "limits: `required`, `maximum = 110`"."""
        # Compiled without the extensions, they stay unknown fields; parsed with them, they have names.
        for option, value in self._type.FromString(owner.options.SerializeToString()).ListFields():
            if isinstance(value, message.Message):
                yield f"{option.name}: " + ", ".join(_assigned(part, inner) for part, inner in value.ListFields())
            elif option.is_extension or option.name in _STANDARD_OPTIONS:
                yield _assigned(option, value)


def _assigned(option: FieldDescriptor, value: object) -> str:
    if value is True:
        return f"`{option.name}`"
    values = value if option.is_repeated and isinstance(value, Iterable) else [value]
    return f"`{option.name} = {', '.join(_literal(option, each) for each in values)}`"


def _literal(option: FieldDescriptor, value: object) -> str:
    if option.enum_type is not None and isinstance(value, int):
        return str(option.enum_type.values_by_number[value].name)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, default=str)


@dataclass
class _Comments:
    """The comments of one file, by the path of what they belong to."""

    leading: dict[_Path, str] = field(default_factory=dict)
    detached: dict[_Path, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, file: _File) -> _Comments:
        found = cls()
        for location in file.source_code_info.location:
            path = tuple(location.path)
            comment = "\n".join(filter(None, (location.leading_comments, location.trailing_comments)))
            if comment:
                found.leading[path] = comment
            if location.leading_detached_comments:
                found.detached[path] = list(location.leading_detached_comments)
        return found


class _Page:
    """Writes the page of a package."""

    def __init__(self, package: str, types: Mapping[str, str], options: _FieldOptions) -> None:
        self._package = package
        self._types = types
        self._options = options

    def of(self, contracts: Sequence[_File]) -> str:
        """The page of the files that make up the package."""
        services: list[str] = []
        messages: list[str] = []
        enums: list[str] = []
        extensions: list[str] = []
        introduction = ["Declared in " + " and ".join(f"`{file.name}`" for file in contracts) + "."]
        for file in contracts:
            comments = _Comments.of(file)
            introduction += self._introduction(file)
            for index, service in enumerate(file.service):
                services += self._service(service, (_SERVICE, index), comments)
            for index, owner in enumerate(file.message_type):
                messages += self._message(self._package, owner, (_MESSAGE, index), comments)
            for index, enum in enumerate(file.enum_type):
                enums += self._enum(self._package, enum, (_ENUM, index), comments)
            for index, extension in enumerate(file.extension):
                extensions += self._field(extension, (_EXTENSION, index), comments)
        parts = {"Services": services, "Messages": messages, "Enums": enums, "Options": extensions}
        blocks = [f"# {self._package}", *introduction]
        for title, of_kind in parts.items():
            if of_kind:
                blocks += [f"## {title}", *of_kind]
        return "\n\n".join(blocks) + "\n"

    def _introduction(self, file: _File) -> Iterator[str]:
        """What a file says before its first definition."""
        locations = file.source_code_info.location
        definition = min(
            (each.span[0] for each in locations if len(each.path) == 2 and each.path[0] in _DEFINITIONS), default=0
        )
        for each in locations:
            if each.span[0] <= definition:
                yield from (prose(comment) for comment in each.leading_detached_comments)
            if each.span[0] < definition and each.leading_comments:
                yield prose(each.leading_comments)

    def _service(self, service: _Service, path: _Path, comments: _Comments) -> Iterator[str]:
        name = f"{self._package}.{service.name}"
        yield _heading(3, service.name, name)
        yield from _commented(comments, path)
        for index, method in enumerate(service.method):
            yield _heading(4, method.name, f"{name}.{method.name}")
            yield (
                f"{self._streamed(method.input_type, method.client_streaming)} → "
                f"{self._streamed(method.output_type, method.server_streaming)}"
                f"{_repeatable(method)}"
            )
            yield from _commented(comments, (*path, _METHOD, index))

    def _streamed(self, type_name: str, streaming: bool) -> str:
        return ("stream of " if streaming else "") + self._linked(type_name)

    def _message(self, scope: str, owner: _Message, path: _Path, comments: _Comments) -> Iterator[str]:
        name = f"{scope}.{owner.name}"
        yield _heading(3, name.removeprefix(f"{self._package}."), name)
        yield from _commented(comments, path)
        entries = {f".{name}.{inner.name}": inner for inner in owner.nested_type if inner.options.map_entry}
        fields: dict[int | None, list[str]] = defaultdict(list)
        for index, each in enumerate(owner.field):
            oneof = each.oneof_index if each.HasField("oneof_index") and not each.proto3_optional else None
            fields[oneof] += self._field(each, (*path, _FIELD, index), comments, entries)
        yield from fields.pop(None, [])
        for oneof, choices in fields.items():
            assert oneof is not None
            told = _commented(comments, (*path, _ONEOF, oneof))
            yield _entry(f"one of `{owner.oneof_decl[oneof].name}`", *told, *choices)
        for index, inner in enumerate(owner.nested_type):
            if not inner.options.map_entry:
                yield from self._message(name, inner, (*path, _NESTED_MESSAGE, index), comments)
        for index, enum in enumerate(owner.enum_type):
            yield from self._enum(name, enum, (*path, _NESTED_ENUM, index), comments)

    def _field(
        self, each: _Field, path: _Path, comments: _Comments, entries: Mapping[str, _Message] | None = None
    ) -> Iterator[str]:
        yield from (prose(text) for text in comments.detached.get(path, ()))
        text = prose(comments.leading.get(path, ""))
        term = f"`{each.name}` = {each.number} · {self._type(each, entries or {})}"
        yield _entry(term, *filter(None, [text]), *self._options.of(each))

    def _type(self, each: _Field, entries: Mapping[str, _Message]) -> str:
        if each.type_name in entries:
            key, value = entries[each.type_name].field
            return f"map of {self._type(key, {})} to {self._type(value, {})}"
        kind = self._linked(each.type_name) if each.type_name else _Field.Type.Name(each.type)[5:].lower()
        repeated = each.label == _Field.LABEL_REPEATED
        return ("repeated " if repeated else "optional " if each.proto3_optional else "") + kind

    def _enum(self, scope: str, enum: _Enum, path: _Path, comments: _Comments) -> Iterator[str]:
        name = f"{scope}.{enum.name}"
        yield _heading(3, name.removeprefix(f"{self._package}."), name)
        yield from _commented(comments, path)
        for index, value in enumerate(enum.value):
            place = (*path, _VALUE, index)
            yield from (prose(text) for text in comments.detached.get(place, ()))
            yield _entry(f"`{value.name}` = {value.number}", *filter(None, [prose(comments.leading.get(place, ""))]))

    def _linked(self, type_name: str) -> str:
        """A type's name, linked to where it is described if that is in these pages."""
        name = type_name.removeprefix(".")
        package = self._types.get(name)
        if package is None:
            return f"`{name}`"
        shown = name.removeprefix(f"{self._package}.").removeprefix("playscore.")
        return f"[{shown}]({'' if package == self._package else f'{package}.md'}#{name})"


def prose(comment: str) -> str:
    """The Markdown of a comment.

    Paragraphs and lists stay, a paragraph that is indented as a whole becomes a code block, names in snake case are
    set as code, and nothing else is taken for markup.
    """
    lines = [line.removeprefix(" ").rstrip() for line in comment.strip("\n").split("\n")]
    blocks = []
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines).strip("\n")):
        if all(line.startswith("  ") for line in paragraph.split("\n")):
            blocks.append(f"```text\n{paragraph}\n```")
        elif ruled := re.fullmatch(r"-+ (.+?) -+", paragraph):
            blocks.append(f"**{_escaped(ruled[1])}**")
        else:
            blocks.append(_escaped(paragraph))
    return "\n\n".join(block for block in blocks if block)


def _escaped(text: str) -> str:
    pieces = []
    end = 0
    for name in _IDENTIFIER.finditer(text):
        pieces.append(_SPECIAL.sub(r"\\\1", text[end : name.start()]))
        pieces.append(f"`{name[0].strip('`')}`")
        end = name.end()
    return "".join([*pieces, _SPECIAL.sub(r"\\\1", text[end:])])


def _commented(comments: _Comments, path: _Path) -> Iterator[str]:
    if path in comments.leading:
        yield prose(comments.leading[path])


def _heading(level: int, title: str, anchor: str) -> str:
    return f"{'#' * level} {title} {{ #{anchor} }}"


def _entry(term: str, *paragraphs: str) -> str:
    """A term of a definition list; the theme sets it bold, and the text below it."""
    text = "\n\n".join(paragraphs) or "—"
    first, *rest = text.split("\n")
    return "\n".join([term, f":   {first}", *(f"    {line}" if line else "" for line in rest)])


def _repeatable(method: _Method) -> str:
    levels = descriptor_pb2.MethodOptions
    said = {
        levels.NO_SIDE_EFFECTS: " · no side effects",
        levels.IDEMPOTENT: " · idempotent",
    }
    return said.get(method.options.idempotency_level, "")

"""Server reflection, as both of its versions: grpc.reflection.v1, and v1alpha for older tools.

The grpcio-reflection package has v1alpha only. The messages of v1 are the same on the wire, so one servicer answers
both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1: Final = "grpc.reflection.v1.ServerReflection"
V1ALPHA: Final = "grpc.reflection.v1alpha.ServerReflection"


def add_reflection(server: grpc.aio.Server, services: Iterable[ServiceDescriptor]) -> None:
    """Lists and describes `services`, and reflection itself."""
    services = tuple(services)
    pool = DescriptorPool()
    added: set[str] = set()
    for file in (*(service.file for service in services), reflection_pb2.DESCRIPTOR):
        _add(pool, file, added)
    pool.Add(_v1())
    names = [*(service.full_name for service in services), V1, V1ALPHA]
    servicer = reflection.aio.ReflectionServicer(names, pool)  # type: ignore[attr-defined]  # in __all__ at run time
    handlers = {
        "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
            servicer.ServerReflectionInfo,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
    }
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, handlers) for name in (V1, V1ALPHA))
    )


def _add(pool: DescriptorPool, file: FileDescriptor, added: set[str]) -> None:
    """Adds a file after those that it imports."""
    if file.name in added:
        return
    added.add(file.name)
    for imported in file.dependencies:
        _add(pool, imported, added)
    pool.AddSerializedFile(file.serialized_pb)


def _v1() -> FileDescriptorProto:
    """The contract of v1: that of v1alpha under another name."""
    file = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)

    def renamed(name: str) -> str:
        return name.replace("v1alpha", "v1")

    file.name, file.package = renamed(file.name), renamed(file.package)
    for message in file.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = renamed(field.type_name)
    for method in file.service[0].method:
        method.input_type, method.output_type = renamed(method.input_type), renamed(method.output_type)
    return file

"""Roles of callers: which one each method takes, as the contract says, and the refusal of those who have less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from playscore.common.v1 import access_pb2
from playscore.errors import PlayscoreError, Reason
from servicekit.callers import Role, current_caller
from servicekit.calls import Call, Proceed, is_infrastructure


@dataclass(frozen=True, slots=True)
class Access:
    """What the contract says of a method: `playscore.common.v1.Access`."""

    role: Role
    writes: bool


def accesses(services: Iterable[ServiceDescriptor]) -> Mapping[str, Access]:
    """The access of every method, by its name as `servicekit.calls.Method` writes it; gRPC's own services take no role.

    Raises ValueError for a method whose contract states no role.
    """
    found = {}
    for service in services:
        if is_infrastructure(service.full_name):
            continue
        for method in service.methods:
            stated = method.GetOptions().Extensions[access_pb2.access]
            if not stated.role:
                raise ValueError(f"{method.full_name} states no (playscore.common.v1.access).role")
            found[f"{service.full_name}/{method.name}"] = Access(Role(stated.role), stated.writes)
    return found


class Authorization:
    """Refuses a caller whose role is less than the method takes. Health and reflection take none."""

    def __init__(self, accesses: Mapping[str, Access]) -> None:
        self._accesses = accesses

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Lets a call through that its caller may make."""
        if call.method.is_infrastructure:
            return await proceed()
        caller, needed = current_caller.get(), self._accesses[str(call.method)].role
        if caller.role < needed:
            raise PlayscoreError(
                Reason.PERMISSION_DENIED,
                f"{call.method} takes the role {needed.name.lower()}; {caller.party} has {caller.role.name.lower()}",
            )
        return await proceed()

"""The table of docs/security.md: who may make which call, as the contracts say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from google.protobuf.descriptor import ServiceDescriptor

from servicekit.authorization import accesses


def with_access(page: str, services: Iterable[ServiceDescriptor]) -> str:
    """The page with the part between `<!-- access -->` and `<!-- end -->` written anew."""
    rows = []
    for name, access in sorted(accesses(services).items(), key=lambda item: (item[1].role, item[0])):
        service, _, method = name.rpartition("/")
        writes = "yes" if access.writes else ""
        rows.append(f"| `{service.rpartition('.')[2]}` | `{method}` | {access.role.name.lower()} | {writes} |")
    table = "\n".join(["| service | call | least role | writes |", "|---|---|---|---|", *rows])
    return re.sub(
        r"<!-- access -->.*?<!-- end -->",
        lambda _: f"<!-- access -->\n\n{table}\n\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )

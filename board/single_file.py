"""Pages that are one file: styles, scripts and data within it, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

PAGES: Final = files("board").joinpath("pages")
_IMPORT = re.compile(r'^import .* from "\./[\w.]+";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|function|class|let)", re.MULTILINE)
_MARK = re.compile(r"/\* (policy|style|licenses|libraries|script|data) \*/")


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element: no `<` can end it."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")


def joined(folder: Traversable, modules: Sequence[str]) -> str:
    """Modules as one script, each after those it imports.

    Their imports are of each other, one a line, and their top-level names are unique.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", folder.joinpath(name).read_text())) for name in modules)


def read(*names: str) -> str:
    """Files of `board/pages`, one after the other."""
    return "\n".join(PAGES.joinpath(name).read_text() for name in names)


def single_file(
    page: str, *, style: str, script: str, data: Mapping[str, Any], libraries: str = "", licenses: str = ""
) -> str:
    """`page` with its marks filled in. `licenses` are those of the libraries, which go wherever these go.

    Its policy names script and style by their digests, so that nothing else runs and no request is made, whatever the
    data holds.
    """
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {_digest(style)};"
        f" script-src {_digest(libraries)} {_digest(script)}"
    )
    parts = {
        "policy": policy,
        "style": style,
        "licenses": licenses,
        "libraries": libraries,
        "script": script,
        "data": embedded(data),
    }
    return _MARK.sub(lambda mark: parts[mark[1]], page)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

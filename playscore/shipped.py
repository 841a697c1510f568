"""Where the files that come with playscore are, in a checkout and in an installed package alike.

They are found beside this package, not through the import system: a folder of the caller's that happens to be called
`models` must not hide ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_INSTALLED: Final = Path(__file__).resolve().parents[1]

RELEASES: Final = _INSTALLED / "models" / "releases"
"""The releases of every model, as `<model>/<version>/`; see `playscore.release`."""

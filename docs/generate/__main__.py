"""`python -m docs.generate` writes what is generated in the committed pages."""

from __future__ import annotations

import importlib
from pathlib import Path

from docs.generate.settings import settings_page
from docs.generate.split_fields import with_fields
from docs.generate.zones import zones_picture

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "docs" / "settings.md"
SPLITS = ROOT / "docs" / "splits.md"
ZONES = ROOT / "docs" / "shot_zones.svg"


def splits_page() -> str:
    """docs/splits.md with the fields that the aggregator's tasks have now."""
    tasks = (module.parent.name for module in ROOT.glob("aggregator/*/fields.py") if module.parent.name != "core")
    schemas = {task: importlib.import_module(f"aggregator.{task}.fields").SCHEMA for task in tasks}
    return with_fields(SPLITS.read_text(), {task: schema.fields.values() for task, schema in schemas.items()})


def main() -> None:
    """Writes docs/settings.md, the tables of docs/splits.md, and docs/shot_zones.svg."""
    SETTINGS.write_text(settings_page(ROOT))
    SPLITS.write_text(splits_page())
    ZONES.write_text(zones_picture())


if __name__ == "__main__":
    main()

"""`python -m docs.generate` writes what is generated in the committed pages."""

from __future__ import annotations

import importlib
from pathlib import Path

from docs.generate.access import with_access
from docs.generate.drawings import groups
from docs.generate.settings import settings_page
from docs.generate.shot_factors import PICTURES, factors_page, pictures
from docs.generate.split_fields import with_fields
from docs.generate.zones import zones_picture

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("aggregator", "featurizer", "scorer")
SETTINGS = ROOT / "docs" / "settings.md"
SPLITS = ROOT / "docs" / "splits.md"
SECURITY = ROOT / "docs" / "security.md"
ZONES = ROOT / "docs" / "shot_zones.svg"
FACTORS = ROOT / "docs" / "shot_factors.md"
FACTOR_PICTURES = FACTORS.with_name(PICTURES)


def splits_page() -> str:
    """docs/splits.md with the fields that the aggregator's tasks have now."""
    tasks = (module.parent.name for module in ROOT.glob("aggregator/*/fields.py") if module.parent.name != "core")
    schemas = {task: importlib.import_module(f"aggregator.{task}.fields").SCHEMA for task in tasks}
    return with_fields(SPLITS.read_text(), {task: schema.fields.values() for task, schema in schemas.items()})


def security_page() -> str:
    """docs/security.md with what the contracts say of their calls now."""
    modules = (importlib.import_module(f"playscore.{service}.v1.{service}_pb2") for service in SERVICES)
    services = (service for module in modules for service in module.DESCRIPTOR.services_by_name.values())
    return with_access(SECURITY.read_text(), services)


def write_factors() -> None:
    """Writes docs/shot_factors.md and its pictures, and removes pictures that are no longer drawn."""
    drawn = groups()
    FACTORS.write_text(factors_page(drawn))
    FACTOR_PICTURES.mkdir(exist_ok=True)
    files = pictures(drawn)
    for path in FACTOR_PICTURES.glob("*.svg"):
        if path.name not in files:
            path.unlink()
    for name, picture in files.items():
        (FACTOR_PICTURES / name).write_text(picture)


def main() -> None:
    """Writes docs/settings.md, docs/shot_zones.svg and docs/shot_factors.md, and the tables of other pages."""
    SETTINGS.write_text(settings_page(ROOT))
    SPLITS.write_text(splits_page())
    SECURITY.write_text(security_page())
    ZONES.write_text(zones_picture())
    write_factors()


if __name__ == "__main__":
    main()

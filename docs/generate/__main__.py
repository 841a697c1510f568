"""`python -m docs.generate` writes what is generated in the committed pages."""

from __future__ import annotations

from pathlib import Path

from aggregator.core.fields import SCHEMAS
from docs.generate.settings import settings_page
from docs.generate.split_fields import with_fields

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "docs" / "settings.md"
SPLITS = ROOT / "docs" / "splits.md"


def splits_page() -> str:
    """docs/splits.md with the fields that the aggregator knows now."""
    return with_fields(SPLITS.read_text(), {schema.model: schema.fields.values() for schema in SCHEMAS.values()})


def main() -> None:
    """Writes docs/settings.md, and the tables of docs/splits.md."""
    SETTINGS.write_text(settings_page(ROOT))
    SPLITS.write_text(splits_page())


if __name__ == "__main__":
    main()

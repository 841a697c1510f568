"""`python -m docs.generate` writes the generated pages that are committed."""

from __future__ import annotations

from pathlib import Path

from docs.generate.settings import settings_page

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Writes docs/settings.md."""
    (ROOT / "docs" / "settings.md").write_text(settings_page(ROOT))


if __name__ == "__main__":
    main()

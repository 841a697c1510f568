"""docs/ratings.ipynb: run for its outputs, and shown as a page of the site.

`python -m docs.generate.notebook HOST:PORT` runs it against an aggregator and writes it with what came out.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "ratings.ipynb"
TIMEOUT_SECONDS = 120

_NOTE = "This page shows the notebook `docs/ratings.ipynb` of the repository: open that in Jupyter to go on from here."


def read_notebook() -> nbformat.NotebookNode:
    """The notebook as it is committed."""
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def executed(notebook: nbformat.NotebookNode, aggregator: str) -> nbformat.NotebookNode:
    """The notebook with the outputs that its cells have against an aggregator at `host:port`.

    Raises nbclient's CellExecutionError, with the cell and its error, where one fails.
    """
    run = NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(ROOT)}},
    )
    done: nbformat.NotebookNode = run.execute(env={**os.environ, "PLAYSCORE_AGGREGATOR": aggregator})
    return done


def notebook_page(notebook: nbformat.NotebookNode) -> str:
    """The notebook in Markdown: texts, code and outputs in their order."""
    texts = [text for cell in notebook.cells for text in _cell(cell)]
    heading, _, rest = texts[0].partition("\n")
    return "\n\n".join([heading, _NOTE, rest.strip(), *texts[1:]]) + "\n"


def _cell(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/svg+xml" in data:
            picture = base64.b64encode(data["image/svg+xml"].encode()).decode()
            yield f'<img alt="What the code above draws" src="data:image/svg+xml;base64,{picture}">'
        elif text := output.get("text") or data.get("text/plain"):
            yield f"```text\n{text.rstrip()}\n```"


def main(aggregator: str) -> None:
    """Runs the notebook and writes it with its outputs."""
    notebook = executed(read_notebook(), aggregator)
    NOTEBOOK.write_text(nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1])

"""A model's release: everything that services know about it. Released files never change.

models/releases/<model>/<version>/   release.json   model.onnx   card.md
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from playscore.errors import PlayscoreError, Reason


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReleasedColumn(_Part):
    """A column of the tensors the model was trained on."""

    name: str
    unit: str


class ReleasedFeatures(_Part):
    """The feature specification the model was trained on."""

    id: str
    frame_columns: tuple[ReleasedColumn, ...]
    static_columns: tuple[ReleasedColumn, ...]


class ReleasedLaw(_Part):
    """What of the spliced binned Pareto law is fixed: edges in yards, and where the tails begin."""

    edges: tuple[float, ...]
    lower_tail: float
    upper_tail: float


class ReferencePopulation(_Part):
    """The passers against whom ratings are standardised, of which season and plays; see docs/score.md."""

    description: str
    passers: int
    min_plays: Annotated[int, Field(gt=0)]
    """Plays that qualify for a ranking in a full season."""
    mean: float
    """Mean, over qualified passers, of their shrunk mean play score."""
    standard_deviation: Annotated[float, Field(gt=0)]
    """Standard deviation, over qualified passers, of their shrunk mean play score."""
    play_standard_deviation: Annotated[float, Field(gt=0)]
    """Standard deviation of one play's score about its passer's mean."""
    shrinkage_plays: Annotated[float, Field(ge=0)]
    """Plays at the population's mean that every passer is given."""
    median_rating: float = 84.0
    """Rating of a passer at the population's mean."""
    rating_per_standard_deviation: float = 7.0
    """Points that a rating rises by with each standard deviation above that mean."""


class Release(_Part):
    """`release.json`."""

    model: str
    version: Annotated[int, Field(gt=0)]
    released: str
    """Date, YYYY-MM-DD."""
    features: ReleasedFeatures
    bucket_lengths: tuple[int, ...]
    """Rising lengths, in frames, to which plays are padded."""
    max_batch_size: Annotated[int, Field(gt=0)]
    law: ReleasedLaw
    reference_population: ReferencePopulation
    graph_sha256: str
    figures: dict[str, Any]
    """Figures of the evaluation, as the card shows them."""


GRAPH = "model.onnx"
DESCRIPTION = "release.json"


def load_release(folder: Path) -> Release:
    """The release in `folder`, its graph checked against the digest."""
    try:
        release = Release.model_validate_json((folder / DESCRIPTION).read_text())
        digest = hashlib.sha256((folder / GRAPH).read_bytes()).hexdigest()
    except FileNotFoundError as missing:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no release in {folder}: {missing.filename} is missing") from None
    if digest != release.graph_sha256:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND,
            f"{folder / GRAPH} is not the graph that was released: its SHA-256 is {digest}, not {release.graph_sha256}",
        )
    return release


def list_releases(root: Path, model: str) -> tuple[Release, ...]:
    """All releases of a model under `root`, by version."""
    folders = (folder for folder in (root / model).glob("[0-9]*") if (folder / DESCRIPTION).exists())
    return tuple(sorted((load_release(folder) for folder in folders), key=lambda release: release.version))

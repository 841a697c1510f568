"""A model's release: everything that services know about it. Released files never change.

    models/releases/<model>/<version>/   release.json   model.onnx   card.md

A graph takes N plays padded to one of the release's lengths T, in three float32 tensors: `frames` (N, T, C), `mask`
(N, T), which is 1 where a frame is real, and `static` (N, S). One whose features have no frame columns takes `static`
alone. What it answers is the release's own: `Release.outputs`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playscore.errors import PlayscoreError, Reason
from playscore.features import Column, FeatureSpecification

FORMAT: Final = 4
"""Of the `release.json` that is written now. Readers of format 2 know of no ceiling, those of 3 of no factors."""
GRAPH: Final = "model.onnx"
DESCRIPTION: Final = "release.json"
GRAPH_DIGEST: Final = "graph_sha256.{version}"
"""The parameter by which an inference server states the SHA-256 of the graph that it has for a version."""


@dataclass(frozen=True, slots=True, order=True)
class ModelVersion:
    """Names a released model."""

    name: str
    version: int

    def __str__(self) -> str:
        """As commands and settings write it: "passing:3"."""
        return f"{self.name}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `name:version`; whitespace around it is allowed. Raises ValueError."""
        name, colon, version = text.strip().rpartition(":")
        if not (colon and name and version.isascii() and version.isdigit()):
            raise ValueError(f'"{text.strip()}" is not name:version; for example passing:2')
        return cls(name, int(version))


def parse_models(text: str) -> tuple[ModelVersion, ...]:
    """Models out of `name:version,name:version`; whitespace around them is allowed. Raises ValueError."""
    return tuple(ModelVersion.parse(part) for part in text.split(",")) if text.strip() else ()


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

    @cached_property
    def frame_names(self) -> tuple[str, ...]:
        """Names of the frame columns, in order."""
        return tuple(column.name for column in self.frame_columns)

    @cached_property
    def static_names(self) -> tuple[str, ...]:
        """Names of the static columns, in order."""
        return tuple(column.name for column in self.static_columns)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's inputs."""
        return ("frames", "mask", "static") if self.frame_columns else ("static",)

    @classmethod
    def of(cls, specification: FeatureSpecification) -> Self:
        """What a release keeps of a feature specification."""

        def kept(columns: Sequence[Column]) -> tuple[ReleasedColumn, ...]:
            return tuple(ReleasedColumn(name=column.name, unit=column.unit) for column in columns)

        return cls(
            id=specification.id,
            frame_columns=kept(specification.frame_columns),
            static_columns=kept(specification.static_columns),
        )


class ReleasedTensor(_Part):
    """A tensor that the graph answers."""

    name: str
    shape: tuple[int, ...]
    """Its dimensions after the batch; -1 for one that varies."""


class Support(_Part):
    """What the spliced binned Pareto distributions of a model share."""

    edges_yards: tuple[float, ...]
    """K + 1 rising edges of the K bins."""
    lower_tail_probability: float
    upper_tail_probability: float

    @cached_property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of edges, lower and upper tail as little-endian float64."""
        numbers = (*self.edges_yards, self.lower_tail_probability, self.upper_tail_probability)
        # Adding 0 makes -0 the same number as 0.
        packed = struct.pack(f"<{len(numbers)}d", *(number + 0.0 for number in numbers))
        return hashlib.sha256(packed).hexdigest()[:16]

    def check(self) -> None:
        """Refuse what no distribution can stand on.

        Raises:
            PlayscoreError: DISTRIBUTION_INVALID.
        """
        edges, tails = self.edges_yards, (self.lower_tail_probability, self.upper_tail_probability)
        # Written so that NaN fails every comparison.
        rising = all(0.0 < after - before < math.inf for before, after in itertools.pairwise(edges))
        if len(edges) < 2 or not rising:
            raise PlayscoreError(Reason.DISTRIBUTION_INVALID, "edges_yards must be at least two finite, rising yards")
        if not (min(tails) > 0.0 and sum(tails) < 1.0):
            raise PlayscoreError(
                Reason.DISTRIBUTION_INVALID,
                "lower_tail_probability and upper_tail_probability must be above 0 and leave a body between them; "
                f"they are {tails[0]:g} and {tails[1]:g}",
            )


class ReleasedFactor(_Part):
    """One of the factors whose contributions to the logit a graph answers, in the order of its answer."""

    name: str
    unit: str
    learned_from: Literal["real_shots", "simulation"]
    """Where the model knows from what the factor does."""
    quantiles: tuple[float, ...] = ()
    """Its values at 0, 1, …, 100% of the reference shots in which it is known; empty where values have no order."""


class ReferencePopulation(_Part):
    """The subjects against whom ratings are standardized, and of which season and plays they are; see docs/score.md."""

    description: str
    subjects: int
    """Qualified subjects in it."""
    min_plays: Annotated[int, Field(gt=0)]
    """Plays that qualify for a ranking in a full season."""
    mean: float
    """Mean, over qualified subjects, of their shrunk mean measure."""
    standard_deviation: Annotated[float, Field(gt=0)]
    """Standard deviation, over qualified subjects, of their shrunk mean measure."""
    play_standard_deviation: Annotated[float, Field(gt=0)]
    """Standard deviation of one play's measure about its subject's mean."""
    shrinkage_plays: Annotated[float, Field(ge=0)]
    """Plays at the population's mean that every subject is given."""
    median_rating: float = 84.0
    """Rating of a subject at the population's mean."""
    rating_per_standard_deviation: float = 7.0
    """Points that a rating rises by with each standard deviation above that mean."""


class Release(_Part):
    """`release.json`."""

    format: Literal[2, 3, 4] = FORMAT
    model: str
    version: Annotated[int, Field(gt=0)]
    task: str
    """What it grades, for example "passing"."""
    released: str
    """Date, YYYY-MM-DD."""
    features: ReleasedFeatures
    bucket_lengths: Annotated[tuple[int, ...], Field(min_length=1)]
    """Rising lengths, in frames, to which plays are padded; (0,) for plays that statics alone describe."""
    max_batch_size: Annotated[int, Field(gt=0)]
    outputs: Annotated[tuple[ReleasedTensor, ...], Field(min_length=1)]
    """What the graph answers, in its order."""
    support: Support | None = None
    """Of the distributions it answers; None where the task has no such distribution."""
    ceiling: Literal["goal_line"] | None = None
    """What censors the distributions, which are then of the yards that a play would gain on an endless field.

    "goal_line": the yards to the end zone, whole and at least 1, are the most that count; see docs/score.md. None:
    nothing is cut.
    """
    thresholds: tuple[float, ...] = ()
    """Rising values of the measure at which a play's level changes; empty where the task has no levels."""
    intercept_logit: float | None = None
    """Of a graph that answers contributions to a logit: what they are added to."""
    factors: tuple[ReleasedFactor, ...] = ()
    """What its contributions are of; empty where the task has none."""
    reference_population: ReferencePopulation | None = None
    """None where ratings of the task are not standardized."""
    graph_sha256: str
    figures: dict[str, Any]
    """Figures of the evaluation, as the card shows them."""

    @property
    def key(self) -> ModelVersion:
        """Which model it is."""
        return ModelVersion(self.model, self.version)

    @model_validator(mode="after")
    def _orders(self) -> Self:
        for name in ("bucket_lengths", "thresholds"):
            values = getattr(self, name)
            if any(after <= before for before, after in itertools.pairwise(values)):
                raise ValueError(f"{name} must rise; they are {values}")
        if len({tensor.name for tensor in self.outputs}) < len(self.outputs):
            raise ValueError("the names of outputs must differ")
        if self.support is not None:
            try:
                self.support.check()
            except PlayscoreError as error:
                raise ValueError(f"support: {error}") from error
        return self

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A release from the text of a `release.json` of any format.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND for a format of a later playscore.
            pydantic.ValidationError: it is no release.
        """
        content = json.loads(text)
        found = content.get("format", 1)
        if found == 1:
            content = _from_format_1(content)
        elif found not in range(2, FORMAT + 1):
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND, f"a release of format {found}; this playscore reads formats 1 to {FORMAT}"
            )
        return cls.model_validate(content)

    def to_json(self) -> str:
        """The text of its `release.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


def load_release(folder: Path) -> Release:
    """The release in `folder`, its graph checked against the digest."""
    try:
        release = Release.from_json((folder / DESCRIPTION).read_text())
        digest = hashlib.sha256((folder / GRAPH).read_bytes()).hexdigest()
    except FileNotFoundError as missing:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"no release in {folder}: {missing.filename} is missing") from None
    if digest != release.graph_sha256:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND,
            f"{folder / GRAPH} is not the graph that was released: its SHA-256 is {digest}, not {release.graph_sha256}",
        )
    return release


def list_releases(root: Path, model: str = "*") -> tuple[Release, ...]:
    """All releases under `root`, of one model or of every model, by name and version."""
    folders = (description.parent for description in root.glob(f"{model}/[0-9]*/{DESCRIPTION}"))
    return tuple(sorted((load_release(folder) for folder in folders), key=lambda release: release.key))


def _from_format_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Format 1 was of the passing model only: it took task and outputs for granted and named things after passes."""
    law, population = content["law"], content["reference_population"]
    kept = {name: value for name, value in content.items() if name not in ("format", "law", "reference_population")}
    return {
        **kept,
        "task": "passing",
        "outputs": [{"name": "logits", "shape": [len(law["edges"]) - 1]}, {"name": "tails", "shape": [4]}],
        "support": {
            "edges_yards": law["edges"],
            "lower_tail_probability": law["lower_tail"],
            "upper_tail_probability": law["upper_tail"],
        },
        "reference_population": {
            "subjects" if name == "passers" else name: value for name, value in population.items()
        },
    }

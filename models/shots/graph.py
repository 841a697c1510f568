"""A model as an ONNX graph: bins by comparison with edges, contributions by look-up in tables.

Input `static` (N, 2F) float32, F values and F flags; output `contributions` (N, F) float32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.core import graph
from models.shots.additive import LISTED, Additive, ByListing, Model
from models.shots.binning import Floats

INPUT, OUTPUT = "static", "contributions"
_IR_VERSION = 10
_KNOWN = 0.5
"""A flag above it is set."""


class _Builder:
    """Nodes and constants; those of one model have its prefix."""

    def __init__(self, factors: int) -> None:
        self.factors = factors
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {
            "start": np.asarray([0], np.int64),
            "middle": np.asarray([factors], np.int64),
            "stop": np.asarray([2 * factors], np.int64),
            "columns": np.asarray([1], np.int64),
            "last": np.asarray([2], np.int64),
            "one": np.asarray(1, np.int64),
            "known_above": np.asarray(_KNOWN, np.float32),
        }
        self.add("Slice", [INPUT, "start", "middle", "columns"], "values")
        self.add("Slice", [INPUT, "middle", "stop", "columns"], "flags")
        self.add("Unsqueeze", ["values", "last"], "standing")
        self.add("Greater", ["flags", "known_above"], "known")
        self.add("Cast", ["known"], "known_numbers", to=TensorProto.INT64)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def contributions(self, model: Additive, prefix: str, output: str) -> None:
        """Those of one additive model."""
        padded = np.full((self.factors, max(1, *map(len, model.bins.edges))), np.inf, np.float32)
        for place, cut in enumerate(model.bins.edges):
            padded[place, : len(cut)] = cut
        self.constants |= {
            f"{prefix}edges": padded[None],
            f"{prefix}main_offsets": _offsets(map(len, model.mains)),
            f"{prefix}mains": np.concatenate(model.mains).astype(np.float32),
        }
        self.add("GreaterOrEqual", ["standing", f"{prefix}edges"], f"{prefix}passed")
        self.add("Cast", [f"{prefix}passed"], f"{prefix}passed_numbers", to=TensorProto.INT64)
        self.add("ReduceSum", [f"{prefix}passed_numbers", "last"], f"{prefix}edges_below", keepdims=0)
        self.add("Add", [f"{prefix}edges_below", "one"], f"{prefix}bins_if_known")
        self.add("Mul", [f"{prefix}bins_if_known", "known_numbers"], f"{prefix}bins")
        self.add("Add", [f"{prefix}bins", f"{prefix}main_offsets"], f"{prefix}main_cells")
        alone = f"{prefix}alone" if model.pairs else output
        self.add("Gather", [f"{prefix}mains", f"{prefix}main_cells"], alone)
        if model.pairs:
            self._pairs(model, prefix, output)

    def _pairs(self, model: Additive, prefix: str, output: str) -> None:
        first, second = (
            np.asarray(places, np.int64)
            for places in zip(*((each.first, each.second) for each in model.pairs), strict=True)
        )
        self.constants |= {
            f"{prefix}coarse": np.concatenate(model.bins.coarse).astype(np.int64),
            f"{prefix}first": first,
            f"{prefix}second": second,
            f"{prefix}widths": np.asarray([pair.to_first.shape[1] for pair in model.pairs], np.int64),
            f"{prefix}pair_offsets": _offsets(pair.to_first.size for pair in model.pairs),
            f"{prefix}tables_first": _flat(pair.to_first for pair in model.pairs),
            f"{prefix}tables_second": _flat(pair.to_second for pair in model.pairs),
            f"{prefix}onto_first": np.eye(self.factors, dtype=np.float32)[first],
            f"{prefix}onto_second": np.eye(self.factors, dtype=np.float32)[second],
        }
        self.add("Gather", [f"{prefix}coarse", f"{prefix}main_cells"], f"{prefix}coarse_bins")
        self.add("Gather", [f"{prefix}coarse_bins", f"{prefix}first"], f"{prefix}rows", axis=1)
        self.add("Gather", [f"{prefix}coarse_bins", f"{prefix}second"], f"{prefix}places_in_row", axis=1)
        self.add("Mul", [f"{prefix}rows", f"{prefix}widths"], f"{prefix}row_starts")
        self.add("Add", [f"{prefix}row_starts", f"{prefix}places_in_row"], f"{prefix}cells_of_pairs")
        self.add("Add", [f"{prefix}cells_of_pairs", f"{prefix}pair_offsets"], f"{prefix}pair_cells")
        for side in ("first", "second"):
            self.add("Gather", [f"{prefix}tables_{side}", f"{prefix}pair_cells"], f"{prefix}shares_{side}")
            self.add("MatMul", [f"{prefix}shares_{side}", f"{prefix}onto_{side}"], f"{prefix}to_{side}")
        self.add("Add", [f"{prefix}to_first", f"{prefix}to_second"], f"{prefix}paired")
        self.add("Add", [f"{prefix}alone", f"{prefix}paired"], output)


def export(model: Model, path: Path) -> None:
    """Write the graph of a model. The same model gives the same bytes."""
    path.write_bytes(_bytes(model))


def digest_of(model: Model) -> str:
    """The hexadecimal SHA-256 of a model's graph."""
    return hashlib.sha256(_bytes(model)).hexdigest()


def _bytes(model: Model) -> bytes:
    one = model.unblocked if isinstance(model, ByListing) else model
    factors = len(one.mains)
    made = _Builder(factors)
    if isinstance(model, ByListing):
        more = np.zeros(factors, np.float32)
        more[model.listing] = model.on_goal.intercept - model.intercept
        made.constants |= {
            "listing": np.asarray([model.listing], np.int64),
            "listed_above": np.asarray(LISTED, np.float32),
            "more": more,
        }
        made.contributions(model.unblocked, "unblocked.", "unblocked")
        made.contributions(model.on_goal, "on_goal.", "on_goal_alone")
        made.add("Add", ["on_goal_alone", "more"], "on_goal")
        made.add("Gather", [INPUT, "listing"], "listing_value", axis=1)
        made.add("Greater", ["listing_value", "listed_above"], "listed")
        made.add("Where", ["listed", "on_goal", "unblocked"], OUTPUT)
    else:
        made.contributions(model, "", OUTPUT)
    described = helper.make_graph(
        made.nodes,
        "additive",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 2 * factors])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", factors])],
        [numpy_helper.from_array(values, name) for name, values in made.constants.items()],
    )
    whole = helper.make_model(
        described, opset_imports=[helper.make_opsetid("", graph.OPSET)], producer_name="playscore"
    )
    whole.ir_version = _IR_VERSION
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString(deterministic=True))


def difference(model: Model, path: Path, statics: Floats) -> float:
    """The largest difference between the contributions of a model and of its graph."""
    (answered,) = graph.session(path).run([OUTPUT], {INPUT: statics})
    return float(np.abs(answered - model.contributions(statics)).max(initial=0.0))


def _offsets(sizes: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes])[:-1].astype(np.int64)


def _flat(tables: Iterable[NDArray[np.float64]]) -> Floats:
    return np.concatenate([table.reshape(-1) for table in tables]).astype(np.float32)

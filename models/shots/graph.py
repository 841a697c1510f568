"""The additive model as an ONNX graph: bins by comparison with edges, contributions by look-up in tables.

Input `static` (N, 2F) float32, F values and F flags; output `contributions` (N, F) float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.core import graph
from models.shots.additive import Additive
from models.shots.binning import Floats

INPUT, OUTPUT = "static", "contributions"
_IR_VERSION = 10
_KNOWN = 0.5
"""A flag above it is set."""


def export(model: Additive, path: Path) -> None:
    """Write the graph of a model."""
    factors = len(model.mains)
    padded = np.full((factors, max(1, *map(len, model.bins.edges))), np.inf, np.float32)
    for place, cut in enumerate(model.bins.edges):
        padded[place, : len(cut)] = cut
    first = np.asarray([pair.first for pair in model.pairs], np.int64)
    second = np.asarray([pair.second for pair in model.pairs], np.int64)
    widths = np.asarray([pair.to_first.shape[1] for pair in model.pairs], np.int64)
    constants: dict[str, NDArray[Any]] = {
        "edges": padded[None],
        "middle": np.asarray([factors], np.int64),
        "start": np.asarray([0], np.int64),
        "stop": np.asarray([2 * factors], np.int64),
        "columns": np.asarray([1], np.int64),
        "last": np.asarray([2], np.int64),
        "known_above": np.asarray(_KNOWN, np.float32),
        "one": np.asarray(1, np.int64),
        "main_offsets": _offsets(map(len, model.mains)),
        "mains": np.concatenate(model.mains).astype(np.float32),
    }
    nodes = [
        _node("Slice", ["static", "start", "middle", "columns"], "values"),
        _node("Slice", ["static", "middle", "stop", "columns"], "flags"),
        _node("Unsqueeze", ["values", "last"], "standing"),
        _node("GreaterOrEqual", ["standing", "edges"], "passed"),
        _node("Cast", ["passed"], "passed_numbers", to=TensorProto.INT64),
        _node("ReduceSum", ["passed_numbers", "last"], "edges_below", keepdims=0),
        _node("Add", ["edges_below", "one"], "bins_if_known"),
        _node("Greater", ["flags", "known_above"], "known"),
        _node("Cast", ["known"], "known_numbers", to=TensorProto.INT64),
        _node("Mul", ["bins_if_known", "known_numbers"], "bins"),
        _node("Add", ["bins", "main_offsets"], "main_cells"),
        _node("Gather", ["mains", "main_cells"], "alone" if model.pairs else OUTPUT),
    ]
    if model.pairs:
        constants |= {
            "coarse": np.concatenate(model.bins.coarse).astype(np.int64),
            "first": first,
            "second": second,
            "widths": widths,
            "pair_offsets": _offsets(pair.to_first.size for pair in model.pairs),
            "tables_first": np.concatenate([pair.to_first.reshape(-1) for pair in model.pairs]).astype(np.float32),
            "tables_second": np.concatenate([pair.to_second.reshape(-1) for pair in model.pairs]).astype(np.float32),
            "onto_first": np.eye(factors, dtype=np.float32)[first],
            "onto_second": np.eye(factors, dtype=np.float32)[second],
        }
        nodes += [
            _node("Gather", ["coarse", "main_cells"], "coarse_bins"),
            _node("Gather", ["coarse_bins", "first"], "rows", axis=1),
            _node("Gather", ["coarse_bins", "second"], "places_in_row", axis=1),
            _node("Mul", ["rows", "widths"], "row_starts"),
            _node("Add", ["row_starts", "places_in_row"], "cells_of_pairs"),
            _node("Add", ["cells_of_pairs", "pair_offsets"], "pair_cells"),
            _node("Gather", ["tables_first", "pair_cells"], "shares_first"),
            _node("Gather", ["tables_second", "pair_cells"], "shares_second"),
            _node("MatMul", ["shares_first", "onto_first"], "to_first"),
            _node("MatMul", ["shares_second", "onto_second"], "to_second"),
            _node("Add", ["to_first", "to_second"], "paired"),
            _node("Add", ["alone", "paired"], OUTPUT),
        ]
    described = helper.make_graph(
        nodes,
        "additive",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 2 * factors])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", factors])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    made = helper.make_model(described, opset_imports=[helper.make_opsetid("", graph.OPSET)], producer_name="playscore")
    made.ir_version = _IR_VERSION
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())


def difference(model: Additive, path: Path, statics: Floats) -> float:
    """The largest difference between the contributions of a model and of its graph."""
    (answered,) = graph.session(path).run([OUTPUT], {INPUT: statics})
    return float(np.abs(answered - model.contributions(statics)).max(initial=0.0))


def _offsets(sizes: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes])[:-1].astype(np.int64)


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, [output], **attributes)

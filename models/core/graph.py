"""A network as an ONNX graph, and how much the two differ. `playscore.release` describes the inputs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

INPUTS = ("frames", "mask", "static")
OPSET = 18
MAX_DIFFERENCE = 1e-5
"""Between torch and onnxruntime in a release, as `difference` measures it."""


def export(
    network: nn.Module,
    example: tuple[torch.Tensor, ...],
    path: Path,
    outputs: Sequence[str],
    inputs: Sequence[str] = INPUTS,
) -> None:
    """Write the network to `path`, weights included, for any number of plays of any length.

    `example` has one tensor for each of `inputs`; `outputs` names what the network answers, in its order.
    """
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=2)
    shapes = {"frames": {0: batch, 1: length}, "mask": {0: batch, 1: length}, "static": {0: batch}}
    # The exporter warns about its own parts: torchvision, which is not needed, and names that two inputs share.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(),
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=tuple(shapes[name] for name in inputs),
            verbose=False,
        )
        assert program is not None
        program.save(path, external_data=False)


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """The graph in onnxruntime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def difference(network: nn.Module, path: Path, example: tuple[torch.Tensor, ...]) -> float:
    """The largest difference between the outputs of torch and onnxruntime; relative where outputs exceed 1."""
    with torch.inference_mode():
        expected = network.eval()(*example)
    graph = session(path)
    feed = {taken.name: value.numpy() for taken, value in zip(graph.get_inputs(), example, strict=True)}
    answered = graph.run(None, feed)
    return max(
        float((np.abs(a - b.numpy()) / np.maximum(np.abs(b.numpy()), 1)).max())
        for a, b in zip(answered, expected, strict=True)
    )

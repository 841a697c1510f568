"""The network as an ONNX graph, and the proof that both say the same."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

INPUTS = ("frames", "mask", "static")
OUTPUTS = ("logits", "tails")
OPSET = 18
PARITY = 1e-5
"""Largest difference between torch and onnxruntime that a release may have, as `largest_difference` tells it."""


def export(network: nn.Module, example: tuple[torch.Tensor, ...], path: Path) -> None:
    """Write the network to `path`, weights inside, for any number of plays of any length."""
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=2)
    shapes = ({0: batch, 1: length}, {0: batch, 1: length}, {0: batch})
    # The exporter warns of its own parts: of torchvision, which is not wanted, and of names that two inputs share.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(),
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=shapes,
            verbose=False,
        )
        assert program is not None
        program.save(path, external_data=False)


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """The graph in onnxruntime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def largest_difference(network: nn.Module, path: Path, example: tuple[torch.Tensor, ...]) -> float:
    """Between the outputs of torch and of onnxruntime, over all plays of the example; of large numbers the relative."""
    with torch.inference_mode():
        expected = network.eval()(*example)
    feed = {name: value.numpy() for name, value in zip(INPUTS, example, strict=True)}
    answered = session(path).run(OUTPUTS, feed)
    return max(
        float((np.abs(a - b.numpy()) / np.maximum(np.abs(b.numpy()), 1)).max())
        for a, b in zip(answered, expected, strict=True)
    )

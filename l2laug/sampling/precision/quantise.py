"""A model file whose convolutions run in 8 bits; making it needs the onnx package."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from l2laug.core.files import whole_file

Feed = dict[str, NDArray[Any]]
FEW = 4  # outputs of a convolution that tells positions or pixels: those stay in 32 bits
TAPS = ((2, 0), (3, 1))  # rows of a transposed kernel that odd and even pixels are made by


def quantise(model: Path, feeds: list[Feed], path: Path, *, reduce_range: bool) -> None:
    """Write a model whose convolutions multiply 8 bits by 8, but for those that end in pixels.

    Weights have a scale for each output, activations one for each map, from what ``feeds`` give
    (static QDQ). Transposed convolutions, which onnxruntime has no 8 bits for, become plain ones.

    Args:
        model: in 32 bits.
        feeds: inputs as they are drawn, all of one batch size, which the written model keeps.
        path: of the file, which has no card: it is for this machine alone.
        reduce_range: use 7 bits of weights, where sums of 8 could overflow: without VNNI.

    Raises:
        OutputError: the file can't be written.
    """
    with tempfile.TemporaryDirectory() as folder, whole_file(path) as part, _quiet():
        folded = Path(folder) / "folded.onnx"
        _fold(model, len(feeds[0]["support"]), folded)
        graph = onnx.shape_inference.infer_shapes(onnx.load(folded))
        del graph.metadata_props[:]  # the rare images at their own size among them
        _without_transposed(graph)
        onnx.save(graph, folded)
        quantize_static(
            folded,
            part,
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=ends_of(graph),
        )


class _Reader(CalibrationDataReader):  # type: ignore[misc] # it has no types
    """Feeds one by one, as onnxruntime asks for them."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def _fold(model: Path, batch: int, path: Path) -> None:
    """Write the model for one batch size, with all that is constant then computed."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_free_dimension_override_by_name("batch", batch)
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def ends_of(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that tell positions or pixels."""
    widths = {weight.name: weight.dims[0] for weight in model.graph.initializer if weight.dims}
    convolutions = (node for node in model.graph.node if node.op_type == "Conv")
    return [node.name for node in convolutions if widths.get(node.input[1], 0) <= FEW]


def _without_transposed(model: onnx.ModelProto) -> None:
    """Turn transposed convolutions of 4x4, stride 2, into plain ones, see :func:`_as_plain`."""
    graph, nodes = model.graph, list[onnx.NodeProto]()
    weights = {weight.name: weight for weight in graph.initializer}
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    for node in graph.node:
        shape = shapes.get(node.input[0]) if node.op_type == "ConvTranspose" else None
        about = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        known = shape is not None and len(shape) == 4 and all(shape[1:])
        fits = about.get("kernel_shape") == [4, 4] and about.get("strides") == [2, 2]
        fits = fits and about.get("pads") == [1, 1, 1, 1] and about.get("group", 1) == 1
        if shape is None or not (known and fits and node.input[1] in weights):
            nodes.append(node)
            continue
        given = [numpy_helper.to_array(weights[name]) for name in node.input[1:]]
        more, constants = _as_plain(node, shape[2:], given)
        nodes += more
        graph.initializer.extend(constants)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input} | {one.name for one in graph.output}
    kept = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _as_plain(
    node: onnx.NodeProto, side: list[int], given: list[NDArray[np.float32]]
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """A convolution of 2x2 whose outputs hold four pixels each, which are then put in place.

    Each pixel of the doubled map is made of 2x2 pixels of the map. At each corner between those
    the four pixels around it are computed; the outermost ones lie beyond the border and are cut.

    Args:
        node: transposed convolution of 4x4, stride 2, padding 1.
        side: height and width of its input.
        given: its kernel ``(I, O, 4, 4)``, and its bias if it has one.
    """
    kernel, (height, width) = given[0], side
    inputs, outputs = kernel.shape[:2]
    parts = [[kernel[:, :, TAPS[a], :][:, :, :, TAPS[b]] for b in (0, 1)] for a in (0, 1)]
    stacked = np.stack([p for row in parts for p in row])  # (4, I, O, 2, 2)
    plain = stacked.transpose(0, 2, 1, 3, 4).reshape(4 * outputs, inputs, 2, 2)
    name = node.output[0]
    arrays: dict[str, NDArray[Any]] = {
        "kernel": plain,
        "parted": np.array([0, height + 1, width + 1, 2, 2, outputs], np.int64),
        "joined": np.array([0, 2 * height + 2, 2 * width + 2, outputs], np.int64),
        "first": np.array([1, 1], np.int64),
        "last": np.array([-1, -1], np.int64),
        "axes": np.array([1, 2], np.int64),
    }
    if len(given) > 1:
        arrays["bias"] = np.tile(given[1], 4)
    constants = [numpy_helper.from_array(v, f"{name}/{key}") for key, v in arrays.items()]
    c = {key: f"{name}/{key}" for key in arrays}
    steps: list[tuple[str, list[str], dict[str, list[int]]]] = [
        (
            "Conv",
            [node.input[0], c["kernel"], *([c["bias"]] if "bias" in c else [])],
            {"pads": [1, 1, 1, 1], "kernel_shape": [2, 2]},
        ),
        # By rows of channels: bytes that lie together are moved together.
        ("Transpose", [], {"perm": [0, 2, 3, 1]}),
        ("Reshape", [c["parted"]], {}),
        ("Transpose", [], {"perm": [0, 1, 3, 2, 4, 5]}),
        ("Reshape", [c["joined"]], {}),
        ("Slice", [c["first"], c["last"], c["axes"]], {}),
        ("Transpose", [], {"perm": [0, 3, 1, 2]}),
    ]
    nodes, before = [], ""
    for i, (kind, more, about) in enumerate(steps):
        after = name if i == len(steps) - 1 else f"{name}/{i}"
        given_to = more if not before else [before, *more]
        made = helper.make_node(kind, given_to, [after], name=f"{name}/{kind}{i}")
        made.attribute.extend(helper.make_attribute(key, value) for key, value in about.items())
        nodes.append(made)
        before = after
    return nodes, constants


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that onnxruntime's quantisation logs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

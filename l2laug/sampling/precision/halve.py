"""A model file whose convolutions run in 16 bits, for GPUs; making it needs the onnx package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from l2laug.core.files import whole_file
from l2laug.sampling.precision.quantise import ends_of

HALVED = {"Conv", "ConvTranspose", "LeakyRelu"}


def halve(model: Path, path: Path) -> None:
    """Write a model whose convolutions are in fp16, but for those that end in pixels.

    All else stays in 32 bits: 16 can't tell places in a picture apart. Each operation has a cast
    before and behind it; onnxruntime drops those that undo one another.

    Args:
        model: in 32 bits.
        path: of the file, which has no card: it is for this machine alone.

    Raises:
        OutputError: the file can't be written.
    """
    loaded = onnx.load(model)
    del loaded.metadata_props[:]
    graph, nodes, ends = loaded.graph, list[onnx.NodeProto](), set(ends_of(loaded))
    weights = {weight.name: weight for weight in graph.initializer}
    halves = dict[str, onnx.TensorProto]()
    for node in graph.node:
        if node.op_type not in HALVED or node.name in ends:
            nodes.append(node)
            continue
        out = node.output[0]
        for i, name in enumerate(node.input):
            half = f"{out}/half{i}"
            if name in weights:
                values = numpy_helper.to_array(weights[name]).astype(np.float16)
                halves[half] = numpy_helper.from_array(values, half)
            else:
                nodes.append(helper.make_node("Cast", [name], [half], half, to=TensorProto.FLOAT16))
            node.input[i] = half
        node.output[0] = f"{out}/half"
        back = helper.make_node(
            "Cast", [node.output[0]], [out], f"{out}/back", to=TensorProto.FLOAT
        )
        nodes += [node, back]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]  # which would say 32 bits of some
    graph.initializer.extend(halves.values())
    with whole_file(path) as part:
        onnx.save(loaded, part)

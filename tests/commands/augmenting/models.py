"""Models that warp what they are given, written by hand in place of minutes of learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from l2laug.artifacts.model_card import ORIGINAL, Card
from l2laug.commands.adapt import Adapted, AdaptOptions
from l2laug.commands.adapting.adapt_class import support_hashes
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.data.images.originals import read_original
from l2laug.runtime.session import Session

NODES, SIDE = 3, 32
FLOATS = TensorProto.FLOAT


def warping(card: Card, reach: float = 0.06) -> Callable[..., list[Adapted]]:
    """What stands in for adapt: each class gets a model that moves pixels and draws nothing.

    Args:
        card: what each says of itself, but for class and images.
        reach: how far the nine nodes of its mesh move at most, in halves of a side.
    """

    def adapt(folder: Path, options: AdaptOptions, _: Session) -> list[Adapted]:
        found = []
        assert options.out is not None
        for name, files in class_folders(folder).items():
            run = options.out / name
            run.mkdir(parents=True, exist_ok=True)
            support = read_classes({name: files}, SIDE, 1)
            mine = replace(
                card,
                class_name=name,
                latent=2 * NODES**2,
                support_hashes=support_hashes(support),
                acceptance_threshold=-1.0,
                originals=len(files),
            )
            model = _model(reach)
            originals = {f"{ORIGINAL}.{i}": read_original(p).to_text() for i, p in enumerate(files)}
            helper.set_model_props(model, mine.to_metadata() | originals)
            onnx.save(model, run / "model.onnx")
            told = {"images": [str(path.resolve()) for path in files], "class": name}
            (run / "options.yaml").write_text(yaml.safe_dump(told))
            found.append(Adapted(name, run, len(files), ()))
        return found

    return adapt


def _model(reach: float) -> onnx.ModelProto:
    """grid = identity + reach * tanh(latent); similarity 1, no tone, no difference."""
    latent = 2 * NODES**2
    line = np.linspace(-1, 1, NODES, dtype=np.float32)
    identity = np.stack(np.meshgrid(line, line), 2)[None]
    constants: dict[str, NDArray[np.generic]] = {
        "identity": identity,
        "reach": np.float32([reach]),
        "one": np.float32([1]),
        **{f"to{n}": np.zeros((latent, n), np.float32) for n in (1, 3, SIDE**2)},
        "grid_shape": np.int64([-1, NODES, NODES, 2]),
        "line_shape": np.int64([-1]),
        "tone_shape": np.int64([-1, 1, 3]),
        "image_shape": np.int64([-1, 1, SIDE, SIDE]),
    }
    nodes = [
        helper.make_node("Reshape", ["latent", "grid_shape"], ["moves"]),
        helper.make_node("Tanh", ["moves"], ["bounded"]),
        helper.make_node("Mul", ["bounded", "reach"], ["moved"]),
        helper.make_node("Add", ["identity", "moved"], ["grid"]),
        helper.make_node("MatMul", ["latent", "to1"], ["zero"]),
        helper.make_node("Reshape", ["zero", "line_shape"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["similarity"]),
        helper.make_node("MatMul", ["latent", "to3"], ["flat"]),
        helper.make_node("Reshape", ["flat", "tone_shape"], ["tone"]),
        helper.make_node("MatMul", ["latent", f"to{SIDE**2}"], ["pixels"]),
        helper.make_node("Reshape", ["pixels", "image_shape"], ["difference"]),
        helper.make_node("Identity", ["difference"], ["images"]),
    ]
    shapes = {
        "images": ["N", 1, SIDE, SIDE],
        "similarity": ["N"],
        "grid": ["N", NODES, NODES, 2],
        "tone": ["N", 1, 3],
        "difference": ["N", 1, SIDE, SIDE],
    }
    graph = helper.make_graph(
        nodes,
        "warping",
        [
            helper.make_tensor_value_info("support", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("latent", FLOATS, ["N", latent]),
        ],
        [helper.make_tensor_value_info(name, FLOATS, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

"""What a stranger's ONNX file may not do: read other files, bring operators of its own, loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from l2laug.artifacts.model_card import KEY
from l2laug.artifacts.onnx_file import check_onnx
from l2laug.core.errors import BundleError
from l2laug.sampling.sampler import Sampler


def graph_of(*nodes: Any, weights: Any = ()) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph(list(nodes), "g", [x], [y], list(weights)))


def external() -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def other_file() -> onnx.ModelProto:
    return graph_of(helper.make_node("Add", ["x", "w"], ["y"]), weights=[external()])


def other_file_in_a_node() -> onnx.ModelProto:
    return graph_of(helper.make_node("Constant", [], ["y"], value=external()))


def own_operator() -> onnx.ModelProto:
    return graph_of(helper.make_node("Run", ["x"], ["y"], domain="evil"))


def function() -> onnx.ModelProto:
    model = graph_of(helper.make_node("Abs", ["x"], ["y"]))
    node = helper.make_node("Abs", ["a"], ["b"])
    made = helper.make_function("", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 20)])
    model.functions.append(made)
    return model


def branch() -> onnx.ModelProto:
    inner = graph_of(helper.make_node("Abs", ["x"], ["y"])).graph
    return graph_of(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (other_file, "weights lie outside"),
        (other_file_in_a_node, "weights lie outside"),
        (own_operator, "operators of 'evil'"),
        (function, "operators of its own"),
        (branch, "loops or branches"),
    ],
)
def test_a_file_that_could_do_harm_is_turned_down(
    tmp_path: Path, make: Callable[[], onnx.ModelProto], said: str
) -> None:
    (tmp_path / "a.onnx").write_bytes(make().SerializeToString())
    with pytest.raises(BundleError, match=said):
        check_onnx(tmp_path / "a.onnx")


def test_plain_operators_are_fine(tmp_path: Path) -> None:
    model = graph_of(helper.make_node("Abs", ["x"], ["y"]))
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    check_onnx(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"support_hashes": []}, "impossible things of itself (support_hashes)"),
        ({"latent": 10**12}, "(latent)"),
        ({"latent": 11}, "other arrays than its card says"),
        ({"size": "32"}, "(size)"),
        ({"size": 64}, "other arrays than its card says"),
        ({"strength": [1.0]}, "(strength)"),
        ({"gem_strength": "all"}, "(gem_strength)"),
        ({"format": [4]}, "card format [4]"),
        ({"class_name": ["a"]}, "(class_name)"),
        ({"class_name": "../a"}, "no folder's name"),
        ({"class_name": "a\x00b"}, "no folder's name"),
        ({"acceptance_threshold": float("nan")}, "(acceptance_threshold)"),
    ],
)
def test_a_card_that_lies_is_turned_down(
    tmp_path: Path, tiny_run: Path, change: dict[str, Any], said: str
) -> None:
    model = onnx.load(tiny_run / "model.onnx")
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    metadata[KEY] = json.dumps(json.loads(metadata[KEY]) | change)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(BundleError) as error:
        Sampler(tmp_path / "a.onnx", device="cpu")
    assert said in str(error.value)


def test_weights_that_are_no_numbers_are_said(tmp_path: Path, tiny_run: Path) -> None:
    model = onnx.load(tiny_run / "model.onnx")
    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.ndim == 4:
            weights.CopyFrom(numpy_helper.from_array(values * np.float32("nan"), weights.name))
    onnx.save(model, tmp_path / "a.onnx")
    sampler = Sampler(tmp_path / "a.onnx", device="cpu")
    with pytest.raises(BundleError, match="no numbers"):
        next(sampler.draw(1))


def test_metadata_that_is_no_text_is_turned_down_on_standard_error(
    tmp_path: Path, tiny_run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = (tiny_run / "model.onnx").read_bytes()
    place = content.index(b'"acceptance_threshold"')
    (tmp_path / "a.onnx").write_bytes(content[:place] + b"\xed\xff" + content[place + 2 :])
    with pytest.raises(BundleError, match=r"a\.onnx can't be loaded"):
        Sampler(tmp_path / "a.onnx", device="cpu")
    assert capfd.readouterr().out == ""

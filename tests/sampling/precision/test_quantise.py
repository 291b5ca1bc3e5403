"""Model files in fewer bits: what they draw, and what stays in 32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from l2laug.sampling.precision.halve import halve
from l2laug.sampling.precision.quantise import FEW, _fold, _without_transposed, ends_of, quantise
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.session import open_session


def kinds(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x})[0])


def exported(layer: nn.Module, x: torch.Tensor, path: Path) -> onnx.ModelProto:
    torch.onnx.export(layer, (x,), path, input_names=["x"], opset_version=20, dynamo=False)  # type: ignore[arg-type]
    return onnx.shape_inference.infer_shapes(onnx.load(path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_becomes_a_plain_one(tmp_path: Path, bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(3, 5, 4, 2, 1, bias=bias))
    x = torch.randn(2, 3, 6, 7)
    model = exported(layer, x, tmp_path / "layer.onnx")

    _without_transposed(model)

    onnx.checker.check_model(model)
    assert "ConvTranspose" not in {node.op_type for node in model.graph.node}
    found = run(model, x.numpy())
    assert found.shape == (2, 5, 12, 14)
    assert np.abs(found - layer(x).detach().numpy()).max() < 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("given", [(3, 2, 1), (4, 2, 0), (4, 1, 1)])
def test_other_transposed_convolutions_stay(tmp_path: Path, given: tuple[int, int, int]) -> None:
    layer = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(3, 5, *given))
    model = exported(layer, torch.randn(2, 3, 6, 6), tmp_path / "layer.onnx")
    before = model.SerializeToString()

    _without_transposed(model)

    assert model.SerializeToString() == before


@pytest.fixture(scope="module")
def sampler(tiny_run: Path) -> Sampler:
    return Sampler(tiny_run / "model.onnx", "cpu", 1)


@pytest.mark.parametrize("reduce_range", [True, False])
def test_a_model_in_8_bits_draws_nearly_the_same(
    sampler: Sampler, tiny_run: Path, tmp_path: Path, reduce_range: bool
) -> None:
    path = tmp_path / "int8.onnx"

    feeds = [sampler._trial(i) for i in range(2)]
    quantise(tiny_run / "model.onnx", feeds, path, reduce_range=reduce_range)

    told = onnx.load(path)
    assert not [p.key for p in told.metadata_props if "l2laug" in p.key]  # no rare image
    weights = {w.name: numpy_helper.to_array(w) for w in told.graph.initializer}
    small = [w for w in weights.values() if w.dtype == np.int8 and w.ndim == 4]
    assert small
    assert max(np.abs(w.astype(int)).max() for w in small) <= (64 if reduce_range else 128)
    session, feed = open_session(path, ["CPUExecutionProvider"], 1), sampler._trial(7)
    one, other = (s.run(["images"], feed)[0] for s in (sampler.session, session))
    assert 0 < np.abs(one - other).mean() * 127.5 < 5


def test_what_ends_in_pixels_stays_in_32_bits(
    sampler: Sampler, tiny_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "int8.onnx"
    quantise(tiny_run / "model.onnx", [sampler._trial(0)], path, reduce_range=False)

    m = onnx.load(path)
    made_by = {out: n for n in m.graph.node for out in n.output}
    plain = [
        n
        for n in m.graph.node
        if n.op_type == "Conv" and made_by[n.input[0]].op_type != "DequantizeLinear"
    ]
    shapes = {w.name: w.dims[0] for w in m.graph.initializer if w.dims}
    widths = {shapes[n.input[1]] for n in plain}
    assert sampler.card.channels in widths
    assert max(widths) <= FEW
    whole = tmp_path / "whole.onnx"
    _fold(tiny_run / "model.onnx", 32, whole)
    assert {n.name for n in plain} <= set(ends_of(onnx.load(whole)))


def test_a_model_in_16_bits_draws_nearly_the_same(
    sampler: Sampler, tiny_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "fp16.onnx"

    halve(tiny_run / "model.onnx", path)

    told = onnx.load(path)
    assert not told.metadata_props
    half = [w for w in told.graph.initializer if w.data_type == onnx.TensorProto.FLOAT16]
    assert len(half) > 5
    session, feed = open_session(path, ["CPUExecutionProvider"], 1), sampler._trial(7)
    one, other = (s.run(["images"], feed)[0] for s in (sampler.session, session))
    assert other.dtype == np.float32
    assert 0 < np.abs(one - other).mean() * 127.5 < 0.2

"""The GEM against the paper's Table 2."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from l2laug.config.recipe import GemOptions, GeneratorOptions
from l2laug.nn.gem import Gem, build_gems, feature_loss, with_strength

CONV_1, CONV_2, RELU = ("Conv2d", (1, 1)), ("Conv2d", (2, 2)), ("ReLU", None)
UPSAMPLE, TRANSPOSED_1 = ("Upsample", None), ("ConvTranspose2d", (1, 1))
TABLE_2 = {
    1: [CONV_2, UPSAMPLE],
    2: [CONV_1, RELU, CONV_2, UPSAMPLE],
    3: [CONV_1, RELU, CONV_2, UPSAMPLE, TRANSPOSED_1],
}


@pytest.mark.parametrize("kind", TABLE_2)
def test_layers_follow_table_2(kind: int):
    leaves = [m for m in Gem(4, kind, residual=False).modules() if not list(m.children())]

    assert [(type(m).__name__, getattr(m, "stride", None)) for m in leaves] == TABLE_2[kind]


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("kind", TABLE_2)
@pytest.mark.parametrize("side", [4, 12])
def test_the_shape_of_a_map_is_kept(kind: int, residual: bool, side: int):
    h = torch.randn(2, 6, side, side)

    assert Gem(6, kind, residual=residual)(h).shape == h.shape


@pytest.mark.parametrize("kind", TABLE_2)
def test_a_residual_gem_starts_as_the_identity_and_can_leave_it(kind: int):
    gem, h = Gem(4, kind, residual=True), torch.randn(2, 4, 8, 8)

    assert torch.equal(gem(h), h)

    optimiser = torch.optim.SGD(gem.parameters(), 0.1)
    (gem(h) - 1).square().mean().backward()
    optimiser.step()
    assert not torch.equal(gem(h), h)


@pytest.mark.parametrize("kind", TABLE_2)
def test_a_gem_without_residual_is_no_identity(kind: int):
    h = torch.randn(2, 4, 8, 8)

    assert (Gem(4, kind, residual=False)(h) - h).abs().max() > 0.1


def test_one_gem_for_each_position_with_the_channels_of_its_block():
    options = GeneratorOptions(decoder=(10, 12, 14, 16, 18))

    gems = build_gems(GemOptions(type=2, positions=(0, 2, 4)), options)

    assert {name: gem.body[0].in_channels for name, gem in gems.items()} == {
        "0": 10,
        "2": 14,
        "4": 18,
    }


@pytest.mark.parametrize(("norm", "expected"), [("l1", 2.0), ("l2", 5.0)])
def test_feature_loss_by_hand(norm: str, expected: float):
    # |0 - 1| and |0 - 3|: mean 2, mean square 5.
    assert feature_loss(torch.zeros(2), torch.tensor([1.0, 3.0]), norm).item() == expected


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("kind", TABLE_2)
def test_a_strength_lies_on_the_line_from_the_map_to_what_the_gem_makes_of_it(
    kind: int, residual: bool
):
    gems = build_gems(GemOptions(type=kind, positions=(1,), residual=residual), GeneratorOptions())
    nn.init.normal_(list(gems["1"].parameters())[-2], std=0.1)
    h = torch.randn(2, 128, 4, 4)
    quarter = with_strength(gems, 0.25)

    assert torch.allclose(quarter["1"](h), 0.75 * h + 0.25 * gems["1"](h), atol=1e-5)
    assert torch.equal(with_strength(gems, 1.0)["1"](h), gems["1"](h))
    assert not with_strength(gems, 0.0)

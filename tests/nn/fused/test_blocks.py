"""Fused blocks against the layers they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from l2laug.nn.fused.blocks import FusedBlock, fused_gem, through_upsampling
from l2laug.nn.gem import Gem
from l2laug.nn.generator import ResidualBlock


def test_the_kernel_of_a_single_pixel_by_hand() -> None:
    """Nine ones: each pixel of the doubled map sums the 3x3 around it, two of which are equal."""
    kernel = through_upsampling(torch.ones(1, 1, 3, 3))

    row = torch.tensor([1.0, 2.0, 2.0, 1.0])
    assert torch.equal(kernel[0, 0], torch.outer(row, row))


def test_a_transposed_convolution_upsamples_and_convolves() -> None:
    torch.manual_seed(0)
    x, kernel = torch.randn(2, 5, 7, 6), torch.randn(4, 5, 3, 3)

    found = F.conv_transpose2d(x, through_upsampling(kernel), None, 2, 1)

    doubled = F.interpolate(x, scale_factor=2.0, mode="nearest")
    assert torch.allclose(found, F.conv2d(doubled, kernel, None, 1, 1), atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("resample", ["up", None])
@pytest.mark.parametrize("fixed", [None, slice(2, 5), slice(0, 2)])
def test_a_fused_block_computes_what_the_block_does(
    resample: str | None, fixed: slice | None
) -> None:
    torch.manual_seed(0)
    block = ResidualBlock(6, 4, resample)
    for _ in range(3):
        block.train()(torch.randn(8, 6, 5, 5) * 2 + 1)  # statistics that are not 0 and 1
    for norm in (block.norm1, block.norm2):
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
    block.eval()
    x = torch.randn(3, 6, 5, 5)

    fused = FusedBlock(block, fixed)
    if fixed is None:
        found = fused(x)
    else:
        apart = torch.zeros(6, dtype=torch.bool)
        apart[fixed] = True
        found = fused(x[:, ~apart], fused.table(x[:, apart]))

    assert torch.allclose(found, block(x), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_fused_gem_computes_what_the_gem_does(kind: int, residual: bool, strength: float) -> None:
    torch.manual_seed(0)
    gem = Gem(4, kind, residual=residual).eval()
    gem.strength = strength
    for layer in gem.body:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight)
    h = torch.randn(2, 4, 8, 6)

    assert torch.allclose(fused_gem(gem)(h), gem(h), atol=1e-4)

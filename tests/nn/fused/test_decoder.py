"""The decoder for given support images against the generators' own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from l2laug.config.change import ChangeOptions
from l2laug.config.recipe import GemOptions, GeneratorOptions
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.fused.decoder import FusedDecoder
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator

SMALL = {"encoder": (4, 5, 6, 7), "decoder": (7, 6, 5, 4, 3), "latent": 9}


def trained(generator: nn.Module) -> None:
    """No layer is left at zero, no norm at 0 and 1."""
    torch.manual_seed(0)
    for name, value in (*generator.named_parameters(), *generator.named_buffers()):
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.dtype == torch.float32 and "norm" in name:
            value.normal_(1, 0.3)
        elif value.dtype == torch.float32 and name.endswith("weight"):
            value.normal_(0, 0.2)


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [{}, {"conditioned": False}, {"warp": 0.2}, {"warp": 0.2, "warp_maps": True, "channels": 3}],
)
def test_the_blocks_of_a_generator(options: dict[str, Any]) -> None:
    generator = Generator(GeneratorOptions(**SMALL, **options))
    gems = build_gems(GemOptions(positions=(0, 2), residual=True), generator.options)
    for net in (generator, gems):
        trained(net)
        net.eval()
    support = torch.rand(3, generator.options.channels, 32, 32) * 2 - 1
    rows, z = torch.tensor([2, 0, 0, 1]), torch.randn(4, 9)
    encodings, plugged = generator.encode(support), dict(gems.items())

    found = FusedDecoder(generator, plugged)(encodings, rows, z)

    wanted = generator.decoder_maps(generator.encode(support[rows]), z, plugged)
    assert len(found) == len(wanted) == 5
    for one, other in zip(found, wanted, strict=True):
        assert other.std() > 0.01
        assert torch.allclose(one, other, atol=1e-4)


@torch.no_grad()
def test_the_first_blocks_of_a_generator_of_changes() -> None:
    options = GeneratorOptions(**SMALL, size=48)
    generator = ChangeGenerator(options, ChangeOptions())
    trained(generator)
    generator.eval()
    support = torch.rand(3, options.channels, 48, 48) * 2 - 1
    rows, z = torch.tensor([2, 0, 1]), torch.randn(3, 9)

    found = FusedDecoder(generator, {})(generator.encode(support), rows, z)

    wanted = generator.decoder_maps(generator.encode(support[rows]), z)
    assert len(found) == len(wanted) == 2
    for one, other in zip(found, wanted, strict=True):
        assert other.std() > 0.01
        assert torch.allclose(one, other, atol=1e-4)

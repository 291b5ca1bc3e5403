"""A decoder for a given set of support images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.fused.blocks import FusedBlock, fused_gem
from l2laug.nn.gem import Gem
from l2laug.nn.generator import FLOW_BLOCK, Generator, ResidualBlock


class FusedDecoder(nn.Module):
    """The decoder blocks of a generator, what depends on support images alone apart.

    That is the part of each block's sums that comes from the encoder's map, where the generator
    does not warp it; of the first block it is all but the latent's. None of it depends on what
    :meth:`forward` is given: who runs the exported graph can compute it once.

    Args:
        generator: in evaluation mode; of a generator of changes it is the first two blocks.
        gems: modules by decoder block.
    """

    def __init__(
        self, generator: Generator | ChangeGenerator, gems: Mapping[str, nn.Module]
    ) -> None:
        super().__init__()
        self.generator = generator
        widths, warps = generator.options, isinstance(generator, Generator)
        warps = warps and widths.warp_maps
        # Which of the encoder's maps joins each block, and whether the generator warps it before.
        self.given = {0: 3, 1: 2, 2: 1, 3: 0} | ({4: 4} if warps else {})
        self.warped = {i for i in self.given if warps and i > FLOW_BLOCK}
        blocks = []
        for i in range(5 if isinstance(generator, Generator) else 2):
            before, fixed = widths.decoder[i - 1] if i else 0, None
            if i in self.given and i not in self.warped:
                fixed = slice(before, before + widths.encoder[self.given[i]])
            block = generator.decoder[i]
            if not isinstance(block, ResidualBlock):
                raise TypeError(f"decoder block {i} is a {type(block).__name__}")
            blocks.append(FusedBlock(block, fixed))
        self.blocks = nn.ModuleList(blocks)
        self.gems = nn.ModuleDict(
            {k: fused_gem(gem) if isinstance(gem, Gem) else gem for k, gem in gems.items()}
        )

    def forward(self, encodings: Sequence[Tensor], support: Tensor, z: Tensor) -> list[Tensor]:
        """The blocks' outputs, each behind its GEM if it has one.

        Args:
            encodings: what the generator's ``encode`` returned for all support images.
            support: ``(N,)`` int64, rows of them.
            z: ``(N, latent)``, standard normal.
        """
        noise, sides = self.generator.noise, self.generator.sides
        outputs: list[Tensor] = []
        for i, block in enumerate(self.blocks):
            joined, table = outputs[-1:], list[Tensor]()
            if i in self.warped and isinstance(self.generator, Generator):
                maps = encodings[self.given[i]][support]
                joined = [*joined, self.generator.warped(maps, outputs[FLOW_BLOCK])]
            elif i in self.given:
                table = [part[support] for part in self._table(i, encodings)]
            if i < len(noise):
                joined = [*joined, noise[i](z).unflatten(1, (-1, sides[i], sides[i]))]
            x = block(torch.cat(joined, 1), table)
            outputs.append(self.gems[str(i)](x) if str(i) in self.gems else x)
        return outputs

    def _table(self, i: int, encodings: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        block = self.blocks[i]
        if not isinstance(block, FusedBlock):
            raise TypeError(f"block {i} is not fused")
        return block.table(encodings[self.given[i]])

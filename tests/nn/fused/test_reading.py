"""Reading maps by rows of channels against torch's own operator."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from l2laug.nn.fused.reading import read_maps


@pytest.mark.parametrize(("height", "width"), [(2, 2), (7, 12)])
@pytest.mark.parametrize("reach", [0.9, 3.0])  # within the borders, and far beyond them
def test_maps_are_read_where_grid_sample_reads_them(height: int, width: int, reach: float) -> None:
    torch.manual_seed(0)
    tables, support = torch.randn(3, 5, height, width), torch.tensor([2, 0, 0, 1])
    where = (torch.rand(4, 6, 9, 2) * 2 - 1) * reach

    found = read_maps(tables, support, where)

    wanted = F.grid_sample(tables[support], where, padding_mode="border", align_corners=False)
    assert wanted.shape == (4, 5, 6, 9)
    assert torch.allclose(found, wanted, atol=1e-5)


def test_the_very_corners() -> None:
    tables = torch.arange(12.0).view(1, 1, 3, 4)
    where = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]).view(1, 2, 2, 2)

    found = read_maps(tables, torch.tensor([0]), where)

    assert found.flatten().tolist() == [0.0, 3.0, 8.0, 11.0]

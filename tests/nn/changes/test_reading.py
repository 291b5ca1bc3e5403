"""Reading maps by gathers against torch's own operator."""

from __future__ import annotations

import pytest
import torch

from l2laug.nn.changes.reading import gathered, read_at


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize(("height", "width"), [(2, 2), (7, 12)])
@pytest.mark.parametrize("reach", [0.9, 3.0, 9.0])  # within the borders, beyond, and far beyond
def test_gathers_read_what_grid_sample_reads(
    height: int, width: int, reach: float, mirrored: bool
) -> None:
    torch.manual_seed(0)
    image, where = torch.randn(4, 5, height, width), (torch.rand(4, 6, 9, 2) * 2 - 1) * reach

    found = gathered(image, where, mirrored=mirrored)

    wanted = read_at(image, where, mirrored=mirrored)
    assert wanted.shape == (4, 5, 6, 9)
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("mirrored", [True, False])
def test_the_very_corners(mirrored: bool) -> None:
    image = torch.arange(12.0).view(1, 1, 3, 4)
    where = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]).view(1, 2, 2, 2)

    found = gathered(image, where, mirrored=mirrored)

    assert found.flatten().tolist() == [0.0, 3.0, 8.0, 11.0]

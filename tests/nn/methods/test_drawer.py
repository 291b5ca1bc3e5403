"""Which images a drawn one comes from."""

from __future__ import annotations

import torch

from l2laug.methods.matchinggan import FusionGenerator
from l2laug.nn.methods.drawer import window_of, window_rows
from tests.methods.recipes import small


def test_a_window_is_an_image_and_the_next_ones_of_its_class():
    labels = torch.tensor([0, 1, 0, 0, 1])
    assert window_rows(labels, 2).tolist() == [[0, 2], [1, 4], [2, 3], [3, 0], [4, 1]]
    assert window_rows(labels, 1).tolist() == [[0], [1], [2], [3], [4]]


def test_a_class_of_fewer_images_repeats_some():
    assert window_rows(torch.tensor([0, 0, 1]), 3).tolist() == [[0, 1, 0], [1, 0, 1], [2, 2, 2]]


@torch.no_grad()
def test_a_fusing_generator_takes_as_many_images_as_it_fuses():
    net = FusionGenerator(small("matchinggan").generator, 3, matching=False).eval()
    assert window_of(net) == 3
    x, z = torch.rand(4, 3, 1, 32, 32), torch.randn(4, 10)
    assert net(x, z).shape == (4, 1, 32, 32)
    assert not torch.allclose(net(x, z), net(x.flip(1), z)), "every image weighs the same"

"""Pairs: drawn from a set whose every image tells its class and number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from l2laug.config.recipe import CriticOptions, GeneratorOptions
from l2laug.data.image_set import ImageSet
from l2laug.nn.augment import random_affine
from l2laug.nn.critic import Critic
from l2laug.nn.losses import critic_loss
from l2laug.training.pairs import ALONE, PairSampler

CPU = torch.device("cpu")


def numbered(*counts: int) -> ImageSet:
    """Classes of so many images; image j of class i is all of the value ``20 i + j``."""
    labels = np.repeat(np.arange(len(counts)), counts)
    values = np.concatenate([20 * i + np.arange(n) for i, n in enumerate(counts)])
    pixels = np.broadcast_to(values[:, None, None, None], (len(values), 1, 4, 4)).astype(np.uint8)
    return ImageSet(
        pixels, labels, tuple(str(i) for i in range(len(counts))), (Path(),) * len(labels)
    )


def read(batch: Tensor) -> tuple[list[int], list[int]]:
    """Class and number of each image of a batch in [-1, 1]."""
    values = ((batch[:, 0, 0, 0] + 1) * 127.5).round().int()
    return (values // 20).tolist(), (values % 20).tolist()


def test_a_pair_is_two_different_images_of_one_class():
    sampler = PairSampler(numbered(5, 3, 2), CPU, seed=0)

    for _ in range(20):
        given, other, labels = sampler.draw(30, group=2)
        (class_1, image_1), (class_2, image_2) = read(given), read(other)
        assert class_1 == class_2 == labels.tolist()
        assert all(a != b for a, b in zip(image_1, image_2, strict=True))


def test_images_reach_the_networks_between_minus_one_and_one():
    images = numbered(2)
    images.pixels[:] = np.array([0, 255], np.uint8)[:, None, None, None]

    given, other, _ = PairSampler(images, CPU, seed=0).draw(8)

    assert set(given.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(given, -other)
    assert given.shape == (8, 1, 4, 4)
    assert given.dtype == torch.float32


def test_classes_come_equally_often_whatever_their_size():
    sampler = PairSampler(numbered(20, 2, 2, 2), CPU, seed=0)
    classes, _ = read(sampler.draw(4000)[0])

    # Binomial with p = 1/4: standard deviation 27.
    assert np.bincount(classes) == pytest.approx([1000] * 4, abs=5 * 27)


def test_the_images_of_a_class_come_equally_often_on_either_side():
    sampler = PairSampler(numbered(4), CPU, seed=0)
    first, second, _ = sampler.draw(4000)

    for side in (first, second):
        assert np.bincount(read(side)[1]) == pytest.approx([1000] * 4, abs=5 * 27)


def test_a_group_shares_the_given_image_and_differs_in_the_other():
    given, other, _ = PairSampler(numbered(6, 6), CPU, seed=0).draw(12, group=4)

    for row in range(3):
        rows = [row, row + 3, row + 6, row + 9]
        assert len(given[rows].unique()) == 1
        assert len(other[rows].unique()) == 4
        assert given[row].unique().item() not in other[rows].unique().tolist()


def test_a_group_repeats_others_only_where_the_class_is_small():
    given, other, _ = PairSampler(numbered(3), CPU, seed=0).draw(4, group=4)

    assert len(given.unique()) == 1
    assert len(other.unique()) == 2


def test_the_first_rows_of_a_group_hold_its_different_images():
    counts = (1, 2, 3, 4, 5, 9)
    sampler = PairSampler(numbered(*counts), CPU, seed=0)
    _, other, labels = sampler.draw(400, group=4)
    distinct = sampler.distinct(labels, 4)

    numbers = torch.tensor(read(other)[1]).view(4, 100)
    for i, label in enumerate(labels[:100].tolist()):
        # Others than the given image: of a class of 3 images two, of a single one that one again.
        assert distinct[i] == [1, 1, 2, 3, 4, 4][label]
        first = numbers[: distinct[i], i].tolist()
        assert len(set(first)) == len(first)
        assert set(numbers[:, i].tolist()) == set(first)


def test_no_critic_learns_that_images_of_small_classes_do_not_vary():
    """Real or fake, each second image is noise: only how far a group varies could tell them apart.

    A fake group is of four images, a real one of as many as the class has beside the given one, or
    of one image in four places. Classes are of one to five images.
    """
    counts = np.tile([1, 2, 3, 4, 5], 12)
    noise = np.random.default_rng(0).integers(0, 256, (2, counts.sum(), 1, 8, 8), np.uint8)
    labels = np.repeat(np.arange(60), counts)
    names, paths = tuple(str(i) for i in range(60)), (Path(),) * len(labels)
    known, unknown = (ImageSet(pixels, labels, names, paths) for pixels in noise)
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    # A single image would tell the other.
    image = GeneratorOptions(conditioned=False).model_copy(update={"size": 8})
    critic = Critic(CriticOptions(width=4, max_width=8), image)
    optimiser = torch.optim.Adam(critic.parameters(), 3e-3, betas=(0.0, 0.99))

    def scores(sampler: PairSampler) -> tuple[Tensor, Tensor, Tensor]:
        given, other, labels = sampler.draw(160, 4)
        sizes = torch.from_numpy(counts)[labels]
        fake = torch.randint(0, 256, other.shape, generator=random) / 127.5 - 1
        placed = random_affine(fake, random, strength=ALONE)  # as smooth as a placed image
        fake = torch.where(sizes.view(-1, 1, 1, 1) == 1, placed, fake)
        known = sampler.distinct(labels, 4), critic.deviation(given, fake)
        return critic(given, other, *known), critic(given, fake, *known), sizes

    sampler = PairSampler(known, CPU, seed=0)
    for _ in range(100):
        real, fake, _ = scores(sampler)
        optimiser.zero_grad()
        critic_loss(real, fake, "hinge").backward()
        optimiser.step()

    unseen = PairSampler(unknown, CPU, seed=1)
    with torch.no_grad():
        real, fake, sizes = map(torch.cat, zip(*(scores(unseen) for _ in range(8)), strict=True))
    # Chance is a half. Were a group one score, some 64 of either kind, its standard deviation would
    # be (129 / 12)^.5 / 64 = .05 (Mann-Whitney).
    higher = [
        (real[sizes == n, None] > fake[sizes == n]).float().mean().item() for n in range(1, 6)
    ]
    assert higher == pytest.approx([0.5] * 5, abs=0.15)


def test_a_single_image_is_paired_with_small_changes_of_itself():
    images = numbered(1, 3)
    images.pixels[0, 0] = np.arange(16).reshape(4, 4) * 15

    given, other, labels = PairSampler(images, CPU, seed=0).draw(80, group=4)

    single = labels == 0
    assert len(given[single].unique(dim=0)) == 1
    # A group's rows are changed each by an amount of its own: none is real for not varying.
    assert len(other[single].unique(dim=0)) == single.sum()
    # At most 6 degrees, a twentieth of the side and 7.5 %: far less than the contrast, 225 levels.
    apart = (other - given)[single].abs().mean((1, 2, 3)) * 127.5
    assert apart.min() > 0
    assert apart.max() < 50
    (_, image_1), (_, image_2) = read(given[~single]), read(other[~single])
    assert set(image_1) == set(image_2) == {0, 1, 2}


def test_a_draw_depends_on_seed_and_number_alone():
    images = numbered(9, 9)
    one, resumed, other = (PairSampler(images, CPU, seed=s) for s in (1, 1, 2))
    draws = [one.draw(16)[0] for _ in range(4)]
    resumed.drawn = 3

    assert torch.equal(resumed.draw(16)[0], draws[3])
    assert resumed.drawn == one.drawn == 4
    assert not torch.equal(draws[0], draws[1])
    assert not torch.equal(other.draw(16)[0], draws[0])


def test_jitter_moves_each_image_on_its_own():
    images = numbered(1)
    images.pixels[0, 0] = np.arange(16).reshape(4, 4) * 15

    given, other, _ = PairSampler(images, CPU, seed=0, jitter=1.0).draw(4)

    assert len(torch.cat([given, other]).unique(dim=0)) == 8
    assert torch.equal(given, PairSampler(images, CPU, seed=0, jitter=1.0).draw(4)[0])

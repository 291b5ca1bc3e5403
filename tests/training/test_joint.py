"""Learning base classes along with the rare ones, and keeping tests apart from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.preprocessing import normalize

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import BaseOptions, Recipe
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import ImageError, UsageError
from l2laug.core.progress import Progress
from l2laug.data.base_classes import base_hashes, read_base_classes
from l2laug.data.image_set import ImageSet
from l2laug.features.extractor import bundle_extractor
from l2laug.runtime.session import Session
from l2laug.training.initial_weights import InitialWeights, bundle_weights, load_generator
from l2laug.training.joint import train_jointly
from l2laug.training.registration import Registration
from l2laug.training.target import train_target
from tests.class_folders import copy_classes
from tests.keywords import adapt

QUIET = Progress(quiet=True)
SESSION = Session.start("cpu")


def read(folder: Path, rare: Path, bundle: Bundle, **options: int) -> ImageSet:
    return read_base_classes(folder, rare, ["3"], bundle, BaseOptions(**options), 0, QUIET)


def learn(support: ImageSet, base: ImageSet, bundle: Bundle, recipe: Recipe) -> InitialWeights:
    return train_jointly([support], base, bundle, recipe, SESSION)


def test_seven_in_ten_images_of_each_class_but_the_rare_one(digits: Path, bundle: Bundle):
    base = read(digits, digits / "3", bundle)

    assert base.classes == tuple("012456789")
    assert list(np.bincount(base.labels)) == [8] * 9
    names = {p.name for p in base.paths}
    assert names != {f"{i:02d}.png" for i in range(8)}  # not just the first ones


def test_no_more_images_and_classes_than_the_recipe_says(digits: Path, bundle: Bundle):
    base = read(digits, digits / "3", bundle, images=4, classes=5)

    assert list(np.bincount(base.labels)) == [4] * 5
    assert set(base.classes) < set("012456789")


def test_they_are_split_into_parts_as_the_source_was(digits: Path, bundle: Bundle):
    options = BaseOptions()
    split = read_base_classes(digits, digits / "3", ["3"], bundle, options, 0, QUIET, parts=2)

    assert split.classes == tuple(f"{c}/{part:02d}" for c in "012456789" for part in range(2))
    assert split.paths == read(digits, digits / "3", bundle).paths


def test_classes_of_one_image_teach_nothing(digits: Path, bundle: Bundle, tmp_path: Path):
    single = copy_classes(digits, tmp_path / "single", {"1": range(1), "2": range(1)})
    with pytest.raises(ImageError, match="No base class in"):
        read(single, digits / "3", bundle)


def test_the_start_learns_all_classes_and_knows_the_common_ones(
    support: ImageSet, bundle: Bundle, digits: Path, tiny: Recipe
):
    base = read(digits, digits / "3", bundle)
    before = bundle_weights(bundle, tiny)
    recipe = tiny.model_copy(update={"base": BaseOptions(steps=2, batch=4)})
    initial, again = (learn(support, base, bundle, recipe) for _ in range(2))

    weights, old, same = (
        torch.cat([p.detach().flatten() for p in g.parameters()])
        for g in (initial.generator, load_generator(bundle, tiny, "strong"), again.generator)
    )
    assert not torch.equal(weights, old)
    assert torch.equal(weights, same)
    assert torch.equal(initial.classifier.prototypes[9:], before.classifier.prototypes)
    assert torch.allclose(
        initial.classifier.prototypes[:9],
        before.classifier.learn(base).prototypes,
    )
    # The diversity of a class is the mean distance of its pairs.
    features = bundle_extractor(bundle)(base.pixels)
    apart = [pdist(features[base.labels == c]).mean() for c in range(9)]
    assert initial.diversity == pytest.approx(np.mean(apart))
    # Eight of a class are six and two; of them 98 in 100 are so like the mean of the others.
    net = initial.classifier.net.eval()
    with torch.no_grad():
        seen = normalize(net.features(torch.from_numpy(base.pixels).float() / 127.5 - 1).numpy())
    cosines = []
    for c in range(9):
        for part in np.split(seen[base.labels == c], [6]):
            for i, one in enumerate(part):
                mean = np.delete(part, i, 0).mean(0)
                cosines.append(one @ mean / np.linalg.norm(mean))
    assert initial.similarity == pytest.approx(np.percentile(cosines, 2), abs=1e-5)


def test_rare_and_common_images_are_drawn(
    support: ImageSet, bundle: Bundle, digits: Path, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    seen: set[bytes] = set()

    def step(self: object, pairs: object) -> dict[str, float]:
        given = pairs.draw(32).given  # type: ignore[attr-defined]
        seen.update(image.numpy().tobytes() for image in given)
        self.done += 1  # type: ignore[attr-defined]
        return {}

    monkeypatch.setattr("l2laug.training.joint.GanTrainer.step", step)
    base = read(digits, digits / "3", bundle)
    recipe = tiny.model_copy(update={"base": BaseOptions(steps=20)})
    learn(support, base, bundle, recipe)

    def drawn(images: ImageSet) -> float:
        unit = torch.from_numpy(images.pixels).float() / 127.5 - 1
        return float(np.mean([image.numpy().tobytes() in seen for image in unit]))

    assert drawn(support) == 1
    assert drawn(base) > 0.9


def test_pairs_are_registered_where_the_recipe_says_so(
    support: ImageSet, bundle: Bundle, digits: Path, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    registered = []

    def loss(self: Registration, _: object, given: torch.Tensor, *__: object) -> object:
        registered.append((self.weight, len(given)))
        return torch.zeros(()), {}

    monkeypatch.setattr(Registration, "loss", loss)
    base = read(digits, digits / "3", bundle)
    for weight in (0.0, 2.0):
        options = BaseOptions(steps=3, batch=4, registration=weight)
        learn(support, base, bundle, tiny.model_copy(update={"base": options}))

    assert registered == [(2.0, 4)] * 3


def test_the_target_grows_from_it_and_leaves_it_as_it_was(
    support: ImageSet, bundle: Bundle, digits: Path, tiny: Recipe
):
    recipe = tiny.model_copy(
        update={
            "base": BaseOptions(steps=1, batch=4),
            "target": tiny.target.model_copy(update={"steps": 0, "gems": False}),
        }
    )
    initial = learn(support, read(digits, digits / "3", bundle), bundle, recipe)
    weights = [p.clone() for p in initial.generator.parameters()]
    target = train_target(support, bundle, recipe, SESSION, initial=initial)
    longer = recipe.model_copy(update={"target": tiny.target})
    train_target(support, bundle, longer, SESSION, initial=initial)

    theirs = list(target.generator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(weights, theirs, strict=True))
    mine = list(initial.generator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(weights, mine, strict=True))


def test_hashes_are_short_and_sorted(support: ImageSet):
    found = base_hashes(support)

    assert list(found) == sorted(pixel_hash(p)[:16] for p in support.pixels)


def test_a_source_and_common_classes_are_two_ways(digits: Path, rare: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="--base goes on from one"):
        adapt(rare, source=digits, base=digits, out=tmp_path / "run")

"""Source training: few shots, checkpoints, and the two starts of the weak generator."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError, OutputError, RecipeError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.checkpoints import save_checkpoint
from l2laug.training.gan_step import GanTrainer
from l2laug.training.pairs import PairSampler
from l2laug.training.source import few_shots, train_strong, train_weak

ENGINE = Engine(torch.device("cpu"), torch.float32)
SESSION = Session(ENGINE, Progress(quiet=True))


@pytest.fixture(scope="module")
def images(digits: Path) -> ImageSet:
    return read_classes(class_folders(digits), 32, 1)


def strong(images: ImageSet, recipe: Recipe, folder: Path) -> GanTrainer:
    return train_strong(images, images.of(["3", "7"]), recipe, SESSION, folder)


def with_source(recipe: Recipe, **changes: object) -> Recipe:
    return recipe.model_copy(update={"source": recipe.source.model_copy(update=changes)})


def with_weak(recipe: Recipe, **changes: object) -> Recipe:
    return recipe.model_copy(update={"weak": recipe.weak.model_copy(update=changes)})


def same_weights(one: Generator, other: Generator) -> bool:
    theirs = dict(other.named_parameters())
    return all(torch.equal(p, theirs[n]) for n, p in one.named_parameters())


@pytest.mark.parametrize(
    ("shots", "classes", "per_class", "count"),
    [(2, None, 2, 10), (5, 4, 5, 4), (99, None, 12, 10), (3, 99, 3, 10)],
)
def test_few_shots_takes_so_many_images_of_so_many_classes(
    images: ImageSet, shots: int, classes: int | None, per_class: int, count: int
):
    few = few_shots(images, shots, classes, seed=0)

    assert np.bincount(few.labels).tolist() == [per_class] * count
    assert len(few.classes) == count


def test_few_shots_keeps_images_and_class_names_together(images: ImageSet):
    few = few_shots(images, 2, 4, seed=0)

    for path, label, pixels in zip(few.paths, few.labels, few.pixels, strict=True):
        assert path.parent.name == few.classes[label]
        assert np.array_equal(pixels, images.pixels[images.paths.index(path)])
    assert len(set(few.paths)) == 8


def test_few_shots_are_redrawn_with_the_seed(images: ImageSet):
    assert few_shots(images, 2, 4, seed=0).paths == few_shots(images, 2, 4, seed=0).paths
    assert few_shots(images, 2, 4, seed=0).paths != few_shots(images, 2, 4, seed=1).paths


def test_a_training_cut_off_goes_on_to_the_same_weights(
    images: ImageSet, tiny: Recipe, tmp_path: Path
):
    whole = strong(images, tiny, tmp_path / "whole")
    strong(images, with_source(tiny, steps=2), tmp_path / "cut")
    resumed = strong(images, tiny, tmp_path / "cut")

    assert whole.done == resumed.done == 4
    assert same_weights(whole.average, resumed.average)
    assert (tmp_path / "whole" / "strong-000004.png").is_file()


def test_a_checkpoint_of_other_networks_is_refused(images: ImageSet, tiny: Recipe, tmp_path: Path):
    strong(images, with_source(tiny, steps=1), tmp_path)
    wider = tiny.generator.model_copy(update={"encoder": (12, 12, 12, 12)})

    with pytest.raises(BundleError, match=r"strong\.pt"):
        strong(images, tiny.model_copy(update={"generator": wider}), tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all"])
def test_a_damaged_checkpoint_is_refused(
    images: ImageSet, tiny: Recipe, tmp_path: Path, content: bytes
):
    (tmp_path / "strong.pt").write_bytes(content)

    with pytest.raises(BundleError, match=r"strong\.pt"):
        strong(images, tiny, tmp_path)


def test_the_weak_generator_grows_from_the_strong_one_or_from_chance(
    images: ImageSet, tiny: Recipe, tmp_path: Path
):
    source = strong(images, tiny, tmp_path)
    from_strong, from_chance, trained = (
        next(train_weak(images, source, with_weak(tiny, **changes), SESSION))
        for changes in ({"steps": 0}, {"steps": 0, "start": "random"}, {"steps": 2})
    )

    assert same_weights(from_strong, source.average)
    assert not same_weights(from_chance, source.average)
    assert not same_weights(trained, source.average)
    assert not trained.training


def test_training_the_weak_generator_leaves_the_strong_one_alone(
    images: ImageSet, tiny: Recipe, tmp_path: Path
):
    source = strong(images, tiny, tmp_path)
    nets = {"generator": source.average, "critic": source.critic}
    before = {p: {n: v.clone() for n, v in m.state_dict().items()} for p, m in nets.items()}

    list(train_weak(images, source, tiny, SESSION))

    for part, module in nets.items():
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[part][name]), f"{part}.{name}"


def test_a_checkpoint_on_a_full_disk_is_an_error_that_says_so(
    images: ImageSet, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(OutputError, match="No space left"):
        strong(images, tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_checkpoint_of_weights_that_are_no_numbers_is_not_written(
    images: ImageSet, tiny: Recipe, tmp_path: Path
):
    """Losses tell a step later than weights, and a checkpoint of these could not be mended."""
    trainer = strong(images, tiny, tmp_path)
    before = (tmp_path / "strong.pt").read_bytes()
    torch.nn.init.constant_(trainer.critic.score.bias, float("nan"))

    with pytest.raises(RecipeError, match="its weights are no numbers"):
        save_checkpoint(tmp_path / "strong.pt", trainer, PairSampler(images, ENGINE.device, 0))
    assert (tmp_path / "strong.pt").read_bytes() == before


def test_rounds_go_on_with_what_the_round_before_left(
    images: ImageSet, tiny: Recipe, tmp_path: Path
):
    """Adam's very first step moves every weight by the learning rate; later ones do not."""
    source, log = strong(images, tiny, tmp_path), TrainingLog()
    recipe = with_weak(tiny, rounds=2, steps=1, average=0.0, learning_rate=1e-3)
    name = "head.6.weight"
    start = dict(source.average.named_parameters())[name]
    ways = [
        (dict(net.named_parameters())[name] - start).abs() / 1e-3
        for net in train_weak(images, source, recipe, SESSION, log)
    ]
    first = [torch.isclose(way, torch.ones(()), atol=0.02).float().mean() for way in ways]
    assert first[0] > 0.9
    assert first[1] < 0.5  # as many as in the first round, did it start anew
    assert [x["step"] for x in log.lines] == [1, 2]


def test_each_round_draws_its_own_few_images(
    images: ImageSet, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = strong(images, tiny, tmp_path)
    shown: list[set[bytes]] = []

    def step(trainer: GanTrainer, pairs: PairSampler) -> dict[str, torch.Tensor]:
        shown.append({image.numpy().tobytes() for image in pairs.pixels})
        trainer.done += 1
        return {}

    monkeypatch.setattr(GanTrainer, "step", step)
    list(train_weak(images, source, with_weak(tiny, rounds=2, steps=1), SESSION))

    assert [len(x) for x in shown] == [20, 20]  # two of each of ten classes
    assert shown[0] != shown[1]

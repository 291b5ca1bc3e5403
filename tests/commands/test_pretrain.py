"""Pretrain: which classes are held out, what a bundle holds, and going on after a cut."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.artifacts import bundle_folder
from l2laug.artifacts.bundle import find_bundle, open_bundle
from l2laug.commands.pretraining import bundle_training
from l2laug.config.load import find_recipe, parse_recipe
from l2laug.config.recipe import DataOptions, Recipe
from l2laug.core.errors import BundleError, ImageError, OutputError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.split_classes import split_classes
from l2laug.runtime.session import Session
from l2laug.training.target import train_target
from tests.class_folders import copy_classes
from tests.keywords import pretrain, score


def classes(*counts: int) -> ImageSet:
    """Classes ``a``, ``b``, ... of so many images."""
    labels = np.repeat(np.arange(len(counts)), counts)
    names = tuple(chr(ord("a") + i) for i in range(len(counts)))
    pixels = np.zeros((len(labels), 1, 32, 32), np.uint8)
    return ImageSet(pixels, labels, names, (Path(),) * len(labels))


@pytest.mark.parametrize(
    ("held_out", "expected"), [(3, 3), (0.25, 5), (0.1, 2), (0, 1), (0.0, 1), (0.99, None)]
)
def test_so_many_classes_or_such_a_share_is_held_out(held_out: float, expected: int | None):
    options = DataOptions(held_out=held_out)
    if expected is None:
        with pytest.raises(ImageError, match="fewer than two"):
            split_classes(classes(*[3] * 20), options)
        return

    known, unseen = split_classes(classes(*[3] * 20), options)

    assert len(unseen.classes) == expected
    assert len(unseen.pixels) == 3 * expected
    assert sorted(known.classes + unseen.classes) == list("abcdefghijklmnopqrst")


def test_small_classes_are_left_out_altogether():
    known, unseen = split_classes(classes(5, 2, 4, 1, 9), DataOptions(held_out=1, min_images=4))

    assert sorted(known.classes + unseen.classes) == ["a", "c", "e"]
    assert len(known.pixels) + len(unseen.pixels) == 5 + 4 + 9


def test_so_many_classes_are_learned_from_and_all_others_held_out():
    known, unseen = split_classes(classes(*[3] * 20), DataOptions(classes=13, held_out=2))
    assert (len(known.classes), len(unseen.classes)) == (13, 7)
    with pytest.raises(ImageError, match="learns from 20 classes"):
        split_classes(classes(*[3] * 20), DataOptions(classes=20))


SMALL = {
    "generator": {"size": 32, "encoder": [4] * 4, "decoder": [4] * 5},
    "critic": {"width": 4, "max_width": 8},
    "data": {"held_out": 1, "classes": None},
    **{part: {"steps": 2, "batch": 4, "critic_steps": 2} for part in ("source", "weak")},
    "gems": {"steps": 2, "batch": 4},
    "features": {"width": 4, "steps": 4},
    "target": {"steps": 2, "batch": 4, "tune_steps": 2, "require_similarity": False},
}


def shrunk(name: str, **more: dict[str, object]) -> Recipe:
    """A shipped recipe that trains in a second."""
    recipe = find_recipe(name).model_dump(mode="json")
    for changed in (SMALL, more):
        for part, changes in changed.items():
            recipe[part].update(changes)
    return parse_recipe(recipe, name)


# The other shipped recipes go no other ways: glyphs, glyphs-gems and default are this one in grey;
# neu-steel and the paper's ways are below, changes have tests of their own.
def test_a_shipped_recipe_runs_from_its_source_to_a_bundle(digits: Path, tmp_path: Path):
    once = {"count": 1, "held_out": 1, "classes": 3, "few_steps": 1, "many_steps": 1}
    domains = once | {"few_batch": 4, "many_batch": 4}
    small = shrunk("lfw", gems={"episodes": "domain"}, domains=domains)
    info = pretrain(digits, tmp_path / "bundle", recipe=small).bundle.info
    # Ten digits, one of them held out.
    assert info["source"]["classes"] == 9 * 2 ** len(small.data.class_augmentation)
    assert set(info["gem_losses"]) == set(info["gem_distance_left"]) == {"0", "1", "2"}
    assert find_bundle(str(tmp_path / "bundle")).channels == 3


def test_a_held_out_part_is_found_again_by_its_files(digits: Path, tmp_path: Path):
    small = shrunk("neu-steel", data={"pseudo_classes": 2})
    bundle = pretrain(digits, tmp_path / "bundle", recipe=small).bundle

    scores = score(str(tmp_path / "bundle"), digits, classes=1, shots=2, seeds=1)

    [(name, files)] = bundle.info["source"]["held_out_images"].items()
    assert bundle.info["source"]["held_out"] == [name]
    # At most two parts of each digit, one of which is held out; turned or not, mirrored or not.
    assert 9 * 2**2 < bundle.info["source"]["classes"] <= 19 * 2**2
    assert files
    assert all((digits / file).is_file() for file in files)
    assert {file.split("/")[0] for file in files} == {name.split("/")[0]}
    assert scores["strong"][0].fid > 0
    (digits_less := tmp_path / "less").mkdir()
    for folder in digits.iterdir():
        if folder.name != name.split("/")[0]:
            shutil.copytree(folder, digits_less / folder.name)
    with pytest.raises(ImageError, match="held out"):
        score(str(tmp_path / "bundle"), digits_less, classes=1, shots=2, seeds=1)


def test_phi_of_z_goes_all_the_way_to_a_target(digits: Path, rare: Path, tmp_path: Path):
    unconditioned = {"generator": {"conditioned": False}, "base": {"class_consistency": 0}}
    small = shrunk("omniglot-paper", **unconditioned)
    bundle = pretrain(digits, tmp_path / "bundle", recipe=small).bundle
    support = read_classes(class_folders(rare), 32, 1)
    target = train_target(support, bundle, small, Session.start("cpu"))

    given, z = torch.from_numpy(support.pixels[:2]).float() / 127.5 - 1, torch.randn(1, 100)
    with torch.no_grad():
        one, other = target.generator(given, z.expand(2, -1), dict(target.gems.items()))
        third = target.generator(given[:1], -z, dict(target.gems.items()))[0]
    assert torch.equal(one, other)  # whichever support image it was given
    assert not torch.equal(one, third)


@pytest.mark.parametrize(("counts", "held_out"), [((3, 3), 1), ((3, 3, 1, 1), 1), ((3,) * 5, 4)])
def test_two_source_classes_must_be_left(counts: tuple[int, ...], held_out: int):
    with pytest.raises(ImageError, match="fewer than two are left"):
        split_classes(classes(*counts), DataOptions(held_out=held_out))


def test_the_recipes_seed_decides_which_classes_are_held_out():
    images = classes(*[2] * 20)

    def held(seed: int) -> tuple[str, ...]:
        return split_classes(images, DataOptions(held_out=4, seed=seed))[1].classes

    assert held(0) == held(0)
    assert len({frozenset(held(seed)) for seed in range(5)}) > 1


def test_a_bundle_holds_every_part_and_matches_its_checksums(tiny_bundle: Path):
    bundle = find_bundle(str(tiny_bundle))

    assert set(bundle.info["files"]) == {
        "strong.safetensors",
        "weak.safetensors",
        "critic.safetensors",
        "prototype_classifier.safetensors",
        "gems.safetensors",
        "features.onnx",
        "source.safetensors",
        "sheet.png",
        "learned.txt",
    }
    assert all(file_hash(tiny_bundle / n) == h for n, h in bundle.info["files"].items())
    assert {p.name for p in tiny_bundle.iterdir()} == {
        *bundle.info["files"],
        "bundle.json",
        "README.md",
        "metrics.jsonl",  # has no checksum: no two trainings take as long
    }


def test_a_bundle_says_what_it_was_made_of(tiny_bundle: Path, tiny: Recipe):
    info = open_bundle(tiny_bundle).info

    # Ten digits, twelve of each; two of them held out.
    assert (info["source"]["classes"], info["source"]["images"]) == (8, 96)
    assert len(info["source"]["held_out"]) == 2
    assert Recipe.model_validate(info["recipe"]) == tiny
    assert set(info["gem_losses"]) == {"0", "1", "2"}
    assert info["start"] is None
    assert "8 classes" in (tiny_bundle / "README.md").read_text(encoding="utf-8")


def test_a_training_goes_on_from_another_bundle(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path
):
    still = tiny.model_copy(update={"source": tiny.source.model_copy(update={"steps": 0})})

    out = Path(shutil.copytree(tiny_bundle, tmp_path / "next"))
    card = (out / "README.md").read_text() + "Looked at, fine.\n"
    (out / "README.md").write_text(card)
    pretrain(digits, out, recipe=still, start=str(tiny_bundle), overwrite=True)

    assert (out / "README.md").read_text() == card  # what somebody wrote in stays
    initial = open_bundle(tiny_bundle)
    assert open_bundle(out).info["start"] == {"name": "tiny", "sha256": initial.digest}
    assert file_hash(out / "critic.safetensors") == initial.info["files"]["critic.safetensors"]
    assert not (out / "strong.safetensors").samefile(tiny_bundle / "strong.safetensors")


def test_a_start_of_other_networks_is_rejected(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path
):
    wide = tiny.model_copy(update={"critic": tiny.critic.model_copy(update={"width": 16})})

    with pytest.raises(BundleError, match="do not fit"):
        pretrain(digits, tmp_path / "next", recipe=wide, start=str(tiny_bundle))


def test_a_bundle_is_not_replaced_unasked(tiny_bundle: Path, digits: Path, tiny: Recipe):
    before = file_hash(tiny_bundle / "bundle.json")

    with pytest.raises(OutputError, match="--overwrite"):
        pretrain(digits, tiny_bundle, recipe=tiny)
    assert file_hash(tiny_bundle / "bundle.json") == before


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, digits: Path, tiny: Recipe):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")

    with pytest.raises(OutputError, match="other files"):
        pretrain(digits, tmp_path, recipe=tiny)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_training_cut_off_or_out_of_space_can_be_gone_on_with(
    digits: Path, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "bundle"

    def cut(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bundle_training, "train_gems", cut)
        with pytest.raises(KeyboardInterrupt):
            pretrain(digits, out, recipe=tiny)
    assert not (out / "bundle.json").exists()

    with pytest.raises(OutputError, match="--resume"):
        pretrain(digits, out, recipe=tiny)
    wider = tiny.model_copy(update={"features": tiny.features.model_copy(update={"width": 6})})
    with pytest.raises(UsageError, match="another recipe"):
        pretrain(digits, out, recipe=wider, resume=True)
    with pytest.raises(UsageError, match="--seed"):
        pretrain(digits, out, recipe=tiny, resume=True, seed=1)
    fewer = copy_classes(digits, tmp_path / "fewer", {c: range(11) for c in "0123456789"})
    with pytest.raises(UsageError, match="other images"):
        pretrain(fewer, out, recipe=tiny, resume=True)

    # The feature net and the strong generator were finished before the cut. Now the disk is full
    # at the very end.
    def full(*_: object) -> None:
        raise OutputError("no space", "free some")

    with monkeypatch.context() as patched:
        for done in ("train_features", "export_features"):
            patched.setattr(bundle_training, done, cut)
        patched.setattr(bundle_folder, "write_info", full)
        with pytest.raises(OutputError, match="no space"):
            pretrain(digits, out, recipe=tiny, resume=True)
    assert (out / ".training" / "strong.pt").is_file()

    (out / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="other files"):
        pretrain(digits, out, recipe=tiny, overwrite=True)
    assert (out / ".training" / "strong.pt").is_file()
    (out / "thesis.txt").unlink()
    bundle = pretrain(digits, out, recipe=tiny, resume=True).bundle
    assert bundle.problems() == []
    assert not (out / ".training").exists()


def test_positions_of_no_gem_make_a_bundle_without_any_and_renew_a_card_that_nobody_wrote_in(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path
):
    out = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    assert "of 8 classes" in (out / "README.md").read_text()
    changed = {
        "gems": tiny.gems.model_copy(update={"positions": ()}),
        "data": tiny.data.model_copy(update={"held_out": 5}),
    }

    bundle = pretrain(digits, out, recipe=tiny.model_copy(update=changed), overwrite=True).bundle

    assert bundle.info["gem_losses"] == {}
    assert "of 5 classes" in (out / "README.md").read_text()

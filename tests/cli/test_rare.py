"""Adapt and sample as a person or a script meets them: exit codes, messages, what is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import Result
from PIL import Image

from l2laug.artifacts.model_card import SHORT
from l2laug.artifacts.run import find_run
from l2laug.cli.adapt import seconds
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.sampling.providers import Runtime
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples
from tests.class_folders import copy_classes
from tests.cli.calls import contents, copied, l2laug, rejected, the_json
from tests.conftest import from_elsewhere

FILES = ["metrics.jsonl", "model.onnx", "options.yaml", "sheet.png"]


@pytest.fixture(scope="module")
def folders(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two class folders: ``four`` with two files to leave out, ``семь`` with a single image."""
    folder = tmp_path_factory.mktemp("folders") / "rare"
    four = copied(digits / "4", folder / "four", 3)
    copied(digits / "7", folder / "семь", 1)
    (four / "broken.png").write_text("no picture")
    shutil.copy(four / "00.png", four / "again.png")
    return folder


def words_for(folders: Path, bundle: Path, out: Path) -> list[object]:
    return ["adapt", folders, "--bundle", bundle, "--device", "cpu", "-o", out, "--json"]


@pytest.fixture(scope="module")
def adapted(
    folders: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    """Both classes adapted, and what was said."""
    out = tmp_path_factory.mktemp("adapted") / "out"
    return out, l2laug(*words_for(folders, tiny_bundle, out), "--budget", "10m")


@pytest.mark.slow
def test_adapt_class_folders_one_by_one(here: Path, adapted: tuple[Path, Result]) -> None:
    out, result = adapted
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    four, seven = the_json(result)["adapted"]
    assert (four["class_name"], four["support"]) == ("four", 3)
    assert any("broken.png: cannot identify" in note for note in four["notes"])
    assert any("again.png: the same picture" in note for note in four["notes"])
    assert (seven["class_name"], seven["support"]) == ("семь", 1)
    assert any("single image" in note for note in seven["notes"])
    for name in ("four", "семь"):
        assert sorted(p.name for p in (out / name).iterdir()) == FILES

    drawn = the_json(l2laug("sample", out / "семь", "-n", 2, "-o", "drawn", "--json"))
    assert drawn["sampled"]["class_name"] == "семь"
    assert len(list((here / "drawn" / "семь").iterdir())) == 2


@pytest.mark.slow
def test_adapt_goes_on_with_the_classes_that_are_left(
    here: Path, folders: Path, digits: Path, tiny_bundle: Path, adapted: tuple[Path, Result]
) -> None:
    whole, _ = adapted
    shutil.copytree(whole / "four", here / "out" / "four")
    times = {p: p.stat().st_mtime_ns for p in (here / "out" / "four").iterdir()}
    words = [*words_for(folders, tiny_bundle, here / "out"), "--budget", "10m"]
    result = l2laug(*words, "--resume")
    assert [found["class_name"] for found in the_json(result)["adapted"]] == ["four", "семь"]
    assert {p: p.stat().st_mtime_ns for p in times} == times  # not even written again

    # The same command gives the same model, wherever it went on.
    ours, theirs = contents(here / "out"), contents(whole)
    for found in (ours, theirs):
        assert found.pop("семь/metrics.jsonl")  # no two trainings take as long
    assert ours == theirs

    for changed in (["--seed", 1], ["--base", digits]):
        told = l2laug(*words, "--resume", *changed)
        assert told.exit_code == 6
        assert "four was adapted with other images or options" in told.stderr
    told = l2laug(*words)
    assert told.exit_code == 6
    assert "exist already. Give --overwrite" in told.stderr
    assert {p: p.stat().st_mtime_ns for p in times} == times


def test_adapt_learns_base_classes_along(
    here: Path, digits: Path, tiny_bundle: Path, tiny_recipe_file: Path
) -> None:
    recipe = yaml.safe_load(tiny_recipe_file.read_text())
    recipe["base"] = {"steps": 2, "batch": 4}
    (here / "quick.yaml").write_text(yaml.safe_dump(recipe))
    copy_classes(digits, here / "data", {c: range(12) for c in "012345"})
    rare = copied(digits / "3", here / "3", 5)
    (here / "l2laug-runs" / "3").mkdir(parents=True)
    shutil.copy(rare / "00.png", here / "l2laug-runs" / "3" / "model.onnx")  # an old run
    words = ["adapt", rare, "--bundle", tiny_bundle, "--recipe", "quick.yaml", "--device", "cpu"]
    words += ["--overwrite"]
    result = l2laug(*words, "--base", "data")
    assert result.exit_code == 0, result.stderr
    assert "l2laug-runs/3/model.onnx" in result.stdout
    assert "share it as you would share them" in result.stdout
    assert "5 base classes with 40 images" in result.stderr
    assert "learning 6 classes together" in result.stderr
    run = find_run(here / "l2laug-runs" / "3")
    options = yaml.safe_load((run.folder / "options.yaml").read_text())
    assert options["base"] == list("01245")

    # What was learned along is not tested on: threes neither, though the data's lie elsewhere.
    sampler = Sampler(run.model, device="cpu")
    images = read_classes(class_folders(here / "data"), 32, 1)
    seen = [pixel_hash(p)[:SHORT] in set(sampler.card.base_hashes) for p in images.pixels]
    assert list(np.bincount(images.labels, seen)) == [8, 8, 8, 0, 8, 8]
    write_samples(sampler, 8, run.samples, 0, Progress(quiet=True))
    from_elsewhere(run, tiny_bundle, here / "bundle of other images")
    found = the_json(l2laug("evaluate", run.folder, "--dataset", "data", "--json"))["evaluation"]
    assert found["counts"]["test"] == 7 + 5 * 4  # threes not adapted from, and four of each

    copied(digits / "4", here / "mine" / "4", 3)
    told = rejected(6, *words, "--base", "mine", "-o", "mine")
    assert len(contents(here / "mine")) == 3, told

    alone = copied(digits / "3", here / "alone" / "3", 4).parent
    told = rejected(3, *words, "--base", alone)
    assert "holds no class but" in told


def test_adapt_an_empty_folder(here: Path, tiny_bundle: Path) -> None:
    (here / "empty").mkdir()
    assert "No image in empty" in rejected(3, "adapt", "empty", "--bundle", tiny_bundle)
    assert not (here / "l2laug-runs").exists()


def test_adapt_a_folder_that_is_not_there(here: Path, tiny_bundle: Path) -> None:
    told = rejected(3, "adapt", here / "nowhere", "--bundle", tiny_bundle)
    assert "nowhere does not exist" in told


def test_adapt_nothing_readable_names_every_file(here: Path, tiny_bundle: Path) -> None:
    (here / "rare").mkdir()
    for name in ("a.png", "b.jpg"):
        (here / "rare" / name).write_text("no picture")
    result = l2laug("adapt", "rare", "--bundle", tiny_bundle)
    assert result.exit_code == 3
    assert "rare/a.png: cannot identify" in result.stderr
    assert "rare/b.jpg: cannot identify" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (here / "l2laug-runs").exists()


def test_adapt_names_the_problems_of_all_classes_before_any_work(
    here: Path, rare: Path, tiny_bundle: Path
) -> None:
    for name in ("a", "b"):
        (here / "rare" / name).mkdir(parents=True)
        (here / "rare" / name / "torn.png").write_text("no picture")
    (here / "rare" / "d").mkdir()
    Image.new("L", (32, 32), 255).save(here / "rare" / "d" / "white.png")
    (here / "rare" / "e").mkdir()
    (here / "rare" / "e" / "0.png").write_bytes(next(rare.iterdir()).read_bytes())
    result = l2laug("adapt", "rare", "--bundle", tiny_bundle)
    assert result.exit_code == 3
    assert "3 of 4 classes can't be used" in result.stderr
    for words in ("a/torn.png: cannot identify", "b/torn.png: cannot identify", "d is blank"):
        assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not (here / "l2laug-runs").exists()


def test_adapt_from_a_damaged_bundle(here: Path, rare: Path, tiny_bundle: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, here / "tiny"))
    with (bundle / "gems.safetensors").open("ab") as opened:
        opened.write(b"!")
    told = rejected(4, "adapt", rare, "--bundle", bundle)
    assert "gems.safetensors does not match its checksum" in told
    assert not (here / "l2laug-runs").exists()


def test_adapt_with_an_unknown_recipe_key(here: Path, rare: Path) -> None:
    (here / "mine.yaml").write_text("name: mine\ntarget: {stepps: 3}\n")
    result = l2laug("adapt", rare, "--recipe", "mine.yaml")
    assert result.exit_code == 5
    assert "target.stepps: unknown key" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["", "soon", "-5", "0", "0s", "1d", "1 h 3", "1e3", "nan"])
def test_a_budget_that_is_no_time(here: Path, rare: Path, text: str) -> None:
    assert "--budget" in rejected(2, "adapt", rare, f"--budget={text}")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "number"), [("90", 90), ("90s", 90), ("2m", 120), ("1h", 3600), ("1.5m", 90)]
)
def test_a_budget_in_seconds(text: str, number: float) -> None:
    assert seconds(text) == number


def test_a_budget_is_not_another_unit() -> None:
    with pytest.raises(UsageError, match="Write 90s, 2m or 1h"):
        seconds("2 fortnights")


def device_commands(rare: Path, digits: Path, bundle: Path, run: Path) -> list[list[object]]:
    return [
        ["adapt", rare, "--bundle", bundle],
        ["sample", run, "-o", "out"],
        ["pretrain", digits, "-o", "mine"],
    ]


def test_an_unknown_device(
    here: Path, rare: Path, digits: Path, tiny_bundle: Path, tiny_run: Path
) -> None:
    for words in device_commands(rare, digits, tiny_bundle, tiny_run):
        assert "--device tpu is unknown" in rejected(2, *words, "--device", "tpu")
    assert not (here / "out").exists()


@pytest.mark.skipif(Runtime.here().gpu, reason="there is a GPU here")
def test_cuda_without_a_gpu(
    here: Path, rare: Path, digits: Path, tiny_bundle: Path, tiny_run: Path
) -> None:
    for words in device_commands(rare, digits, tiny_bundle, tiny_run):
        assert "--device cuda was asked for" in rejected(7, *words, "--device", "cuda")
    assert not (here / "out").exists()


def test_sample_without_a_run(here: Path) -> None:
    assert "l2laug adapt FOLDER" in rejected(2, "sample")
    assert list(here.iterdir()) == []


def test_sample_takes_the_newest_run_and_says_which(here: Path, tiny_run: Path) -> None:
    for name, time in (("new", 2_000_000_000), ("old", 1_000_000_000)):
        run = Path(shutil.copytree(tiny_run, here / "l2laug-runs" / name))
        os.utime(run / "model.onnx", (time, time))
    result = l2laug("sample", "-n", 2, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "model l2laug-runs/new/model.onnx, CPU" in result.stderr
    assert result.stdout.startswith("2 images in l2laug-runs/new/samples/3, 32x32 pixels")


def test_sample_again_gives_the_same_files(here: Path, tiny_run: Path) -> None:
    for out, seed in (("a", 7), ("b", 7), ("c", 8)):
        words = ["sample", tiny_run, "-n", 40, "-o", out, "--seed", seed]
        assert l2laug(*words).exit_code == 0
    assert len(contents(here / "a")) == 42
    assert contents(here / "a") == contents(here / "b")
    assert contents(here / "a") != contents(here / "c")


def test_sample_never_writes_over_what_is_there(here: Path, tiny_run: Path) -> None:
    assert l2laug("sample", tiny_run, "-n", 3, "-o", "out").exit_code == 0
    before = contents(here)
    assert "of 3 in out exist already" in rejected(6, "sample", tiny_run, "-n", 2, "-o", "out")
    assert contents(here) == before
    assert l2laug("sample", tiny_run, "-n", 2, "-o", "out", "--overwrite").exit_code == 0
    pictures = {"3/000000.png", "3/000001.png"}
    assert set(contents(here / "out")) == pictures | {"manifest.jsonl", "metadata.jsonl"}


def test_sample_where_nothing_can_be_written(here: Path, tiny_run: Path) -> None:
    (here / "file").touch()
    assert "can't be made" in rejected(6, "sample", tiny_run, "-n", 2, "-o", "file/out")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_sample_an_impossible_count(here: Path, tiny_run: Path, count: str) -> None:
    result = l2laug("sample", tiny_run, "-n", count, "-o", "out")
    assert result.exit_code == 2
    assert "--count" in result.stderr
    assert not (here / "out").exists()


def test_adapt_leaves_masks_out_and_takes_no_split_for_a_class(
    here: Path, rare: Path, tiny_bundle: Path
) -> None:
    shutil.copytree(rare, here / "data" / "test" / "hole")
    for path in sorted((here / "data" / "test" / "hole").iterdir()):
        (here / "data" / "test" / "hole" / "masks").mkdir(exist_ok=True)
        shutil.copy(path, here / "data" / "test" / "hole" / "masks" / path.name)
    shutil.copytree(rare, here / "data" / "train" / "good")
    assert "test and train of a data set" in rejected(3, "adapt", "data", "--bundle", tiny_bundle)
    (here / "out").mkdir()
    (here / "out" / "taken").touch()  # so that nothing is learned
    done = l2laug("adapt", "data/test/hole", "--bundle", tiny_bundle, "-o", "out")
    assert done.exit_code == 6
    assert "left out 5 masks in data/test/hole/masks" in done.stderr

"""Adapt and sample as a person or a script meets them: exit codes, messages, what is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from l2laug.cli.adapt import seconds
from l2laug.commands.adapting import adapt_class as adapting
from l2laug.core.errors import UsageError
from l2laug.data.image_set import ImageSet
from l2laug.sampling.providers import Runtime
from tests.cli.calls import contents, copied, l2laug, rejected, the_json


@pytest.mark.slow
def test_adapt_again_gives_the_same_model(here: Path, rare: Path, tiny_bundle: Path) -> None:
    words = ["adapt", rare, "--bundle", tiny_bundle, "--device", "cpu"]
    result = l2laug(*words)
    assert result.exit_code == 0, result.stderr
    run = here / "l2laug-runs" / "3"
    assert sorted(p.name for p in run.iterdir()) == [
        "metrics.jsonl",
        "model.onnx",
        "options.yaml",
        "sheet.png",
    ]
    assert "l2laug-runs/3/model.onnx" in result.stdout
    assert "share it as you would share them" in result.stdout

    before = contents(run)
    assert "l2laug-runs/3 exists already" in rejected(6, "adapt", rare, "--bundle", tiny_bundle)
    assert contents(run) == before

    assert l2laug(*words, "--overwrite").exit_code == 0
    again = contents(run)
    assert [again[n] == before[n] for n in ("model.onnx", "sheet.png")] == [True, True]


@pytest.mark.slow
def test_adapt_class_folders_one_by_one(here: Path, digits: Path, tiny_bundle: Path) -> None:
    copied(digits / "4", here / "rare" / "four", 3)
    copied(digits / "7", here / "rare" / "семь", 1)
    (here / "rare" / "four" / "broken.png").write_text("no picture")
    words = ["adapt", "rare", "--bundle", tiny_bundle, "--device", "cpu", "-o", "out", "--json"]
    result = l2laug(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    four, seven = the_json(result)["adapted"]
    assert (four["class_name"], four["support"]) == ("four", 3)
    assert any("broken.png: cannot identify" in note for note in four["notes"])
    assert (seven["class_name"], seven["support"]) == ("семь", 1)
    assert any("single image" in note for note in seven["notes"])
    for found in (four, seven):
        assert (here / found["run"] / "model.onnx").is_file()

    drawn = the_json(l2laug("sample", "out/семь", "-n", 2, "-o", "drawn", "--json"))
    assert drawn["sampled"]["class_name"] == "семь"
    assert len(list((here / "drawn" / "семь").iterdir())) == 2


@pytest.mark.slow
def test_adapt_goes_on_with_the_classes_that_are_left(
    here: Path, digits: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "45":
        copied(digits / name, here / "rare" / name, 2)
    words = ["adapt", "rare", "--bundle", tiny_bundle, "--device", "cpu"]
    assert l2laug(*words, "-o", "whole").exit_code == 0
    shutil.copytree(here / "whole" / "4", here / "out" / "4")
    trained = []
    train = adapting.train_target

    def counted(support: ImageSet, *given: Any, **more: Any) -> Any:
        trained.append(support.classes[0])
        return train(support, *given, **more)

    monkeypatch.setattr(adapting, "train_target", counted)
    result = l2laug(*words, "-o", "out", "--resume", "--json")
    assert [found["class_name"] for found in the_json(result)["adapted"]] == ["4", "5"]
    assert trained == ["5"]
    ours, theirs = contents(here / "out"), contents(here / "whole")
    for found in (ours, theirs):
        assert found.pop("5/metrics.jsonl")  # no two trainings take as long
    assert ours == theirs
    for changed in (["--seed", 1], ["--base", digits]):
        told = rejected(6, *words, "-o", "out", "--resume", *changed)
        assert "out/4 was adapted with other images or options" in told


def test_adapt_learns_base_classes_along(
    here: Path, rare: Path, digits: Path, tiny_bundle: Path, tiny_recipe_file: Path
) -> None:
    recipe = yaml.safe_load(tiny_recipe_file.read_text())
    recipe["base"] = {"steps": 2, "batch": 4, "images": 3}
    (here / "quick.yaml").write_text(yaml.safe_dump(recipe))
    words = ["adapt", rare, "--bundle", tiny_bundle, "--recipe", "quick.yaml", "--device", "cpu"]
    result = l2laug(*words, "--base", digits)
    assert result.exit_code == 0, result.stderr
    assert "9 base classes with 27 images" in result.stderr
    assert "learning 10 classes together" in result.stderr
    options = yaml.safe_load((here / "l2laug-runs" / "3" / "options.yaml").read_text())
    assert options["base"] == list("012456789")

    copied(digits / "4", here / "mine" / "4", 3)
    told = rejected(6, *words, "--overwrite", "--base", "mine", "-o", "mine")
    assert len(contents(here / "mine")) == 3, told

    alone = copied(digits / "3", here / "alone" / "3", 4).parent
    told = rejected(3, *words, "--overwrite", "--base", alone)
    assert "holds no class but" in told


def test_adapt_names_what_it_leaves_out(here: Path, digits: Path, tiny_bundle: Path) -> None:
    copied(digits / "4", here / "four", 2)
    (here / "four" / "broken.png").write_text("no picture")
    shutil.copy(here / "four" / "00.png", here / "four" / "again.png")
    words = ["adapt", "four", "--bundle", tiny_bundle, "--device", "cpu", "--budget", "30s"]
    result = l2laug(*words)
    assert result.exit_code == 0, result.stderr
    assert "note: left out four/broken.png: cannot identify" in result.stderr
    assert "note: left out four/again.png: the same picture" in result.stderr
    assert "four: 2 images" in result.stderr


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
    assert "can't be written" in rejected(6, "sample", tiny_run, "-n", 2, "-o", "file/out")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_sample_an_impossible_count(here: Path, tiny_run: Path, count: str) -> None:
    result = l2laug("sample", tiny_run, "-n", count, "-o", "out")
    assert result.exit_code == 2
    assert "--count" in result.stderr
    assert not (here / "out").exists()

"""Compare sets of real and drawn digits: the same for all, no set favoured, none leaked into."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from l2laug.artifacts.run import Run
from l2laug.classification.study import Study
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import ImageError, UsageError
from l2laug.data.images.image_io import read_image
from l2laug.evaluation.scores import LEVEL
from l2laug.sampling.sampler import Sampler
from tests.class_folders import copy_classes, strict_json
from tests.keywords import compare, evaluate


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers of a few steps."""
    monkeypatch.setattr("l2laug.commands.evaluate.Study", partial(Study, batch=8))
    monkeypatch.setattr("l2laug.commands.evaluate.usual_steps", lambda _: 3)


def another_run(run: Run, folder: Path, images: list[Path], name: str = "3") -> Path:
    """A copy of a run whose model says that it was adapted from other images."""
    shutil.copytree(run.folder, folder)
    card = Sampler(run.model, device="cpu").card
    hashes = tuple(pixel_hash(read_image(path, card.size, card.channels)) for path in images)
    model = onnx.load(run.model)
    onnx.helper.set_model_props(
        model, replace(card, class_name=name, support_hashes=hashes).to_metadata()
    )
    onnx.save(model, folder / run.model.name)
    return folder


def test_real_images_copies_and_a_run_side_by_side(run: Run, digits: Path, tmp_path: Path):
    real = copy_classes(digits, tmp_path / "real", {"3": range(5, 12)})
    copied = copy_classes(digits, tmp_path / "copied", {"3": range(5)})

    found = compare([real, run.folder, copied / "3"], dataset=digits, out=tmp_path / "out")

    by_name = {one.name: one for one in found.sets}
    assert list(by_name) == ["real", "run", "3"]
    assert [one.found for one in found.sets] == [7, 24, 5]
    assert found.counts["samples"] == 5
    assert any("5 samples are compared, as many as 3 has" in note for note in found.notes)
    # Against three held-out threes, four samples of each.
    assert {one.measures["fid"].samples for one in found.sets} == {4}
    assert by_name["real"].measures["fid"].reading == LEVEL
    assert by_name["run"].measures["fid"].value > 3 * by_name["real"].measures["fid"].value
    copies = [one.measures["copies"].value for one in found.sets]
    assert (copies[0], copies[2]) == (0, 1)
    assert "see comparison-copies-3.png" in by_name["3"].measures["copies"].reading
    # All are held against the same halves: one baseline for all.
    for score in ("fid", "kid", "diversity", "copies"):
        assert len({one.measures[score].baseline for one in found.sets}) == 1


def test_a_run_scores_beside_another_set_as_it_does_alone(run: Run, digits: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(run.samples / "3", other)  # as many as the run has

    alone = evaluate(run, dataset=digits)
    beside = compare([run.folder, other], dataset=digits).sets

    assert {name: m.value for name, m in beside[0].measures.items()} == alone.scores
    assert beside[1].measures["fid"].value == alone.scores["fid"]


def test_what_is_written(run: Run, digits: Path, tmp_path: Path):
    real = copy_classes(digits, tmp_path / "re|al", {"3": range(5, 12)})

    found = compare([run.model, real], dataset=digits)

    plain = strict_json(run.folder / "comparison.json")
    assert (plain["schema"], plain["class_name"], plain["run"]) == (2, "3", str(run.folder))
    fid = plain["sets"][0]["measures"]["fid"]
    assert fid["value"] == found.sets[0].measures["fid"].value
    report = (run.folder / "comparison.md").read_text(encoding="utf-8")
    assert "|  | run | re\\|al | real images |" in report
    for value in (
        fid["value"],
        fid["baseline"],
        plain["sets"][1]["measures"]["diversity"]["value"],
    ):
        assert f"{value:.4g}" in report
    assert not (run.folder / "report.md").exists()
    # Three rows of 64 with gaps of 2; the first sample of the second set is one of its files.
    sheet = read_image(run.folder / "comparison.png")[0]
    assert sheet.shape[0] == 3 * 66 + 2
    cell = sheet[134:198:2, 2:66:2]
    assert any((cell == read_image(path)[0]).all() for path in (real / "3").iterdir())


def test_what_any_run_was_adapted_from_is_held_out_from_none(
    run: Run, digits: Path, tmp_path: Path
):
    second = another_run(run, tmp_path / "second", sorted((digits / "3").iterdir())[3:8])

    found = compare([run.folder, second], dataset=digits)

    # Threes 0 to 4 and 3 to 7 were seen; of twelve that leaves four.
    assert (found.counts["support"], found.counts["real_held_out"]) == (8, 4)
    assert any("adapted from 3 images that run was not" in note for note in found.notes)


@pytest.mark.usefixtures("quick")
def test_each_set_gets_a_verdict_and_arms_without_samples_train_once(
    run: Run, digits: Path, tmp_path: Path
):
    real = copy_classes(digits, tmp_path / "real", {"3": range(5, 12)})
    cache = run.folder / "classifier.jsonl"

    words: dict[str, Any] = {"heads": ("test_resnet",), "arms": ("oversampling",), "flips": "no"}

    found = compare([real, run.folder], dataset=digits, classifier=True, seeds=1, **words)

    # Of both sets three shares of samples are tried and one is trained with; once for both three
    # rates are tried and oversampling is trained.
    assert len(cache.read_text().splitlines()) == 2 * (3 + 1) + 3 + 1
    for one in found.sets:
        (entry,) = one.verdicts
        f1 = {arm["name"]: np.mean(arm["rare_f1"]) for arm in entry["arms"]}
        change = f1[entry["best_with"]] - f1[entry["best_without"]]
        assert entry["change"] == pytest.approx(change)
        assert "advice" not in entry
    report = (run.folder / "comparison.md").read_text(encoding="utf-8")
    assert "| test_resnet: verdict | " in report

    # A smaller set changes what the arms with samples see, and nothing else.
    evaluate(run, dataset=digits, classifier=True, seeds=1, **words)
    assert len(cache.read_text().splitlines()) == 2 * (3 + 1) + 3 + 1 + (3 + 1)


def test_images_of_other_sizes_and_colours_are_brought_to_the_runs(
    run: Run, digits: Path, tmp_path: Path
):
    folder = tmp_path / "colour"
    folder.mkdir()
    for path in (digits / "3").iterdir():
        with Image.open(path) as image:
            image.convert("RGB").resize((96, 96), Image.Resampling.NEAREST).save(
                folder / f"{path.stem}.bmp"
            )
    (folder / "broken.png").write_text("no picture")

    found = compare([run.folder, folder], dataset=digits)

    assert found.sets[1].found == 12
    assert found.sets[1].measures["fid"].value < found.sets[0].measures["fid"].value


def test_what_can_not_be_compared_is_rejected(run: Run, digits: Path, tmp_path: Path):
    def told(*given: Path) -> str:
        with pytest.raises((UsageError, ImageError)) as caught:
            compare(given, dataset=digits)
        return str(caught.value)

    several = copy_classes(digits, tmp_path / "several", {"4": range(2), "5": range(2)})
    (tmp_path / "empty").mkdir()
    assert "no run among" in told(several / "4", several / "5")
    assert f"No image in {tmp_path / 'empty'}" in told(run.folder, tmp_path / "empty")
    assert f"No samples at {tmp_path}" in told(run.folder, tmp_path / "nowhere")
    assert "class folders 4, 5, none of them 3" in told(run.folder, several)
    assert "given twice" in told(run.folder, run.folder / "." / "..", run.folder)
    shutil.rmtree(run.samples)
    assert "l2laug sample" in told(run.folder, several / "4")


def test_runs_of_two_classes_are_rejected(run: Run, digits: Path, tmp_path: Path):
    fours = another_run(run, tmp_path / "fours", sorted((digits / "4").iterdir()), name="4")

    with pytest.raises(UsageError, match="fours draws 4, run draws 3"):
        compare([run.folder, fours], dataset=digits)

"""Evaluate a run on real digits: what is counted, what is scored, what is rejected."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import yaml
from safetensors.torch import save_file

from l2laug.artifacts.bundle import open_bundle
from l2laug.artifacts.run import Run, find_run
from l2laug.classification.study import Study
from l2laug.commands.evaluate import Evaluation
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.evaluation.scores import LEVEL
from tests.class_folders import copy_classes, strict_json
from tests.fixtures import make as fixtures
from tests.keywords import evaluate


def test_scores_and_counts_of_a_run_among_its_siblings(run: Run, digits: Path):
    result = evaluate(run, dataset=digits)

    # Twelve threes, five of them the support set; the other 108 digits are split.
    assert result.class_name == "3"
    assert result.counts["samples"] == 24
    assert result.counts["support"] == 5
    assert result.counts["real_held_out"] == 7
    assert result.counts["train"] + result.counts["test"] == 120
    # Seven held-out threes, three of them against four samples: too few for neighbours.
    of_bundle, of_general_net = {"fid", "kid", "diversity"}, {"mmd", "vendi score"}
    assert set(result.scores) == of_bundle | of_general_net | {"copies", "near duplicates"}
    assert result.measures["mmd"].extractor == "EfficientNet-Lite0, ImageNet"
    assert (result.measures["fid"].real, result.measures["fid"].samples) == (3, 4)
    assert result.extractor["sha256"] == file_hash(fixtures.BUNDLE / "features.onnx")
    assert result.verdicts == []


def test_the_report_is_written_beside_the_model(run: Run, digits: Path):
    result = evaluate(run, dataset=digits)
    plain = strict_json(run.folder / "report.json")

    assert plain["scores"] == result.scores
    assert plain["schema"] == 4
    assert plain["measures"]["fid"]["value"] == result.scores["fid"]
    assert plain["measures"]["fid"]["sha256"] == result.extractor["sha256"]
    assert f"{result.scores['fid']:.4g}" in (run.folder / "report.md").read_text(encoding="utf-8")
    assert Path(result.paths["report"]).is_file()
    assert Path(result.paths["sheet"]).is_file()
    assert Path(result.paths["copies"]).is_file()


def test_copies_among_the_samples_are_counted(run: Run, digits: Path, tmp_path: Path):
    samples = copy_classes(digits, tmp_path / "samples", {"3": range(5)})

    found = evaluate(run, samples=samples, dataset=digits)

    assert found.scores["copies"] == 1
    assert "see copies.png" in found.measures["copies"].reading


def test_real_images_score_as_the_baseline_and_the_tiny_models_do_not(
    run: Run, digits: Path, tmp_path: Path
):
    samples = copy_classes(digits, tmp_path / "samples", {"3": range(5, 12)})

    real = evaluate(run, samples=samples, dataset=digits).measures
    drawn = evaluate(run, dataset=digits).measures

    assert real["fid"].reading == real["diversity"].reading == LEVEL
    assert real["copies"].value == 0
    assert "farther from the real images" in drawn["fid"].reading
    assert drawn["fid"].baseline == real["fid"].baseline


def test_a_timm_backbone_measures_too(run: Run, digits: Path, tmp_path: Path):
    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), weights)

    found = evaluate(run, dataset=digits, features=f"timm:test_resnet@{weights}")

    assert found.extractor == {
        "name": "timm test_resnet",
        "sha256": file_hash(weights),
        "resizing": "to 160x160, bicubic, antialiased",
    }
    assert found.measures["kid"].extractor == "timm test_resnet"
    assert "timm test_resnet" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_too_few_real_images_leave_no_scores_and_say_so(run: Run, digits: Path, tmp_path: Path):
    samples = copy_classes(digits, tmp_path / "one", {"3": range(6, 7)})

    result = evaluate(run, samples=samples, dataset=digits)

    assert set(result.scores) == {"copies", "near duplicates"}
    assert any("too few images" in note for note in result.notes)


def test_a_test_image_that_adapt_saw_never_counts(run: Run, digits: Path, tmp_path: Path):
    train = copy_classes(digits, tmp_path / "train", {"3": range(3), "7": range(6)})
    # Threes 0 to 4 are the support set, 3 and 4 not even in the training folder.
    test = copy_classes(digits, tmp_path / "test", {"3": range(9), "7": range(6, 9)})

    result = evaluate(run, dataset=train, test=test)

    assert result.counts["real_held_out"] == 4
    assert result.counts["test"] == 7
    assert result.counts["train"] == 11  # the two are read from where adapt found them


def test_a_test_image_that_is_trained_on_never_counts(run: Run, digits: Path, tmp_path: Path):
    train = copy_classes(digits, tmp_path / "train", {"3": range(5), "7": range(6)})
    test = copy_classes(digits, tmp_path / "test", {"3": range(5, 7), "7": range(4, 9)})

    assert evaluate(run, dataset=train, test=test).counts["test"] == 2 + 3


def test_what_the_bundle_learned_from_is_never_tested_on(
    tiny_run: Path, digits: Path, tiny_bundle: Path, tmp_path: Path
):
    run = find_run(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    samples = copy_classes(digits, tmp_path / "samples", {"3": range(5)})

    found = evaluate(run, samples=samples, dataset=digits)

    held_out = open_bundle(tiny_bundle).info["source"]["held_out"]
    assert "3" not in held_out, "so no other three may be tested on either"
    assert found.counts["real_held_out"] == 0
    assert found.counts["test"] == 4 * len(held_out)  # of twelve images each, three in ten
    assert any("Of 7 of 9 other classes no image is tested on" in note for note in found.notes)
    held = evaluate(run, samples=samples, dataset=digits, test=digits)
    assert held.counts["test"] == 0, "all images are in the data set too"


def test_another_bundle_in_its_place_is_rejected(
    run: Run, digits: Path, tiny_bundle: Path, tmp_path: Path
):
    options = yaml.safe_load((run.folder / "options.yaml").read_text())
    options["bundle"]["path"] = str(tiny_bundle)  # alike, but it says that it learned other images
    (run.folder / "options.yaml").write_text(yaml.safe_dump(options))

    with pytest.raises(BundleError, match="not the one that the model was adapted from"):
        evaluate(run, dataset=digits)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    net = f"timm:test_resnet@{tmp_path / 'w.safetensors'}"
    found = evaluate(run, dataset=digits, features=net)
    assert any("not the one" in note for note in found.notes)
    assert found.extractor["name"] == "timm test_resnet"


def test_a_picture_that_lies_there_twice_is_not_on_both_sides(
    run: Run, digits: Path, tmp_path: Path
):
    data = copy_classes(digits, tmp_path / "data", {"3": range(12), "7": range(1)})
    for i in range(19):
        shutil.copy(data / "7" / "00.png", data / "7" / f"copy{i}.png")

    result = evaluate(run, dataset=data)

    # Of twenty of one picture about fourteen are trained on, so none may test.
    assert result.counts["test"] == 7
    assert 5 < result.counts["train"] <= 5 + 20


def test_without_other_real_images_the_support_set_is_the_measure(run: Run, rare: Path):
    result = evaluate(run, dataset=rare.parent)

    assert result.counts["real_held_out"] == 0
    assert any("support set itself" in note for note in result.notes)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers of a few steps."""
    monkeypatch.setattr("l2laug.commands.evaluate.Study", partial(Study, batch=8))
    monkeypatch.setattr("l2laug.commands.evaluate.usual_steps", lambda _: 4)


@pytest.mark.usefixtures("quick")
def test_classifiers_are_trained_and_compared(run: Run, digits: Path):
    def classify(seeds: int) -> Evaluation:
        heads: dict[str, Any] = {"heads": ("probe", "test_resnet"), "arms": ("oversampling",)}
        words = heads | {"flips": "no", "seeds": seeds}
        return evaluate(run, dataset=digits, classifier=True, **words)

    classify(2)
    probe, net = strict_json(run.folder / "report.json")["verdicts"]
    assert (probe["head"], net["head"]) == ("probe", "test_resnet")
    assert set(probe) >= {
        "head",
        "verdict",
        "best_with",
        "best_without",
        "change",
        "interval",
        "arms",
    }
    for entry in (probe, net):
        f1 = {arm["name"]: arm["rare_f1"] for arm in entry["arms"]}
        gaps = np.subtract(f1[entry["best_with"]], f1[entry["best_without"]])
        assert len(gaps) == 2
        assert entry["change"] == pytest.approx(gaps.mean())
    assert "4 steps" in net["study"]["classifier"]
    assert "## Classifier: probe" in (run.folder / "report.md").read_text(encoding="utf-8")
    # Of the net: three rates and three shares on held-out images, two arms with two seeds.
    assert len((run.folder / "classifier.jsonl").read_text().splitlines()) == 3 + 3 + 2 * 2


def test_a_classifier_needs_real_images_to_be_tested_on(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(5), "7": range(12)})

    with pytest.raises(UsageError, match="no real image of 3"):
        evaluate(run, dataset=data, classifier=True)


def test_a_classifier_needs_other_classes(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(12)})

    with pytest.raises(UsageError, match="one class only"):
        evaluate(run, dataset=data, classifier=True)


def test_a_classifier_needs_the_same_classes_on_both_sides(run: Run, digits: Path, tmp_path: Path):
    train = copy_classes(digits, tmp_path / "train", {"3": range(5), "7": range(6)})
    test = copy_classes(digits, tmp_path / "test", {"3": range(5, 9), "8": range(6)})

    with pytest.raises(UsageError, match="7, 8"):
        evaluate(run, dataset=train, test=test, classifier=True)


def test_a_classifier_is_tested_on_other_classes_too(run: Run, digits: Path, tmp_path: Path):
    train = copy_classes(digits, tmp_path / "train", {"3": range(5), "7": range(6)})
    # Test images of the sevens are there, but they are those that are trained on.
    test = copy_classes(digits, tmp_path / "test", {"3": range(5, 9), "7": range(6)})

    with pytest.raises(UsageError, match="no images of 7 but those that are trained on"):
        evaluate(run, dataset=train, test=test, classifier=True)

    alone = copy_classes(digits, tmp_path / "alone", {"3": range(9), "7": range(1)})
    with pytest.raises(UsageError, match="No other class than 3"):
        evaluate(run, dataset=alone, classifier=True)


def test_a_flat_folder_of_test_images_is_of_the_rare_class(run: Run, digits: Path, tmp_path: Path):
    flat = copy_classes(digits, tmp_path / "kept", {"3": range(3, 9)}) / "3"
    flat = flat.rename(tmp_path / "held_out")

    assert evaluate(run, dataset=digits, test=flat).counts["real_held_out"] == 4
    others = copy_classes(digits, tmp_path / "others", {"7": range(3), "8": range(3)})
    with pytest.raises(UsageError, match="others has no class folder 3"):
        evaluate(run, dataset=digits, test=others)


def test_a_picture_that_lies_there_twice_counts_once(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(9), "7": range(6)})
    for name in ("00", "08"):  # of the support set, and held out
        shutil.copy(data / "3" / f"{name}.png", data / "3" / f"again-{name}.png")

    counts = evaluate(run, dataset=data).counts

    assert (counts["support"], counts["real_held_out"]) == (5, 4)


def test_no_samples_is_wrong_use(run: Run, digits: Path):
    shutil.rmtree(run.samples)

    with pytest.raises(UsageError, match="l2laug sample"):
        evaluate(run, dataset=digits)


def test_a_dataset_without_the_rare_class_is_wrong_use(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"7": range(3), "8": range(3)})

    with pytest.raises(UsageError, match="no class folder 3"):
        evaluate(run, dataset=data)


def test_a_dataset_without_the_support_images_is_wrong_use(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(5, 9), "7": range(3)})

    with pytest.raises(UsageError, match="adapted from"):
        evaluate(run, dataset=data)


def test_a_copy_of_a_support_image_that_has_gone_is_seen(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(2, 9), "7": range(3)})
    copies = copy_classes(digits, tmp_path / "copies", {"3": range(2)})

    found = evaluate(run, samples=copies, dataset=data)  # the images lie where adapt read them

    assert (found.counts["support"], found.scores["copies"]) == (5, 1.0)
    options = yaml.safe_load((run.folder / "options.yaml").read_text())
    (run.folder / "options.yaml").write_text(yaml.safe_dump(options | {"images": []}))
    with pytest.raises(UsageError, match="2 of the 5 images of 3"):
        evaluate(run, samples=copies, dataset=data)


def test_samples_of_other_classes_are_not_the_runs(run: Run, digits: Path, tmp_path: Path):
    others = copy_classes(digits, tmp_path / "others", {"7": range(3), "8": range(3)})

    with pytest.raises(UsageError, match="class folders 7, 8, none of them 3"):
        evaluate(run, samples=others, dataset=digits)


def test_runs_and_samples_among_the_classes_are_none(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(9), "7": range(6)})
    shutil.copytree(run.folder, data / "l2laug-runs" / "3")
    shutil.copytree(run.samples, data / "3" / "drawn")

    assert evaluate(run, dataset=data).counts["real_held_out"] == 4


@pytest.mark.parametrize(
    "content", [b"bundle: [", b"\xff\xfe", b"folder: x\n", b"bundle: 3\n", b"[]"]
)
def test_damaged_options_are_named(run: Run, digits: Path, content: bytes):
    (run.folder / "options.yaml").write_bytes(content)

    with pytest.raises(BundleError, match=r"options\.yaml is damaged"):
        evaluate(run, dataset=digits)

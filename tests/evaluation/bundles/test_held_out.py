"""Held-out scores: the split keeps its parts apart, and known sets get known scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from l2laug.artifacts.bundle import open_bundle
from l2laug.cli import app
from l2laug.commands import score as scoring
from l2laug.config.load import parse_recipe
from l2laug.core.errors import ImageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.bundles.held_out import score_methods, score_set, split_unseen
from l2laug.evaluation.bundles.methods import Method, Model
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.target import plain, train_target
from tests.class_folders import copy_classes
from tests.cli.calls import l2laug, the_json
from tests.conftest import TINY
from tests.keywords import score


def _flat(pixels):
    """Features a person can follow: the pixels themselves."""
    return pixels.reshape(len(pixels), -1) / 255


@pytest.fixture
def split(digits: Path):
    return split_unseen(read_classes(class_folders(digits), 32, 1), shots=2, seed=0)


def test_the_parts_hold_each_image_once(split):
    parts = (split.support, split.reference, split.baseline)
    assert [len(p.pixels) for p in parts] == [20, 50, 50]
    paths = [path for part in parts for path in part.paths]
    assert len(set(paths)) == 120


def test_only_the_baseline_is_the_same_whatever_the_seed(digits: Path):
    images = read_classes(class_folders(digits), 32, 1)
    one, other = (split_unseen(images, shots=2, seed=seed) for seed in (0, 1))
    assert one.baseline.paths == other.baseline.paths
    assert set(one.support.paths) != set(other.support.paths)
    assert set(one.reference.paths) != set(other.reference.paths)


def test_the_reference_classifier_learns_from_all_images_but_the_baseline(
    tiny_bundle, digits, monkeypatch
):
    learned = []

    class StopError(Exception):
        pass

    def train(images, *_):
        learned.extend(images.paths)
        raise StopError

    monkeypatch.setattr(scoring, "train_reference_classifier", train)
    with pytest.raises(StopError):
        score(
            str(tiny_bundle),
            digits,
            classes=2,
            shots=2,
            seeds=1,
            reference_classifier=True,
        )

    folders = class_folders(digits)
    names = open_bundle(tiny_bundle).info["source"]["held_out"][-2:]
    unseen = read_classes({name: folders[name] for name in names}, 32, 1)
    baseline = set(split_unseen(unseen, 2, 0).baseline.paths)
    assert len(baseline) == 10
    assert set(learned) == {file for files in folders.values() for file in files} - baseline


def test_centred_is_blind_to_where_the_class_is_and_sees_how_it_varies(split):
    corner = split.reference.pixels[:, 0, 0, 0]
    assert len(np.unique(corner)) == 1  # so what follows moves each class's mean and nothing else
    moved = split.reference.pixels.copy()
    moved[:, 0, 0, 0] = split.reference.labels * 20
    scores = score_set(replace(split.reference, pixels=moved), split, _flat)
    assert scores.fid > 0.01
    assert scores.fid_centred == pytest.approx(0, abs=1e-3)

    # Where the images shown lie the corner is 0, too: moved there, they are as they were.
    assert scores.fid_at_support_means == pytest.approx(
        score_set(split.reference, split, _flat).fid_at_support_means, abs=1e-3
    )

    alike = np.stack([split.support.pixels[split.support.labels == c][0] for c in range(10)])
    repeated = replace(split.reference, pixels=alike[split.reference.labels])
    assert score_set(repeated, split, _flat).fid_centred > 1


def test_moved_to_what_is_shown_real_images_are_off_by_what_few_images_do_not_tell(split):
    everything = replace(split, support=split.reference)
    assert score_set(split.reference, everything, _flat).fid_at_support_means == pytest.approx(
        0, abs=1e-3
    )
    assert score_set(split.reference, split, _flat).fid_at_support_means > 1


def test_one_class_of_a_split_is_that_class_alone(split):
    one = split.of("7")
    assert {p.parent.name for p in one.support.paths + one.baseline.paths} == {"7"}
    assert np.all(one.reference.labels == 0)


def test_the_reference_itself_has_no_distance(split):
    scores = score_set(split.reference, split, _flat)
    assert scores.fid == pytest.approx(0, abs=1e-3)
    assert score_set(split.baseline, split, _flat).fid > 0.1


def test_support_images_given_as_samples_are_copies(split):
    copied = split.support
    assert score_set(copied, split, _flat).copies == 1.0


def test_plain_trains_as_long_as_phi_t_with_or_without_gems():
    with_gems = parse_recipe(TINY, "tiny").target
    assert plain(with_gems).steps == 4
    assert not plain(with_gems).gems
    without = with_gems.model_copy(update={"gems": False})
    assert plain(without).steps == 2


@pytest.mark.parametrize("singly", [False, True])
def test_phi_t_is_scored_only_where_the_recipe_has_gems(tiny_bundle, digits, tiny, singly):
    some = {"classes": 2, "shots": 2, "seeds": 1, "singly": singly}
    methods = {"real images", "strong", "weak", "target without GEMs"}
    methods |= {"target without GEMs, acceptance threshold"}
    with_gems = {"target", "target, acceptance threshold"}
    assert set(score(str(tiny_bundle), digits, **some)) == methods | with_gems
    bare = tiny.model_copy(update={"target": tiny.target.model_copy(update={"gems": False})})
    assert set(score(str(tiny_bundle), digits, recipe=bare, **some)) == methods


def test_rejection_keeps_draws_that_are_more_like_their_class(tiny_bundle, split, tiny):
    some = split.of("3")
    engine = Engine(torch.device("cpu"), torch.float32)
    bundle = open_bundle(tiny_bundle)
    target = train_target(some.support, bundle, tiny, Session(engine, Progress(quiet=True)))
    hard = replace(target, limits=(2.0,))  # no cosine is that large: the best of all tries

    usual, best = (
        Method((Model(target.generator, target.gems, t),)).draw(
            some.support, some.baseline.labels, engine, seed=0
        )
        for t in (None, hard)
    )

    def similarity(images):
        unit = torch.from_numpy(images.pixels).float() / 127.5 - 1
        with torch.no_grad():
            return target.similarity(unit, images.labels)

    assert (similarity(best) >= similarity(usual) - 0.01).all()
    assert similarity(best).mean() > similarity(usual).mean()


def test_score_names_the_classes_it_lacks(tiny_bundle, rare):
    result = CliRunner().invoke(app, ["score", str(tiny_bundle), str(rare), "--classes", "2"])
    assert result.exit_code == 3
    assert "held out" in result.stderr


def test_classes_too_small_to_score_on_are_left_out(tiny_bundle, digits, tmp_path):
    names = open_bundle(tiny_bundle).info["source"]["held_out"]
    small = {name: range(5) for name in names[1:]}
    few = copy_classes(digits, tmp_path / "few", {names[0]: range(12)} | small)
    says = []
    progress = Progress(quiet=True)
    progress.say = says.append

    scores = score(str(tiny_bundle), few, shots=2, seeds=1, progress=progress)

    assert scores
    assert says[0].startswith(f"1 of {len(names)} held-out classes")
    with pytest.raises(ImageError, match="No held-out class has 13 images"):
        score(str(tiny_bundle), few, shots=9, seeds=1)


def test_a_stop_loses_no_seed_and_more_seeds_go_on(tiny_bundle, digits, tmp_path, monkeypatch):
    options = ["--classes", "2", "--shots", "2", "--device", "cpu", "--json"]
    words = ["score", str(tiny_bundle), str(digits), *options]
    monkeypatch.setattr(scoring, "score_methods", _cut_off_at(1))
    cut_off = CliRunner().invoke(app, [*words, "-o", str(tmp_path), "--seeds", "2"])
    assert isinstance(cut_off.exception, CutOffError)
    monkeypatch.undo()
    trained = []
    build_methods = scoring.build_methods

    def counted(*given, **more):
        trained.append(given[5])
        return build_methods(*given, **more)

    monkeypatch.setattr(scoring, "build_methods", counted)
    found = the_json(l2laug(*words, "-o", tmp_path, "--seeds", 2))
    assert trained == [1]
    whole = the_json(l2laug(*words, "-o", tmp_path / "other", "--seeds", 2))
    assert found == whole

    trained.clear()
    first = {name: scores[:1] for name, scores in whole["scores"].items()}
    assert the_json(l2laug(*words, "-o", tmp_path, "--seeds", 1))["scores"] == first
    assert not trained
    (folder,) = (p for p in tmp_path.iterdir() if p.name != "other")
    assert (folder / "scores.md").read_text().startswith("| images | fid |")
    l2laug(*words, "-o", tmp_path, "--seeds", 1, "--singly")  # another experiment
    assert trained == [0]


class CutOffError(Exception):
    pass


def _cut_off_at(wanted):
    def score(*given, seed, **more):
        if seed == wanted:
            raise CutOffError
        return score_methods(*given, seed=seed, **more)

    return score

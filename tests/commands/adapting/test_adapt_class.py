"""A bundle that draws: what it draws of other things is turned down, what is unusual is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image
from sklearn.datasets import load_sample_images

from l2laug.artifacts.bundle import open_bundle
from l2laug.commands import adapt as command
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.adapt import _recipe as given
from l2laug.commands.adapting.adapt_class import Plan, notes_on
from l2laug.commands.adapting.run_sheet import require_variety
from l2laug.commands.adapting.select_bundle import Choice
from l2laug.config.load import parse_recipe
from l2laug.core.errors import QualityError
from l2laug.core.progress import Progress
from l2laug.data.support import read_supports
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import Sampler
from tests.conftest import TINY
from tests.fixtures.make import BUNDLE


@pytest.fixture(scope="module")
def temples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three crops of a photograph, 120 pixels wide."""
    folder = tmp_path_factory.mktemp("photographs") / "temple"
    folder.mkdir()
    china = load_sample_images().images[0]
    for i in range(3):
        crop = np.ascontiguousarray(china[10 * i : 10 * i + 90, 20 * i : 20 * i + 120])
        Image.fromarray(crop).save(folder / f"{i}.png")
    return folder


def test_drawn_rubbish_is_turned_down_and_shown(temples: Path, tmp_path: Path) -> None:
    # Two steps of training: nothing it draws is a temple.
    recipe = parse_recipe(TINY | {"target": {"steps": 2, "tune_steps": 2, "batch": 4}}, "strict")
    options = AdaptOptions(bundle=str(BUNDLE), recipe=recipe, out=tmp_path / "run")
    with pytest.raises(QualityError, match="does not look like") as caught:
        adapt(temples, options, Session("cpu", Progress(quiet=True)))
    assert caught.value.exit_code == 9
    sheet = tmp_path / "run.rejected" / "sheet.png"
    assert str(sheet) in caught.value.remedy
    assert sheet.is_file()
    assert not (tmp_path / "run").exists()


def test_reduced_originals_and_lost_colours_are_told(temples: Path) -> None:
    bundle = open_bundle(BUNDLE)
    session = Session("cpu", Progress(quiet=True))
    support = read_supports({"temple": sorted(temples.iterdir())}, bundle)["temple"]
    plan = Plan(bundle, parse_recipe(TINY, "tiny"), session, None, max_side=100)
    notes = "\n".join(notes_on(support, plan, None))
    assert "3 of the 3 images are larger than 100 pixels" in notes
    assert "shows colour" in notes
    plan = Plan(bundle, parse_recipe(TINY, "tiny"), session, None, max_side=120)
    assert "larger than" not in "\n".join(notes_on(support, plan, None))


def test_where_no_bundle_was_named_the_general_one_takes_over(
    temples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = parse_recipe(TINY | {"target": {"steps": 2, "tune_steps": 2, "batch": 4}}, "strict")
    choice = Choice(open_bundle(BUNDLE), {"tiny": 0.5})
    monkeypatch.setattr(command, "nearest_bundle", lambda _: choice)
    monkeypatch.setattr(
        command, "_recipe", lambda o, b: strict if b.name == "tiny" else given(o, b)
    )
    session, out = Session("cpu", Progress(quiet=True)), tmp_path / "run"
    (adapted,) = adapt(temples, AdaptOptions(out=out), session)
    assert (adapted.bundle, adapted.passed) == ("photos", True)
    assert Sampler(out / "model.onnx", device="cpu").card.bundle == "photos"
    before = (out / "model.onnx").stat().st_mtime_ns
    (again,) = adapt(temples, AdaptOptions(out=out, resume=True), session)
    assert again.bundle == "photos"
    assert (out / "model.onnx").stat().st_mtime_ns == before


def test_a_model_that_ended_in_a_constant_is_turned_down(tiny_run: Path, tmp_path: Path) -> None:
    require_variety(tiny_run)
    model = onnx.load(tiny_run / "model.onnx")
    for weights in model.graph.initializer:
        if weights.name == "generator.head.6.weight":  # of the last layer
            values = numpy_helper.to_array(weights)
            weights.CopyFrom(numpy_helper.from_array(values * 0, weights.name))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(QualityError, match="3: training has ended in a model that draws blank"):
        require_variety(tmp_path)

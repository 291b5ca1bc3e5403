"""The general bundle adapts real photographs: sharp, whole, of their own size; or says it can't."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_sample_images

from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.adapting import adapt_change
from l2laug.core.errors import QualityError
from l2laug.core.progress import Progress
from l2laug.evaluation import draw_quality
from l2laug.evaluation.draw_quality import sharpness
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples

QUIET = Progress(quiet=True)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def temple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four wide crops of a photograph that comes with scikit-learn."""
    folder = tmp_path_factory.mktemp("photographs") / "temple"
    folder.mkdir()
    china = load_sample_images().images[0]
    for i in range(4):
        crop = china[20 * i : 20 * i + 200, 40 * i : 40 * i + 320]
        Image.fromarray(crop).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def run(temple: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "temple"
    (adapted,) = adapt(temple, AdaptOptions(out=out), Session("cpu", QUIET))
    assert adapted.bundle == "photos"  # found by itself
    return out


def test_samples_are_sharp_changed_and_of_their_own_size(
    run: Path, temple: Path, tmp_path: Path
) -> None:
    sampler = Sampler(run / "model.onnx", device="cpu")
    write_samples(sampler, 4, tmp_path, 0, QUIET)
    originals = [np.asarray(Image.open(p)) for p in sorted(temple.iterdir())]
    for i, path in enumerate(sorted((tmp_path / "temple").iterdir())):
        sample, original = np.asarray(Image.open(path)), originals[i]
        assert sample.shape == original.shape
        assert 0.6 < sharpness(sample) / sharpness(original) < 1.6
        assert np.abs(sample.astype(int) - original.astype(int)).mean() > 2


def test_options_tell_the_strengths_and_what_was_seen(run: Path) -> None:
    options = yaml.safe_load((run / "options.yaml").read_text())
    assert set(options["strength"]) == {"affine", "flow", "tone", "draw"}
    assert options["strength"]["draw"] == 0
    assert max(options["strength"].values()) > 0
    card = Sampler(run / "model.onnx", device="cpu").card
    assert list(card.strength) == list(options["strength"].values())


def test_where_nothing_passes_adapt_says_so_and_leaves_no_model(
    run: Path, temple: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The model of what is turned down, for its sheet, would be the same but for the strength.
    model = run / "model.onnx"
    monkeypatch.setattr(adapt_change, "export_model", lambda *a: shutil.copy(model, a[3]))
    monkeypatch.setattr(draw_quality, "CONTRAST", (5.0, 6.0))  # no change can reach that
    out = tmp_path / "run"
    with pytest.raises(QualityError, match="temple: no change of its images passes") as caught:
        adapt(temple, AdaptOptions(bundle="photos", out=out), Session("cpu", QUIET))
    assert caught.value.exit_code == 9
    assert not out.exists()
    assert (tmp_path / "run.rejected" / "sheet.png").is_file()

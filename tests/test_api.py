"""l2laug from Python: what the docstrings show, what importing costs, what arrays come out."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import l2laug
from l2laug import api
from l2laug.core.errors import UsageError
from l2laug.data.images.image_io import read_image


@pytest.fixture
def here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rare: Path,
    digits: Path,
    tiny_bundle: Path,
    tiny_recipe_file: Path,
) -> Path:
    """A current folder with all that the examples name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(rare, "crack")
    shutil.copytree(digits, "all_classes")
    shutil.move("all_classes/3", "all_classes/crack")
    shutil.copytree(tiny_bundle, "my_bundle")
    shutil.copy(tiny_recipe_file, "quick.yaml")
    return tmp_path


def test_the_docstrings_examples(here: Path) -> None:
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    tried = 0
    for name in ("adapt", "sample", "load", "evaluate", "pretrain"):
        for example in finder.find(getattr(l2laug, name), name, globs={}):
            tried += runner.run(example).attempted
    assert runner.summarize().failed == 0
    assert tried > 10
    assert (here / "l2laug-runs" / "crack" / "report.json").is_file()
    assert (here / "new_bundle" / "bundle.json").is_file()


def test_arrays_are_the_pictures_that_sample_writes(tiny_run: Path, tmp_path: Path) -> None:
    written = l2laug.sample(str(tiny_run), count=5, out=str(tmp_path / "out"), seed=3)
    images = l2laug.load(tiny_run).sample(5, seed=3)

    files = sorted(written.folder.iterdir())
    assert images.shape == (len(files), 32, 32, 1)
    for image, file in zip(images, files, strict=True):
        np.testing.assert_array_equal(image.transpose(2, 0, 1), read_image(file))


def test_no_images_is_wrong_use(tiny_run: Path) -> None:
    with pytest.raises(UsageError, match="0 images"):
        l2laug.load(tiny_run).sample(0)


def loaded_after(code: str) -> set[str]:
    """Which of the large libraries a fresh Python has loaded after some code."""
    large = "torch", "numpy", "onnxruntime", "scipy", "sklearn", "timm", "PIL", "yaml", "pydantic"
    told = f"{code}\nimport sys\nprint(*(m for m in {large} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_large() -> None:
    assert loaded_after("import l2laug; l2laug.adapt; l2laug.load; dir(l2laug)") == set()


def test_drawing_loads_no_torch(tiny_run: Path) -> None:
    drawn = loaded_after(f"import l2laug; l2laug.load({str(tiny_run)!r}, 'cpu').sample(1)")
    assert "onnxruntime" in drawn
    assert not drawn & {"torch", "scipy", "sklearn", "timm", "pydantic"}


def test_the_door_says_what_is_behind_it() -> None:
    names = {"adapt", "evaluate", "load", "pretrain", "sample", "Model", "__version__"}
    assert set(l2laug.__all__) == names
    assert names <= set(dir(l2laug))
    assert all(getattr(l2laug, name) is getattr(api, name) for name in api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'adopt'"):
        l2laug.adopt  # noqa: B018

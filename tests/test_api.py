"""l2laug from Python: what the docstrings show, what importing costs, what arrays come out."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import l2laug
from l2laug import api
from l2laug.core.errors import UsageError
from l2laug.data.images.image_io import read_image
from tests.test_fixtures import check_files_and_keys


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


@pytest.mark.slow
def test_the_docstrings_examples(here: Path) -> None:
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    doors = ["augment", "pretrain", "adapt", "sample", "load", "evaluate"]
    doors += ["Model.sample", "Model.pictures"]
    for door in doors:
        if door == "sample":  # by its example the run gets samples
            check_files_and_keys(here / "new_bundle", here / "l2laug-runs" / "crack")
        (example,) = finder.find(attrgetter(door)(l2laug), door, globs={})
        assert runner.run(example).attempted > 1, door
    assert runner.summarize().failed == 0
    assert (here / "l2laug-runs" / "crack" / "report.json").is_file()


@pytest.mark.parametrize("size", [None, 48])
def test_arrays_are_the_pictures_that_sample_writes(
    tiny_run: Path, tmp_path: Path, size: int | None
) -> None:
    written = l2laug.sample(str(tiny_run), count=5, out=str(tmp_path / "out"), seed=3, size=size)
    images = l2laug.load(tiny_run).sample(5, seed=3, size=size)

    files = sorted(written.folder.iterdir())
    assert images.shape == (len(files), written.side, written.side, 1)
    for image, file in zip(images, files, strict=True):
        np.testing.assert_array_equal(image.transpose(2, 0, 1), read_image(file))


@pytest.mark.parametrize(("size", "suffix"), [(None, "png"), (48, "webp")])
def test_files_are_of_the_size_and_format_asked_for(
    tiny_run: Path, tmp_path: Path, size: int | None, suffix: str
) -> None:
    written = l2laug.sample(tiny_run, count=2, out=tmp_path / "out", size=size, format=suffix)

    files = sorted(written.folder.iterdir())
    assert [file.name for file in files] == [f"00000{i}.{suffix}" for i in range(2)]
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == suffix.upper()
            assert picture.size == (size or 32, size or 32)


def test_what_can_not_be_drawn_is_wrong_use(tiny_run: Path, tmp_path: Path) -> None:
    model = l2laug.load(tiny_run)
    with pytest.raises(UsageError, match="0 images"):
        model.sample(0)
    with pytest.raises(UsageError, match=r"7 is out of range\. Use 8 to 4096"):
        model.sample(1, size=7)
    for wrong in ({"size": 5000}, {"format": "gif"}):
        with pytest.raises(UsageError, match=r"5000|gif"):
            l2laug.sample(tiny_run, out=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


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
    names = {"adapt", "augment", "evaluate", "load", "pretrain", "sample", "Model", "__version__"}
    assert set(l2laug.__all__) == names
    assert names <= set(dir(l2laug))
    assert all(getattr(l2laug, name) is getattr(api, name) for name in api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'adopt'"):
        l2laug.adopt  # noqa: B018

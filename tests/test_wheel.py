"""The wheel holds all that l2laug needs, and works far from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fixtures import make as fixtures

ROOT = Path(__file__).parents[1]
OFFLINE = ("connection", "name resolution", "timed out", "proxy", "unreachable")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel laid out as an installer would."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder)  # our own file
    return folder


def python(unpacked: Path, cwd: Path, *words: str) -> str:
    """Run Python with l2laug from the wheel, elsewhere than in the checkout."""
    env = {**os.environ, "PYTHONPATH": str(unpacked), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_is_in_it(names: set[str]) -> None:
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "l2laug").rglob("*.py")}
    assert modules <= names


def test_recipes_and_types_are_in_it(names: set[str]) -> None:
    recipes = {f"l2laug/recipes/{p.name}" for p in (ROOT / "recipes").glob("*.yaml")}
    assert "l2laug/recipes/glyphs.yaml" in recipes
    assert recipes <= names
    assert "l2laug/py.typed" in names


def test_bundles_are_in_it(names: set[str]) -> None:
    files = {"bundle.json", "README.md", "sheet.png", "features.onnx", "gems.safetensors"}
    assert {f"l2laug/models/glyphs/{name}" for name in files} <= names


def test_nothing_else_is_in_it(names: set[str]) -> None:
    assert {n.split("/")[0].partition("-")[0] for n in names} == {"l2laug"}
    assert not [n for n in names if "/." in n or "__pycache__" in n or n.endswith(".pt")]


def test_the_package_comes_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    found = python(unpacked, tmp_path, "-c", "import l2laug; print(l2laug.__file__)")
    assert Path(found.strip()) == unpacked / "l2laug" / "__init__.py"


def test_help(unpacked: Path, tmp_path: Path) -> None:
    told = python(unpacked, tmp_path, "-m", "l2laug", "--help")
    assert "adapt" in told
    assert "sample" in told


def test_the_shipped_recipe_is_found(unpacked: Path, tmp_path: Path) -> None:
    code = "from l2laug.config.load import find_recipe as f; print(f('glyphs').generator.size)"
    assert python(unpacked, tmp_path, "-c", code) == "32\n"


def test_the_shipped_bundle_is_verified(unpacked: Path, tmp_path: Path) -> None:
    listed = python(unpacked, tmp_path, "-m", "l2laug", "bundles").splitlines()
    (glyphs,) = [line for line in listed if line.startswith("glyphs ")]
    assert "32x32x1  verified" in glyphs


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment with the wheel installed and no extra."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    # What is never imported here need not be compiled.
    install = [*pip(programs), "install", "--quiet", "--no-compile", "--retries", "1"]
    command = [*install, "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    done = subprocess.run(command, env=clean(), capture_output=True, text=True)
    if done.returncode and any(word in done.stderr.lower() for word in OFFLINE):
        pytest.skip("no package index can be reached to install the wheel from")
    assert done.returncode == 0, done.stderr
    return programs


def pip(programs: Path) -> list[str]:
    """This environment's pip, at work on another one, which does without."""
    return [sys.executable, "-m", "pip", "--python", str(programs / "python")]


def clean() -> dict[str, str]:
    """The environment without the places that this checkout is imported from."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def installed(bare: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(bare / "l2laug"), *words]
    return subprocess.run(command, cwd=cwd, env=clean(), capture_output=True, text=True)


@pytest.mark.slow
def test_installed_bare_it_samples(bare: Path, tmp_path: Path) -> None:
    done = installed(bare, tmp_path, "sample", str(fixtures.RUN), "-n", "3", "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sampled"]["count"] == 3
    assert len(list((tmp_path / "out" / "3").glob("*.png"))) == 3


@pytest.mark.slow
def test_installed_bare_it_lists_its_bundles(bare: Path, tmp_path: Path) -> None:
    done = installed(bare, tmp_path, "bundles")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("glyphs  32x32x1  verified")


@pytest.mark.slow
def test_installed_bare_it_names_the_extra_for_learning(bare: Path, tmp_path: Path) -> None:
    done = installed(bare, tmp_path, "adapt", "X")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"error: This needs \w+, which is not installed\. pip install 'l2laug\[train\]'", line
    )


@pytest.mark.slow
def test_installed_bare_it_has_one_onnxruntime_and_no_torch(bare: Path, tmp_path: Path) -> None:
    listing = [*pip(bare), "list", "--format", "json"]
    done = subprocess.run(listing, cwd=tmp_path, env=clean(), capture_output=True, text=True)
    names = {row["name"].lower() for row in json.loads(done.stdout)}
    assert [name for name in names if name.startswith("onnxruntime")] == ["onnxruntime"]
    assert not names & {"torch", "timm", "scipy", "scikit-learn"}

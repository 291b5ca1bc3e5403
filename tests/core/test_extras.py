"""What a missing package is said to belong to, held against pyproject and the code's imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from l2laug.core.extras import EXTRAS, missing_extra

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Packages whose module is called otherwise, by what their own documentation says to import.
MODULES = {"scikit-learn": "sklearn", "pyyaml": "yaml", "pillow": "PIL"}

# Imports fail as they do where only what sampling needs is installed.
BARE = """
import sys
from importlib.abc import MetaPathFinder
from l2laug.core.extras import EXTRAS

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in frozenset().union(*EXTRAS.values()) - {"pydantic"}:  # typer has that
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from l2laug.cli import app
app(sys.argv[1:])
"""


def bare(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BARE, *words]
    return subprocess.run(command, capture_output=True, text=True)


def modules(requirements: list[str]) -> set[str]:
    """The modules that requirements bring, by their packages' names."""
    names = [re.split(r"[\[<>=;~! ]", line)[0] for line in requirements]
    return {MODULES.get(name, name.replace("-", "_")) for name in names} - {"l2laug"}


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_has_the_modules_of_its_packages(extra: str) -> None:
    assert EXTRAS[extra] == modules(PROJECT["optional-dependencies"][extra])


def test_every_import_belongs_to_a_requirement() -> None:
    known = modules(PROJECT["dependencies"]).union(*EXTRAS.values()) | {"l2laug"}
    for path in (ROOT / "l2laug").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found = [node.module or ""]
            roots = {name.partition(".")[0] for name in found}
            assert roots <= known | sys.stdlib_module_names, path


@pytest.mark.parametrize(
    ("module", "extra"),
    [("torch", "train"), ("sklearn", "train"), ("torch_fidelity", "inception"), ("lpips", "lpips")],
)
def test_a_missing_module_names_its_extra(module: str, extra: str) -> None:
    error = missing_extra(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert error is not None
    assert str(error).endswith(f"pip install 'l2laug[{extra}]'")
    assert module in error.fact
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'torch.new'", name="torch.new"),
        ModuleNotFoundError("No module named 'numpy'", name="numpy"),
        ImportError("libcudart.so: cannot open shared object file", name="torch"),
    ],
    ids=["submodule", "not-optional", "broken"],
)
def test_other_failures_are_no_missing_extra(error: ImportError) -> None:
    assert missing_extra(error) is None


@pytest.mark.parametrize(
    "words",
    [
        ["adapt", "X"],
        ["adapt", "X", "--json"],
        ["evaluate", "X"],
        ["pretrain", "X", "-o", "Y"],
        ["score", "glyphs", "X"],
        ["reproduce", "X", "--recipe", "glyphs"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_a_command_that_learns_says_what_to_install(words: list[str]) -> None:
    done = bare(*words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("pip install 'l2laug[train]'")
    assert ("MissingExtraError" in done.stdout) == ("--json" in words)


@pytest.mark.parametrize("words", [["bundles"], ["--help"], ["adapt", "--help"], ["--version"]])
def test_a_light_command_works(words: list[str]) -> None:
    done = bare(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout

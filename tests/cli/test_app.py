"""What all commands share: JSON, errors, version, help."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from l2laug import __version__
from tests.cli.calls import l2laug, the_json


def test_results_as_json(here: Path, tiny_run: Path, tiny_bundle: Path) -> None:
    sampled = the_json(l2laug("sample", tiny_run, "-n", 2, "-o", "out", "--json"))
    assert sampled["version"] == __version__
    assert sampled["sampled"].pop("rejected") >= 0
    assert sampled["sampled"].pop("never_accepted") >= 0
    assert sampled["sampled"] == {
        "folder": "out/3",
        "class_name": "3",
        "count": 2,
        "side": 32,
        "missing_parts": [],
        "precision": "fp32",
        "provider": "CPU",
    }
    (row,) = the_json(l2laug("bundles", tiny_bundle, "--json"))["bundles"]
    assert (row["name"], row["size"], row["channels"], row["problems"]) == ("tiny", 32, 1, [])
    assert list(here.iterdir()) == [here / "out"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (2, "UsageError", ["sample"]),
        (2, "UsageError", ["adapt", ".", "--budget", "soon"]),
        (2, "UsageError", ["evaluate"]),
        (3, "ImageError", ["adapt", "nowhere"]),
        (4, "BundleError", ["bundles", "nowhere"]),
        (5, "RecipeError", ["pretrain", ".", "-o", "mine", "--recipe", "bad.yaml"]),
    ],
)
def test_errors_as_json(here: Path, code: int, kind: str, words: list[str]) -> None:
    (here / "bad.yaml").write_text("nom: mine\n")
    result = l2laug(*words, "--json")
    assert result.exit_code == code
    error = the_json(result)["error"]
    assert error["kind"] == kind
    assert error["fact"]
    assert error["remedy"]


def test_damage_as_json_is_one_document(here: Path, tiny_bundle: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, here / "tiny"))
    (bundle / "weak.safetensors").unlink()
    result = l2laug("bundles", bundle, "--json")
    assert result.exit_code == 4
    (row,) = the_json(result)["bundles"]
    (problem,) = row["problems"]
    assert "weak.safetensors is missing" in problem


def test_version() -> None:
    assert l2laug("--version").stdout == f"{__version__}\n"


def test_no_command_shows_the_commands() -> None:
    result = l2laug()
    for command in ("adapt", "sample", "evaluate", "pretrain", "bundles"):
        assert command in result.output

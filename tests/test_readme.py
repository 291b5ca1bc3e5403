"""README, docs and cards: their commands run, their links and options exist, they stay short."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from l2laug.artifacts.bundle import write_info
from l2laug.cli import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CARDS = sorted((ROOT / "models").glob("*/README.md"))
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS, *CARDS, ROOT / "CHANGELOG.md"]
CURRENT = [README, *DOCS, *CARDS]  # the changelog names old options too
RESULTS = sorted((ROOT / "docs" / "results").glob("*.csv"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# Options that README and docs name of other programs.
DOCKER = {"--read-only", "--rm", "--tmpfs", "--user"}
BENCHMARKS = {
    option
    for path in (ROOT / "tests" / "benchmarks").rglob("*.py")
    for option in re.findall(r'"(--[a-z-]+)"', path.read_text(encoding="utf-8"))
}
OTHERS = {"--nproc-per-node", "--write", *DOCKER, *BENCHMARKS}

# What keeps the README's own commands small: documented options, put behind them. The tiny bundle
# stands in for the shipped ones, whose training of a rare class takes minutes.
SMALLER = {
    "adapt": "--bundle tiny --device cpu",
    "sample": "-n 60 --device cpu",  # of two -n the last counts
    "evaluate": "--heads small --flips no --seeds 2 --steps 2 --device cpu",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(path: Path) -> list[str]:
    """The command lines of a page's indented blocks, without the comments behind them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        line.strip().split("  #")[0].strip() for line in lines if line.startswith("    l2laug ")
    ]


@cache
def options(command: str) -> frozenset[str]:
    """All that a command takes, from the parser that --help is printed from."""
    found = get_command(app).commands[command].params  # type: ignore[attr-defined]
    return frozenset(o for p in found for o in [*p.opts, *p.secondary_opts]) | {"--help"}


@pytest.mark.parametrize("page", CARDS, ids=name_of)
def test_a_card_is_one_screen(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 60


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+://", link):
            continue
        target, _, section = link.partition("#")
        found = page.parent / target if target else page
        assert found.exists(), f"{name_of(page)} links to {link}"
        if section:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert section in anchors, f"{name_of(page)} links to {link}"


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_every_option_exists(page: Path) -> None:
    old = {"--judge", "--common"}  # docs/results.md says what they are called now
    known = {o for name in get_command(app).commands for o in options(name)}  # type: ignore[attr-defined]
    text = page.read_text(encoding="utf-8")
    used = set(OPTION.findall(re.sub(r"<!--.*?-->|pip \S+.*|pip install.*", "", text)))
    assert used - known - OTHERS - (old if page.name == "results.md" else set()) == set()


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_a_command_line_takes_its_options(page: Path) -> None:
    for line in commands(page):
        _, command, *words = shlex.split(line)
        given = {w for w in words if re.match(r"--?[a-z]", w)}
        assert given <= options(command), line


def test_the_pages_have_commands() -> None:
    assert {line.split()[1] for line in commands(README)} >= {"adapt", "sample", "evaluate"}


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_a_result_names_its_command_and_commit(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert None not in row
        assert row["command"]
        assert re.fullmatch(r"[0-9a-f]{7,40}", row["commit"])
        assert row["value"] == "" or float(row["value"]) == float(row["value"])


@pytest.mark.slow
def test_the_three_commands(
    digits: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commands(README)[:3]
    assert [line.split()[1] for line in first] == ["adapt", "sample", "evaluate"]
    assert "-n 1000" in first[1]
    rare, held_out = (tmp_path / shlex.split(line)[-1] for line in (first[0], first[2]))
    for label, name in (("3", rare.name), ("0", "0"), ("1", "1"), ("4", "4")):
        (rare.parent / name).mkdir(parents=True)
        (held_out / name).mkdir(parents=True)
        for i, path in enumerate(sorted((digits / label).iterdir())):
            shutil.copy(path, (rare.parent if i < 5 else held_out) / name)
    shutil.copytree(tiny_bundle, tmp_path / "tiny")
    # As if it had seen none of these digits, so that they may be tested on.
    (tmp_path / "tiny" / "learned.txt").write_text("")
    write_info(tmp_path / "tiny", json.loads((tmp_path / "tiny" / "bundle.json").read_text()))
    monkeypatch.chdir(tmp_path)
    said = []
    for line in first:
        words = [*shlex.split(line)[1:], *SMALLER[line.split()[1]].split()]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"{line}: {result.output}"
        said.append(result.output)
    run = tmp_path / "l2laug-runs" / rare.name
    assert "contains the rare images themselves" in said[0]
    assert len(list((run / "samples" / rare.name).glob("*.png"))) == 60
    assert re.search("helps|hurts|unclear", said[2])  # of two trainings of two steps each
    assert {"report.html", "report.md", "report.json"} <= {p.name for p in run.iterdir()}


def test_the_module_that_renews_the_recipes_page_is_runnable() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "l2laug.config.describe"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")

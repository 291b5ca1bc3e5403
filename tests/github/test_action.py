"""The action and the container file: linted, and their steps run without GitHub or a container."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from l2laug.cli import app

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "augment" / "action.yml"
DOCKERFILE = ROOT / ".github" / "container" / "Dockerfile"
PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")

BASH = shutil.which("bash") or "bash"

# Stands in for l2laug and for pip: writes down what it was called with, ends as it is told.
STAND_IN = f"""#!{sys.executable}
import json, os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if "-o" in sys.argv:
    out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    out.mkdir(exist_ok=True)
    (out / "report.md").write_text("# What helps\\n")
sys.exit(int(os.environ["CODE"]))
"""


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block)
    return found


def parses(words: list[str]) -> None:
    """Let l2laug's own parser read a command line, without running it."""
    command, *rest = words
    get_command(app).commands[command].make_context(command, rest)  # type: ignore[attr-defined]


# --- the action ------------------------------------------------------------------------------


def test_every_input_is_used_and_every_one_used_is_there(action: dict[str, Any]) -> None:
    used = set(re.findall(r"inputs\.([a-z-]+)", ACTION.read_text(encoding="utf-8")))
    assert used == set(action["inputs"])
    assert all(given["description"] for given in action["inputs"].values())
    assert action["runs"]["using"] == "composite"


def test_inputs_reach_the_shell_as_variables_alone(action: dict[str, Any]) -> None:
    """A name like ``$(rm -r .)`` must stay a name: nothing is put into a script's text."""
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "run" in step:
            assert step["shell"] == "bash"
            subprocess.run([BASH, "-n", "-c", step["run"]], check=True)


def run_step(
    action: dict[str, Any], name: str, here: Path, inputs: dict[str, str], code: int
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """Run a step as GitHub does, with stand-ins for the programs; their calls."""
    [step] = [step for step in action["runs"]["steps"] if step["name"] == name]
    given = {key: str(value.get("default", "")) for key, value in action["inputs"].items()}
    given |= inputs
    filled = {
        key: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], value)
        for key, value in step["env"].items()
    }
    (here / "bin").mkdir()
    for program in ("l2laug", "python"):
        (here / "bin" / program).write_text(STAND_IN)
        (here / "bin" / program).chmod(0o755)
    github = {
        "PATH": f"{here / 'bin'}:{os.environ['PATH']}",
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "GITHUB_OUTPUT": str(here / "output"),
        "GITHUB_STEP_SUMMARY": str(here / "summary"),
        "CALLS": str(here / "calls"),
        "CODE": str(code),
    }
    done = subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=here,
        env=github | filled,
        capture_output=True,
        text=True,
    )
    calls = here / "calls"
    lines = calls.read_text().splitlines() if calls.is_file() else []
    return done, [json.loads(line) for line in lines]


def test_the_install_step_installs_this_very_checkout(
    action: dict[str, Any], tmp_path: Path
) -> None:
    done, [call] = run_step(action, "Install l2laug", tmp_path, {"pip-arguments": "--pre -q"}, 0)
    assert done.returncode == 0, done.stderr
    assert call[:3] == ["-m", "pip", "install"]
    assert call[5:7] == ["--pre", "-q"]
    assert Path(call[4]).resolve() == ROOT / "constraints.txt"
    folder, extras = re.fullmatch(r"(.*)\[([\w,]+)\]", call[-1]).groups()  # type: ignore[union-attr]
    assert Path(folder).resolve() == ROOT
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"train", "parquet"} == set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.parametrize(
    ("code", "gate", "ends", "added"),
    [
        (0, "", 0, "added=true\n"),
        (10, "", 0, "added=false\n"),
        (0, "helps", 0, "added=true\n"),
        (10, "helps", 8, "added=false\n"),
        (3, "helps", 3, None),
    ],
)
def test_the_gate(
    action: dict[str, Any], tmp_path: Path, code: int, gate: str, ends: int, added: str | None
) -> None:
    inputs = {"dataset": "my data", "arguments": "--to-count 200 --budget 20m", "fail-unless": gate}
    done, [call] = run_step(action, "Augment", tmp_path, inputs, code)
    assert done.returncode == ends, done.stderr
    assert call[:2] == ["augment", "my data"]
    parses(call)
    if added is None:
        assert not (tmp_path / "output").exists()
    else:
        assert (tmp_path / "output").read_text() == added
        assert (tmp_path / "summary").read_text() == "# What helps\n"


def test_an_unknown_gate_is_told_before_any_work(action: dict[str, Any], tmp_path: Path) -> None:
    done, calls = run_step(action, "Augment", tmp_path, {"fail-unless": "great"}, 0)
    assert (done.returncode, calls) == (2, [])
    assert "helps or empty" in done.stdout


# --- the workflow of the docs ------------------------------------------------------------------


def test_the_workflow_uses_the_action_as_it_is(
    action: dict[str, Any], workflow: dict[str, Any], tmp_path: Path
) -> None:
    [job] = workflow["jobs"].values()
    [step] = [step for step in job["steps"] if step["uses"].endswith(".github/actions/augment")]
    assert (ROOT / step["uses"].partition("l2laug/")[2] / "action.yml") == ACTION
    given = {key: str(value) for key, value in step["with"].items()}
    assert set(given) <= set(action["inputs"])
    needed = {key for key, about in action["inputs"].items() if about.get("required")}
    assert needed <= set(given)
    _, [call] = run_step(action, "Augment", tmp_path, given, 0)
    parses(call)
    [upload] = [step for step in job["steps"] if "upload" in step["uses"]]
    assert upload["with"]["path"] == given["out"]


# --- the container ---------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """The container file's instructions, lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def test_the_container_has_what_installing_needs() -> None:
    steps = instructions()
    known = {"FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in steps} <= known
    copied = [
        source
        for word, rest in steps
        if word == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    ]
    assert all((ROOT / source).exists() for source in copied)
    # What the build backend reads of the project, by pyproject's own words.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    needed = {"pyproject.toml", "l2laug", *included, project["project"]["readme"]}
    assert needed | set(project["project"]["license-files"]) <= set(copied)
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


def test_the_containers_install_line_is_one_of_pip(tmp_path: Path) -> None:
    [run] = [rest for word, rest in instructions() if word == "RUN"]
    make, install = run.split("&&")
    folder = shlex.split(make)[-1]
    script = install.replace(folder, str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(STAND_IN)
    (tmp_path / "bin" / "python").chmod(0o755)
    environment = {"CALLS": str(tmp_path / "calls"), "CODE": "0", "PIP_ARGUMENTS": "--pre"}
    subprocess.run([BASH, "-c", script], env=environment, check=True)
    call = json.loads((tmp_path / "calls").read_text())
    assert call[:3] == ["-m", "pip", "install"]
    assert call[-2:] == ["--pre", ".[train,parquet]"]


def test_the_container_runs_as_nobody_and_writes_below_tmp(tiny_run: Path, tmp_path: Path) -> None:
    last = instructions()[::-1]
    final = last[: [word for word, _ in last].index("FROM")][::-1]
    settings = dict(final)
    assert int(settings["USER"].partition(":")[0]) > 0
    assert json.loads(settings["ENTRYPOINT"]) == ["l2laug"]
    assert json.loads(settings["CMD"]) == ["--help"]
    pairs = dict(word.partition("=")[::2] for word in shlex.split(settings["ENV"]))
    assert all(pairs[name].startswith("/tmp") for name in ("HOME", "XDG_CACHE_HOME"))  # noqa: S108
    assert pairs["USER"]
    # What an ordinary command writes, with these settings: where it was told, and below HOME.
    environment = dict(os.environ) | {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "home" / ".cache"),
        "PYTHONDONTWRITEBYTECODE": pairs["PYTHONDONTWRITEBYTECODE"],
    }
    words = ["sample", str(tiny_run), "-n", "2", "-o", str(tmp_path / "out")]
    subprocess.run([sys.executable, "-m", "l2laug", *words], env=environment, check=True, cwd=ROOT)
    assert {path.name for path in tmp_path.iterdir()} <= {"out", "home"}


def test_the_docs_command_lines_of_the_container_parse() -> None:
    [block] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    build, run = re.sub(r"\\\n\s*", "", block).splitlines()
    words = shlex.split(build)
    assert words[:2] == ["docker", "build"]
    assert (ROOT / words[words.index("-f") + 1]) == DOCKERFILE
    assert "--read-only" in run
    name = words[words.index("-t") + 1]
    parses(shlex.split(run.rpartition(f" {name} ")[2]))

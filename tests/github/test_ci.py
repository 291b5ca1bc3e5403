"""The workflow of tests and audits: what it calls is there, on the Pythons that are promised."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    path = ROOT / ".github" / "workflows" / "ci.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_oldest_python_of_the_tests_is_the_oldest_promised(workflow: dict[Any, Any]) -> None:
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={tested[0]}" == project["requires-python"]
    numbers = [tuple(map(int, version.split("."))) for version in tested]
    assert numbers == sorted(numbers)


def test_every_step_calls_what_is_there(workflow: dict[Any, Any]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    calls = [s["run"] for j in workflow["jobs"].values() for s in j["steps"] if "run" in s]
    assert calls == [".ci/run", "make audit"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert "audit" in targets


def test_the_audit_comes_by_itself_every_week(workflow: dict[Any, Any]) -> None:
    [schedule] = workflow[True]["schedule"]  # YAML takes "on" for true
    assert schedule["cron"].split()[2:4] == ["*", "*"]
    assert workflow["jobs"]["test"]["if"] == "github.event_name != 'schedule'"
    assert "if" not in workflow["jobs"]["audit"]

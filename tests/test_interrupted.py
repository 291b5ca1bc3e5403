"""Cut short by a full disk or Ctrl-C: the exit code, nothing half-written, the whole is kept."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM, getsignal
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from l2laug import cli
from l2laug.__main__ import main
from l2laug.cli import app
from l2laug.commands import adapt as adapting
from l2laug.commands import evaluate as evaluating
from l2laug.commands.adapting import adapt_class as learning
from l2laug.core.files import own_folder, whole_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stopped(code: int, *words: object) -> str:
    """Run a command that must end with an exit code; returns what it said."""
    result = CliRunner().invoke(app, [str(w) for w in words])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    return result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- a full disk ---------------------------------------------------------------------------


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system reject to write more than ``size`` bytes to a file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclass(frozen=True)
class Trained:
    """In place of a training's result."""

    generator: None = None
    gems: None = None
    classifier: None = None
    steps: int = 1
    limits: tuple[float, ...] = (0.0,)
    gem_choice: None = None


def write_whole(path: Path, content: bytes) -> None:
    with whole_file(path) as part:
        part.write_bytes(content)


def test_a_model_that_does_not_fit_on_the_disk_leaves_nothing(
    here: Path, rare: Path, tiny_bundle: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (tiny_run / "model.onnx").read_bytes()
    monkeypatch.setattr(learning, "train_target", lambda *_, **__: Trained())
    monkeypatch.setattr(learning, "export_model", lambda *a: write_whole(a[3], content))
    with files_of_at_most(len(content) // 2):
        said = stopped(6, "adapt", rare, "--bundle", tiny_bundle, "-o", "run")
    assert "model.onnx can't be written: File too large" in said
    assert list(here.iterdir()) == []


def test_samples_go_on_once_there_is_room_again(here: Path, tiny_run: Path) -> None:
    words = ["sample", tiny_run, "-n", "33", "--device", "cpu", "-o"]
    with files_of_at_most(5000):  # a picture takes less, the manifest more
        said = stopped(6, *words, "torn")
    assert "torn/manifest.jsonl can't be written: File too large" in said
    assert not [p for p in (here / "torn").rglob("*") if p.name[0] == "."]
    for more in (["whole"], ["torn", "--resume"]):
        assert CliRunner().invoke(app, [str(w) for w in (*words, *more)]).exit_code == 0
    assert contents(here / "torn") == contents(here / "whole")


# --- Ctrl-C --------------------------------------------------------------------------------


def test_ctrl_c_while_the_command_line_loads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "stopped before it began\n")


def test_ctrl_c_in_a_second_class_keeps_the_first(
    here: Path, rare: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        shutil.copytree(rare, here / "x" / name)
        (here / "out" / name).mkdir(parents=True)
        (here / "out" / name / "model.onnx").touch()

    def adapt_class(support: Any, _: Path, run: Path, *__: object) -> tuple[str, ...]:
        (run / "model.onnx").write_text("new")
        if support.classes[0] == "b":
            raise KeyboardInterrupt
        return ()

    monkeypatch.setattr(adapting, "adapt_class", adapt_class)
    said = stopped(130, "adapt", "x", "--bundle", tiny_bundle, "-o", "out", "--overwrite")
    assert "what was finished is kept" in said
    assert contents(here / "out") == {"a/model.onnx": b"new", "b/model.onnx": b""}


def test_ctrl_c_in_evaluate_leaves_no_report(
    here: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    shutil.copytree(tiny_run, here / "run")
    monkeypatch.setattr(evaluating, "find_bundle_of", interrupted)
    stopped(130, "evaluate", "run")
    assert contents(here / "run") == contents(tiny_run)


def test_sigterm_ends_a_command_as_ctrl_c_does(
    here: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def terminated(*_: object) -> None:
        os.kill(os.getpid(), SIGTERM)

    before = getsignal(SIGTERM)
    shutil.copytree(tiny_run, here / "run")
    monkeypatch.setattr(evaluating, "find_bundle_of", terminated)
    assert "what was finished is kept" in stopped(143, "evaluate", "run")
    assert getsignal(SIGTERM) == before


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_too_little_memory_is_said(
    here: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    shutil.copytree(tiny_run, here / "run")
    monkeypatch.setattr(evaluating, "find_bundle_of", fails)
    assert "There is not enough memory." in stopped(11, "evaluate", "run")


def test_two_processes_do_not_write_into_one_place(
    here: Path, tiny_run: Path, rare: Path, tiny_bundle: Path, tiny_recipe_file: Path
) -> None:
    shutil.copytree(tiny_run, here / "run")
    shutil.copytree(rare.parent, here / "run" / "samples")
    commands = {
        "drawn": ["sample", tiny_run, "-o", "drawn"],
        "run": ["evaluate", "run"],
        "bundle": ["pretrain", rare.parent, "-o", "bundle", "--recipe", tiny_recipe_file],
        "adapted": ["adapt", rare, "--bundle", tiny_bundle, "-o", "adapted"],
        "compared": ["evaluate", "run", rare, "-o", "compared"],
        "demo": ["demo", "--overwrite"],
        "paper": ["reproduce", rare.parent, "-o", "paper", "--recipe", tiny_recipe_file],
        "methods": ["benchmark", rare.parent, "-o", "methods", "--steps", 2],
    }
    for place, words in commands.items():
        with own_folder(here / place):
            assert f"Another l2laug is writing to {place}." in stopped(6, *words)
    assert [path.name for path in here.iterdir()] == ["run"]


def test_two_scorings_of_one_setting_are_kept_apart(
    here: Path, tiny_bundle: Path, digits: Path
) -> None:
    words = ["score", tiny_bundle, digits, "--shots", 2, "--seeds", 1, "-o", "scores"]
    words += ["--device", "cpu"]
    assert CliRunner().invoke(app, [*map(str, words)]).exit_code == 0
    [place] = (here / "scores").iterdir()
    with own_folder(place):
        assert f"Another l2laug is writing to scores/{place.name}." in stopped(6, *words)
        assert CliRunner().invoke(app, [*map(str, words), "--shots", "3"]).exit_code == 0
    assert len(list((here / "scores").iterdir())) == 2


def test_comparisons_into_the_run_itself_are_kept_apart(
    here: Path, tiny_run: Path, digits: Path
) -> None:
    shutil.copytree(tiny_run, here / "run")
    shutil.copytree(digits / "3", here / "run" / "samples" / "3")
    words = ["evaluate", "run", digits / "3"]
    with own_folder(here / "run"):
        assert "Another l2laug is writing to run." in stopped(6, *words)
        assert "Another l2laug is writing to run." in stopped(6, *words, "--classifier", "-o", "x")


def test_a_real_ctrl_c_in_sample_leaves_whole_pictures_in_the_manifest(
    here: Path, tiny_run: Path
) -> None:
    # A shell starts background jobs deaf to Ctrl-C, and what they start is deaf too.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from l2laug.cli import app; app()"
    )
    words = ["sample", str(tiny_run), "-n", "100000", "-o", "out", "--device", "cpu"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        manifest = here / "out" / "manifest.jsonl"
        while running.poll() is None and not (manifest.exists() and manifest.stat().st_size):
            time.sleep(0.02)
        running.send_signal(SIGINT)
        out, err = running.communicate()
    assert running.returncode == 130, err
    assert out == b""
    assert b"what was finished is kept" in err
    assert b"Traceback" not in err
    entries = [json.loads(line) for line in manifest.read_text().splitlines()]
    pictures = sorted(p.name for p in (here / "out" / "3").iterdir())
    # A picture's line comes after it: of the last one it may be missing.
    assert len(pictures) - len(entries) in (0, 1)
    named = [f"3/{name}" for name in pictures[: len(entries)]]
    assert named == [entry["file"] for entry in entries]
    for name in pictures:
        with Image.open(here / "out" / "3" / name) as image:
            assert np.asarray(image).shape == (32, 32)

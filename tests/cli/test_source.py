"""Pretrain as a person meets it: going on after a stop, never writing over anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from l2laug.artifacts.names import METRICS
from l2laug.training import source
from l2laug.training.gan_step import GanTrainer
from tests.cli.calls import contents, copied, l2laug, rejected


def interrupt_at_step(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C while a step of adversarial training runs."""
    real, calls = GanTrainer.step, iter(range(1, 1000))

    def interrupted(self: GanTrainer, *args: Any) -> Any:
        if next(calls) == step:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(GanTrainer, "step", interrupted)


@pytest.fixture(scope="module")
def unstopped(
    digits: Path, tiny_recipe_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle trained in one go, in a folder of the name that tests give theirs."""
    out = tmp_path_factory.mktemp("unstopped") / "tiny"
    words = ["pretrain", digits, "-o", out, "--recipe", tiny_recipe_file, "--device", "cpu"]
    result = l2laug(*words)
    assert result.exit_code == 0, result.stderr
    return out


# As tests/fixtures/tiny.yaml says.
LAST_STEPS = {"feature_net": 10, "prototype_classifier": 10, "source": 4, "weak": 2, "gems": 3}


@pytest.mark.slow
def test_a_resumed_training_ends_like_one_that_was_never_stopped(
    here: Path,
    digits: Path,
    tiny_recipe_file: Path,
    unstopped: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["pretrain", digits, "-o", "tiny", "--recipe", tiny_recipe_file, "--device", "cpu"]
    monkeypatch.setattr(source, "CHECKPOINT_EVERY", 2)
    # Of the tiny recipe's steps 1 to 4 train the strong network, 5 and 6 the weak one. From step 2,
    # the last that was kept, the second command takes 3 and 4 again, and stops in the weak one.
    for step, more in ((4, []), (4, ["--resume"])):
        with monkeypatch.context() as patch:
            interrupt_at_step(step, patch)
            stopped = l2laug(*words, *more)
        assert stopped.exit_code == 130
        assert "what was finished is kept" in stopped.stderr
        assert [p.name for p in (here / "tiny").iterdir()] == [".training"]

    assert "--resume" in rejected(6, *words)
    other = [*words[:5], "glyphs", *words[6:], "--resume"]
    assert "begun with another recipe" in rejected(2, *other)

    resumed = l2laug(*words, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "look at tiny/sheet.png" in resumed.stdout
    ours, theirs = contents(here / "tiny"), contents(unstopped)
    assert ours.keys() == theirs.keys()
    # Its log alone differs, by the seconds; no step is there twice.
    for found in (ours, theirs):
        steps = [(x["phase"], x["step"]) for x in map(json.loads, found.pop(METRICS).splitlines())]
        assert len(set(steps)) == len(steps)
        assert dict(steps) == LAST_STEPS
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_pretrain_never_writes_over_a_bundle(
    here: Path, digits: Path, tiny_recipe_file: Path, tiny_bundle: Path
) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, here / "mine"))
    before = contents(bundle)
    words = ["pretrain", digits, "-o", "mine", "--recipe", tiny_recipe_file]
    assert "A bundle is at mine already" in rejected(6, *words)
    assert "A bundle is at mine already" in rejected(6, *words, "--resume")
    assert contents(bundle) == before


def test_pretrain_never_mixes_with_other_files(here: Path, digits: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "thesis.txt").write_text("precious")
    assert "holds other files" in rejected(6, "pretrain", digits, "-o", "mine")
    assert contents(here) == {"mine/thesis.txt": b"precious"}


def test_after_a_wrong_source_the_right_one_is_not_rejected(
    here: Path, digits: Path, tiny_recipe_file: Path
) -> None:
    words = ["-o", "mine", "--recipe", tiny_recipe_file, "--device", "cpu"]
    copied(digits / "1", here / "few" / "1", 2)
    for wrong in ("nowhere", "few", "few"):
        result = l2laug("pretrain", wrong, *words)
        assert result.exit_code == 3, result.stderr


def test_pretrain_with_an_unknown_recipe(here: Path, digits: Path) -> None:
    told = rejected(2, "pretrain", digits, "-o", "mine", "--recipe", "hieroglyphs")
    assert "glyphs" in told
    assert list(here.iterdir()) == []

"""Two processes train one generator: real ones, as torchrun starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from l2laug.artifacts.bundle import open_bundle
from l2laug.config.recipe import Recipe
from l2laug.runtime.processes import Processes


@pytest.fixture
def recipe_file(tiny: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny.model_dump(mode="json")))
    return path


def by_two(*words: object) -> subprocess.CompletedProcess[str]:
    torchrun = "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"
    command = [sys.executable, "-m", *torchrun, *(str(w) for w in words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_alone_nothing_is_shared():
    alone, module = Processes(cpu=True), nn.Linear(2, 1)
    module(torch.ones(1, 2)).backward()
    before = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    with alone.main_first():
        alone.average_gradients(module)
    alone.wait()

    assert (alone.index, alone.count, alone.main) == (0, 1, True)
    assert all(torch.equal(a, p.grad) for a, p in zip(before, module.parameters(), strict=True))


def test_two_take_the_same_steps_on_batches_of_their_own(
    digits: Path, recipe_file: Path, tmp_path: Path
):
    done = by_two("tests.runtime.together", digits, recipe_file, tmp_path)
    assert done.returncode == 0, done.stderr
    one, other = (torch.load(tmp_path / f"process-{i}.pt") for i in range(2))

    assert torch.equal(one["generator"], other["generator"])
    assert torch.equal(one["critic"], other["critic"])
    assert not torch.equal(one["given"], other["given"])
    assert not torch.equal(one["latents"], other["latents"])


def test_pretrain_by_two_makes_one_bundle_and_tells_once(
    digits: Path, recipe_file: Path, tmp_path: Path
):
    out = tmp_path / "bundle"
    words = ("pretrain", digits, "-o", out, "--recipe", recipe_file, "--device", "cpu", "--json")
    done = by_two("l2laug", *words)
    assert done.returncode == 0, done.stderr

    assert json.loads(done.stdout)["bundle"] == str(out)
    bundle = open_bundle(out)
    assert bundle.problems() == []
    assert bundle.info["processes"] == 2
    assert not (out / ".training").exists()

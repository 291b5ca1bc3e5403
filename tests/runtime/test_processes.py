"""Two processes train one generator: real ones, as torchrun starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from l2laug.artifacts.bundle import open_bundle
from l2laug.runtime.processes import Processes


def test_alone_nothing_is_shared():
    alone, module = Processes(cpu=True), nn.Linear(2, 1)
    module(torch.ones(1, 2)).backward()
    before = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    with alone.main_first():
        alone.average_gradients(module)
    alone.wait()

    assert (alone.index, alone.count, alone.main) == (0, 1, True)
    assert all(torch.equal(a, p.grad) for a, p in zip(before, module.parameters(), strict=True))


@pytest.mark.slow
def test_two_take_the_same_steps_on_batches_of_their_own_and_make_one_bundle(
    digits: Path, tiny_recipe_file: Path, tmp_path: Path
):
    torchrun = "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"
    words = "tests.runtime.together", str(digits), str(tiny_recipe_file), str(tmp_path)
    command = [sys.executable, "-m", *torchrun, *words]
    no_gpus = os.environ | {"CUDA_VISIBLE_DEVICES": ""}  # and so no --device has to say it
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=no_gpus)
    assert done.returncode == 0, done.stderr
    one, other = (torch.load(tmp_path / f"process-{i}.pt") for i in range(2))

    assert torch.equal(one["generator"], other["generator"])
    assert torch.equal(one["critic"], other["critic"])
    assert not torch.equal(one["given"], other["given"])
    assert not torch.equal(one["latents"], other["latents"])

    out = tmp_path / "bundle"  # pretrained by both, told by one
    assert json.loads(done.stdout)["bundle"] == str(out)
    bundle = open_bundle(out)
    assert bundle.problems() == []
    assert bundle.info["processes"] == 2
    assert not (out / ".training").exists()

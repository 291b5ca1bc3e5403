"""Which precision is taken, what it is told of, and that the choice stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from l2laug.core.errors import (
    BundleError,
    DeviceError,
    L2lAugError,
    MissingExtraError,
    QualityError,
    UsageError,
)
from l2laug.core.progress import Progress
from l2laug.sampling.precision import choice
from l2laug.sampling.precision.choice import Measured, Model, choose
from l2laug.sampling.precision.processor import _cpuinfo
from l2laug.sampling.providers import CPU, CUDA
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples
from tests.cli.calls import l2laug, rejected, the_json

GOOD = Measured(gain=2.0, grey=0.5, pixels=0.1, similarity=0.001)
OPENED = object()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def stand_in(provider: str = CPU, digest: str = "ab") -> Model:
    def feed(_: int) -> Any:
        raise AssertionError("nothing is drawn here")

    return Model(Path("m.onnx"), digest, provider, lambda: 32, (), feed, lambda *_: OPENED)


class Fake:
    """Stands for what makes and measures files; counts how often it had to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, found: Measured) -> None:
        self.found, self.made = found, 0
        monkeypatch.setattr(choice, "_make", self.make)
        monkeypatch.setattr(choice, "measured", lambda *_: self.found)

    def make(self, _precision: str, _model: Model, file: Path, _exact: bool) -> None:
        self.made += 1
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"onnx")


def test_fp32_is_the_session_there_is(cache: Path) -> None:
    assert choose("fp32", stand_in(), 1) == ("fp32", "", None)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (GOOD, "int8"),
        (replace(GOOD, gain=1.1), "fp32"),
        (replace(GOOD, grey=2.5), "fp32"),
        (replace(GOOD, pixels=1.5), "fp32"),
        (replace(GOOD, similarity=0.02), "fp32"),
    ],
)
def test_auto_takes_what_is_faster_and_draws_alike(
    monkeypatch: pytest.MonkeyPatch, found: Measured, taken: str
) -> None:
    Fake(monkeypatch, found)

    precision, told, session = choose("auto", stand_in(), 1)

    assert precision == taken
    assert (session is OPENED) == (taken == "int8")
    assert str(found) in told


def test_the_choice_stays_for_a_model(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    fake = Fake(monkeypatch, GOOD)
    choose("auto", stand_in(), 1)
    fake.found = replace(GOOD, gain=1.0)

    assert choose("auto", stand_in(), 1)[0] == "int8"
    assert choose("auto", stand_in(digest="cd"), 1)[0] == "fp32"
    assert fake.made == len(list(cache.glob("*.onnx"))) == 2


@pytest.mark.parametrize("text", ["", "[1]", '{"gain": 2}', "\x00"])
def test_a_damaged_record_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, cache: Path, text: str
) -> None:
    fake = Fake(monkeypatch, GOOD)
    choose("int8", stand_in(), 1)
    (record,) = cache.glob("*.json")
    record.write_text(text)

    choose("int8", stand_in(), 1)

    assert fake.made == 2
    assert json.loads(record.read_text())["gain"] == 2.0


def test_the_cache_stays_small(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    Fake(monkeypatch, GOOD)
    for i in range(choice.KEPT + 3):
        choose("int8", stand_in(digest=str(i)), 1)

    assert len(list(cache.glob("*.onnx"))) == len(list(cache.glob("*.json"))) == choice.KEPT


def test_a_precision_that_draws_other_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake(monkeypatch, replace(GOOD, grey=9.0))
    with pytest.raises(QualityError, match="9 grey levels") as caught:
        choose("int8", stand_in(), 1)
    assert "--precision fp32" in caught.value.remedy


@pytest.mark.parametrize(
    ("wanted", "provider", "error", "says"),
    [
        ("bf16", CPU, UsageError, "--precision bf16 is unknown"),
        ("fp16", CPU, DeviceError, "Give --device cuda"),
        ("int8", CUDA, DeviceError, "Give --device cpu"),
    ],
)
def test_what_can_not_be_had(
    wanted: str, provider: str, error: type[L2lAugError], says: str
) -> None:
    with pytest.raises(error, match=says):
        choose(wanted, stand_in(provider), 1)


def test_a_gpu_is_offered_fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake(monkeypatch, GOOD)
    assert choose("auto", stand_in(CUDA), 1)[0] == "fp16"


def test_without_the_onnx_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None if name == "onnx" else name)

    with pytest.raises(MissingExtraError, match=r"needs onnx.*l2laug\[fast\]"):
        choose("int8", stand_in(), 1)
    precision, told, session = choose("auto", stand_in(), 1)
    assert (precision, session) == ("fp32", None)
    assert "pip install 'l2laug[fast]'" in told


def test_without_a_place_for_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_run: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "file"))

    sampler = Sampler(tiny_run / "model.onnx", "cpu", 1, precision="auto")

    assert sampler.precision == "fp32"
    assert "can't be written" in sampler.about_precision


def test_the_flags_of_a_processor(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: Fast 9\nflags\t\t: fpu avx_vnni\n\nmodel name : Other\n")
    assert _cpuinfo(file) == {"model name": "Fast 9", "flags": "fpu avx_vnni"}
    assert _cpuinfo(tmp_path / "none") == {}


# --- a real model: of a bundle learned in seconds, which 8 bits change more than others -------


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "GREY", 5.0)


def drawn(sampler: Sampler, count: int) -> np.ndarray:
    return np.concatenate([d.pixels for d in sampler.draw(count, 5)])


@pytest.mark.usefixtures("lenient")
def test_in_8_bits_an_image_depends_on_neither_count_nor_threads(tiny_run: Path) -> None:
    path = tiny_run / "model.onnx"
    one, other = (Sampler(path, "cpu", threads, precision="int8") for threads in (1, 3))

    assert one.precision == other.precision == "int8"
    whole = drawn(one, 70)
    assert (drawn(other, 33) == whole[:33]).all()
    plain = drawn(Sampler(path, "cpu", 1), 70)
    assert 0 < np.abs(whole.astype(float) - plain).mean() < choice.GREY


@pytest.mark.parametrize("precision", ["int8", "auto"])
def test_a_model_that_tells_changes(model: Path, precision: str) -> None:
    """One of its outputs is constant, and so is made by no operation."""
    sampler = Sampler(model, "cpu", 1, precision=precision)

    assert sampler.tells_changes
    assert precision == "auto" or sampler.precision == precision
    (some,) = sampler.draw(3)
    (plain,) = Sampler(model, "cpu", 1).draw(3)
    assert some.changes is not None
    assert plain.changes is not None
    for one, other in zip(some.changes, plain.changes, strict=True):
        assert np.abs(one.grid - other.grid).max() < 0.1
        assert (one.tone == other.tone).all()


def test_what_can_not_be_made(monkeypatch: pytest.MonkeyPatch, tiny_run: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such graph")

    monkeypatch.setattr(choice, "_make", fail)
    path = tiny_run / "model.onnx"

    assert "no such graph" in Sampler(path, "cpu", 1, precision="auto").about_precision
    with pytest.raises(BundleError, match="can't be turned into int8: no such graph"):
        Sampler(path, "cpu", 1, precision="int8")


@pytest.mark.usefixtures("lenient")
def test_what_was_used_stands_in_the_manifest(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = l2laug("sample", tiny_run, "-n", 3, "-o", out, "--precision", "int8", "--json")

    assert the_json(told)["sampled"]["precision"] == "int8"
    lines = (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["precision"] for line in lines} == {"int8"}
    line = rejected(6, "sample", tiny_run, "-n", 5, "-o", out, "--resume")
    assert "format or precision" in line
    plain = tmp_path / "plain"
    write_samples(Sampler(tiny_run / "model.onnx", "cpu"), 2, plain, 0, Progress(quiet=True))
    lines = (plain / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["precision"] for line in lines} == {"fp32"}


@pytest.mark.usefixtures("lenient")
def test_sample_says_what_it_runs_in(tiny_run: Path, tmp_path: Path) -> None:
    done = l2laug("sample", tiny_run, "-n", 1, "-o", tmp_path / "out", "--precision", "int8")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("model ")]
    assert "CPU, int8 (" in line
    assert "times as fast as fp32" in line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--precision", "auto", "--shard", "1/2"], "Name one precision"),
        (["--precision", "int8", "--engine", "ray"], "ray draws in fp32"),
    ],
)
def test_machines_that_share_the_work_draw_in_one_precision(
    tiny_run: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    assert says in rejected(2, "sample", tiny_run, "-n", 4, "-o", tmp_path / "out", *words)

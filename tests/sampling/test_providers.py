"""Which provider is chosen, and what is said of an installation that can't use its GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest

from l2laug.core.errors import DeviceError, UsageError
from l2laug.sampling.providers import CPU, CUDA, OTHERS, Runtime
from l2laug.sampling.session import open_session
from tests.cli.calls import rejected

TO_GPU = 'pip uninstall -y onnxruntime onnxruntime-gpu && pip install "onnxruntime-gpu[cuda,cudnn]"'
GPU_READY = Runtime(("onnxruntime-gpu",), cuda=True, gpu=True, wheels=True)
CPU_ONLY = Runtime(("onnxruntime",), cuda=False, gpu=False, wheels=True)
GPU_UNUSED = replace(CPU_ONLY, gpu=True)
NO_GPU = replace(GPU_READY, gpu=False)
ARM = replace(GPU_UNUSED, wheels=False)


@pytest.mark.parametrize(
    ("runtime", "device", "expected"),
    [
        (GPU_READY, "auto", [CUDA, CPU]),
        (GPU_READY, "cuda", [CUDA, CPU]),
        (GPU_READY, "cpu", [CPU]),
        (CPU_ONLY, "auto", [CPU]),
        (GPU_UNUSED, "auto", [CPU]),
        (NO_GPU, "auto", [CPU]),
    ],
)
def test_providers(runtime: Runtime, device: str, expected: list[str]) -> None:
    assert runtime.providers(device) == expected


@pytest.mark.parametrize(
    ("runtime", "says"),
    [
        (NO_GPU, "driver"),
        (CPU_ONLY, "driver"),
        (GPU_UNUSED, TO_GPU),
        (ARM, "no onnxruntime-gpu for this platform"),
    ],
)
def test_cuda_that_can_not_be_had(runtime: Runtime, says: str) -> None:
    with pytest.raises(DeviceError) as caught:
        runtime.providers("cuda")
    assert says in str(caught.value)
    assert "--device cpu" in caught.value.remedy


def test_cuda_asked_for_and_fallen_back_from() -> None:
    with pytest.raises(DeviceError, match="could not start CUDA") as caught:
        GPU_READY.check("cuda", CPU)
    assert TO_GPU in caught.value.remedy
    GPU_READY.check("cuda", CUDA)
    GPU_READY.check("auto", CPU)


def test_an_unknown_device() -> None:
    with pytest.raises(UsageError, match="--device tpu is unknown"):
        GPU_READY.providers("tpu")


@pytest.mark.parametrize("device", sorted(OTHERS))
def test_a_provider_by_its_name(device: str) -> None:
    provider, package = OTHERS[device]
    there = replace(CPU_ONLY, others=(provider,))

    assert there.providers(device) == [provider, CPU]
    assert there.providers("auto") == [CPU]  # never unasked
    there.check(device, provider)
    with pytest.raises(DeviceError, match="could not start it") as started:
        there.check(device, CPU)
    with pytest.raises(DeviceError, match="is without it") as found:
        CPU_ONLY.providers(device)
    for error in (started.value, found.value):
        assert package in error.remedy
        assert "--device cpu" in error.remedy


def test_tensorrt_leaves_to_cuda_what_it_can_not_do() -> None:
    provider, _ = OTHERS["tensorrt"]
    there = replace(GPU_READY, others=(provider,))
    assert there.providers("tensorrt") == [provider, CUDA, CPU]


def test_sessions_are_told_how_to_search(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    class Told:
        def __init__(self, path: str, options: object, names: object, told: object, **_: int):
            given.update(path=path, options=options, names=names, told=told)

        def get_modelmeta(self) -> SimpleNamespace:
            return SimpleNamespace(custom_metadata_map={})

    monkeypatch.setattr(onnxruntime, "InferenceSession", Told)

    open_session(Path("m.onnx"), [CUDA, CPU], 2)

    assert given["names"] == [CUDA, CPU]
    assert given["told"] == [{"cudnn_conv_algo_search": "HEURISTIC"}, {}]
    assert given["options"].intra_op_num_threads == 2


def test_sample_names_the_package_of_a_missing_provider(tiny_run: Path, tmp_path: Path) -> None:
    words = ["sample", tiny_run, "-n", 1, "-o", tmp_path / "out", "--device", "directml"]
    assert "pip install onnxruntime-directml" in rejected(7, *words)


@pytest.mark.parametrize(
    ("runtime", "device", "used"),
    [
        (GPU_READY, "auto", CUDA),
        (GPU_READY, "cpu", CPU),  # as asked for
        (CPU_ONLY, "auto", CPU),
        (NO_GPU, "auto", CPU),
        (ARM, "auto", CPU),  # nothing there to install
    ],
)
def test_nothing_is_wrong(runtime: Runtime, device: str, used: str) -> None:
    assert runtime.advice(device, used) == ""


@pytest.mark.parametrize("runtime", [GPU_UNUSED, GPU_READY])
def test_a_gpu_that_auto_can_not_use(runtime: Runtime) -> None:
    assert TO_GPU in runtime.advice("auto", CPU)


@pytest.mark.parametrize(
    ("packages", "line"),
    [
        (("onnxruntime", "onnxruntime-gpu"), TO_GPU),
        (
            ("onnxruntime", "onnxruntime-directml"),
            "pip uninstall -y onnxruntime onnxruntime-directml && pip install onnxruntime-directml",
        ),
    ],
)
def test_two_packages_over_each_other(packages: tuple[str, ...], line: str) -> None:
    told = replace(CPU_ONLY, packages=packages).advice("cpu", CPU)
    assert " and ".join(packages) in told
    assert told.endswith(line)


def test_sample_says_that_two_are_installed(tiny_run: Path, tmp_path: Path) -> None:
    for name in ("onnxruntime", "onnxruntime_gpu"):
        folder = tmp_path / "site" / f"{name}-1.31.1.dist-info"
        folder.mkdir(parents=True)
        described = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.31.1\n"
        (folder / "METADATA").write_text(described, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    command = ["sample", str(tiny_run), "-n", "1", "-o", str(tmp_path / "out"), "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-m", "l2laug", *command],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (note,) = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert "onnxruntime and onnxruntime-gpu are installed over each other" in note
    assert note.endswith(TO_GPU)

"""What onnxruntime runs on: chosen, and said where it is not what the machine could do."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

import onnxruntime

from l2laug.core.errors import DeviceError, UsageError

# Packages that install the module onnxruntime, one over the files of another.
PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-migraphx",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
)
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# What is taken only when it is asked for, and the package that brings it.
OTHERS = {
    "tensorrt": ("TensorrtExecutionProvider", "onnxruntime-gpu"),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime"),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml"),
}
DEVICES = ("auto", "cpu", "cuda", *OTHERS)
# Shapes are the same in every run of a graph, but few: a search through all ways would not pay.
OPTIONS = {CUDA: {"cudnn_conv_algo_search": "HEURISTIC"}}


@dataclass(frozen=True)
class Runtime:
    """What there is to run models on.

    Attributes:
        packages: those of ``PACKAGES`` that are installed.
        cuda: onnxruntime was built with CUDA.
        gpu: the driver finds a CUDA GPU.
        wheels: onnxruntime-gpu can be installed on this platform.
        others: providers beside CUDA and the CPU that onnxruntime was built with.
    """

    packages: tuple[str, ...]
    cuda: bool
    gpu: bool
    wheels: bool
    others: tuple[str, ...] = ()

    @classmethod
    def here(cls) -> Runtime:
        """Of this interpreter and machine."""
        there = onnxruntime.get_available_providers()
        return cls(
            packages=tuple(name for name in PACKAGES if _installed(name)),
            cuda=CUDA in there,
            others=tuple(name for name in there if name not in (CPU, CUDA)),
            gpu=_has_gpu(),
            wheels=sys.platform in ("linux", "win32")
            and platform.machine().lower() in ("x86_64", "amd64"),
        )

    def providers(self, device: str) -> list[str]:
        """Providers of onnxruntime for one of :data:`DEVICES`, in order of preference.

        Raises:
            DeviceError: it was asked for and can't be had.
            UsageError: there is no such device.
        """
        if device not in DEVICES:
            raise UsageError(f"--device {device} is unknown.", f"Use {', '.join(DEVICES)}.")
        if device in OTHERS:
            provider, package = OTHERS[device]
            if provider not in self.others:
                raise DeviceError(
                    f"--device {device} was asked for, but this onnxruntime is without it.",
                    f"{self._to(package)} Or use --device cpu.",
                )
            return [provider, *([CUDA] if device == "tensorrt" and self.cuda else []), CPU]
        if device == "cuda" and not self.gpu:
            raise DeviceError(
                "--device cuda was asked for, but the driver finds no CUDA GPU.",
                "Check the driver, or use --device cpu.",
            )
        if device == "cuda" and not self.cuda:
            raise DeviceError(
                "--device cuda was asked for, but the onnxruntime installed is without CUDA.",
                f"{self._to_cuda()} Or use --device cpu.",
            )
        return [CUDA, CPU] if device != "cpu" and self.cuda and self.gpu else [CPU]

    def check(self, device: str, used: str) -> None:
        """Make sure that a session runs where it was asked to: onnxruntime falls back in silence.

        Args:
            device: what was asked for.
            used: the first of the session's providers.

        Raises:
            DeviceError: one was asked for by name, and the session runs elsewhere.
        """
        if device == "cuda" and used != CUDA:
            raise DeviceError(
                "--device cuda was asked for, but onnxruntime could not start CUDA.",
                f"{self._to_cuda()} Or use --device cpu.",
            )
        if device in OTHERS and used != OTHERS[device][0]:
            raise DeviceError(
                f"--device {device} was asked for, but onnxruntime could not start it.",
                f"{self._to(OTHERS[device][1])} Or use --device cpu.",
            )

    def advice(self, device: str, used: str) -> str:
        """What is wrong with the installation and the line that mends it; empty if nothing is.

        Args:
            device: what was asked for.
            used: the first of the session's providers.
        """
        if len(self.packages) > 1:
            keep = next(name for name in self.packages if name != "onnxruntime")
            return (
                f"{' and '.join(self.packages)} are installed over each other. "
                f"Keep one: {_in_place(self.packages, keep)}"
            )
        if device == "auto" and self.gpu and used != CUDA and self.wheels:
            return f"There is a CUDA GPU that onnxruntime can't use. {self._to_cuda()}"
        return ""

    def _to_cuda(self) -> str:
        return self._to("onnxruntime-gpu")

    def _to(self, package: str) -> str:
        """How to put a package in the place of what is installed."""
        if package == "onnxruntime-gpu" and not self.wheels:
            return "There is no onnxruntime-gpu for this platform."
        return _in_place(tuple(dict.fromkeys(["onnxruntime", package])), package)


def load_cuda() -> None:
    """Load the CUDA libraries that came as packages, those of torch among them."""
    with redirect_stdout(sys.stderr):  # onnxruntime prints what it can't load
        onnxruntime.preload_dlls()


def _in_place(packages: tuple[str, ...], keep: str) -> str:
    # All are removed first: each removal takes files away that the others share.
    wanted = '"onnxruntime-gpu[cuda,cudnn]"' if keep == "onnxruntime-gpu" else keep
    return f"pip uninstall -y {' '.join(packages)} && pip install {wanted}"


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _has_gpu() -> bool:
    """Ask the driver itself: onnxruntime-gpu lists CUDA on machines without any GPU too."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return False
    count = ctypes.c_int()
    started: int = driver.cuInit(0)
    return started == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0

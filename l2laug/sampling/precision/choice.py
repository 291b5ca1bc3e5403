"""Which precision a model is run in: one that draws alike, and by auto one that is faster too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from l2laug import __version__
from l2laug.core.errors import (
    BundleError,
    DeviceError,
    L2lAugError,
    MissingExtraError,
    OutputError,
    QualityError,
    UsageError,
)
from l2laug.core.files import write_text
from l2laug.core.hashing import key_of
from l2laug.sampling.precision.processor import processor
from l2laug.sampling.providers import CPU, CUDA

AUTO, FP32, FP16, INT8 = "auto", "fp32", "fp16", "int8"
PRECISIONS = (AUTO, FP32, FP16, INT8)
RUNS_ON = {INT8: CPU, FP16: CUDA}
GAIN = 1.15  # times as fast as fp32, for auto to take it
GREY, PIXELS, SIMILARITY = 2.0, 1.0, 0.01  # how far draws may be from fp32's, on the average
CALIBRATION, CHECKED = 8, 4  # batches that scales are taken from, and that are compared
TURNS = 7
KEPT = 32  # files

Feed = dict[str, NDArray[Any]]
Run = Callable[[Feed], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Model:
    """What a precision is chosen for.

    Attributes:
        path: of the model file.
        digest: its SHA-256.
        provider: what its session runs on, as onnxruntime calls it.
        side: tells that of its largest original, in pixels.
        outputs: names of what its graph gives.
        feed: inputs of one batch of a number, as it draws them.
        open: a session of a file, on so many threads; 0 leaves onnxruntime the choice.
    """

    path: Path
    digest: str
    provider: str
    side: Callable[[], int]
    outputs: Sequence[str]
    feed: Callable[[int], Feed]
    open: Callable[[Path, int], Any]


@dataclass(frozen=True)
class Measured:
    """What a precision was found to be, beside fp32.

    Attributes:
        gain: times as fast, by processor time of one thread; by the clock on a GPU.
        grey: mean difference of drawn pixels, in grey levels of 255.
        pixels: mean distance between places that the largest original is read at, in its pixels.
        similarity: mean difference of class similarities.
    """

    gain: float
    grey: float
    pixels: float
    similarity: float

    @property
    def alike(self) -> bool:
        """Whether draws are close enough to fp32's."""
        far = self.grey > GREY or self.pixels > PIXELS or self.similarity > SIMILARITY
        return not far

    def __str__(self) -> str:
        moved = f", {self.pixels:.2f} pixels" if self.pixels else ""
        return f"{self.gain:.1f} times as fast as fp32, {self.grey:.2g} grey levels{moved} from it"


def choose(wanted: str, model: Model, threads: int) -> tuple[str, str, Any]:
    """The precision to run a model in, what is to be said of it, and its session.

    Other files than the model's own are made at first use and kept in the user's cache folder,
    by the model and the machine, with what was measured: so the choice stays.

    Args:
        wanted: one of :data:`PRECISIONS`.
        model: what it is for.
        threads: of the session; 0 leaves onnxruntime the choice.

    Returns:
        The precision, a few words, and a session; None for the one there is, in fp32.

    Raises:
        UsageError: there is no such precision.
        BundleError: no file of that precision can be made of the model.
        DeviceError: the precision is not for what the model runs on.
        MissingExtraError: what makes its file is not installed.
        QualityError: its draws are too far from fp32's.
    """
    if wanted not in PRECISIONS:
        raise UsageError(f"--precision {wanted} is unknown.", f"Use {', '.join(PRECISIONS)}.")
    if wanted == FP32:
        return FP32, "", None
    precision = wanted
    if wanted == AUTO:
        fitting = [name for name, provider in RUNS_ON.items() if provider == model.provider]
        if not fitting:
            return FP32, "no other precision is for this device", None
        precision = fitting[0]
    elif model.provider != RUNS_ON[wanted]:
        name = RUNS_ON[wanted].removesuffix("ExecutionProvider")
        raise DeviceError(
            f"--precision {wanted} is for {name} alone.",
            f"Give --device {name.lower()}, or --precision fp32.",
        )
    if missing := [name for name in ("onnx", "platformdirs") if find_spec(name) is None]:
        if wanted == AUTO:
            return FP32, f"{precision} needs pip install 'l2laug[fast]'", None
        raise MissingExtraError(
            f"--precision {wanted} needs {missing[0]}, which is not installed.",
            "pip install 'l2laug[fast]'",
        )
    try:
        file, found = _kept(precision, model)
    except (BundleError, OutputError) as error:
        if wanted != AUTO:
            raise
        return FP32, f"no {precision}: {error.fact}", None
    if wanted == AUTO and not (found.alike and found.gain >= GAIN):
        return FP32, f"{precision} is {found}", None
    if not found.alike:
        raise QualityError(
            f"{model.path} draws other images in {precision}: it is {found}, and "
            f"{found.similarity:.2g} in class similarity.",
            "Use --precision fp32.",
        )
    return precision, str(found), model.open(file, threads)


def _kept(precision: str, model: Model) -> tuple[Path, Measured]:
    """The file of a precision and what was measured, made anew if it is not there."""
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("l2laug", appauthor=False)) / "models"
    name, exact = processor()
    about: dict[str, object] = {
        "model": model.digest,
        "precision": precision,
        "processor": name,
        "exact": exact,
        "provider": model.provider,
        "onnxruntime": onnxruntime.__version__,
        "l2laug": __version__,
    }
    file = folder / f"{key_of(about)[:32]}.onnx"
    record = file.with_suffix(".json")
    with suppress(OSError, ValueError, TypeError):
        found = Measured(**json.loads(record.read_text(encoding="utf-8")))
        if file.is_file():
            return file, found
    try:
        _make(precision, model, file, exact)
    except L2lAugError:
        raise
    except Exception as error:  # onnx and onnxruntime have no root of their errors
        raise BundleError(
            f"{model.path} can't be turned into {precision}: {str(error).splitlines()[0]}.",
            "Use --precision fp32.",
        ) from error
    found = measured(model, file)
    with suppress(OutputError):  # it is measured anew next time
        write_text(record, json.dumps(asdict(found)) + "\n")
    _remove_oldest(folder)
    return file, found


def _make(precision: str, model: Model, file: Path, exact: bool) -> None:
    if precision == FP16:
        from l2laug.sampling.precision.halve import halve

        halve(model.path, file)
        return
    from l2laug.sampling.precision.quantise import quantise

    feeds = [model.feed(i) for i in range(CALIBRATION)]
    quantise(model.path, feeds, file, reduce_range=not exact)


def measured(model: Model, file: Path) -> Measured:
    """Compare a file with the model on draws that no scale was taken from, and time both."""
    ours, theirs = (_runner(model, model.open(path, 1)) for path in (model.path, file))
    feeds = [model.feed(CALIBRATION + i) for i in range(CHECKED)]
    gaps = dict.fromkeys(("images", "similarity", "grid"), 0.0)
    for feed in feeds:
        one, other = ours(feed), theirs(feed)
        for name in gaps.keys() & one.keys():
            gap = one[name] - other[name]
            if name == "grid":
                gap = np.sqrt(np.square(gap).sum(3))
            gaps[name] += float(np.abs(gap).mean()) / len(feeds)
    clock = time.process_time if model.provider == CPU else time.perf_counter
    best = [float("inf")] * 2
    for _ in range(TURNS):
        for i, run in enumerate((ours, theirs)):
            start = clock()
            run(feeds[0])
            best[i] = min(best[i], clock() - start)
    return Measured(
        gain=round(best[0] / max(best[1], 1e-9), 2),
        grey=gaps["images"] * 127.5,
        pixels=gaps["grid"] / 2 * (model.side() if "grid" in model.outputs else 0),
        similarity=gaps["similarity"],
    )


def _runner(model: Model, session: Any) -> Run:
    def run(feed: Feed) -> Mapping[str, NDArray[Any]]:
        found = session.run(model.outputs, feed)
        return {name: np.asarray(v) for name, v in zip(model.outputs, found, strict=True)}

    return run


def _remove_oldest(folder: Path) -> None:
    """Keep the cache small: files that were made last stay."""
    with suppress(OSError):
        files = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT]:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)

"""Verify: look through bundles and models that come from elsewhere, before they are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from l2laug.artifacts.bundle import UNHASHED, Bundle, list_bundles, open_bundle
from l2laug.artifacts.names import INFO, MODEL
from l2laug.artifacts.onnx_file import check_onnx
from l2laug.artifacts.run import Run
from l2laug.config.load import parse_recipe
from l2laug.core.errors import BundleError, L2lAugError

WEIGHTS, ONNX = ".safetensors", ".onnx"
PLAIN = (WEIGHTS, ONNX, ".png", ".md", ".txt", ".jsonl")  # what a bundle may hold beside its card


@dataclass(frozen=True)
class Verified:
    """What was found of one bundle or model.

    Attributes:
        path: where it lies.
        kind: ``bundle`` or ``model``.
        checked: what was looked at, a line each.
        problems: what is wrong, a line each.
    """

    path: Path
    kind: str
    checked: tuple[str, ...]
    problems: tuple[str, ...]


def verify(paths: list[Path]) -> list[Verified]:
    """Look through bundles, run folders and model files; the shipped bundles if none is named.

    Raises:
        BundleError: at one of the paths is neither.
    """
    if not paths:
        return [_verify_bundle(bundle.path) for bundle in list_bundles()]
    return [_verify(path) for path in paths]


def _verify(path: Path) -> Verified:
    if (path / INFO).is_file():
        return _verify_bundle(path)
    model = path / MODEL if path.is_dir() else path
    if not model.is_file() or model.suffix != ONNX:
        raise BundleError(f"At {path} is neither a bundle nor a model.", "Name its folder or file.")
    checked, problems = list[str](), list[str]()
    _look("plain operators, weights inside", lambda: check_onnx(model), checked, problems)
    if not problems:
        _look("card, arrays and images fit one another", lambda: _open(model), checked, problems)
    return Verified(path, "model", tuple(checked), tuple(problems))


def _open(model: Path) -> None:
    """Read all that a model file holds, and draw from it."""
    from l2laug.commands.show import show
    from l2laug.sampling.sampler import Sampler

    show(Run(model))
    next(iter(Sampler(model, device="cpu").draw(1)))


def _verify_bundle(path: Path) -> Verified:
    checked, problems = list[str](), list[str]()
    bundle = open_bundle(path)
    wrong = bundle.problems()
    problems += wrong
    if not wrong:
        checked.append(f"{len(bundle.info['files'])} checksums")
    _look("recipe", lambda: _check_recipe(bundle), checked, problems)
    known = {INFO, *UNHASHED, *bundle.info["files"]}
    strange = sorted(p.name for p in path.iterdir() if p.name not in known)
    problems += [f"{path / name} is not named in {INFO}." for name in strange]
    kinds = {name for name in bundle.info["files"] if not name.endswith(PLAIN)}
    problems += [f"{path / name} is of a kind that bundles do not hold." for name in sorted(kinds)]
    for name in sorted(bundle.info["files"]):
        file = path / name
        if name.endswith(WEIGHTS) and file.is_file():
            _look(f"{name}: numbers", partial(_check_weights, file), checked, problems)
        elif name.endswith(ONNX) and file.is_file():
            what = f"{name}: plain operators, weights inside"
            _look(what, partial(check_onnx, file), checked, problems)
    return Verified(path, "bundle", tuple(checked), tuple(problems))


def _look(what: str, check: Callable[[], None], checked: list[str], problems: list[str]) -> None:
    try:
        check()
    except L2lAugError as error:
        problems.append(" ".join(str(error).split()))
    else:
        checked.append(what)


def _check_recipe(bundle: Bundle) -> None:
    parse_recipe(bundle.info["recipe"], f"of bundle {bundle.path}")


def _check_weights(path: Path) -> None:
    """Make sure that a file is safetensors and that all its numbers are finite."""
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            bad = [name for name in names if not np.isfinite(file.get_tensor(name)).all()]
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise BundleError(f"{path} is no safetensors file: {error}.") from error
    if bad:
        raise BundleError(f"{path} holds values that are no numbers ({', '.join(bad[:3])}).")

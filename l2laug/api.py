"""l2laug from Python: the main commands as functions, and models that draw arrays.

Everything here is also an attribute of :mod:`l2laug` itself. Paths may be strings. What takes long
shows a bar on a terminal and is silent elsewhere. Every function raises
:class:`l2laug.core.errors.L2lAugError`, whose message states the fact and the remedy.

Options that only some need are fields of the commands' own option classes, such as
:class:`l2laug.commands.adapt.AdaptOptions`, for the functions of :mod:`l2laug.commands`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2laug.core.progress import Progress
from l2laug.sampling.model import Model

if TYPE_CHECKING:
    from l2laug.commands.adapt import Adapted
    from l2laug.commands.evaluate import Evaluation
    from l2laug.commands.pretrain import Pretrained
    from l2laug.config.recipe import Recipe
    from l2laug.sampling.writer import Written

__all__ = ["Model", "adapt", "augment", "evaluate", "load", "pretrain", "sample"]

# Imports stand in the functions: torch takes seconds, and drawing samples does without it.


def adapt(
    folder: str | Path,
    *,
    bundle: str | Path = "auto",
    base: str | Path | None = None,
    out: str | Path | None = None,
    budget: float | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> list[Adapted]:
    """Learn rare classes from 2 to 50 images each; every class gets a run folder with a model.

    Args:
        folder: images of a class, or a folder of class folders.
        bundle: name or folder of the bundle to start from; ``auto`` takes the nearest.
        base: class folders of base classes of the same kind, to learn along first.
        out: the run folder, with several classes the folder of theirs; ``l2laug-runs/<class>``
            by default.
        budget: seconds that training a class may take; as long as the recipe says by default.
        seed: of everything random; the same seed on the same machine gives the same model.
        device: ``auto``, ``cpu`` or ``cuda``.
        overwrite: replace run folders that are there.

    Returns:
        For each class its run folder, how many images it was learned from, and notes.

    Raises:
        ImageError: no image there that can be read.
        BundleError: the bundle is missing or damaged.
        OutputError: a run folder is there already or can't be written.
        DeviceError: the device is not there.

    Example:
        >>> import l2laug
        >>> [crack] = l2laug.adapt("crack", bundle="my_bundle")
        >>> crack.run.as_posix(), crack.support
        ('l2laug-runs/crack', 5)
    """
    from l2laug.commands.adapt import AdaptOptions
    from l2laug.commands.adapt import adapt as run
    from l2laug.runtime.session import Session

    name, along, to = str(bundle), _path(base), _path(out)
    options = AdaptOptions(name, base=along, out=to, budget=budget, overwrite=overwrite)
    return run(Path(folder), options, Session.start(device, _progress(), seed))


def augment(
    dataset: str | Path,
    out: str | Path,
    *,
    to_count: str | None = None,
    rare: tuple[str, ...] = (),
    force: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write a data set again, its rare classes filled where samples help, see ``docs/augment.md``.

    Args:
        dataset: in any of the layouts that the command reads.
        out: the folder to write.
        to_count: images of each rare class there shall be: ``200``, ``median`` or ``max``.
        rare: names of the rare classes; they are found by default.
        force: ``samples`` adds them whatever is found.
        seed: of everything random.

    Returns:
        What ``augment.json`` holds.

    Example:
        >>> import l2laug
        >>> l2laug.augment("all_classes", "balanced")["added"]  # no class is rare there
        0
    """
    from l2laug.commands import augment as command
    from l2laug.runtime.session import Session

    options = command.AugmentOptions(Path(out), to_count, rare, force=force)
    return command.augment(Path(dataset), options, Session.start("auto", _progress(), seed))


def sample(
    run: str | Path | None = None,
    *,
    count: int = 100,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    size: int | None = None,
    format: str = "png",  # noqa: A002 - as the command line has it
    overwrite: bool = False,
) -> Written:
    """Draw images of an adapted class into a class folder, with a manifest; without torch.

    Args:
        run: run folder or ``.onnx`` file; the newest run of the current folder by default.
        count: how many images there shall be.
        out: folder for the class folder; the run's ``samples`` by default.
        seed: of the images; image ``i`` of a seed is always the same.
        device: ``auto``, ``cpu`` or ``cuda``.
        size: side of squares to write, 8 to 4096; each at the size of its original by default.
        format: ``png`` (TIFF where 16 bits need it), ``jpg`` or ``webp``.
        overwrite: replace pictures that are there.

    Returns:
        Where they are, how large, and how many draws were rejected.

    Raises:
        UsageError: there is no such run, or no such size or format.
        BundleError: the model can't be loaded.
        DeviceError: the device is not there.
        OutputError: there are samples already, or they can't be written.

    Example:
        >>> import l2laug
        >>> written = l2laug.sample("l2laug-runs/crack", count=24)
        >>> written.folder.as_posix(), written.count
        ('l2laug-runs/crack/samples/crack', 24)
        >>> large = l2laug.sample("l2laug-runs/crack", count=2, out="large", size=64, format="jpg")
        >>> large.side, sorted(path.name for path in large.folder.iterdir())
        (64, ['000000.jpg', '000001.jpg'])
    """
    from l2laug.artifacts.run import find_run
    from l2laug.commands.sample import SampleOptions
    from l2laug.commands.sample import sample as draw

    options = SampleOptions(
        count, _path(out), seed, device, overwrite=overwrite, size=size, format=format
    )
    return draw(find_run(_path(run)), options, _progress())


def load(model: str | Path | None = None, device: str = "auto") -> Model:
    """Load an adapted model, to draw images as arrays; without torch.

    Args:
        model: run folder or ``.onnx`` file; the newest run of the current folder by default.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: there is no such run.
        BundleError: the file can't be loaded, or no ``adapt`` of this version wrote it.
        DeviceError: the device is not there.

    Example:
        >>> import l2laug
        >>> model = l2laug.load("l2laug-runs/crack")
        >>> images = model.sample(16, seed=1)
        >>> images.shape, str(images.dtype)
        ((16, 32, 32, 1), 'uint8')
    """
    from l2laug.artifacts.run import find_run
    from l2laug.sampling.sampler import Sampler

    return Model(Sampler(find_run(_path(model)).model, device))


def evaluate(
    run: str | Path | None = None,
    *,
    samples: str | Path | None = None,
    dataset: str | Path | None = None,
    test: str | Path | None = None,
    features: str = "bundle",
    classifier: bool | str = False,
    seed: int = 0,
    device: str = "auto",
) -> Evaluation:
    """Say whether samples are good, whether they are copies, and whether they help a classifier.

    Args:
        run: run folder or ``.onnx`` file; the newest run of the current folder by default.
        samples: folder that ``sample`` wrote; the run's own by default.
        dataset: class folders of real images; the rare folder's siblings by default.
        test: class folders of real images held out for testing.
        features: what to measure on: ``bundle``, ``timm:NAME[@WEIGHTS]``, ``inception[@WEIGHTS]``.
        classifier: whether to train classifiers without and with the samples; or which ones:
            ``probe``, ``small``, ``tune`` or timm models, with commas between.
        seed: of the splits.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The report that is also written beside the model, as plain data.

    Raises:
        UsageError: there is no such run, no samples or nothing to test on.
        ImageError: images can't be read.
        BundleError: the bundle is gone or another one, or weights are missing or do not fit.

    Example:
        >>> import l2laug
        >>> report = l2laug.evaluate("l2laug-runs/crack", dataset="all_classes")
        >>> report.counts["samples"], 0 <= report.scores["copies"] <= 1
        (24, True)
    """
    from l2laug.artifacts.run import find_run
    from l2laug.commands.evaluate import evaluate as measure
    from l2laug.config.evaluation_options import PROBE, EvaluationOptions, split_names
    from l2laug.runtime.session import Session

    options = EvaluationOptions(
        samples=_path(samples),
        dataset=_path(dataset),
        test=_path(test),
        features=features,
        classifier=bool(classifier),
        heads=split_names(classifier if isinstance(classifier, str) else PROBE),
    )
    return measure(find_run(_path(run)), options, Session.start(device, _progress(), seed))


def pretrain(
    source: str | Path,
    out: str | Path,
    *,
    recipe: str | Path | Recipe = "default",
    start: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    device: str = "auto",
) -> Pretrained:
    """Train a bundle from class folders of base classes: hours on a CPU.

    Args:
        source: class folders of base classes.
        out: the bundle folder to write.
        recipe: name of a shipped recipe, a YAML file, or a recipe.
        start: name or folder of a bundle to go on from, in place of random weights.
        resume: go on with a training that was cut off.
        overwrite: replace a bundle that is there.
        seed: of everything random.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The bundle, and how long it took.

    Raises:
        RecipeError: the recipe has unknown keys or values that can't be.
        ImageError: there are too few classes or images.
        OutputError: a bundle is there already, or an unfinished one and no ``resume``.
        BundleError: ``start`` is missing, damaged or of other networks than the recipe's.

    Example:
        >>> import l2laug
        >>> trained = l2laug.pretrain("all_classes", "new_bundle", recipe="quick.yaml")
        >>> trained.bundle.name, trained.bundle.size
        ('new_bundle', 32)
    """
    from l2laug.commands.pretrain import PretrainOptions
    from l2laug.commands.pretrain import pretrain as train
    from l2laug.config.load import find_recipe
    from l2laug.data.public_sources import source_size
    from l2laug.runtime.processes import Processes

    source = Path(source)
    if isinstance(recipe, (str, Path)):
        recipe = find_recipe(str(recipe), source_size(source))
    options = PretrainOptions(recipe, None if start is None else str(start), resume, overwrite)
    return train(source, Path(out), options, Processes.start(device, _progress(), seed))


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _progress() -> Progress:
    return Progress(quiet=not sys.stderr.isatty())

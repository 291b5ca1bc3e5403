"""Draw images of a rare class from a data set's own, at their size, labels changed along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from l2laug.artifacts.run import Run
from l2laug.commands.augmenting.drawn_images import NewImage
from l2laug.core.errors import BundleError
from l2laug.core.files import whole_file
from l2laug.data.datasets.dataset import Item
from l2laug.data.datasets.mask_files import MaskPicture
from l2laug.data.images.originals import Original, read_original
from l2laug.runtime.session import Session
from l2laug.sampling.apply_change import apply_change
from l2laug.sampling.labels.change_labels import ChangedLabels, Dropped, change_labels
from l2laug.sampling.render import PictureOptions, encode, render, suffix_of
from l2laug.sampling.sampler import Drawn, Sampler
from l2laug.sampling.writing.manifest import entry_of

# Samples are files of their originals' kind: a classifier must not tell them by traces of JPEG.
FORMATS = {".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp"}
LOSSY = frozenset({".jpg", ".jpeg", ".webp", ".gif"})  # can't hold a mask's values
MOST_DRAWS = 8  # of an image that is wanted, before it is given up
HOPELESS = 64  # draws in turn of which none can be used, after which no more are made


class CommonObjects:
    """How often objects of other classes than the one drawn may be seen in new images.

    Args:
        counts: objects of each class in the images to train on.
        share: of that, by which each may multiply.
        rare: classes that may multiply freely.
    """

    def __init__(self, counts: Mapping[str, int], share: float, rare: frozenset[str]) -> None:
        self._left = {name: int(share * n) for name, n in counts.items() if name not in rare}

    def take(self, item: Item) -> bool:
        """Whether an image may be added; if so its objects are counted."""
        shown = Counter(o.label for o in item.objects if o.label in self._left)
        if any(self._left[name] < number for name, number in shown.items()):
            return False
        for name, number in shown.items():
            self._left[name] -= number
        return True


def draw_class(
    name: str,
    run: Run,
    items: Mapping[Path, Item],
    count: int,
    folder: Path,
    session: Session,
    common: CommonObjects | None = None,
) -> Iterator[NewImage]:
    """Draw ``count`` images of a class into ``folder``, their masks into ``folder/masks``.

    They are yielded as they are written; fewer where not enough draws reach the model's acceptance
    threshold, or where other objects would become too many.

    Args:
        name: of the class.
        run: the adapted model.
        items: the images it was adapted from, by their resolved files.
        count: how many images there shall be.
        folder: for them.
        session: device, progress and seed.
        common: limits other objects.

    Raises:
        BundleError: the model tells no changes and the images have labels to change.
        OutputError: a file can't be written.
    """
    sampler = Sampler(run.model, session.device)
    sources = [items[path] for path in _support(run)]
    if not sampler.tells_changes and any(i.masks or i.objects for i in sources):
        raise BundleError(
            f"Bundle {sampler.card.bundle} does not tell how it changes images, so that masks and "
            "objects can't be changed along.",
            "Give another --bundle, as photos.",
        )
    found = missed = 0
    hopeless = max(HOPELESS, 2 * len(sources))
    with session.progress.task(f"drawing {name}", count) as advance:
        for new in _new_images(sampler, count * MOST_DRAWS, session.seed, sources, folder):
            shown = new.entry["accepted"] and (common is None or name in new.item.labels)
            if shown and (common is None or common.take(new.item)):
                found, missed = found + 1, 0
                yield new
                advance()  # behind it: time may be over
            else:
                _remove(new)
                missed += 1
            if found == count or missed == hopeless:
                break


def _new_images(
    sampler: Sampler, most: int, seed: int, sources: list[Item], folder: Path
) -> Iterator[NewImage]:
    """Images of a seed in order, written to ``folder``, some made side by side."""
    with ThreadPoolExecutor() as pool:
        for drawn in sampler.draw(most, seed):

            def make(k: int, drawn: Drawn = drawn) -> NewImage:
                return _make(sampler, drawn, k, sources, folder)

            yield from pool.map(make, range(len(drawn.indices)))


def _support(run: Run) -> list[Path]:
    """The files that a model was adapted from, in its order."""
    options = yaml.safe_load((run.folder / "options.yaml").read_text(encoding="utf-8"))
    return [Path(path).resolve() for path in options["images"]]


def _make(sampler: Sampler, drawn: Drawn, k: int, sources: list[Item], folder: Path) -> NewImage:
    """One new image and its masks, written; its labels."""
    source, stem = sources[int(drawn.support[k])], f"{drawn.indices[k]:06d}"
    picture = _picture(sampler, drawn, k, source)
    options = PictureOptions(format=FORMATS.get(source.file.suffix.lower(), "png"))
    content = encode(picture, options)
    path = folder / f"{stem}.{suffix_of(picture, options)}"
    with whole_file(path) as part:
        part.write_bytes(content)
    item = replace(source, file=path, objects=(), masks=())
    dropped: tuple[Dropped, ...] = ()
    mirrored = 0
    if (source.masks or source.objects) and drawn.changes is not None:
        masks = [MaskPicture.read(mask.file) for mask in source.masks]
        pixels = [mask.pixels for mask in masks]
        labels = change_labels(drawn.changes[k], source.objects, pixels, picture.size)
        item = replace(
            item, objects=labels.objects, masks=_write_masks(labels, masks, source, path)
        )
        dropped, mirrored = labels.dropped, len(labels.mirrored)
    entry = entry_of(sampler, drawn, k, picture.size, content)
    return NewImage(item, source, entry, dropped, mirrored)


def _picture(sampler: Sampler, drawn: Drawn, k: int, source: Item) -> Original:
    """The source at its whole size changed; models hold large ones reduced."""
    held = sampler.original(int(drawn.support[k]))
    if drawn.changes is None or held is None or max(held.size) < sampler.card.max_side:
        return render(sampler, drawn, k)
    original = read_original(source.file)
    return replace(
        original, pixels=apply_change(original.pixels, drawn.changes[k], original.colours)
    )


def _write_masks(
    labels: ChangedLabels, masks: list[MaskPicture], source: Item, path: Path
) -> tuple[Any, ...]:
    written = []
    for number, (told, mask, pixels) in enumerate(
        zip(source.masks, masks, labels.masks, strict=True)
    ):
        suffix = Path(told.file.name).suffix
        ending = told.ending
        if suffix.lower() in LOSSY:
            ending, suffix = ending.removesuffix(suffix) + ".png", ".png"
        target = path.parent / "masks" / f"{path.stem}.{number}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(mask, pixels=pixels).save(target)
        written.append(replace(told, file=target, ending=ending))
    return tuple(written)


def _remove(new: NewImage) -> None:
    for path in (new.item.file, *(mask.file for mask in new.item.masks)):
        path.unlink()

"""Read the support set of each rare class."""

from __future__ import annotations

from pathlib import Path

from l2laug.artifacts.bundle import Bundle
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import ImageError
from l2laug.data.image_set import ImageSet, read_classes


def read_supports(classes: dict[str, list[Path]], bundle: Bundle) -> dict[str, ImageSet]:
    """The images of each rare class.

    Raises:
        ImageError: of some classes nothing can be used; every one of them is named.
    """
    sets, problems = {}, []
    for name, files in classes.items():
        try:
            sets[name] = read_support(name, files, bundle)
        except ImageError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        facts = "\n".join(error.fact.rstrip() for error in problems)
        raise ImageError(
            f"{len(problems)} of {len(classes)} classes can't be used:\n{facts}\n",
            "Replace those images, or take the folders away.",
        )
    return sets


def read_support(name: str, files: list[Path], bundle: Bundle) -> ImageSet:
    """The images of one rare class at the bundle's size, images that are the same only once."""
    images = read_classes({name: files}, bundle.size, bundle.channels)
    first: dict[str, int] = {}
    for row, pixels in enumerate(images.pixels):
        first.setdefault(pixel_hash(pixels), row)
    rows = sorted(first.values())
    kept = images.pixels[rows]
    if kept.reshape(len(kept), -1).std(1).max() < 1:
        raise ImageError(f"Every image of {name} is blank.", "Give images that show the class.")
    doubles = tuple(
        (path, "the same picture as another one")
        for row, path in enumerate(images.paths)
        if row not in rows
    )
    paths = tuple(images.paths[r] for r in rows)
    return ImageSet(kept, images.labels[rows], images.classes, paths, images.skipped + doubles)

"""Class folders of links to a data set's images, for commands that read class folders."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from l2laug.data.datasets.dataset import Item


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """A folder's name for each class: its own, where a file system can hold it."""
    taken: set[str] = set()
    names = {}
    for name in classes:
        plain = re.sub(r"[\x00-\x1f/\\:*?\"<>|]", "-", name).strip(". ") or "class"
        number, one = 2, plain
        while one.casefold() in taken:
            one, number = f"{plain}-{number}", number + 1
        taken.add(one.casefold())
        names[name] = one
    return names


def link_classes(
    folder: Path, classes: Mapping[str, Sequence[Item]], names: Mapping[str, str]
) -> Path:
    """Make ``folder/<class>/00000.png ...`` anew, of links to the images.

    Args:
        folder: to make; what is in it goes.
        classes: images by class.
        names: of the classes' folders.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name, items in classes.items():
        place = folder / names[name]
        place.mkdir(parents=True)
        for number, item in enumerate(items):
            link_or_copy(item.file, place / f"{number:05d}{item.file.suffix}")
    return folder


def link_or_copy(source: Path, target: Path) -> None:
    """A link to a file, or a copy of it where the system has no links."""
    try:
        target.symlink_to(source.resolve())
    except OSError as error:
        if not isinstance(error, FileExistsError) and os.name == "nt":  # links take a privilege
            shutil.copyfile(source, target)
        else:
            raise

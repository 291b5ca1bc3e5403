"""Where source classes come from: class folders, or a public data set by its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import platformdirs

from l2laug.errors import ImageError
from l2laug.files import whole_folder
from l2laug.images import class_folders

NAMES = ("omniglot",)
DONE = "complete"


def source_folder(source: Path) -> Path:
    """``source`` itself if it is there; else the folder of the data set of that name.

    ``omniglot`` is all 1,623 characters of Lake et al. (2015), both halves, as torchvision fetches
    them.

    Raises:
        ImageError: it can't be fetched.
        OutputError: the cache can't be written.
    """
    if source.exists() or str(source) not in NAMES:
        return source
    place = Path(platformdirs.user_cache_dir("l2laug", appauthor=False)) / str(source)
    if not (place / DONE).is_file():
        _fetch_omniglot(place)
    return place


def source_classes(source: Path, rare: Path | None) -> dict[str, list[Path]]:
    """The classes in ``source``, those left out that lie in the folder ``rare`` or are called so.

    ``source`` is a folder, or the name of a public data set.

    Raises:
        ImageError: none is left.
    """
    classes = class_folders(source_folder(source), several=True)
    if rare is not None:
        inside = rare.resolve()
        called = set(class_folders(rare)) if rare.is_dir() else set()
        classes = {
            name: files
            for name, files in classes.items()
            if name not in called and not (source / name).resolve().is_relative_to(inside)
        }
    if not classes:
        raise ImageError(f"{source} holds no class but {rare}.", "Name plentiful classes.")
    return classes


def _fetch_omniglot(place: Path) -> None:
    from torchvision.datasets import Omniglot  # type: ignore[import-untyped]

    with whole_folder(place, last=DONE) as part:
        for background in (True, False):
            root = part / ".download"
            try:
                found = Omniglot(str(root), background=background, download=True)
            except (OSError, RuntimeError) as error:
                raise ImageError(
                    f"Omniglot can't be fetched: {error}.",
                    "Give a folder of class folders in place of its name.",
                ) from error
            for character in sorted(Path(found.target_folder).glob("*/character*")):
                name = f"{character.parent.name}-{character.name}"
                shutil.copytree(character, part / name)
        shutil.rmtree(part / ".download")
        (part / DONE).write_text("")

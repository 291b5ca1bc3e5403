"""Where source classes come from: class folders, or a public data set by its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import platformdirs

from l2laug.core.errors import ImageError
from l2laug.core.files import whole_folder
from l2laug.data.folders import class_folders
from l2laug.data.images.image_stats import image_stats

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


def source_size(source: Path) -> Callable[[], tuple[int, int]]:
    """A function that looks at the images of a source and returns their side and channels."""

    def look() -> tuple[int, int]:
        folders = class_folders(source_folder(source), several=True)
        stats = image_stats([file for files in folders.values() for file in files])
        return stats.size, stats.channels

    return look


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

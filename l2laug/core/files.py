"""Files that appear whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from l2laug.core.errors import OutputError
from l2laug.core.locks import alone_in

WHOLE, NAMES = ".whole.part", ".names"  # a finished folder on its way, and what it holds
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of a disk, a quota, a file: they name no file


def unwritable(path: Path, error: OSError) -> OutputError:
    """What to raise where a file or folder can't be written."""
    return OutputError(
        f"{path} can't be written: {error.strerror or error}.",
        "Choose another place with -o, or free some space.",
    )


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` once the block has ended well.

    Raises:
        OutputError: the folder can't be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if not path.parent.is_dir():  # cheaper to ask than to try, of thousands of small files
            path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):  # what went wrong above matters more
            part.unlink()
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise


@contextmanager
def whole_folder(folder: Path, last: str) -> Iterator[Path]:
    """Yield a hidden folder in ``folder``, whose files replace all else there at the block's end.

    The file named ``last`` comes in last: whoever sees it sees all of them. If the block fails,
    ``folder`` is as it was.

    Raises:
        OutputError: the folder can't be written or the disk is full, or another process is writing
            to it. Other errors of the block, as of a file that it can't read, come out as they are.
    """
    part = folder / f".{os.getpid()}.part"
    new = not folder.exists()
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        with alone_in(folder):
            yield part
            names = sorted((p.name for p in part.iterdir()), key=lambda name: name == last)
            (part / NAMES).write_text(json.dumps(names), encoding="utf-8")
            shutil.rmtree(folder / WHOLE, ignore_errors=True)
            part.rename(folder / WHOLE)  # from here on nothing is lost: see settle
            settle(folder)
    except OSError as error:
        if not (error.errno in FULL or _names_something_in(folder, error)):
            raise
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if new:
            with suppress(OSError):  # it is not empty: the block ended well
                folder.rmdir()


def settle(folder: Path) -> None:
    """Put in its place what :func:`whole_folder` had finished when it was killed, if it was.

    The caller holds the folder, see :func:`l2laug.core.locks.alone_in`.
    """
    whole = folder / WHOLE
    if not (whole / NAMES).is_file():
        return
    names: list[str] = json.loads((whole / NAMES).read_text(encoding="utf-8"))
    for path in [*folder.iterdir()]:
        # What is in both is old; what is new and not in the hidden folder has been moved.
        if path != whole and (path.name not in names or (whole / path.name).exists()):
            _remove(path)
    for name in names:
        if (whole / name).exists():
            (whole / name).replace(folder / name)
    shutil.rmtree(whole)


def recover(folder: Path) -> None:
    """Do :func:`settle`, unless another process is at it."""
    if (folder / WHOLE).is_dir():
        with suppress(OutputError), alone_in(folder):
            settle(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def own_folder(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Make a folder and hold it while the block runs; if it is new and left empty, it is gone.

    Args:
        folder: it may be there.
        shared: see :func:`l2laug.core.locks.alone_in`.

    Raises:
        OutputError: it can't be made, or another process holds it.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made: {error.strerror or error}.", "Choose another place with -o."
        ) from error
    try:
        with alone_in(folder, shared=shared):
            yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _names_something_in(folder: Path, error: OSError) -> bool:
    """Whether an error is about a folder or a file in it."""
    names = [error.filename, error.filename2]
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        names += [target for _, target, _ in error.args[0]]
    paths = [Path(os.fsdecode(n)).absolute() for n in names if isinstance(n, (str, bytes))]
    return any(path.is_relative_to(folder.absolute()) for path in paths)


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what a killed :func:`whole_folder` may have left."""
    return all(p.name[0] == "." and p.suffix == ".part" for p in folder.iterdir())


def clear(folder: Path, keep: Path | None = None) -> None:
    """Remove all that a folder holds, but for ``keep``."""
    for path in folder.iterdir():
        if path != keep:
            _remove(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")

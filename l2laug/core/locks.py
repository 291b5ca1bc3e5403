"""One process at a time writes to a place; a lock ends with the process that holds it.

Locks are the operating system's (flock): nothing is left of them after a kill. On Windows and on
some network file systems there are none, and two processes are not kept apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from l2laug.core.errors import OutputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone_in(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a folder, which has to be there, while the block runs.

    Args:
        folder: to be written to.
        shared: others may hold it too, if they share it as well.

    Raises:
        OutputError: another process holds it.
    """
    opened = _opened(folder, os.O_RDONLY)
    try:
        _lock(opened, folder, shared=shared)
        yield
    finally:
        _close(opened)


@contextmanager
def alone_at(path: Path) -> Iterator[None]:
    """Hold a name while the block runs: a file of that name is there meanwhile, and then no more.

    Raises:
        OutputError: another process holds it.
    """
    while True:
        opened = _opened(path, os.O_RDWR | os.O_CREAT)
        try:
            _lock(opened, path, shared=False)
        except BaseException:
            _close(opened)
            raise
        if opened is None or _is_still(opened, path):
            break
        _close(opened)  # whoever held it before has just removed it
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        _close(opened)


def _opened(path: Path, how: int) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(path, how, 0o666)
    except OSError:
        return None  # whoever writes there says what is wrong


def _close(opened: int | None) -> None:
    if opened is not None:
        os.close(opened)


def _is_still(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False


def _lock(opened: int | None, path: Path, *, shared: bool) -> None:
    if opened is None:
        return
    try:
        fcntl.flock(opened, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputError(
            f"Another l2laug is writing to {path}.",
            "Wait until it has ended, or choose another place with -o.",
        ) from None
    except OSError:  # a file system without locks
        return

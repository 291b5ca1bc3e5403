"""Lists that are kept on disk, for as many things as memory can't hold."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Spool(Generic[T]):
    """A list whose things lie in a nameless file, which goes with it; eight bytes each in memory.

    Things are pickled and come back as copies. Nothing is read that this process did not write.

    Args:
        folder: on whose disk; the system's folder for temporary files may be memory itself.
        things: to put in.

    Raises:
        OSError: the disk is full.
    """

    def __init__(self, folder: Path, things: Iterable[T] = ()) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 # closed when it goes
        weakref.finalize(self, self._file.close)
        self._starts = array("Q")
        self._end = 0
        self.extend(things)

    def append(self, thing: T) -> None:
        """Put one more behind the others."""
        self._starts.append(self._end)
        self._file.seek(self._end)
        pickle.dump(thing, self._file, pickle.HIGHEST_PROTOCOL)
        self._end = self._file.tell()

    def extend(self, things: Iterable[T]) -> None:
        """Put more behind the others."""
        for thing in things:
            self.append(thing)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> T:
        self._file.seek(self._starts[index])
        thing: T = pickle.load(self._file)  # noqa: S301 # this process wrote it
        return thing

    def __iter__(self) -> Iterator[T]:
        return (self[index] for index in range(len(self)))

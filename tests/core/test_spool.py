"""Lists on disk: they hold what lists in memory hold, and take none."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

from l2laug.core.spool import Spool


def test_it_is_a_list(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ["a", {"b": 2}])
    assert spool[1] == {"b": 2}  # reading between two writes
    spool.extend([("c",), None])
    assert (list(spool), len(spool)) == (["a", {"b": 2}, ("c",), None], 4)
    assert list(spool) == list(spool)
    assert not list(tmp_path.iterdir())  # nothing that a stop could leave


def test_it_takes_eight_bytes_of_memory_each(tmp_path: Path) -> None:
    count, size = 4000, 500
    tracemalloc.start()
    spool = Spool(tmp_path, (bytes([i % 256]) * size for i in range(count)))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, spool)) == count * size
    assert held < 16 * count + io.DEFAULT_BUFFER_SIZE + 50_000  # arrays grow in steps

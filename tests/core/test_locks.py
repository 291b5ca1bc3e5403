"""Two processes never write to one place at once, and a lock ends with its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from l2laug.core.errors import OutputError
from l2laug.core.files import own_folder
from l2laug.core.locks import alone_at, alone_in

HOLD = (
    "import sys; from pathlib import Path; from l2laug.core.locks import {0}\n"
    "with {0}(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize("lock", [alone_in, alone_at])
def test_another_process_is_refused_until_the_first_is_killed(
    tmp_path: Path, lock: Callable[[Path], AbstractContextManager[None]]
) -> None:
    place = tmp_path if lock is alone_in else tmp_path / "a.lock"
    code = HOLD.format(lock.__name__)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="Another l2laug is writing to"), lock(place):
            pass
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with lock(place):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_be_shared(tmp_path: Path) -> None:
    holding = alone_in(tmp_path, shared=True), alone_in(tmp_path, shared=True)
    with holding[0], holding[1], pytest.raises(OutputError), alone_in(tmp_path):
        pass
    with alone_in(tmp_path), pytest.raises(OutputError), alone_in(tmp_path, shared=True):
        pass


def test_a_new_folder_that_stays_empty_is_gone(tmp_path: Path) -> None:
    for name, wanted in (("empty", []), ("full", ["full"])):
        with own_folder(tmp_path / name):
            if name == "full":
                (tmp_path / name / "a").touch()
        assert [p.name for p in tmp_path.iterdir()] == wanted

"""A local Ray of two workers, one of them killed at work."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from l2laug.core.errors import OutputError
from l2laug.core.progress import Progress
from l2laug.sampling import cluster
from l2laug.sampling.cluster import Share, draw_share, sample_on_cluster
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples
from l2laug.sampling.writing.job import OutputOptions
from tests.sampling.test_writer import contents

QUIET = Progress(quiet=True)
COUNT = 22


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_workers")]


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    """The cluster that :func:`sample_on_cluster` finds there already."""
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=80 * 2**20,
    )
    ray.cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["_"]))
    yield
    ray.shutdown()


def dying(share: Share) -> int:
    """Draw a share; the first worker to draw the second one is killed at its third file."""
    from l2laug.sampling import writer

    mark = share.out.with_name("killed")
    if share.options.part.number == 2 and not mark.exists():
        real, calls = writer._write, iter(range(100))

        def write(*given: Any) -> Any:
            if next(calls) == 2:
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given)

        writer._write = write
    return draw_share(share)


def test_a_lost_worker_changes_no_byte(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(cluster, "PER_SHARE", 8)
    monkeypatch.setattr(ray, "shutdown", lambda: None)  # the fixture's
    sampler = Sampler(tiny_run / "model.onnx", "cpu")
    out, options = tmp_path / "drawn", OutputOptions(per_file=2)
    whole = Share(tiny_run / "model.onnx", COUNT, out, 3, options)
    written = sample_on_cluster(sampler, whole, QUIET, draw=dying)
    assert (tmp_path / "killed").exists()
    alone = write_samples(sampler, COUNT, tmp_path / "alone", 3, QUIET, pictures=options)
    assert contents(out) == contents(tmp_path / "alone")
    assert written == replace(alone, folder=out)

    def nobody(_: Share) -> int:
        raise AssertionError("nothing is left to draw")

    again = sample_on_cluster(sampler, whole, QUIET, resume=True, draw=nobody)
    assert again == written
    with pytest.raises(OutputError, match="exist already"):
        sample_on_cluster(sampler, whole, QUIET, draw=nobody)
    sample_on_cluster(sampler, whole, QUIET, overwrite=True)
    assert contents(out) == contents(tmp_path / "alone")


def test_an_error_of_a_worker_is_told_as_on_one_machine(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(ray, "shutdown", lambda: None)
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    whole = Share(tiny_run / "model.onnx", 3, out, 3, OutputOptions())
    with pytest.raises(OutputError, match="can't be made"):
        sample_on_cluster(Sampler(whole.model, "cpu"), whole, QUIET)

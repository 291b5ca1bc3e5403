"""Draw images from an adapted model with numpy and onnxruntime alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2laug.artifacts.model_card import ORIGINAL, Card
from l2laug.artifacts.onnx_file import check_onnx
from l2laug.core.arrays import Pixels, to_pixels
from l2laug.core.errors import BundleError
from l2laug.core.hashing import file_hash
from l2laug.data.images.originals import Original, reduced
from l2laug.sampling.apply_change import Change
from l2laug.sampling.precision.choice import FP32, Model, choose
from l2laug.sampling.providers import CUDA, Runtime, load_cuda
from l2laug.sampling.session import BATCH, open_session

DRAWN, CHANGE = ("images", "similarity"), ("grid", "tone", "difference")  # outputs of the graph
TRIES = 8  # at an image, before the best of them is taken
TRIAL_SEED = 2**32  # beyond those that can be asked for


@dataclass(frozen=True)
class Drawn:
    """Some drawn images.

    Attributes:
        indices: of the images, from 0.
        support: for each image the row of the support image it was drawn from.
        tries: for each image how many draws it took, from 1; all but the one kept were rejected.
        similarities: class similarity of each, the cosine to its class's prototype.
        accepted: whether that reaches the model's acceptance threshold; where no try did, the best
            of them is kept all the same.
        pixels: ``(N, C, S, S)`` uint8.
        changes: by which each comes from its support image, if the model tells them.
    """

    indices: range
    support: NDArray[np.int64]
    tries: NDArray[np.int64]
    similarities: NDArray[np.float32]
    accepted: NDArray[np.bool_]
    pixels: Pixels
    changes: tuple[Change, ...] | None = None


@dataclass(frozen=True)
class _Try:
    """One draw of one image and its class similarity; ``number`` counts from 0."""

    index: int
    number: int
    similarity: float
    pixels: Pixels
    change: Change | None
    last: int = 0  # the number of the last try at the image, once it is settled


class Sampler:
    """An adapted model, ready to draw.

    Args:
        path: the ``.onnx`` file.
        device: one of :data:`l2laug.sampling.providers.DEVICES`.
        threads: of onnxruntime; 0 leaves it the choice.
        max_side: of originals, in pixels: longer ones are reduced, where small pictures will do.
        precision: ``fp32``, ``int8``, ``fp16`` or ``auto``, see :func:`choose`.

    Attributes:
        card: what the model says of itself.
        digest: SHA-256 of the file.
        provider: what it runs on, as onnxruntime calls it: ``CPU``, ``CUDA``...
        advice: what is wrong with the installation of onnxruntime, and the line that mends it.
        precision: what it runs in.
        about_precision: how that compares to ``fp32``, in words.

    Raises:
        BundleError: the file is missing or no model of l2laug's.
        DeviceError: the device that was asked for can't be had, or is not for the precision.
        UsageError: there is no such precision, or it needs what is not installed.
        QualityError: the model draws other images in that precision.
    """

    def __init__(
        self,
        path: Path,
        device: str = "auto",
        threads: int = 0,
        max_side: int | None = None,
        precision: str = FP32,
    ) -> None:
        if not path.is_file():
            raise BundleError(f"No model at {path}.", "Make one with l2laug adapt FOLDER.")
        check_onnx(path)
        runtime = Runtime.here()
        providers = runtime.providers(device)
        if CUDA in providers:
            load_cuda()
        self.session = open_session(path, providers, threads)
        self._metadata = self.session.get_modelmeta().custom_metadata_map
        used = self.session.get_providers()[0]
        runtime.check(device, used)
        self.advice = runtime.advice(device, used)
        self.provider = used.removesuffix("ExecutionProvider")
        self._originals: dict[int, Original] = {}
        self._max_side = max_side
        self.card = Card.from_metadata(self._metadata, str(path))
        there = {output.name for output in self.session.get_outputs()}
        self._outputs = [name for name in (*DRAWN, *CHANGE) if name in there]
        self._check_graph(path)
        self.digest = file_hash(path)
        about = Model(
            path,
            self.digest,
            used,
            self._largest_side,
            self._outputs,
            self._trial,
            lambda file, count: open_session(file, providers, count),
        )
        self.precision, self.about_precision, session = choose(precision, about, threads)
        self.session = session or self.session

    def draw(self, count: int, seed: int = 0, first: int = 0) -> Iterator[Drawn]:
        """Draw images ``first`` to ``first + count - 1`` of a seed, some at a time, in order.

        Image ``i`` of a seed is the same whatever else is drawn. The support images take turns. A
        draw of a lower class similarity than the model's card asks for is rejected and drawn anew
        from another latent, a few times; of an image that never gets there the best is taken.
        """
        new, again = iter(range(first, first + count)), deque[tuple[int, int]]()
        best: dict[int, _Try] = {}
        settled: dict[int, _Try] = {}
        following = first
        while following < first + count:
            # Rejected ones go first, so that what is behind them does not wait long.
            batch = [again.popleft() for _ in range(min(BATCH, len(again)))]
            batch += [(i, 0) for i in islice(new, BATCH - len(batch))]
            for one in self._try(batch, seed):
                before = best.get(one.index)
                if before is None or one.similarity > before.similarity:
                    best[one.index] = one
                if one.similarity >= self.card.acceptance_threshold or one.number + 1 == TRIES:
                    settled[one.index] = replace(best.pop(one.index), last=one.number)
                else:
                    again.append((one.index, one.number + 1))
            ready = []
            while following in settled:
                ready.append(settled.pop(following))
                following += 1
            if ready:
                yield self._drawn(ready)

    def _check_graph(self, path: Path) -> None:
        """Make sure that the graph takes and gives what its card says, and no more."""
        card = self.card
        fed = {"support": [], "latent": [card.latent]}
        side = [card.channels, card.size, card.size]
        wanted = {"images": side, "similarity": [], "difference": side}
        inputs = {one.name: list(one.shape[1:]) for one in self.session.get_inputs()}
        given = {one.name: list(one.shape[1:]) for one in self.session.get_outputs()}
        right = inputs == fed and set(DRAWN) <= given.keys()
        right = right and all(given[name] == wanted[name] for name in given.keys() & wanted.keys())
        if not right or len(self._outputs) not in (len(DRAWN), len(DRAWN + CHANGE)):
            raise BundleError(
                f"{path} takes or gives other arrays than its card says.",
                "Do not trust that file; adapt again.",
            )

    def _largest_side(self) -> int:
        """Of what is drawn or changed, in pixels."""
        rows = range(len(self.card.support_hashes))
        originals = map(self.original, rows) if self.tells_changes else ()
        return max(self.card.size, *(max(one.size) for one in originals if one is not None), 0)

    def _trial(self, number: int) -> dict[str, NDArray[Any]]:
        """Inputs of one batch of a seed that samples seldom have, to try a precision on."""
        indices = range(number * BATCH, (number + 1) * BATCH)
        latents = np.stack([latent(TRIAL_SEED, i, 0, self.card.latent) for i in indices])
        return {"support": self._support(indices), "latent": latents}

    @property
    def tells_changes(self) -> bool:
        """Whether the model tells its draws as changes of their originals."""
        return len(self._outputs) > len(DRAWN)

    def original(self, row: int) -> Original | None:
        """A support image at its own size, as the model file holds it; None if it does not.

        Raises:
            BundleError: what the file holds there is no picture.
        """
        text = self._metadata.get(f"{ORIGINAL}.{row}")
        if text is None:
            return None
        if row not in self._originals:
            try:
                found = Original.from_text(text)
            except Exception as error:  # decoders raise almost anything on damaged data
                raise BundleError(
                    f"Support image {row} in the model file is damaged.", "Adapt again."
                ) from error
            self._originals[row] = reduced(found, self._max_side or max(found.size))
        return self._originals[row]

    def decode(
        self, support: Sequence[int] | NDArray[np.int64], latents: NDArray[np.float32]
    ) -> tuple[Pixels, NDArray[np.float32]]:
        """Draw from given latents, rejecting nothing.

        Args:
            support: rows of support images, N of them.
            latents: ``(N, latent)``.

        Returns:
            uint8 ``(N, C, S, S)``, and the class similarity of each, ``(N,)``.
        """
        unit, similarity, *_ = self._run(support, latents)
        return to_pixels(unit), similarity

    def _run(
        self, support: Sequence[int] | NDArray[np.int64], latents: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        """All outputs of the graph, N rows each."""
        parts = []
        for start in range(0, len(support), BATCH):
            rows = np.asarray(support[start : start + BATCH], np.int64)
            fill = BATCH - len(rows)
            feed: dict[str, NDArray[Any]] = {
                "support": np.pad(rows, (0, fill), "edge"),
                "latent": np.pad(latents[start : start + BATCH], ((0, fill), (0, 0)), "edge"),
            }
            found = [np.asarray(v)[: len(rows)] for v in self._graph(feed)]
            if not all(np.isfinite(values).all() for values in found):
                raise BundleError("The model draws values that are no numbers.", "Adapt again.")
            parts.append(found)
        return [np.concatenate(p) for p in zip(*parts, strict=True)]

    def _graph(self, feed: dict[str, NDArray[Any]]) -> Sequence[Any]:
        try:
            return list(self.session.run(self._outputs, feed))
        except Exception as error:  # onnxruntime's own exceptions share no root but this one
            said = str(error).splitlines()[0].rstrip(".")
            if "alloc" in said:
                raise MemoryError(said) from error
            raise BundleError(f"The model can't be run: {said}.", "Adapt again.") from error

    def _try(self, batch: list[tuple[int, int]], seed: int) -> list[_Try]:
        latents = np.stack([latent(seed, i, t, self.card.latent) for i, t in batch])
        unit, similarity, *change = self._run(self._support([i for i, _ in batch]), latents)
        pixels = to_pixels(unit)
        return [
            _Try(
                i,
                t,
                float(similarity[k]),
                pixels[k],
                Change(change[0][k], change[1][k], change[2][k]) if change else None,
            )
            for k, (i, t) in enumerate(batch)
        ]

    def _drawn(self, ready: list[_Try]) -> Drawn:
        indices = range(ready[0].index, ready[-1].index + 1)
        similarities = np.array([one.similarity for one in ready], np.float32)
        changes = tuple(one.change for one in ready if one.change is not None)
        return Drawn(
            indices,
            self._support(indices),
            np.array([one.last + 1 for one in ready], np.int64),
            similarities,
            similarities >= self.card.acceptance_threshold,
            np.stack([one.pixels for one in ready]),
            changes or None,
        )

    def _support(self, indices: Sequence[int]) -> NDArray[np.int64]:
        return np.array([i % len(self.card.support_hashes) for i in indices], np.int64)


def latent(seed: int, index: int, number: int, size: int) -> NDArray[np.float32]:
    """The latent ``(size,)``, standard normal, of one try at one image of a seed."""
    return np.random.default_rng((seed, index, number)).standard_normal(size, dtype=np.float32)

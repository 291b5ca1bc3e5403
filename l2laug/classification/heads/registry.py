"""A head by its name, on images of the size that it takes."""

from __future__ import annotations

import timm
import torch
from torch.nn import functional as F

from l2laug.classification.heads.head import Head
from l2laug.classification.heads.network import Network
from l2laug.classification.heads.probe import SIDE, Embedding, Probe
from l2laug.classification.materials import Relations, extras_of
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import Study, StudyData
from l2laug.config.evaluation_options import PROBE, SMALL, TUNE
from l2laug.core.arrays import Pixels
from l2laug.core.errors import UsageError
from l2laug.data.image_set import ImageSet
from l2laug.features.general import SIDE as GENERAL_SIDE
from l2laug.runtime.device import Engine


def check_heads(names: tuple[str, ...]) -> None:
    """Reject heads that nobody knows, all at once.

    Raises:
        UsageError: a name is neither ``probe``, ``small`` or ``tune`` nor a timm model's.
    """
    known = {PROBE, SMALL, TUNE, *timm.list_models()}
    if odd := [name for name in names if name.partition("@")[0] not in known]:
        raise UsageError(
            f"--heads {', '.join(odd)} is no classifier.",
            "Use probe, small, tune, or see timm.list_models().",
        )
    if not names:
        raise UsageError("--heads names no classifier.", "Use probe.")


def build_head(
    name: str,
    at: dict[int, StudyData],
    relations: Relations,
    embedding: Embedding,
    study: Study,
    engine: Engine,
    cache: ResultsCache,
) -> Head:
    """The head of that name.

    Args:
        name: ``probe``, ``small``, ``tune`` or a timm model's.
        at: the study's images, at their own size under 0 and at others under those.
        relations: see :func:`relate`.
        embedding: of the probe.
        study: how nets are trained.
        engine: where.
        cache: of finished trainings of nets.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        BundleError: its weights are missing or do not fit.
    """
    if name == PROBE:
        return Probe(at[SIDE], extras_of(at[SIDE], relations), embedding)
    data = at[GENERAL_SIDE] if name == TUNE else at[0]
    return Network(name, data, extras_of(data, relations), study, engine, cache)


def side_of(name: str) -> int:
    """The side at which a head wants its images, 0 for that at hand."""
    return {PROBE: SIDE, TUNE: GENERAL_SIDE}.get(name, 0)


def resized(data: StudyData, side: int) -> StudyData:
    """The study's images as RGB of another size: read again, or enlarged where that can't be."""
    if side == 0:
        return data
    if data.larger is not None:
        return data.larger(side, 3)
    return StudyData(
        _resized_set(data.train, side),
        _resized_set(data.test, side),
        data.rare,
        _resized(data.samples, side),
    )


def _resized_set(images: ImageSet, side: int) -> ImageSet:
    return ImageSet(_resized(images.pixels, side), images.labels, images.classes, images.paths)


def _resized(pixels: Pixels, side: int) -> Pixels:
    if pixels.shape[1] == 1:
        pixels = pixels.repeat(3, 1)
    if not len(pixels) or pixels.shape[-2:] == (side, side):
        return pixels.reshape(len(pixels), 3, side, side)
    x = torch.from_numpy(pixels).float()
    x = F.interpolate(x, (side, side), mode="bicubic", antialias=max(x.shape[-2:]) > side)
    found: Pixels = x.round().clamp(0, 255).to(torch.uint8).numpy()
    return found

"""A head by its name, on images of the size that it takes."""

from __future__ import annotations

import timm

from l2laug.classification.arms.extras import Relations, extras_of
from l2laug.classification.heads.head import Head
from l2laug.classification.heads.network import Network
from l2laug.classification.heads.probe import SIDE, Embedding, Probe
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.shapes import Shapes
from l2laug.classification.study import Study, StudyData
from l2laug.config.evaluation_options import PROBE, SMALL, TUNE
from l2laug.core.errors import UsageError
from l2laug.features.general import SIDE as GENERAL_SIDE
from l2laug.runtime.device import Engine

SMALL_SIDE = 48  # the small net sees images no larger: at 64 pixels it takes twice as long


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
    shapes: Shapes,
    relations: Relations,
    embedding: Embedding,
    study: Study,
    engine: Engine,
    cache: ResultsCache,
) -> Head:
    """The head of that name.

    Args:
        name: ``probe``, ``small``, ``tune`` or a timm model's.
        shapes: the study's images.
        relations: see :func:`relate`.
        embedding: of the probe.
        study: how nets are trained.
        engine: where.
        cache: of finished trainings of nets.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        BundleError: its weights are missing or do not fit.
        ImageError: an image can't be read again.
    """
    data = images_of(name, shapes)
    extras = extras_of(data, relations, study.seed)
    if name == PROBE:
        return Probe(data, extras, embedding, study.seed)
    return Network(name, data, extras, study, engine, cache)


def images_of(name: str, shapes: Shapes) -> StudyData:
    """The images that a head sees: the general net in RGB at its own size, others at the model's.

    Raises:
        ImageError: an image can't be read again.
    """
    if name in (PROBE, TUNE):
        return shapes.at(SIDE if name == PROBE else GENERAL_SIDE, 3)
    return shapes.within(SMALL_SIDE) if name == SMALL else shapes.at(shapes.side, shapes.channels)

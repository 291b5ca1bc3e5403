"""What an evaluation of samples is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROBE, SMALL, TUNE = "probe", "small", "tune"
FLIPS = ("auto", "yes", "no")
SEEDS = 5
BUNDLE = "bundle"


@dataclass(frozen=True)
class EvaluationOptions:
    """What to compare samples with, what to measure, whether to train classifiers.

    Attributes:
        samples: folder that ``sample`` wrote; the run's own by default. Of one run alone.
        dataset: class folders of real images to train with; the rare folder's siblings by default.
        test: class folders of real images to test on; else three in ten of the base classes'
            and what the rare folder holds beside the support set.
        groups: what keeps cameras, patients, plates together: a regular expression whose first
            capture group names an image's group, or a CSV file with columns ``file``, ``group``.
        features: what to measure on: ``bundle``, ``timm:NAME@PATH``, ``timm:NAME``,
            ``inception@PATH`` or ``inception``.
        lpips: weights of AlexNet, to measure perceptual diversity too.
        classifier: train classifiers without and with the samples.
        heads: the classifiers: ``probe``, ``small``, ``tune``, or a timm model's name, from random
            weights, or with ``@PATH`` or ``@pretrained`` behind it.
        arms: what samples are compared with: ``quick``, ``full``, or single arms.
        flips: whether classes survive flips and turns: ``yes``, ``no``, or ``auto`` to find out.
        seeds: trainings of each kind.
        steps: of each training of a net; as many as the classes take by default.
        private: leave real images out of sheets and reports.
    """

    samples: Path | None = None
    dataset: Path | None = None
    test: Path | None = None
    groups: str | None = None
    features: str = BUNDLE
    lpips: Path | None = None
    classifier: bool = False
    heads: tuple[str, ...] = (PROBE,)
    arms: tuple[str, ...] = ("quick",)
    flips: str = "auto"
    seeds: int = SEEDS
    steps: int | None = None
    private: bool = False


def split_names(names: str) -> tuple[str, ...]:
    """Names with commas between, none of them twice."""
    return tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))

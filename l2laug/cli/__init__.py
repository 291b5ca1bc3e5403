"""The command line: each command is a thin shim over a function of the same name."""

from l2laug.cli import adapt, augment, bundles, demo, evaluate, sample, show
from l2laug.cli.app import app
from l2laug.cli.research import benchmark, pretrain, reproduce, score

__all__ = [
    "adapt",
    "app",
    "augment",
    "benchmark",
    "bundles",
    "demo",
    "evaluate",
    "pretrain",
    "reproduce",
    "sample",
    "score",
    "show",
]

"""The command line: each command is a thin shim over a function of the same name."""

from l2laug.cli import rare, source
from l2laug.cli.shell import app

__all__ = ["app", "rare", "source"]

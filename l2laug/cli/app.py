"""What all commands share: the app, options of many commands, errors as exit codes, JSON."""

from __future__ import annotations

import functools
import json
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, ParamSpec

import typer

from l2laug import __version__
from l2laug.core.errors import L2lAugError, MemoryLimitError
from l2laug.core.extras import missing_extra
from l2laug.core.progress import printable

NO_MEMORY = ("can't allocate", "out of memory", "bad allocation", "bad_alloc", "failed to map")
P = ParamSpec("P")
INTERRUPTED, TERMINATED = 130, 143  # as shells have it: 128 and the number of the signal

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn 2-50 images of a rare class into a data set that helps a classifier, "
    "or learn that it can't.",
    epilog="Start with: l2laug adapt ./rare_class && l2laug sample -n 1000 && "
    "l2laug evaluate --classifier --test ./held_out",
)

Seed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Of everything random; same seed, same result.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Groups = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX|CSV",
        help="Keep cameras, patients, plates on one side: 'cam(\\d+)', or a CSV of file,group.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Private = Annotated[
    bool, typer.Option("--private", help="Leave the rare images out of sheets and reports.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def command(function: Callable[P, None]) -> Callable[P, None]:
    """Turn l2laug's errors into one line and an exit code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _hush()
        try:
            with _stopped_by_sigterm():
                function(*args, **kwargs)
        except L2lAugError as error:
            raise _told(error, as_json=bool(kwargs.get("as_json"))) from None
        except ModuleNotFoundError as error:
            missing = missing_extra(error)
            if missing is None:
                raise
            raise _told(missing, as_json=bool(kwargs.get("as_json"))) from None
        except (MemoryError, RuntimeError, ImportError) as error:
            if not is_memory(error):
                raise
            lacking = MemoryLimitError(
                "There is not enough memory.",
                "Close other programs, use fewer or smaller images, or a machine with more.",
            )
            raise _told(lacking, as_json=bool(kwargs.get("as_json"))) from None
        except OSError as error:
            if error.filename is None:  # not about a file: a bug, or a pipe that was closed
                raise
            print(printable(f"error: {error.filename}: {error.strerror}"), file=sys.stderr)
            raise typer.Exit(L2lAugError.exit_code) from None
        except KeyboardInterrupt as stop:
            print("stopped; what was finished is kept", file=sys.stderr)
            ended = TERMINATED if isinstance(stop, _Terminated) else INTERRUPTED
            raise typer.Exit(ended) from None

    return run


def is_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up; torch and onnxruntime have no type for it."""
    said = str(error).casefold()
    return isinstance(error, MemoryError) or any(words in said for words in NO_MEMORY)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: cleared up."""


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, as schedulers and containers send it, raise where the main thread is."""

    def stop(*_: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield  # no place for signals
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _hush() -> None:
    """Leave out what decoders say by themselves: they name no file, l2laug does."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def _told(error: L2lAugError, *, as_json: bool) -> typer.Exit:
    """Print an error; what is to be raised in its place."""
    if as_json:
        plain = {"kind": type(error).__name__, "fact": error.fact, "remedy": error.remedy}
        print(json.dumps({"error": plain}))
    print(printable(f"error: {error}"), file=sys.stderr)
    return typer.Exit(error.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    return

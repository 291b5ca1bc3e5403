"""Interrupt each command at random moments, go on, and compare with a run left alone, byte by byte.

    python -m tests.benchmarks.kill WORK --kills 20

A trial starts a command, sends SIGINT, SIGTERM or SIGKILL after a random part of the time that it
takes (or limits how large a file it may write, as a full disk would), looks for half files, goes on
by ``--resume`` or the same command, and compares all files with those of an uninterrupted run. A
line of each trial is added to WORK/trials.jsonl; what is there already is not tried again, so that
a long run may be done in pieces. Commands start by fork from a process that has loaded everything:
a trial takes seconds, and no moment of loading is tried.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2laug.core.locks import alone_in
from tests.benchmarks.kill.commands import list_commands
from tests.benchmarks.kill.trials import reference, start, trial


def main() -> None:
    """Do what is not done yet, for a while, and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", default="", help="some of them, commas between")
    parser.add_argument("--seconds", type=float, default=300, help="to go on for")
    options = parser.parse_args()
    began, work = time.monotonic(), options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    load()
    with alone_in(work):
        show(run(options, work, began))


def run(options: argparse.Namespace, work: Path, began: float) -> list[dict[str, Any]]:
    """Do the trials that are wanted and not done; what all showed."""
    log = work / "trials.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(row["command"], row["number"]) for row in done}
    wanted = [name for name in options.commands.split(",") if name]
    found = list_commands(work, lambda command, folder: start(command, folder, work))
    commands = [c for c in found if not wanted or c.name in wanted]
    for number in range(options.kills):
        for command in commands:
            if (command.name, number) in known:
                continue
            if time.monotonic() - began > options.seconds:
                return done
            row = trial(command, number, options.seed, work, reference(command, work))
            with log.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
            done.append(row)
    return done


def show(done: Sequence[dict[str, Any]]) -> None:
    """Count what survived, by command and by fault; print what did not."""
    for key in ("command", "fault"):
        counts: dict[str, Counter[str]] = {}
        for row in done:
            counts.setdefault(row[key], Counter())["survived" if row["survived"] else "lost"] += 1
        for name, found in sorted(counts.items()):
            print(f"{name}: {found['survived']} of {found.total()} survived")
    for row in done:
        if not row["survived"]:
            print(json.dumps(row))


def load() -> None:
    """Import what commands import, so that a forked one need not."""
    import sklearn.linear_model  # noqa: F401
    import timm  # noqa: F401
    import torch

    from l2laug.cli import app  # noqa: F401
    from l2laug.commands import (  # noqa: F401
        adapt,
        augment,
        compare,
        demo,
        evaluate,
        pretrain,
        reproduce,
        sample,
        score,
    )
    from l2laug.commands.augmenting import work  # noqa: F401
    from l2laug.commands.benchmarking import benchmark  # noqa: F401

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()

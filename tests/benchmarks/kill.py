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
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.run import find_run
from l2laug.core.locks import alone_in
from tests.conftest import from_elsewhere
from tests.fixtures import make as fixtures

APPENDED = ("manifest.jsonl", "metrics.jsonl", "classifier.jsonl")  # of which a beginning is whole
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
DISK = "disk"
SHOWN = 5  # files of each kind that a trial's line names
LONGEST = 300.0  # seconds that a command may take


@dataclass(frozen=True)
class Command:
    """What is run, and what goes on with it.

    Attributes:
        name: of the trials.
        words: of the command line, run in an empty folder.
        again: those that go on.
        copies: what is copied into that folder first.
    """

    name: str
    words: tuple[str, ...]
    again: tuple[str, ...]
    copies: tuple[tuple[Path, str], ...] = ()


def prepare(work: Path) -> list[Command]:
    """Make the inputs once, and say what is run on them."""
    inputs = work / "inputs"
    bundle, run, digits = inputs / "tiny", inputs / "run", inputs / "digits"
    if not inputs.is_dir():
        part = work / "inputs.part"
        shutil.rmtree(part, ignore_errors=True)
        fixtures.draw_digits(part / "digits")
        for name in "35":
            some = sorted((part / "digits" / name).iterdir())
            for path in some[:5]:
                (part / "rare" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, part / "rare" / name)
        shutil.copytree(fixtures.BUNDLE, part / "tiny")
        part.rename(inputs)
        fixtures.place_run(run, inputs / "rare" / "3", bundle)
        # Of a bundle that saw none of the digits, so that they can be tested on.
        from_elsewhere(find_run(run), bundle, inputs / "elsewhere")
    by = ("--bundle", str(bundle))
    adapt = ("adapt", str(inputs / "rare"), *by, "-o", "out")
    sample = ("sample", str(run), "-n", "300", "-o", "out", "--device", "cpu")
    tars = (*sample, "--shards", "40")
    recipe = ("--recipe", str(fixtures.RECIPE))
    pretrain = ("pretrain", str(digits), "-o", "out", *recipe)
    small = ("--heads", "small")
    evaluate = ("evaluate", "run", "--samples", "drawn", "--dataset", str(digits), "--classifier")
    evaluate = (*evaluate, *small, "--seeds", "1", "--steps", "5", "--flips", "no")
    drawn = work / "drawn"
    if not drawn.is_dir():
        start(("sample", str(run), "-n", "24", "-o", str(drawn), "--device", "cpu"), work, work)
    return [
        Command("adapt", adapt, (*adapt, "--resume")),
        Command("sample", sample, (*sample, "--resume")),
        Command("sample --shards", tars, (*tars, "--resume")),
        Command("pretrain", pretrain, (*pretrain, "--resume")),
        Command("evaluate", evaluate, evaluate, ((run, "run"), (drawn, "drawn"))),
    ]


def start(
    words: Sequence[str],
    folder: Path,
    logs: Path,
    kill: tuple[float, int] | None = None,
    largest: int | None = None,
) -> tuple[int, float]:
    """Run a command in a process of its own.

    Args:
        words: of the command line.
        folder: to run it in.
        logs: where what it says goes.
        kill: after how many seconds which signal is sent.
        largest: bytes of a file that it may write.

    Returns:
        Its exit code (below 0: the signal that ended it) and the seconds it took.
    """
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        code = 99
        try:
            out = os.open(logs / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(folder)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if largest is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            from l2laug.cli import app

            app(list(words))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sent = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        spent = time.monotonic() - began
        if done:
            return os.waitstatus_to_exitcode(status), spent
        if kill is not None and not sent and spent >= kill[0]:
            os.kill(pid, kill[1])
            sent = True
        if spent > LONGEST:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder; what names seconds is taken out of logs."""
    return {
        path.relative_to(folder).as_posix(): _timeless(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _timeless(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name != "metrics.jsonl":
        return content
    lines = []
    for line in content.splitlines():
        try:
            row = json.loads(line)
            row.pop("seconds", None)
            lines.append(json.dumps(row).encode())
        except ValueError:
            lines.append(line)
    return b"\n".join(lines)


def half_files(found: dict[str, bytes], whole: dict[str, bytes]) -> list[str]:
    """Files under final names that are not what an uninterrupted run writes there."""
    half = []
    for name, content in found.items():
        parts = name.split("/")
        if any(part.startswith(".") for part in parts):
            continue
        wanted = whole.get(name)
        begun = parts[-1] in APPENDED and wanted is not None and wanted.startswith(content)
        if content != wanted and not begun and content and parts[-1] not in APPENDED:
            half.append(name)
    return half


def fresh(folder: Path, command: Command) -> Path:
    """An empty folder with what a command finds in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source, name in command.copies:
        shutil.copytree(source, folder / name)
    return folder


def trial(command: Command, number: int, seed: int, work: Path, whole: dict[str, bytes]) -> dict:
    """Interrupt a command once and go on."""
    chance = random.Random(f"{seed} {command.name} {number}")  # noqa: S311 # no secret
    place = fresh(work / "try", command)
    seconds = json.loads((work / f"{command.name}.json").read_text())["seconds"]
    about: dict = {"command": command.name, "number": number, "seed": seed}
    if number % 10 == 9:
        largest = chance.choice([0, 100, 1000, 5000, 20_000, 60_000, 100_000])
        about |= {"fault": DISK, "bytes": largest}
        code, _ = start(command.words, place, work, largest=largest)
        expected = {0, 6}
    else:
        sent = chance.choice(SIGNALS)
        after = chance.uniform(0, seconds)
        about |= {"fault": sent.name, "after": round(after, 3)}
        code, _ = start(command.words, place, work, kill=(after, sent))
        expected = {0, CODES.get(sent, -int(sent)), -int(sent)}  # the last before it has begun
    said = (work / "said.txt").read_text(errors="replace")
    about |= {"code": code, "as_said": code in expected, "traceback": "Traceback" in said}
    about["half"] = half_files(contents(place), whole)
    code, _ = start(command.again, place, work)
    said_again = (work / "said.txt").read_text(errors="replace")
    found = contents(place)
    about |= {
        "again": code,
        "traceback": about["traceback"] or "Traceback" in said_again,
        "other": sorted(n for n in whole if found.get(n) != whole[n])[:SHOWN],
        "stray": sorted(found.keys() - whole.keys())[:SHOWN],
    }
    lost = about["half"] or about["other"] or about["stray"] or code or about["traceback"]
    about["survived"] = not lost and about["as_said"]
    if not about["survived"]:
        about["said"] = (said[-600:], said_again[-600:])
    return about


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
        run(options, work, began)


def run(options: argparse.Namespace, work: Path, began: float) -> None:
    """The trials that are wanted and not done."""
    log = work / "trials.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(row["command"], row["number"]) for row in done}
    wanted = [name for name in options.commands.split(",") if name]
    commands = [c for c in prepare(work) if not wanted or c.name in wanted]
    for number in range(options.kills):
        for command in commands:
            if (command.name, number) in known:
                continue
            if time.monotonic() - began > options.seconds:
                break
            whole = reference(command, work)
            row = trial(command, number, options.seed, work, whole)
            with log.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
            done.append(row)
    counts: dict[str, Counter[str]] = {}
    for row in done:
        kept = "survived" if row["survived"] else "lost"
        counts.setdefault(f"{row['command']}, {row['fault']}", Counter())[kept] += 1
    for name, found in sorted(counts.items()):
        print(f"{name}: {found['survived']} of {found.total()} survived")
    for row in done:
        if not row["survived"]:
            print(json.dumps(row))


def reference(command: Command, work: Path) -> dict[str, bytes]:
    """The files of an uninterrupted run, made once; how long it took is kept beside them."""
    about = work / f"{command.name}.json"
    folder = work / f"whole {command.name}"
    if not about.exists():
        # In the same place as the trials: outputs may name it.
        place = fresh(work / "try", command)
        code, seconds = start(command.words, place, work)
        if code:
            raise SystemExit(f"{command.name}: {code}\n{(work / 'said.txt').read_text()}")
        shutil.rmtree(folder, ignore_errors=True)
        place.rename(folder)
        about.write_text(json.dumps({"seconds": seconds}))
    return contents(folder)


def load() -> None:
    """Import what commands import, so that a forked one need not."""
    import sklearn.linear_model  # noqa: F401
    import timm  # noqa: F401
    import torch

    from l2laug.cli import app  # noqa: F401
    from l2laug.commands import adapt, evaluate, pretrain, sample  # noqa: F401

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()

"""The command line: each command is a thin shim over a function of the same name."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from l2laug import __version__
from l2laug.errors import L2lAugError, UsageError
from l2laug.scoring.study import Study

P = ParamSpec("P")
INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn 2-50 images of a rare class into a data set that helps a classifier, "
    "or learn that it can't.",
    epilog="Start with: l2laug adapt ./rare_class && l2laug sample -n 1000 && "
    "l2laug evaluate --classifier",
)

Seed = Annotated[int, typer.Option(min=0, help="Of everything random; same seed, same result.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
RunArgument = Annotated[
    Path | None,
    typer.Argument(help="Run folder or .onnx file; the newest run of this folder if left out."),
]


def _command(function: Callable[P, None]) -> Callable[P, None]:
    """Turn l2laug's errors into one line and an exit code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except L2lAugError as error:
            if kwargs.get("as_json"):
                kind = type(error).__name__
                plain = {"kind": kind, "fact": error.fact, "remedy": error.remedy}
                print(json.dumps({"error": plain}))
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if error.filename is None:  # not about a file: a bug, or a pipe that was closed
                raise
            print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(L2lAugError.exit_code) from None
        except KeyboardInterrupt:
            print("stopped; what was finished is kept", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None

    return run


def seconds(text: str) -> float:
    """``90``, ``90s``, ``2m`` or ``1h`` in seconds.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"--budget {text} is not a time.", "Write 90s, 2m or 1h.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _print_json(result: dict[str, Any]) -> None:
    # Escaped: names from a file system may hold what standard output can't encode.
    print(json.dumps({"version": __version__, **result}, default=str))


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


@app.command(
    "adapt", epilog="Example: l2laug adapt ./scratches --seed 1    (writes l2laug-runs/scratches)"
)
@_command
def adapt_cli(
    folder: Annotated[Path, typer.Argument(help="Images of a rare class, or class folders.")],
    bundle: Annotated[str, typer.Option(help="Name or path; auto picks.")] = "auto",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Run folder [l2laug-runs/<class>].")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe name or file in place of the bundle's own.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    budget: Annotated[
        str | None, typer.Option(help="Longest time to train a class, as 90s or 2m.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Learn a rare class; writes one self-contained model file and a sheet of samples."""
    limit = None if budget is None else seconds(budget)
    from l2laug.adapting import adapt
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe

    results = adapt(
        folder,
        bundle=bundle,
        out=out,
        seed=seed,
        device=device,
        budget=limit,
        recipe=None if recipe is None else find_recipe(recipe),
        overwrite=overwrite,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        _print_json({"adapted": [vars(r) for r in results]})
        return
    for result in results:
        print(f"{result.class_name}: model {result.run / 'model.onnx'}")
        print(f"{result.class_name}: look at {result.run / 'sheet.png'}")
    print("The model file carries encodings of the rare images: share it as you would share them.")


@app.command("sample", epilog="Example: l2laug sample -n 1000 -o augmented --seed 1")
@_command
def sample_cli(
    run: RunArgument = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many images.")] = 100,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for class folders [RUN/samples].")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what was drawn before; draw the rest, or more.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw images from an adapted model; needs neither torch nor a GPU."""
    if resume and overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    from l2laug.progress import Progress
    from l2laug.runs import find_run
    from l2laug.sampling import Sampler
    from l2laug.writing import claim, write_samples

    found = find_run(run)
    progress = Progress(quiet=as_json)
    sampler = Sampler(found.model, device)
    progress.say(f"model {found.model}, {sampler.provider}")
    target = out or found.samples
    if not resume:
        claim(target, overwrite=overwrite, keep=[found.model])
    written = write_samples(sampler, count, target, seed, progress, resume=resume)
    if as_json:
        _print_json({"sampled": vars(written)})
    else:
        print(f"{written.count} images in {written.folder}; refused as broken: {written.refused}")


@app.command("evaluate", epilog="Example: l2laug evaluate --classifier --test ./kept_back")
@_command
def evaluate_cli(
    run: RunArgument = None,
    samples: Annotated[
        Path | None, typer.Option(help="Folder that sample wrote [RUN/samples].")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="Class folders of real images [the rare folder's siblings]."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Class folders of real images kept back for testing.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="What to measure on: bundle, timm:NAME@WEIGHTS or timm:NAME.")
    ] = "bundle",
    classifier: Annotated[
        bool, typer.Option("--classifier", help="Train classifiers without and with the samples.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="small, or a timm model, for --classifier.")
    ] = Study.model,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each kind.")] = Study.seeds,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="With --classifier, try other shares of samples too.")
    ] = False,
    fail_unless: Annotated[
        str | None, typer.Option(help="Exit with 8 unless the verdict is this: helps or unclear.")
    ] = None,
    max_copies: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 8 over this share of copies.")
    ] = None,
    max_fid: Annotated[float | None, typer.Option(min=0, help="Exit with 8 over this FID.")] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write demands and scores as JUnit XML too.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say whether the samples are good, whether they are copies, and whether they help."""
    if fail_unless not in (None, "helps", "unclear"):
        raise UsageError(f"--fail-unless {fail_unless} is no verdict.", "Use helps or unclear.")
    for given, option in ((fail_unless, "--fail-unless"), (sweep, "--sweep")):
        if given and not classifier:
            raise UsageError(f"{option} is about a classifier.", "Give --classifier too.")
    from dataclasses import asdict

    from l2laug.errors import GateError
    from l2laug.evaluating import evaluate
    from l2laug.files import write_text
    from l2laug.progress import Progress
    from l2laug.runs import find_run
    from l2laug.scoring.gates import Gates
    from l2laug.scoring.junit import render_junit

    found = find_run(run)
    progress = Progress(quiet=as_json)
    progress.say(f"model {found.model}")
    result = evaluate(
        found,
        samples=samples,
        dataset=dataset,
        test=test,
        features=features,
        classifier=classifier,
        model=model,
        seeds=seeds,
        sweep=sweep,
        seed=seed,
        device=device,
        progress=progress,
    )
    plain, gates = asdict(result), Gates(fail_unless, max_copies, max_fid)
    failures = gates.failures(plain)
    if junit is not None:
        write_text(junit, render_junit(plain, gates.checks(plain)))
    if as_json:
        _print_json({"evaluation": plain, "failures": failures})
        if failures:
            raise typer.Exit(GateError.exit_code)  # one document on stdout, failures included
        return
    _print_evaluation(plain)
    if failures:
        raise GateError(" ".join(failures), f"See {result.paths['report']}.")


@app.command(
    "pretrain", epilog="Example: l2laug pretrain ./common_classes -o my_bundle --recipe glyphs"
)
@_command
def pretrain_cli(
    source: Annotated[Path, typer.Argument(help="Class folders of plentiful classes.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The bundle folder to write.")],
    recipe: Annotated[str, typer.Option(help="Name of a shipped recipe, or a file.")] = "glyphs",
    start: Annotated[
        str | None, typer.Option(help="Bundle to go on from, in place of random weights.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was cut off.")
    ] = False,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a bundle of your own; hours on a CPU, and --resume goes on after a stop."""
    from l2laug.pretraining import pretrain
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe

    result = pretrain(
        source,
        out,
        recipe=find_recipe(recipe),
        start=start,
        resume=resume,
        overwrite=overwrite,
        seed=seed,
        device=device,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        _print_json({"bundle": str(result.bundle.path), "seconds": result.seconds})
    else:
        print(f"bundle {result.bundle.path}; look at {result.bundle.path / 'sheet.png'}")


@app.command("bundles", epilog="Example: l2laug bundles ./my_bundle")
@_command
def bundles_cli(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Bundle folders; the shipped ones if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List bundles and verify their files against their checksums."""
    from l2laug.bundles import list_bundles, open_bundle
    from l2laug.errors import BundleError

    found = [open_bundle(p) for p in paths] if paths else list_bundles()
    problems = {b.name: b.problems() for b in found}
    if as_json:
        rows = [
            {
                "name": b.name,
                "path": str(b.path),
                "size": b.size,
                "channels": b.channels,
                "description": b.info["description"],
                "problems": problems[b.name],
            }
            for b in found
        ]
        _print_json({"bundles": rows})
        if any(problems.values()):
            raise typer.Exit(BundleError.exit_code)  # one document on stdout, problems included
        return
    for b in found:
        state = "damaged" if problems[b.name] else "verified"
        print(f"{b.name}  {b.size}x{b.size}x{b.channels}  {state}  {b.info['description']}")
    if bad := [line for lines in problems.values() for line in lines]:
        raise BundleError(" ".join(bad), "Install or copy the bundle again.")


@app.command("score", epilog="Example: l2laug score glyphs ./omniglot --shots 5")
@_command
def score_cli(
    bundle: Annotated[str, typer.Argument(help="Name or path of a bundle.")],
    source: Annotated[Path, typer.Argument(help="Class folders it was trained from.")],
    recipe: Annotated[
        str | None, typer.Option(help="Recipe name or file in place of the bundle's own.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Held-out classes, the last ones.")] = 100,
    shots: Annotated[int, typer.Option(min=1, help="Images shown of each.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    first: Annotated[
        bool, typer.Option("--first", help="The first classes: those to choose settings on.")
    ] = False,
    singly: Annotated[
        bool, typer.Option("--singly", help="One model a class, as adapt makes, not one for all.")
    ] = False,
    judge: Annotated[
        bool, typer.Option("--judge", help="Measure with a net trained on all classes for it.")
    ] = False,
    few_shot: Annotated[
        bool, typer.Option("--few-shot", help="See whether a classifier of the classes gains.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a bundle on the classes it held out, beside real images of them."""
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe
    from l2laug.scoring.held_out import score, score_table

    results = score(
        bundle,
        source,
        recipe=None if recipe is None else find_recipe(recipe),
        classes=classes,
        shots=shots,
        seeds=seeds,
        first=first,
        singly=singly,
        judge=judge,
        few_shot=few_shot,
        device=device,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        _print_json({"scores": {name: [vars(s) for s in found] for name, found in results.items()}})
    else:
        print(score_table(results))


@app.command("demo", epilog="Example: l2laug demo -o demo --overwrite")
@_command
def demo_cli(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for all of it.")] = Path("demo"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Run the main job on scikit-learn's scanned digits, one of them made rare."""
    from dataclasses import asdict

    from l2laug.demo import demo
    from l2laug.progress import Progress

    result = demo(out, overwrite=overwrite, progress=Progress(quiet=as_json))
    if as_json:
        _print_json({"demo": asdict(result)})
        return
    _print_evaluation(asdict(result.evaluation))
    print(f"pictures: {result.samples.folder}")
    print(f"look at: {result.run / 'sheet.png'}")


def _print_evaluation(evaluation: dict[str, Any]) -> None:
    from l2laug.scoring.report import measure_line, verdict_line

    for measure in evaluation["measures"].values():
        print(measure_line(measure))
    extractor = evaluation["extractor"]
    name, digest = extractor["name"], extractor["sha256"][:12]
    print(f"features: {name} {digest}, resizing: {extractor['resizing']}")
    for note in evaluation["notes"]:
        print(f"note: {note}")
    if evaluation["classifier"]:
        print(verdict_line(evaluation))
    print(f"report: {evaluation['paths']['report']}")


if __name__ == "__main__":
    app()

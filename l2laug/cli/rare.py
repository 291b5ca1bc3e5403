"""The commands about a rare class: adapt, sample, evaluate, demo."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from l2laug.cli.comparison import check_for_several, print_comparison
from l2laug.cli.shell import AsJson, Device, Overwrite, Seed, app, command, print_json
from l2laug.errors import GateError, UsageError
from l2laug.scoring.study import Study

RunArgument = Annotated[
    Path | None,
    typer.Argument(help="Run folder or .onnx file; the newest run of this folder if left out."),
]


def seconds(text: str) -> float:
    """``90``, ``90s``, ``2m`` or ``1h`` in seconds.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"--budget {text} is not a time.", "Write 90s, 2m or 1h.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@app.command(
    "adapt", epilog="Example: l2laug adapt ./scratches --seed 1    (writes l2laug-runs/scratches)"
)
@command
def adapt_cli(
    folder: Annotated[Path, typer.Argument(help="Images of a rare class, or class folders.")],
    bundle: Annotated[str, typer.Option(help="Name or path; auto takes the nearest.")] = "auto",
    source: Annotated[
        Path | None,
        typer.Option(help="Class folders of plentiful classes to train a bundle on first (hours)."),
    ] = None,
    common: Annotated[
        Path | None,
        typer.Option(help="Class folders of plentiful classes to learn along first (minutes)."),
    ] = None,
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep classes adapted before; adapt the others.")
    ] = False,
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
        source=source,
        common=common,
        out=out,
        seed=seed,
        device=device,
        budget=limit,
        recipe=None if recipe is None else find_recipe(recipe, source),
        resume=resume,
        overwrite=overwrite,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        print_json({"adapted": [vars(r) for r in results]})
        return
    for result in results:
        print(f"{result.class_name}: model {result.run / 'model.onnx'}")
        print(f"{result.class_name}: look at {result.run / 'sheet.png'}")
    print("The model file carries encodings of the rare images: share it as you would share them.")


@app.command("sample", epilog="Example: l2laug sample -n 1000 -o augmented --seed 1")
@command
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
    from l2laug.writing import write_samples

    found = find_run(run)
    progress = Progress(quiet=as_json)
    sampler = Sampler(found.model, device)
    progress.say(f"model {found.model}, {sampler.provider}")
    target = out or found.samples
    written = write_samples(
        sampler, count, target, seed, progress, resume=resume, overwrite=overwrite
    )
    if as_json:
        print_json({"sampled": vars(written)})
    else:
        print(f"{written.count} images in {written.folder}; refused as broken: {written.refused}")


@app.command("evaluate", epilog="Example: l2laug evaluate --classifier --test ./kept_back")
@command
def evaluate_cli(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Run folder or .onnx file, the newest run of this folder if left out; or several, "
            "and folders of images from any tool, side by side.",
        ),
    ] = None,
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
        str,
        typer.Option(help="What to measure on: bundle, timm:NAME[@WEIGHTS], inception[@WEIGHTS]."),
    ] = "bundle",
    lpips: Annotated[
        Path | None, typer.Option(help="AlexNet's weights: measure perceptual diversity too.")
    ] = None,
    classifier: Annotated[
        bool, typer.Option("--classifier", help="Train classifiers without and with the samples.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(help="For --classifier: small, or a timm model [@WEIGHTS or @pretrained]."),
    ] = Study.model,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each kind.")] = Study.seeds,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of each training [8 a class, no fewer than 200].")
    ] = None,
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
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for a comparison of several [the first run]."),
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
    from l2laug.progress import Progress

    if runs is not None and len(runs) > 1:
        check_for_several(
            {
                "--samples": samples,
                "--sweep": sweep,
                "--fail-unless": fail_unless,
                "--max-copies": max_copies,
                "--max-fid": max_fid,
                "--junit": junit,
            }
        )
        from l2laug.comparing import compare

        comparison = compare(
            runs,
            out=out,
            dataset=dataset,
            test=test,
            features=features,
            lpips=lpips,
            classifier=classifier,
            model=model,
            seeds=seeds,
            steps=steps,
            seed=seed,
            device=device,
            progress=Progress(quiet=as_json),
        )
        print_comparison(asdict(comparison), as_json)
        return
    if out is not None:
        raise UsageError("-o is for a comparison of several.", "Leave it out, or name another.")
    from l2laug.evaluating import evaluate
    from l2laug.files import write_text
    from l2laug.runs import find_run
    from l2laug.scoring.gates import Gates
    from l2laug.scoring.junit import render_junit

    found = find_run(runs[0] if runs else None)
    progress = Progress(quiet=as_json)
    progress.say(f"model {found.model}")
    result = evaluate(
        found,
        samples=samples,
        dataset=dataset,
        test=test,
        features=features,
        lpips=lpips,
        classifier=classifier,
        model=model,
        seeds=seeds,
        steps=steps,
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
        print_json({"evaluation": plain, "failures": failures})
        if failures:
            raise typer.Exit(GateError.exit_code)  # one document on stdout, failures included
        return
    _print_evaluation(plain)
    if failures:
        raise GateError(" ".join(failures), f"See {result.paths['report']}.")


@app.command("demo", epilog="Example: l2laug demo -o demo --overwrite")
@command
def demo_cli(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for all of it.")] = Path("demo"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Run the main job on scikit-learn's scanned digits, one of them made rare."""
    from l2laug.demo import demo
    from l2laug.progress import Progress

    result = demo(out, overwrite=overwrite, progress=Progress(quiet=as_json))
    if as_json:
        print_json({"demo": asdict(result)})
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
    print(f"look at: {evaluation['paths']['page']}")

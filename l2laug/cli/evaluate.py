"""l2laug evaluate."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l2laug.cli.app import AsJson, Device, Groups, Private, Seed, app, command
from l2laug.cli.printing import check_for_several, print_comparison, print_evaluation, print_json
from l2laug.config.evaluation_options import FLIPS, PROBE, EvaluationOptions, split_names
from l2laug.core.errors import GateError, UsageError

if TYPE_CHECKING:
    from l2laug.reports.gates import Gates
    from l2laug.runtime.session import Session


# Each option as the signature below names it.
Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[RUN]...",
        help="Run folder or .onnx file, the newest run of this folder if left out; or several, "
        "and folders of images from any tool, side by side.",
    ),
]
Samples = Annotated[Path | None, typer.Option(help="Folder that sample wrote [RUN/samples].")]
Dataset = Annotated[
    Path | None, typer.Option(help="Class folders of real images [the rare folder's siblings].")
]
Test = Annotated[
    Path | None, typer.Option(help="Class folders of real images held out for testing.")
]
Features = Annotated[
    str, typer.Option(help="What to measure on: bundle, timm:NAME[@WEIGHTS], inception[@WEIGHTS].")
]
Lpips = Annotated[
    Path | None, typer.Option(help="AlexNet's weights: measure perceptual diversity too.")
]
Classifier = Annotated[
    bool, typer.Option("--classifier", help="Train classifiers without and with the samples.")
]
Heads = Annotated[
    str,
    typer.Option(
        help="Classifiers, commas between: probe, small, tune, timm models [@WEIGHTS, @pretrained]."
    ),
]
Arms = Annotated[
    str,
    typer.Option(
        help="What samples are compared with: quick, full, or single arms, commas between."
    ),
]
Flips = Annotated[
    str, typer.Option(help="Whether classes survive flips and turns: yes, no, or auto to find out.")
]
Seeds = Annotated[int, typer.Option(min=1, help="Trainings of each kind.")]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Of a net's training [8 a class, no fewer than 200].")
]
FailUnless = Annotated[
    str | None, typer.Option(help="Exit with 8 unless every verdict is this: helps or unclear.")
]
MaxCopies = Annotated[
    float | None, typer.Option(min=0, max=1, help="Exit with 8 over this share of copies.")
]
MaxFid = Annotated[float | None, typer.Option(min=0, help="Exit with 8 over this FID.")]
Junit = Annotated[Path | None, typer.Option(help="Write demands and scores as JUnit XML too.")]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder for a comparison of several [the first run]."),
]


@app.command("evaluate", epilog="Example: l2laug evaluate --classifier --test ./held_out")
@command
def evaluate_cli(
    runs: Runs = None,
    samples: Samples = None,
    dataset: Dataset = None,
    test: Test = None,
    groups: Groups = None,
    features: Features = EvaluationOptions.features,
    lpips: Lpips = None,
    classifier: Classifier = False,
    heads: Heads = PROBE,
    arms: Arms = "quick",
    flips: Flips = EvaluationOptions.flips,
    seeds: Seeds = EvaluationOptions.seeds,
    steps: Steps = None,
    fail_unless: FailUnless = None,
    max_copies: MaxCopies = None,
    max_fid: MaxFid = None,
    junit: Junit = None,
    out: Out = None,
    private: Private = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say whether the samples are good, whether they are copies, and whether they help."""
    _check(fail_unless, flips, classifier)
    options = EvaluationOptions(
        samples=samples,
        dataset=dataset,
        test=test,
        groups=groups,
        features=features,
        lpips=lpips,
        classifier=classifier,
        heads=split_names(heads),
        arms=split_names(arms),
        flips=flips,
        seeds=seeds,
        steps=steps,
        private=private,
    )
    from l2laug.core.progress import Progress
    from l2laug.reports.gates import Gates
    from l2laug.runtime.session import Session

    session = Session.start(device, Progress(quiet=as_json), seed)
    gates = Gates(fail_unless, max_copies, max_fid)
    if runs is not None and len(runs) > 1:
        _compare(runs, options, session, gates, junit, out, as_json)
        return
    if out is not None:
        raise UsageError("-o is for a comparison of several.", "Leave it out, or name another.")
    _evaluate(runs[0] if runs else None, options, session, gates, junit, as_json)


def _check(fail_unless: str | None, flips: str, classifier: bool) -> None:
    """Reject options that can't be meant."""
    if fail_unless not in (None, "helps", "unclear"):
        raise UsageError(f"--fail-unless {fail_unless} is no verdict.", "Use helps or unclear.")
    if flips not in FLIPS:
        raise UsageError(f"--flips {flips} is unknown.", f"Use {', '.join(FLIPS)}.")
    if fail_unless and not classifier:
        raise UsageError("--fail-unless is about a classifier.", "Give --classifier too.")


def _compare(
    sets: list[Path],
    options: EvaluationOptions,
    session: Session,
    gates: Gates,
    junit: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Several sets, side by side."""
    check_for_several(
        {
            "--samples": options.samples,
            "--fail-unless": gates.verdict,
            "--max-copies": gates.max_copies,
            "--max-fid": gates.max_fid,
            "--junit": junit,
        }
    )
    from l2laug.commands.compare import compare

    print_comparison(asdict(compare(sets, options, session, out)), as_json)


def _evaluate(
    run: Path | None,
    options: EvaluationOptions,
    session: Session,
    gates: Gates,
    junit: Path | None,
    as_json: bool,
) -> None:
    """One run, and what is demanded of it."""
    from l2laug.artifacts.run import find_run
    from l2laug.commands.evaluate import evaluate
    from l2laug.core.files import write_text
    from l2laug.reports.junit import render_junit

    found = find_run(run)
    session.progress.say(f"model {found.model}")
    result = evaluate(found, options, session)
    plain = asdict(result)
    failures = gates.failures(plain)
    if junit is not None:
        write_text(junit, render_junit(plain, gates.checks(plain)))
    if as_json:
        print_json({"evaluation": plain, "failures": failures})
        if failures:
            raise typer.Exit(GateError.exit_code)  # one document on stdout, failures included
        return
    print_evaluation(plain)
    if failures:
        raise GateError(" ".join(failures), f"See {result.paths['report']}.")

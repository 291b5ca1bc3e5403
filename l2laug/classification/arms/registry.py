"""Every arm of a study: what it adds to which other arm, and the strengths that are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from l2laug.classification.arms import classical, erasing, free_form, mixing, nearest
from l2laug.classification.arms.policy import Policy
from l2laug.core.errors import UsageError

AS_THEY_ARE = Policy()
Strength = float | str  # of flips it is a set of them
SHARES: tuple[Strength, ...] = (0.25, 0.5, 0.75)  # of the rare class's draws that are samples


@dataclass(frozen=True)
class Setting:
    """One way to train, all of it decided but the classifier's own settings.

    Attributes:
        policy: what is done to every image.
        balanced: the rare class counts as much as an average class; else as its images do.
        weight: where it is balanced, how many times as much as that.
        extra: what fills a share of the rare class's draws: ``samples``, ``cutmix``, ``mixup``,
            ``nearest``, or nothing.
        share: that share, 0 to 1.
    """

    policy: Policy = AS_THEY_ARE
    balanced: bool = True
    weight: float = 1.0
    extra: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Arm:
    """A kind of training that competes in a study; of its strengths one is chosen by tuning.

    Attributes:
        name: as people give and read it.
        on: the arm whose tuned setting it adds to; empty for images as they are.
        changes: the field of :class:`Policy` that its strength sets, or ``weight``, if any.
        extra: what its strength is the share of, see :class:`Setting`, if anything.
        strengths: those that are tried; the middle one is taken where nothing can be tuned.
        balanced: see :class:`Setting`.
    """

    name: str
    on: str = ""
    changes: str = ""
    extra: str = ""
    strengths: tuple[Strength, ...] = (0.0,)
    balanced: bool = True

    @property
    def samples(self) -> bool:
        """Whether it learns from samples."""
        return self.extra == "samples"

    @property
    def middle(self) -> Strength:
        """The strength of the middle."""
        return self.strengths[len(self.strengths) // 2]

    def setting(self, strength: Strength, under: Setting) -> Setting:
        """What a strength stands for, on top of another arm's tuned setting."""
        changed: dict[str, Any] = {self.changes: strength} if self.changes else {}
        if self.changes == "weight":
            return replace(under, balanced=self.balanced, **changed)
        share = float(strength) if self.extra else 0.0
        policy = replace(under.policy, **changed)
        return Setting(policy, self.balanced, under.weight, self.extra, share)


NONE, OVERSAMPLING, CLASSICAL, FLIPS = "none", "oversampling", "classical", "flips"
WEIGHTED = "weighted"
RIVALS = (
    Arm(NONE, balanced=False),
    Arm(OVERSAMPLING),
    Arm(CLASSICAL, changes="classical", strengths=classical.STRENGTHS),
    Arm(WEIGHTED, on=CLASSICAL, changes="weight", strengths=(2.0, 4.0, 8.0)),
    Arm("free-form", on=CLASSICAL, changes="free_form", strengths=free_form.STRENGTHS),
    Arm(FLIPS, on=CLASSICAL, changes="flips"),
    Arm("erasing", on=CLASSICAL, changes="erasing", strengths=erasing.STRENGTHS),
    Arm("cutmix", on=CLASSICAL, extra="cutmix", strengths=mixing.SHARES),
    Arm("mixup", on=CLASSICAL, extra="mixup", strengths=mixing.SHARES),
    Arm("nearest", on=CLASSICAL, extra="nearest", strengths=nearest.SHARES),
)
CHANGING = tuple(arm.name for arm in RIVALS if arm.changes)
WITH_SAMPLES = (
    Arm("samples", extra="samples", strengths=SHARES),
    *(Arm(f"{name} + samples", on=name, extra="samples", strengths=SHARES) for name in CHANGING),
)
ARMS = {arm.name: arm for arm in (*RIVALS, *WITH_SAMPLES)}
QUICK = (NONE, OVERSAMPLING, CLASSICAL, WEIGHTED, "free-form", FLIPS)
SETS = {"quick": QUICK, "full": tuple(arm.name for arm in RIVALS)}


def choose_arms(names: Sequence[str], flips: Sequence[str]) -> list[Arm]:
    """The arms of a study: the rivals asked for, and samples alone and beside each that changes.

    Args:
        names: ``quick`` or ``full``, or single arms; "samples" and every arm's twin with samples
            come along by themselves.
        flips: the sets of flips that the classes survive; without any there is no arm of flips.

    Raises:
        UsageError: there is no such arm.
    """
    wanted = [n for name in names for n in SETS.get(name, (name,))]
    if odd := [name for name in wanted if name not in ARMS]:
        raise UsageError(
            f"--arms {', '.join(odd)}: there is no such arm.",
            f"Use quick, full, or some of {', '.join(SETS['full'])}.",
        )
    rivals = [arm for arm in RIVALS if arm.name in wanted and (arm.name != FLIPS or flips)]
    if not rivals:
        raise UsageError("--arms names nothing to compare samples with.", "Add quick.")
    names_of = {arm.name for arm in rivals}
    twins = [arm for arm in WITH_SAMPLES if arm.on in {"", *names_of} or arm.name in wanted]
    twins = [arm for arm in twins if arm.on != FLIPS or flips]
    return [_with_flips(arm, flips) for arm in (*rivals, *twins)]


def base_arm(name: str, flips: Sequence[str]) -> Arm:
    """The arm that another adds to."""
    return _with_flips(ARMS[name], flips)


def _with_flips(arm: Arm, flips: Sequence[str]) -> Arm:
    return replace(arm, strengths=tuple(flips)) if arm.changes == "flips" else arm

"""Show: what an adapted model's file holds, before it is shared or drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from l2laug.artifacts.run import Run
from l2laug.core.errors import BundleError
from l2laug.sampling.sampler import Sampler

PARTS = ("affine motion", "flow", "tone", "drawing")
DEPTHS = {"uint8": "8 bits", "uint16": "16 bits", "float32": "32-bit floats"}


@dataclass(frozen=True)
class HeldImage:
    """A support image that the file holds at its own size.

    Attributes:
        width, height: in pixels.
        channels: of colour; 1 is grey.
        alpha: whether it has transparency.
        precision: of its pixels: ``uint8``, ``uint16`` or ``float32``.
    """

    width: int
    height: int
    channels: int
    alpha: bool
    precision: str


@dataclass(frozen=True)
class ModelContents:
    """What a model file holds.

    Attributes:
        model: the file.
        bytes: its size.
        sha256: of the file.
        class_name: the rare class.
        bundle, bundle_sha256: what it grew from.
        recipe, version, seed, steps: how it was adapted, and by which l2laug.
        support: images it was adapted from; it holds each at ``size`` pixels square.
        size, channels: of the images that its networks see.
        originals: the support images that it holds at their own size, up to ``max_side``.
        max_side: of those, in pixels.
        draws: ``changes of originals`` at their size, or ``squares`` of ``size``.
        strength: of each part of a change, 0 to 1; empty where it draws squares.
        gem_strength: of the bundle's GEMs, 0 to 1; none where none were plugged in.
        base_images: images it was learned along with; it holds the beginnings of their SHA-256.
        acceptance_threshold: class similarity below which a draw is rejected, -1 to 1.
    """

    model: str
    bytes: int
    sha256: str
    class_name: str
    bundle: str
    bundle_sha256: str
    recipe: str
    version: str
    seed: int
    steps: int
    support: int
    size: int
    channels: int
    originals: tuple[HeldImage, ...]
    max_side: int
    draws: str
    strength: dict[str, float]
    gem_strength: float | None
    base_images: int
    acceptance_threshold: float


def show(run: Run) -> ModelContents:
    """Read what a model file holds; without torch.

    Raises:
        BundleError: the file can't be loaded, no ``adapt`` of this version wrote it, or it lacks
            an original that it says it holds.
    """
    sampler = Sampler(run.model, device="cpu")
    card = sampler.card
    held = []
    for row in range(card.originals):
        original = sampler.original(row)
        if original is None:
            raise BundleError(f"{run.model} lacks an image that it says it holds.", "Adapt again.")
        width, height = original.size
        alpha = original.pixels.shape[2] > original.colours
        held.append(HeldImage(width, height, original.colours, alpha, str(original.pixels.dtype)))
    changes = sampler.tells_changes and bool(held)
    return ModelContents(
        model=str(run.model),
        bytes=run.model.stat().st_size,
        sha256=sampler.digest,
        class_name=card.class_name,
        bundle=card.bundle,
        bundle_sha256=card.bundle_hash,
        recipe=card.recipe,
        version=card.version,
        seed=card.seed,
        steps=card.steps,
        support=len(card.support_hashes),
        size=card.size,
        channels=card.channels,
        originals=tuple(held),
        max_side=card.max_side,
        draws="changes of originals" if changes else "squares",
        strength=dict(zip(PARTS, card.strength, strict=True)) if changes else {},
        gem_strength=card.gem_strength,
        base_images=len(card.base_hashes),
        acceptance_threshold=card.acceptance_threshold,
    )


def describe(contents: ModelContents) -> list[str]:
    """What a model file holds as lines for a person."""
    c = contents
    kinds = dict[str, int]()
    for image in c.originals:
        colours = {1: "grey", 3: "RGB"}.get(image.channels, f"{image.channels} channels")
        kind = f"{image.width}x{image.height} {colours}{' and alpha' if image.alpha else ''}, "
        kind += DEPTHS[image.precision]
        kinds[kind] = kinds.get(kind, 0) + 1
    lines = [
        f"model: {c.model}, {c.bytes / 2**20:.1f} MiB, SHA-256 {c.sha256[:12]}",
        f"class: {c.class_name}, adapted from {c.support} images in {c.steps} steps, seed {c.seed}",
        f"from: bundle {c.bundle} (SHA-256 {c.bundle_sha256[:12]}), recipe {c.recipe}, l2laug "
        f"{c.version}",
    ]
    if c.strength:
        depths = " or ".join(sorted({DEPTHS[image.precision] for image in c.originals}))
        parts = ", ".join(f"{part} {strength:g}" for part, strength in c.strength.items())
        lines.append(f"draws: changes of its originals at their size, {depths}")
        lines.append(f"strength, 0 to 1: {parts}")
    else:
        lines.append(f"draws: {c.size}x{c.size} {'grey' if c.channels == 1 else 'RGB'}, 8 bits")
    if c.gem_strength is not None:
        lines.append(f"GEMs: strength {c.gem_strength:g}, 0 to 1")
    if c.acceptance_threshold > -1:
        lines.append(f"accepts: draws of class similarity {c.acceptance_threshold:.4g} or more")
    else:
        lines.append("accepts: every draw; strengths were chosen so that draws pass for the class")
    lines.append(
        f"holds {c.support} images of the class at {c.size}x{c.size}: share the file only as you "
        "would share them"
    )
    lines += [f"holds at its own size: {count} of {kind}" for kind, count in kinds.items()]
    lines.append("holds of each: encoder maps, SHA-256 of its pixels")
    if c.base_images:
        lines.append(f"holds of {c.base_images} base images: the beginning of their SHA-256")
    lines.append("holds no file names, paths or metadata of photographs")
    return lines

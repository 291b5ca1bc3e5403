"""How to train on what augment wrote: a recipe in JSON and a torchvision snippet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from l2laug import __version__
from l2laug.commands.augmenting.arms import Measured, best_without
from l2laug.core.files import write_text
from l2laug.reports.augmentation import NOT_MEASURED

RECIPE, SNIPPET = "recipe.json", "augmentation.py"

USUAL = "Nothing could be measured here; this is the usual strength of"
HEAD = '''"""Augmentation for training on this data set; needs torchvision 0.20 or newer.

{about}: {arm}.

    dataset = ImageFolder(FOLDER, transform=transform)
    rare = [dataset.class_to_idx[name] for name in RARE]
    weights = sample_weights(dataset.targets, rare)
    loader = DataLoader(dataset, 32, sampler=WeightedRandomSampler(weights, len(dataset)))
"""

import math
from collections import Counter

import torch
from torch.nn import functional as F
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as T

RARE = {rare}
WEIGHT = {weight}  # a rare class is drawn so many times as often as an average one; 0: as it comes
CLASSICAL = {classical}  # strength of changes of light and of affine ones
FREE_FORM = {free_form}  # shifts of a 5x5 grid of control points, in sides
FLIPS = {flips}  # mirror, upside-down, both, turns, or none
ERASING = {erasing}  # largest part of an image that is erased
'''

BODY = '''

def sample_weights(targets, rare):
    """How often to draw each image."""
    counts = Counter(targets)
    average = len(targets) / len(counts)
    return [max(WEIGHT * average / counts[t], 1.0) if t in rare else 1.0 for t in targets]


def within(limit):
    """A random number between the limit and its opposite."""
    return float(torch.empty(()).uniform_(-1, 1)) * limit


def change_light(image):
    """One change, of random strength, that moves no pixel (TrivialAugment without its moves)."""
    most = min(CLASSICAL, 1.0)
    if not most:
        return image
    by = 1 + within(0.99 * most)
    amount = abs(within(most))
    changes = [
        lambda x: x,
        lambda x: T.adjust_brightness(x, by),
        lambda x: T.adjust_contrast(x, by),
        lambda x: T.adjust_sharpness(x, by),
        lambda x: T.posterize(x, 8 - round(6 * amount)),
        lambda x: T.solarize(x, 255 * (1 - amount)),
        T.autocontrast,
        T.equalize,
    ]
    if image.shape[0] == 3:
        changes.append(lambda x: T.adjust_saturation(x, by))
    return changes[int(torch.randint(len(changes), ()))](image)


def move(image):
    """Turn, move, scale and slant, then deform; borders go on beyond the picture."""
    turn = math.radians(within(12 * CLASSICAL))
    size, slant = 1 + within(0.15 * CLASSICAL), within(0.15 * CLASSICAL)
    cos, sin = math.cos(turn), math.sin(turn)
    affine = [
        [cos / size, (slant * cos - sin) / size, within(0.2 * CLASSICAL)],
        [sin / size, (slant * sin + cos) / size, within(0.2 * CLASSICAL)],
    ]
    grid = F.affine_grid(torch.tensor([affine]), [1, *image.shape], align_corners=False)
    shifts = torch.randn(1, 2, 5, 5) * (2 * FREE_FORM)
    shifts = F.interpolate(shifts, image.shape[-2:], mode="bicubic", align_corners=True)
    grid = grid + shifts.permute(0, 2, 3, 1)
    return F.grid_sample(image[None], grid, padding_mode="border", align_corners=False)[0]


def flip(image):
    """Flip or turn, by chance."""
    left, up, diagonal = torch.rand(3) < 0.5
    if left and FLIPS in ("mirror", "both", "turns"):
        image = image.flip(-1)
    if up and FLIPS in ("upside-down", "both", "turns"):
        image = image.flip(-2)
    square = image.shape[-1] == image.shape[-2]
    return image.transpose(-1, -2) if diagonal and square and FLIPS == "turns" else image


class Change(torch.nn.Module):
    """A uint8 image (C, H, W) to floats in [0, 1], changed."""

    def forward(self, image):
        image = T.to_dtype(change_light(image), torch.float32, scale=True)
        return flip(move(image) if CLASSICAL or FREE_FORM else image)


transform = v2.Compose(
    [
        v2.PILToTensor(),
        Change(),
        v2.RandomErasing(p=0.5 if ERASING else 0, scale=(ERASING / 5, ERASING), value="random"),
    ]
)
'''


def write_recipe(
    out: Path, found: Mapping[str, Measured], added: Mapping[str, int], rare: Sequence[str]
) -> str:
    """Write ``recipe.json`` and ``augmentation.py``.

    Args:
        out: the folder.
        found: what was measured of each rare class.
        added: images that were drawn, by class.
        rare: names of the rare classes.

    Returns:
        The training without samples that is best, which the snippet is of.

    Raises:
        OutputError: a file can't be written.
    """
    best = best_without(found.values())
    measured = best.word != NOT_MEASURED
    about = "The best training without samples that was measured here" if measured else USUAL
    recipe = {
        "version": __version__,
        "measured": measured,
        "augmentation": best.without,
        "setting": best.setting,
        "rare": list(rare),
        "added": dict(added),
        "classes": {name: asdict(one) for name, one in found.items()},
    }
    write_text(out / RECIPE, json.dumps(recipe, indent=1, ensure_ascii=False) + "\n")
    policy = {key: repr(value) for key, value in best.setting["policy"].items()}
    weight = best.setting["weight"] if best.setting["balanced"] else 0
    head = HEAD.format(
        about=about, arm=best.without, rare=repr(list(rare)), weight=weight, **policy
    )
    write_text(out / SNIPPET, head + BODY)
    return best.without

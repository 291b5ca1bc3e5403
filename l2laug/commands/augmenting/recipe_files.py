"""How to train on what augment wrote: a recipe in JSON and a torchvision snippet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from l2laug import __version__
from l2laug.commands.augmenting.arms import Measured, best_without
from l2laug.core.files import write_text

RECIPE, SNIPPET = "recipe.json", "augmentation.py"

HEAD = '''"""Augmentation for training on this data set; needs torchvision 0.20 or newer.

The best training without samples here was: {arm}.

    dataset = ImageFolder("train", transform=transform)
    weights = sample_weights(dataset.targets, [dataset.class_to_idx[c] for c in RARE])
    sampler = WeightedRandomSampler(weights, len(dataset))
    loader = DataLoader(dataset, batch_size=32, sampler=sampler)
"""

from collections import Counter

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

RARE = {rare}
'''

WEIGHTS = '''

def sample_weights(targets, rare):
    """How often to draw each image: a rare class as often as an average one, others as they are."""
    counts = Counter(targets)
    average = len(targets) / len(counts)
    return [max(average / counts[t], 1) if t in rare else 1.0 for t in targets]
'''

EQUAL = '''

def sample_weights(targets, rare):
    """How often to draw each image: as it comes."""
    return [1.0 for _ in targets]
'''

CLASSICAL = '''

class Light(v2.TrivialAugmentWide):
    """One change of brightness, contrast or the like, of random strength; no pixel moves."""

    _AUGMENTATION_SPACE = {
        name: how
        for name, how in v2.TrivialAugmentWide._AUGMENTATION_SPACE.items()
        if name in (
            "Identity", "Brightness", "Color", "Contrast", "Sharpness",
            "Posterize", "Solarize", "AutoContrast", "Equalize",
        )
    }


class Affine(torch.nn.Module):
    """Turn by up to 12 degrees, move by up to a tenth, scale and slant by up to 15 %."""

    def forward(self, image):
        h, w = F.get_size(image)
        margin = max(h, w) // 3 + 1  # reflected borders come in, no black ones
        margin = min(margin, h - 1, w - 1)

        def within(limit):
            return float(torch.empty(()).uniform_(-limit, limit))

        moved = F.affine(
            F.pad(image, [margin] * 4, padding_mode="reflect"),
            angle=within(12),
            translate=[within(0.1) * w, within(0.1) * h],
            scale=1 / (1 + within(0.15)),
            shear=[within(8.5), 0.0],
            interpolation=v2.InterpolationMode.BILINEAR,
        )
        return F.center_crop(moved, [h, w])


transform = v2.Compose(
    [v2.ToImage(), v2.ToDtype(torch.uint8, scale=True), Light(), Affine(),
     v2.ToDtype(torch.float32, scale=True)]
)
'''

PLAIN = """
transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
"""


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
    arm = best_without(found.values())
    recipe = {
        "version": __version__,
        "augmentation": arm,
        "rare": list(rare),
        "added": dict(added),
        "classes": {name: asdict(one) for name, one in found.items()},
    }
    write_text(out / RECIPE, json.dumps(recipe, indent=1, ensure_ascii=False) + "\n")
    text = HEAD.format(arm=arm, rare=repr(list(rare)))
    text += EQUAL if arm == "none" else WEIGHTS
    text += PLAIN if arm in ("none", "oversampling") else CLASSICAL
    write_text(out / SNIPPET, text)
    return arm

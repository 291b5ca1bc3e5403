"""What methods scored on held-out classes: as a table, and in files that outlive a stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from l2laug.core.files import write_text


@dataclass(frozen=True)
class HeldOutScores:
    """What one set of images scored, real or drawn.

    Attributes:
        fid: to real images of the same classes, pooled over the classes; lower is better.
        fid_centred: the same once the mean of each class is moved onto that of its real images,
            which a few images tell badly: what is left is how images differ within a class.
        fid_at_support_means: the same once it is moved onto that of the support images. Of
            real images, this is how near one can come who knows no more of where a class is.
        diversity: mean feature distance within a class, averaged over classes.
        own_class: share whose nearest class, by the mean feature of real images, is their own.
        copies: share nearer to a support image than 99 in 100 real images of its class are; 0.01 is
            expected of real images. None with too few images to tell, see
            :func:`~l2laug.metrics.pooled_copies.pooled_copy_share`.
        class_accuracy: share that a reference classifier puts into their class, if there is one; it
            learned from other real images of these classes: the baseline's are new to it.
        two_sample_accuracy: accuracy of a net that learned to tell these images from real ones of
            other classes, 0.5 being chance; where there is a reference classifier.
        error: of a small classifier of the held-out classes that learned from the support images,
            under affine augmentation, and from these beside them; where that was asked for.
        error_ratio: that over its error without them; under 1 they help. None if it makes no
            error without them.
    """

    fid: float
    fid_centred: float
    fid_at_support_means: float
    diversity: float
    own_class: float
    copies: float | None
    class_accuracy: float | None = None
    two_sample_accuracy: float | None = None
    error: float | None = None
    error_ratio: float | None = None


class KeptScores:
    """A folder of scores, a file for each part of an experiment.

    Args:
        folder: made once there is something to keep. ``None`` keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def find(self, part: str) -> dict[str, HeldOutScores] | None:
        """By method, what a part scored; ``None`` if that is not known."""
        if self.folder is None or not (path := self.folder / f"{part}.json").is_file():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(HeldOutScores)}
        if not all(isinstance(scores, dict) and set(scores) == known for scores in kept.values()):
            return None  # it is of another version
        return {method: HeldOutScores(**scores) for method, scores in kept.items()}

    def keep(self, part: str, scores: Mapping[str, HeldOutScores]) -> None:
        """Write down what a part scored.

        Raises:
            OutputError: the folder can't be written.
        """
        if self.folder is not None:
            plain = {method: asdict(found) for method, found in scores.items()}
            write_text(self.folder / f"{part}.json", json.dumps(plain) + "\n")

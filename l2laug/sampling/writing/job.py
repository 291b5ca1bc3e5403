"""What is to be written where, and which share of it one machine of several draws."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from l2laug.artifacts.names import MANIFEST
from l2laug.core.errors import UsageError
from l2laug.sampling.precision.choice import FP32
from l2laug.sampling.render import PictureOptions
from l2laug.sampling.writing.support_masks import SupportMasks

TAR, PARQUET = "tar", "parquet"
NUMBER = r"(\d{6,})"


@dataclass(frozen=True)
class Part:
    """Which of several equal shares of a sampling a machine draws; ``number`` counts from 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """Read ``2/4``.

        Raises:
            UsageError: it is no such thing.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(
                f"--shard {text} names no shard.", "Give number and total, as 1/4, 2/4, 3/4, 4/4."
            )
        return cls(int(found[1]), int(found[2]))

    def indices(self, count: int, block: int) -> range:
        """Its indices among ``count``; blocks of so many are not parted."""
        blocks = -(-count // block)
        first, last = (self.of_all(blocks, n) * block for n in (self.number - 1, self.number))
        return range(min(first, count), min(last, count))

    def of_all(self, blocks: int, number: int) -> int:
        """How many of the blocks the first ``number`` shares have."""
        return blocks * number // self.of


@dataclass(frozen=True)
class OutputOptions(PictureOptions):
    """How samples are written, and into which files.

    Attributes:
        per_file: samples in a tar or Parquet file; None writes a file for each, in class folders.
        container: ``tar`` (WebDataset) or ``parquet``, where samples share files.
        part: which share of the samples is drawn.
        joins: whether the last share to be finished puts all manifests together.
        masks: of the rare images, to be changed along with them.
    """

    per_file: int | None = None
    container: str = TAR
    part: Part = Part()
    joins: bool = True
    masks: SupportMasks | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Job:
    """One class's samples that are to be written.

    Attributes:
        out: the folder.
        class_name: of the samples.
        count: how many, over all parts.
        seed: of the images.
        model: SHA-256 of the model file.
        options: how and into which files.
        precision: that the model runs in.
    """

    out: Path
    class_name: str
    count: int
    seed: int
    model: str
    options: OutputOptions
    precision: str = FP32

    @property
    def begun_as(self) -> tuple[int, str, str, str]:
        """What samples that may be gone on with have in common, see :func:`begun_as`."""
        return self.seed, self.model, self.asked, self.precision

    @property
    def asked(self) -> str:
        """Size, format and container, as the manifest tells them."""
        plain = f"{self.options.size or 'native'} {self.options.format}"
        if self.options.masks is not None:
            plain += " masks"
        per_file = self.options.per_file
        return f"{plain} {self.options.container} {per_file}" if per_file else plain

    @property
    def block(self) -> int:
        """How many samples share a file."""
        return self.options.per_file or 1

    @property
    def indices(self) -> range:
        """Of the samples that this part draws."""
        return self.options.part.indices(self.count, self.block)

    @property
    def in_parts(self) -> bool:
        """Whether several machines draw."""
        return self.options.part.of > 1

    @property
    def masks_out(self) -> Path:
        """Where masks go: beside ``out``, whose folders are classes of images."""
        return self.out.with_name(f"{self.out.name}-masks")

    @property
    def manifest(self) -> Path:
        """The manifest of this part; that of the whole where there is but one."""
        return self.part_manifest(self.options.part.number) if self.in_parts else self.whole

    @property
    def whole(self) -> Path:
        """The manifest of all parts."""
        return self.out / MANIFEST

    def part_manifest(self, number: int) -> Path:
        """The manifest of another part."""
        return self.out / f"manifest-{number:05d}-of-{self.options.part.of:05d}.jsonl"

    def block_of(self, index: int) -> range:
        """The indices that share a file with one."""
        first = index // self.block * self.block
        return range(first, min(first + self.block, self.count))

    def container(self, index: int) -> Path:
        """The tar or Parquet file of a sample."""
        name = f"{self.class_name}-{index // self.block:06d}.{self.options.container}"
        return self.out / name

    def is_mine(self, entry: dict[str, Any]) -> bool:
        """Whether an entry of a manifest is of this class."""
        return bool(entry["class"] == self.class_name)

    def files_there(self) -> Iterator[Path]:
        """Yield pictures and containers of this part that lie in the folder already, one by one."""
        name = re.escape(self.class_name)
        kinds = (
            (self.out / self.class_name, re.compile(rf"{NUMBER}\.(?:png|jpg|webp|tif)"), 1),
            (self.out, re.compile(rf"{name}-{NUMBER}\.(?:tar|parquet)"), self.block),
        )
        for folder, pattern, block in kinds:
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        found = pattern.fullmatch(entry.name)
                        mine = found and int(found[1]) * block in self.indices
                        if found and (mine or not self.in_parts):
                            yield Path(entry.path)


def begun_as(entry: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Seed, model, what was asked for, and precision that an entry of a manifest was drawn with."""
    return entry["seed"], entry["model"], entry.get("asked"), entry.get("precision", FP32)

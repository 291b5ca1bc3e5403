"""augment from a data set to a better one: counts, labels, formats, nothing added, nothing lost."""

from __future__ import annotations

import errno
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import load_dataset
from torchvision.datasets import ImageFolder

from l2laug.artifacts.model_card import Card
from l2laug.artifacts.run import find_run
from l2laug.commands.augmenting import learn_classes
from l2laug.commands.sample import SampleOptions, sample
from l2laug.core.errors import ImageError, OutputError
from l2laug.core.progress import Progress
from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.runtime.session import Session
from tests.cli.calls import contents
from tests.commands.augmenting.models import warping
from tests.commands.conftest import Augment
from tests.data.datasets import trees
from tests.test_api import loaded_after

TWELVE = (16, 203, 192, 220, 172, 143, 22, 89, 31, 89, 10, 204)


def squares(root: Path, counts: dict[str, int], side: int = 8) -> Path:
    return trees.class_folders(root, counts, (side, side))


def counts_of(folder: Path) -> dict[str, int]:
    found = ImageFolder(str(folder))
    return dict(zip(found.classes, np.bincount(found.targets).tolist(), strict=True))


def test_every_class_has_as_many_or_what_it_had(augmented: Augment, tmp_path: Path) -> None:
    there = {f"{i:02d}": count for i, count in enumerate(TWELVE)}
    root = squares(tmp_path / "set", there)
    before = contents(root)
    result = augmented(root, to_count="200", force="samples")
    assert counts_of(tmp_path / "out") == {n: max(c, 200) for n, c in there.items()}
    assert contents(root) == before
    out = contents(tmp_path / "out")
    assert {name: out[name] for name in before} == before
    assert result["added"] == sum(max(200 - c, 0) for c in there.values())
    lines = [json.loads(line) for line in out["manifest.jsonl"].decode().splitlines()]
    assert sum(line["real"] for line in lines) == len(before)
    assert {line["file"] for line in lines} == {n for n in out if n.endswith(".png")}
    rows = [json.loads(line) for line in out["metadata.jsonl"].decode().splitlines()]
    assert {row["file_name"]: row["label"] for row in rows} == {
        r["file"]: r["class"] for r in lines
    }
    assert not [path for path in tmp_path.iterdir() if path.name not in ("set", "out")]


def test_out_is_read_by_datasets(augmented: Augment, tmp_path: Path) -> None:
    for split, many in (("train", 12), ("test", 7)):
        squares(tmp_path / "set" / split, {"a": 6, "b": many})
    augmented(tmp_path / "set", to_count="9", force="samples")
    place, cache = str(tmp_path / "out"), str(tmp_path / "cache")
    found = load_dataset("imagefolder", data_dir=place, cache_dir=cache)
    counts = {split: Counter(rows["label"]) for split, rows in found.items()}
    assert counts == {"train": {"a": 9, "b": 12}, "test": {"a": 6, "b": 7}}
    assert sum(found["train"]["real"]) == 18
    assert found["train"][0]["image"].size == (8, 8)


def test_only_classes_that_samples_help_get_some(augmented: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 14, "b": 12, "c": 40, "d": 50})
    result = augmented(root, helps="b", to_count="30")
    assert counts_of(tmp_path / "out") == {"a": 14, "b": 30, "c": 40, "d": 50}
    words = {c["name"]: c["measured"]["word"] for c in result["classes"] if "measured" in c}
    assert words == {"a": "unclear", "b": "helps"}
    report = (tmp_path / "out" / "report.md").read_text()
    assert "| b | 12 | 18 | 30 | helps (+0.100, +0.050 to +0.150) |" in report


def test_where_nothing_helps_out_has_the_real_images_and_a_recipe(
    augmented: Augment, tmp_path: Path
) -> None:
    root = squares(tmp_path / "set", {"a": 12, "c": 40, "d": 50}, side=32)
    assert augmented(root, to_count="30")["added"] == 0
    out = contents(tmp_path / "out")
    pictures = {name: out[name] for name in out if name.endswith(".png")}
    assert pictures == contents(root)
    recipe = json.loads(out["recipe.json"])
    assert (recipe["augmentation"], recipe["rare"]) == ("classical", ["a"])
    names: dict[str, Any] = {}
    exec(out["augmentation.py"], names)  # noqa: S102 # as the user would run it
    data = ImageFolder(str(tmp_path / "out"), transform=names["transform"])
    image, _ = data[0]
    assert tuple(image.shape) == (3, 32, 32)
    assert 0 <= image.min() <= image.max() <= 1
    rare = [data.class_to_idx[c] for c in names["RARE"]]
    weights = np.array(names["sample_weights"](data.targets, rare))
    share = [weights[np.array(data.targets) == i].sum() for i in range(3)]
    assert share == pytest.approx([102 / 3, 40, 50])  # as often as an average class


def test_five_images_and_no_test_split_are_said_to_be_too_few(
    augmented: Augment, tmp_path: Path
) -> None:
    root = squares(tmp_path / "set", {"a": 5, "b": 20, "c": 20})
    result = augmented(root, helps="a")  # nothing may be asked whether it does
    assert result["added"] == 0
    [told] = [c["measured"] for c in result["classes"] if "measured" in c]
    assert (told["word"], told["notes"]) == ("not measured", ["too few to test on"])
    report = (tmp_path / "out" / "report.md").read_text()
    assert "Nothing was added: nothing could be measured." in report
    assert "fewer than 6 images to test on, so that nothing can be told of: a (2)" in report
    out = contents(tmp_path / "out")
    assert {name: out[name] for name in contents(root)} == contents(root)
    assert json.loads(out["recipe.json"])["measured"] is False
    assert b"Nothing could be measured here" in out["augmentation.py"]


def test_splits_that_are_there_are_copied_and_never_learned_from(
    augmented: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Card
) -> None:
    root = tmp_path / "set"
    for split, many in (("train", 20), ("val", 7), ("test", 8)):
        squares(root / split, {"a": 6, "b": many})
    learned: set[Path] = set()
    adapt = warping(card)

    def watched(folder: Path, options: Any, session: Session) -> Any:
        for place in (folder, options.base):
            learned.update(p.resolve() for p in place.rglob("*.png"))
        return adapt(folder, options, session)

    monkeypatch.setattr(learn_classes, "adapt", watched)
    augmented(root, to_count="10", force="samples", link=True)
    assert counts_of(tmp_path / "out" / "train") == {"a": 10, "b": 20}
    for split in ("val", "test"):
        out = contents(tmp_path / "out" / split)
        assert len(out.pop("metadata.jsonl").splitlines()) == 6 + {"val": 7, "test": 8}[split]
        assert out == contents(root / split)
    assert learned == {p.resolve() for p in (root / "train").rglob("*.png")}
    real = tmp_path / "out" / "train" / "a" / "000.png"
    assert real.is_symlink()
    assert real.resolve() == root / "train" / "a" / "000.png"


def test_of_an_mvtec_tree_good_is_left_as_it_is(augmented: Augment, tmp_path: Path) -> None:
    root = trees.mvtec(tmp_path / "set", defects=6)
    augmented(root, to_count="5", rare=("scratch",), force="samples")
    out = tmp_path / "out"
    assert counts_of(out / "train") == {"good": 4, "scratch": 5}
    assert counts_of(out / "test") == {"good": 2, "scratch": 3}
    for split in ("train", "test"):
        assert contents(out / split / "good") == contents(root / split / "good")
    masks = {p.name for p in (out / "ground_truth" / "scratch").iterdir()}
    pictures = {p for split in ("train", "test") for p in (out / split / "scratch").iterdir()}
    assert masks == {f"{p.stem}_mask.png" for p in pictures}


def test_tables_are_written_again(augmented: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    lines = ["file;label;camera"]
    for i in range(8):
        trees.picture(root / "pictures" / f"{i}.png")
        lines.append(f"pictures/{i}.png;{'ab'[i > 2]};k{i}")
    (root / "all.csv").write_text("\n".join(lines))
    augmented(root, to_count="5", force="samples")
    text = (tmp_path / "out" / "all.csv").read_text().splitlines()
    assert text[:9] == lines
    assert text[9] == "pictures/l2laug_a_000000.png;a;k0"
    assert read_dataset(tmp_path / "out" / "all.csv").counts() == {"a": 5, "b": 5}


def test_a_finished_one_is_left_alone(augmented: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 3, "c": 9})
    first = augmented(root, to_count="5", force="samples")
    before = contents(tmp_path / "out")
    assert augmented(root, to_count="5", force="samples", resume=True) == first
    with pytest.raises(OutputError, match="exists already"):
        augmented(root, to_count="5", force="samples")
    with pytest.raises(OutputError, match="other files or options"):
        augmented(root, to_count="6", force="samples", resume=True)
    assert contents(tmp_path / "out") == before
    augmented(root, to_count="6", force="samples", overwrite=True)
    assert counts_of(tmp_path / "out") == {"a": 6, "c": 9}


def test_models_that_are_kept_draw_more(augmented: Augment, tmp_path: Path) -> None:
    root, kept = squares(tmp_path / "set", {"a": 3, "c": 9}), tmp_path / "models"
    (kept / "a").mkdir(parents=True)
    (kept / "a" / "mine.txt").touch()
    with pytest.raises(OutputError, match="exists already"):
        augmented(root, to_count="5", force="samples", models=kept)
    (kept / "a" / "mine.txt").unlink()
    augmented(root, to_count="5", force="samples", models=kept)
    sample(find_run(kept / "a"), SampleOptions(4, tmp_path / "more"), Progress(quiet=True))
    found = [path.read_bytes() for path in sorted((tmp_path / "more" / "a").iterdir())]
    drawn = [path.read_bytes() for path in sorted((tmp_path / "out" / "a").glob("l2laug_*"))]
    assert found[: len(drawn)] == drawn


def test_models_may_be_kept_in_the_folder_that_is_written(
    augmented: Augment, tmp_path: Path
) -> None:
    root = squares(tmp_path / "set", {"a": 3, "c": 9})
    augmented(root, to_count="5", force="samples", models=tmp_path / "out" / "models")
    assert (tmp_path / "out" / "models" / "a" / "model.onnx").is_file()


def test_that_takes_none_of_the_large_libraries() -> None:
    assert loaded_after("import l2laug.commands.augment, l2laug.reports.augmentation") == set()


def test_a_full_disk_leaves_nothing_and_is_gone_on_with(
    augmented: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = squares(tmp_path / "set", {"a": 3, "c": 9})
    real, done = shutil.copyfile, []

    def full(*given: Any, **more: Any) -> Any:
        if len(done) == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(given)
        return real(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(OutputError, match="No space left"):
            augmented(root, to_count="5", force="samples")
    assert not (tmp_path / "out").exists()
    assert augmented(root, to_count="5", force="samples", resume=True)["added"] == 2
    assert not (tmp_path / ".out.augmenting").exists()


def test_what_is_wrong_is_told_before_any_work(augmented: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 1, "A": 3, "c": 9})
    before = contents(tmp_path)
    with pytest.raises(ImageError, match=r"alike but for case.*\n.*has one image"):
        augmented(root)
    assert contents(tmp_path) == before

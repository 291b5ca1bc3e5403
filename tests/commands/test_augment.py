"""augment from a data set to a better one: counts, labels, formats, nothing added, nothing lost."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from l2laug.artifacts.model_card import Card
from l2laug.classification.study import StudyData
from l2laug.commands.augment import AugmentOptions, augment
from l2laug.commands.augmenting import object_crops, work
from l2laug.commands.augmenting.arms import Measured
from l2laug.core.errors import ImageError, OutputError
from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.runtime.session import Session
from tests.cli.calls import contents
from tests.commands.augmenting.models import warping
from tests.commands.augmenting.test_arms import entry
from tests.data.datasets import trees

TWELVE = (16, 203, 192, 220, 172, 143, 22, 89, 31, 89, 10, 204)
Augment = Callable[..., dict[str, Any]]


@pytest.fixture
def run(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Augment:
    """augment with models that need no learning; no samples help, unless told otherwise."""
    monkeypatch.setattr(work, "adapt", warping(card))

    def measure(model: Any, *_: Any) -> Measured:
        word = "helps" if model.folder.name in helping else "unclear"
        return Measured(word, "classical", "samples", difference=0.1, low=0.05, high=0.15)

    monkeypatch.setattr(work, "measure_class", measure)
    helping: set[str] = set()

    def call(place: Path, *, helps: str = "", **options: Any) -> dict[str, Any]:
        helping.update(helps.split())
        chosen = AugmentOptions(tmp_path / "out", **options)
        return augment(place, chosen, Session.start("cpu"))

    return call


def squares(root: Path, counts: dict[str, int], side: int = 8) -> Path:
    return trees.class_folders(root, counts, (side, side))


def counts_of(folder: Path) -> dict[str, int]:
    found = ImageFolder(str(folder))
    return dict(zip(found.classes, np.bincount(found.targets).tolist(), strict=True))


def test_every_class_has_as_many_or_what_it_had(run: Augment, tmp_path: Path) -> None:
    tenth = {f"{i:02d}": max(count // 10, 2) for i, count in enumerate(TWELVE)}
    root = squares(tmp_path / "set", tenth)
    before = contents(root)
    result = run(root, to_count="20", force="samples")
    assert counts_of(tmp_path / "out") == {n: max(c, 20) for n, c in tenth.items()}
    assert contents(root) == before
    out = contents(tmp_path / "out")
    assert {name: out[name] for name in before} == before
    assert result["added"] == sum(max(20 - c, 0) for c in tenth.values())
    lines = [json.loads(line) for line in out["manifest.jsonl"].decode().splitlines()]
    assert sum(line["real"] for line in lines) == len(before)
    assert {line["file"] for line in lines} == {n for n in out if n.endswith(".png")}
    rows = [json.loads(line) for line in out["metadata.jsonl"].decode().splitlines()]
    assert {row["file_name"]: row["label"] for row in rows} == {
        r["file"]: r["class"] for r in lines
    }
    assert not [path for path in tmp_path.iterdir() if path.name not in ("set", "out")]


def test_only_classes_that_samples_help_get_some(run: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 14, "b": 12, "c": 40, "d": 50})
    result = run(root, helps="b", to_count="30")
    assert counts_of(tmp_path / "out") == {"a": 14, "b": 30, "c": 40, "d": 50}
    words = {c["name"]: c["measured"]["word"] for c in result["classes"] if "measured" in c}
    assert words == {"a": "unclear", "b": "helps"}
    report = (tmp_path / "out" / "report.md").read_text()
    assert "| b | 12 | 18 | 30 | helps (+0.100, +0.050 to +0.150) |" in report


def test_where_nothing_helps_out_has_the_real_images_and_a_recipe(
    run: Augment, tmp_path: Path
) -> None:
    root = squares(tmp_path / "set", {"a": 12, "c": 40, "d": 50}, side=32)
    assert run(root, to_count="30")["added"] == 0
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


def test_splits_that_are_there_are_copied_and_never_learned_from(
    run: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Card
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

    monkeypatch.setattr(work, "adapt", watched)
    run(root, to_count="10", force="samples", link=True)
    assert counts_of(tmp_path / "out" / "train") == {"a": 10, "b": 20}
    for split in ("val", "test"):
        out = contents(tmp_path / "out" / split)
        assert len(out.pop("metadata.jsonl").splitlines()) == 6 + {"val": 7, "test": 8}[split]
        assert out == contents(root / split)
    assert learned == {p.resolve() for p in (root / "train").rglob("*.png")}
    real = tmp_path / "out" / "train" / "a" / "000.png"
    assert real.is_symlink()
    assert real.resolve() == root / "train" / "a" / "000.png"


def disc(root: Path, number: int) -> None:
    """A picture of a disc, its mask, and a mask of three ids."""
    y, x = np.mgrid[:96, :128]
    inside = (y - 40 - number) ** 2 + (x - 60) ** 2 < 22**2
    picture = np.where(inside[..., None], (250, 240, 230), (10, 20, 30)).astype(np.uint8)
    for folder in ("a", "masks/a"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(root / "a" / f"{number}.png")
    Image.fromarray(inside.astype(np.uint8) * 255).save(root / "masks" / "a" / f"{number}.png")
    ids = inside.astype(np.uint8) + (x > 64)
    Image.fromarray(ids).save(root / "masks" / "a" / f"{number}_ids.png")


def test_masks_travel_along(run: Augment, tmp_path: Path) -> None:
    for number in range(6):
        disc(tmp_path / "set", number)
    squares(tmp_path / "set", {"b": 106})
    run(tmp_path / "set", rare=("a",), force="samples")
    out = tmp_path / "out"
    drawn = sorted((out / "a").glob("l2laug_*.png"))
    assert len(drawn) == 100
    moved = 0
    for path in drawn:
        mask = np.asarray(Image.open(out / "masks" / "a" / path.name))
        ids = np.asarray(Image.open(out / "masks" / "a" / f"{path.stem}_ids.png"))
        seen = np.asarray(Image.open(path)).mean(2) > 128
        assert set(np.unique(mask)) == {0, 255}
        assert set(np.unique(ids)) == {0, 1, 2}
        both, either = ((mask > 0) & seen).sum(), ((mask > 0) | seen).sum()
        assert both / either >= 0.97
        source = Image.open(out / "masks" / "a" / f"{int(path.stem[-6:]) % 6}.png")
        moved += (np.asarray(source) != mask).sum() > 50
    assert moved > 90
    again = read_dataset(out)  # with nothing wrong about its masks
    assert all(len(i.masks) == (2 if i.label == "a" else 0) for i in again.items)
    assert again.counts() == {"a": 106, "b": 106}


def test_of_an_mvtec_tree_good_is_left_as_it_is(run: Augment, tmp_path: Path) -> None:
    root = trees.mvtec(tmp_path / "set", defects=6)
    run(root, to_count="5", rare=("scratch",), force="samples")
    out = tmp_path / "out"
    assert counts_of(out / "train") == {"good": 4, "scratch": 5}
    assert counts_of(out / "test") == {"good": 2, "scratch": 3}
    for split in ("train", "test"):
        assert contents(out / split / "good") == contents(root / split / "good")
    masks = {p.name for p in (out / "ground_truth" / "scratch").iterdir()}
    pictures = {p for split in ("train", "test") for p in (out / split / "scratch").iterdir()}
    assert masks == {f"{p.stem}_mask.png" for p in pictures}


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_objects_come_out_in_the_format_they_came_in(
    layout: str, run: Augment, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    getattr(trees, layout)(root)
    before = read_dataset(root)
    result = run(root, to_count="4", rare=("bolt",), force="samples")
    after = read_dataset(tmp_path / "out")
    assert (after.layout, after.classes) == (before.layout, before.classes)
    new = [i for i in after.items if i.file.name.startswith("l2laug_")]
    assert result["added"] == len(new) > 0
    assert all("bolt" in i.labels and i.split == "train" for i in new)
    old = {i.file.stem: i.objects for i in before.items}
    for item in after.items:
        if item not in new:
            assert [o.box for o in item.objects] == [o.box for o in old[item.file.stem]]


def test_of_objects_those_cut_out_are_measured(
    run: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"
    for i in range(30):
        trees.picture(root / "images" / "train" / f"{i:02d}.png")
        (root / "labels" / "train").mkdir(parents=True, exist_ok=True)
        objects = "1 0.5 0.5 0.2 0.2\n" + "0 0.2 0.2 0.2 0.2\n0 0.7 0.7 0.2 0.2\n" * (i < 8)
        (root / "labels" / "train" / f"{i:02d}.txt").write_text(objects)
    (root / "data.yaml").write_text("train: images/train\nnames: [bolt, nut]\n")
    seen = []

    def classify(data: StudyData, *_: Any) -> list[dict[str, Any]]:
        seen.append(data)
        return [entry("probe", "helps")]

    monkeypatch.setattr(object_crops, "classify", classify)
    result = run(root, to_count="10", rare=("bolt",))
    [data] = seen
    assert data.train.classes == data.test.classes == ("bolt", "nut")
    assert np.bincount(data.test.labels).tolist() == [8, 4 + 6]  # four images with two bolts each
    assert len(data.samples) > 150  # nearly two in each of a hundred images
    assert result["added"] == 2
    assert result["classes"][0]["measured"]["word"] == "helps"


def test_common_objects_do_not_multiply(run: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    trees.yolo(root)
    label = root / "labels" / "train" / "b.txt"  # three nuts stand beside the only bolt
    label.write_text(label.read_text() + "1 0.3 0.3 0.1 0.1\n" * 3)
    for i in range(5):
        trees.picture(root / "images" / "train" / f"more{i}.png")
        (root / "labels" / "train" / f"more{i}.txt").write_text("1 0.5 0.5 0.2 0.2\n" * 4)
    result = run(root, to_count="6", rare=("bolt",), force="samples")
    nut = next(c for c in result["classes"] if c["name"] == "nut")
    assert nut["objects_before"] == 24
    assert nut["objects_after"] == 30  # two images with three each: a quarter more
    assert any("2 of 5 images drawn" in note for note in result["notes"])


def test_images_drawn_for_one_rare_class_count_for_another(run: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(9):
        trees.picture(root / "images" / "train" / f"{i}.png")
        (root / "labels" / "train").mkdir(parents=True, exist_ok=True)
        objects = "2 0.5 0.5 0.2 0.2\n" if i > 2 else "0 0.3 0.3 0.2 0.2\n1 0.7 0.7 0.2 0.2\n"
        (root / "labels" / "train" / f"{i}.txt").write_text(objects)
    (root / "data.yaml").write_text("train: images/train\nnames: [bolt, nut, pin]\n")
    result = run(root, to_count="6", force="samples")
    assert result["added"] == 3  # each with a bolt and a nut
    assert [c["after"] for c in result["classes"]] == [6, 6, 6]


def test_tables_are_written_again(run: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    lines = ["file;label;camera"]
    for i in range(8):
        trees.picture(root / "pictures" / f"{i}.png")
        lines.append(f"pictures/{i}.png;{'ab'[i > 2]};k{i}")
    (root / "all.csv").write_text("\n".join(lines))
    run(root, to_count="5", force="samples")
    text = (tmp_path / "out" / "all.csv").read_text().splitlines()
    assert text[:9] == lines
    assert text[9] == "pictures/l2laug_a_000000.png;a;k0"
    assert read_dataset(tmp_path / "out" / "all.csv").counts() == {"a": 5, "b": 5}


def test_a_finished_one_is_left_alone(run: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 3, "c": 9})
    first = run(root, to_count="5", force="samples")
    before = contents(tmp_path / "out")
    assert run(root, to_count="5", force="samples", resume=True) == first
    with pytest.raises(OutputError, match="exists already"):
        run(root, to_count="5", force="samples")
    with pytest.raises(OutputError, match="other files or options"):
        run(root, to_count="6", force="samples", resume=True)
    assert contents(tmp_path / "out") == before
    run(root, to_count="6", force="samples", overwrite=True)
    assert counts_of(tmp_path / "out") == {"a": 6, "c": 9}


def test_a_full_disk_leaves_nothing_and_is_gone_on_with(
    run: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
            run(root, to_count="5", force="samples")
    assert not (tmp_path / "out").exists()
    assert run(root, to_count="5", force="samples", resume=True)["added"] == 2
    assert not (tmp_path / ".out.augmenting").exists()


def test_what_is_wrong_is_told_before_any_work(run: Augment, tmp_path: Path) -> None:
    root = squares(tmp_path / "set", {"a": 1, "A": 3, "c": 9})
    before = contents(tmp_path)
    with pytest.raises(ImageError, match=r"alike but for case.*\n.*has one image"):
        run(root)
    assert contents(tmp_path) == before

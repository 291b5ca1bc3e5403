"""Wrong input, the command line over: one line that names it, the documented exit code, no mess."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from l2laug.cli import app


@dataclass(frozen=True)
class Place:
    """An empty current folder and what a test may copy from."""

    here: Path
    rare: Path
    bundle: Path
    run: Path

    def picture(self, name: str) -> Path:
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next(self.rare.iterdir()), path)
        return path

    def edited_bundle(self, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
        shutil.copytree(self.bundle, self.here / name)
        path = self.here / name / "bundle.json"
        info = json.loads(path.read_text())
        edit(info)
        path.write_text(json.dumps(info))

    def left(self) -> dict[str, bytes]:
        """All files here, whatever their names."""
        return {str(p): p.read_bytes() for p in self.here.rglob("*") if p.is_file()}


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rare: Path, tiny_bundle: Path, tiny_run: Path
) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, rare, tiny_bundle, tiny_run)


def l2laug(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# --- what may lie about --------------------------------------------------------------------


def other_files(place: Place) -> None:
    for name in (".DS_Store", "Thumbs.db", "notes.txt", ".hidden.png", "__MACOSX/._a.png"):
        path = place.here / "x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def decompression_bomb(place: Place) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    (place.here / "x").mkdir()
    (place.here / "x" / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )


def one_pixel(place: Place) -> None:
    (place.here / "x").mkdir()
    Image.new("L", (1, 1)).save(place.here / "x" / "dot.png")


def endless_links(place: Place) -> None:
    (place.here / "x" / "below").mkdir(parents=True)
    (place.here / "x" / "below" / "up").symlink_to(place.here / "x")
    (place.here / "x" / "self.png").symlink_to("self.png")
    (place.here / "x" / "gone.png").symlink_to("nowhere.png")


def stray_byte(place: Place) -> None:
    try:
        place.picture("x/" + os.fsdecode(b"caf\xe9") + "/1.png")
    except OSError:
        pytest.skip("this file system takes no such names")


def a_file(place: Place) -> None:
    place.picture("x")


def nothing(_: Place) -> None: ...


def two_runs(place: Place) -> None:
    for name in "ab":
        place.picture(f"x/{name}/1.png")
        place.picture(f"out/{name}/samples/1.png")


def one_image(place: Place) -> None:
    place.picture("x/1.png")


def other_networks(place: Place) -> None:
    one_image(place)
    (place.here / "wide.yaml").write_text("name: wide\ngenerator: {size: 64}\n")


def torn_model(place: Place) -> None:
    (place.here / "x.onnx").write_bytes((place.run / "model.onnx").read_bytes()[:5000])


def model_of_others(place: Place) -> None:
    shutil.copy(place.bundle / "features.onnx", place.here / "x.onnx")


def own_run(place: Place) -> None:
    shutil.copytree(place.run, place.here / "x")


def lacking(key: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        def drop(info: dict[str, Any]) -> None:
            *above, last = key.split(".")
            for part in above:
                info = info[part]
            del info[last]

        one_image(place)
        place.edited_bundle("b", drop)

    return make


def list_of_files(place: Place) -> None:
    one_image(place)
    place.edited_bundle("b", lambda info: info.update(files=["strong.safetensors"]))


def no_strong(place: Place) -> None:
    one_image(place)
    place.edited_bundle("b", lambda info: info["files"].pop("strong.safetensors"))


def recipe_unlike_the_weights(place: Place) -> None:
    one_image(place)
    place.edited_bundle("b", lambda i: i["recipe"]["generator"].update(encoder=[4, 8, 8, 8]))


CASES: list[tuple[Callable[[Place], None], str, int, list[str]]] = [
    # images
    (a_file, "adapt x --bundle BUNDLE", 3, ["x is a file"]),
    (other_files, "adapt x --bundle BUNDLE", 3, ["No image in x", ".png"]),
    (own_run, "adapt x --bundle BUNDLE", 3, ["x was written by l2laug"]),
    (decompression_bomb, "adapt x --bundle BUNDLE", 3, ["x/huge.png", "3600000000 pixels"]),
    (one_pixel, "adapt x --bundle BUNDLE", 3, ["x/dot.png", "1x1"]),
    (endless_links, "adapt x --bundle BUNDLE", 3, ["self.png: Too many", "gone.png: No such file"]),
    (stray_byte, "adapt x --bundle BUNDLE", 3, [r"'caf\udce9'", "UTF-8"]),
    (one_image, "pretrain x -o o --recipe RECIPE", 3, ["0 classes have 2 images"]),
    (nothing, "score BUNDLE nowhere", 3, ["nowhere does not exist"]),
    # options
    (one_image, "adapt x --bundle BUNDLE --seed -1", 2, ["--seed"]),
    (nothing, "sample RUN --seed -1", 2, ["--seed"]),
    (one_image, "adapt x --bundle BUNDLE --seed 4294967296", 2, ["--seed"]),
    (one_image, "adapt x --bundle BUNDLE --resume --overwrite", 2, ["--resume", "--overwrite"]),
    (nothing, "sample RUN --resume --overwrite", 2, ["--resume", "--overwrite"]),
    (nothing, "sample nowhere", 2, ["nowhere"]),
    (own_run, "evaluate x", 2, ["x/samples", "l2laug sample", "--samples"]),
    (nothing, "evaluate RUN --seeds 0", 2, ["--seeds"]),
    # bundles and models
    (lacking("source"), "adapt x --bundle b", 4, ["b/bundle.json", "source.classes"]),
    (lacking("recipe.generator.channels"), "bundles b", 4, ["b/bundle.json", "channels"]),
    (lacking("description"), "bundles b --json", 4, ["b/bundle.json", "description"]),
    (list_of_files, "adapt x --bundle b", 4, ["b/bundle.json", "files"]),
    (no_strong, "adapt x --bundle b", 4, ["b holds no strong.safetensors"]),
    (recipe_unlike_the_weights, "adapt x --bundle b", 4, ["b/strong.safetensors", "recipe"]),
    (other_networks, "adapt x --bundle BUNDLE --recipe wide.yaml", 4, ["wide", "tiny"]),
    (one_image, "pretrain x -o o --start nowhere", 4, ["nowhere is neither a bundle"]),
    (a_file, "bundles x", 4, ["No bundle at x"]),
    (torn_model, "sample x.onnx", 4, ["x.onnx can't be loaded"]),
    (a_file, "sample x", 4, ["x can't be loaded"]),
    (model_of_others, "sample x.onnx", 4, ["x.onnx is not a model"]),
    # recipes
    (one_image, "adapt x --bundle BUNDLE --recipe x/1.png", 5, ["x/1.png", "utf-8"]),
    # outputs
    (two_runs, "adapt x -o out --bundle BUNDLE", 6, ["out/a, out/b exist already"]),
    (one_image, "adapt x -o x --overwrite --bundle BUNDLE", 6, ["would empty x"]),
    (one_image, "adapt x -o . --overwrite --bundle BUNDLE", 6, ["would empty ."]),
    (one_image, "adapt x -o x/1.png/o --bundle BUNDLE", 6, ["x/1.png/o"]),
    (own_run, "sample x -o x --overwrite", 6, ["x exists already, and holds other things"]),
    (a_file, "sample RUN -o x", 6, ["x exists already"]),
    (a_file, "sample RUN -o x/o --resume", 6, ["x/o"]),
    (a_file, "pretrain RARE -o x", 6, ["x can't be made"]),
    (a_file, "demo -o x", 6, ["x exists already"]),
    (one_image, "sample RUN -o x --overwrite", 6, ["x exists already, and holds other things"]),
    (two_runs, "adapt x/a -o x/b --bundle BUNDLE --overwrite", 6, ["x/b holds no model.onnx"]),
    (one_image, "demo -o x --overwrite", 6, ["x holds no digits"]),
    (one_image, "pretrain RARE -o x --overwrite", 6, ["x holds other files"]),
]


@pytest.mark.parametrize(
    ("make", "words", "code", "said"), CASES, ids=[f"{c[0].__name__}-{c[1]}" for c in CASES]
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_left(
    place: Place,
    tiny_recipe_file: Path,
    make: Callable[[Place], None],
    words: str,
    code: int,
    said: list[str],
) -> None:
    make(place)
    before = place.left()
    known = {
        "BUNDLE": place.bundle,
        "RUN": place.run,
        "RARE": place.rare,
        "RECIPE": tiny_recipe_file,
    }
    result = l2laug(*(known.get(word, word) for word in words.split()))
    assert result.exit_code == code, result.stderr
    _, told = result.stderr.lower().split("error: ")
    assert all(word.lower() in told for word in said), told
    assert result.stdout == "" or "--json" in words
    after = place.left()
    begun = [name for name in after.keys() - before if name.endswith(".training/settings.json")]
    assert after.keys() - before == set(begun)
    assert {name: after[name] for name in before} == before


# --- a folder that may not be opened -------------------------------------------------------


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any folder")
def test_a_folder_that_may_not_be_opened_is_named(place: Place) -> None:
    place.picture("x/a/1.png")
    closed = place.picture("x/b/1.png").parent
    closed.chmod(0)
    try:
        result = l2laug("adapt", "x", "--bundle", place.bundle)
    finally:
        closed.chmod(0o700)
    assert result.exit_code == 3
    assert "Folder x/b can't be opened: Permission denied" in result.stderr

"""Reading pictures of every kind, naming the ones that can't be read, and the [-1, 1] rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.core.arrays import pixel_hash, to_pixels, to_unit
from l2laug.core.errors import ImageError
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.images.image_io import read_image, to_picture

ORIENTATION = 0x0112  # the EXIF tag


def save(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def grey(value: int = 100, size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new("L", size, value)


# --- formats and modes ---------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif"])
def test_of_several_pictures_in_a_file_the_first_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"several.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    grey(7).save(path, save_all=True, append_images=[grey(200)], **options)
    assert set(read_image(path, channels=1).ravel().tolist()) == {7}


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 2), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    image.putpixel((0, 1), (0, 0, 0, 102))  # 40% black over white leaves 60% of 255
    pixels = read_image(save(tmp_path / "a.png", image))
    assert pixels[:, 0, 0].tolist() == [255, 0, 0]
    assert pixels[:, 0, 1].tolist() == [255, 255, 255]
    assert pixels[:, 1, 0].tolist() == [153, 153, 153]


def test_grey_with_alpha(tmp_path: Path) -> None:
    image = Image.new("LA", (2, 2), (100, 255))
    image.putpixel((0, 0), (0, 0))
    pixels = read_image(save(tmp_path / "la.png", image), channels=1)
    assert pixels.tolist() == [[[255, 100], [100, 100]]]


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "p.png", transparency=0)
    pixels = read_image(tmp_path / "p.png", channels=3)
    assert pixels[:, 0, 0].tolist() == [255, 255, 255]
    assert pixels[:, 1, 1].tolist() == [0, 0, 255]


def test_cmyk_jpeg(tmp_path: Path) -> None:
    no_cyan = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    pixels = read_image(save(tmp_path / "print.jpg", no_cyan))
    assert np.abs(pixels.astype(int) - np.array([255, 0, 0])[:, None, None]).max() <= 4


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    stored = grey(0, (32, 16))
    stored.paste(255, (16, 0, 32, 16))  # left black, right white
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the stored left side is the top of the scene
    stored.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "phone.jpg")
    assert pixels.shape == (1, 32, 16)
    assert pixels[:, :14].max() < 20
    assert pixels[:, 18:].min() > 235


def test_one_bit(tmp_path: Path) -> None:
    image = Image.new("1", (2, 2), 0)
    image.putpixel((1, 1), 1)
    assert read_image(save(tmp_path / "fax.tif", image)).tolist() == [[[0, 0], [0, 255]]]


def test_red_in_grey_is_its_luma(tmp_path: Path) -> None:
    path = save(tmp_path / "red.bmp", Image.new("RGB", (4, 4), (255, 0, 0)))
    assert set(read_image(path, channels=1).ravel().tolist()) == {76}  # 0.299 of 255


def test_grey_as_rgb_has_three_equal_channels(tmp_path: Path) -> None:
    pixels = read_image(save(tmp_path / "g.png", grey(7)), channels=3)
    assert pixels.shape == (3, 16, 16)
    assert (pixels == 7).all()


@pytest.mark.parametrize("size", [(96, 32), (32, 96), (33, 32), (320, 320), (8, 9)])
def test_mixed_sizes_come_out_square(tmp_path: Path, size: tuple[int, int]) -> None:
    assert read_image(save(tmp_path / "a.png", grey(9, size)), 32, 1).shape == (1, 32, 32)


def test_the_whole_picture_is_squeezed_in(tmp_path: Path) -> None:
    wide = grey(0, (96, 32))
    wide.paste(100, (32, 0, 64, 32))
    wide.paste(255, (64, 0, 96, 32))
    squeezed = read_image(save(tmp_path / "wide.png", wide), 48, 1)
    assert squeezed[0, 24, [7, 23, 40]].tolist() == [0, 100, 255]


@pytest.mark.parametrize("suffix", ["bmp", "tif", "TIFF", "webp", "PNG"])
def test_a_picture_is_the_same_in_every_lossless_format(
    digits: Path, tmp_path: Path, suffix: str
) -> None:
    original = digits / "5" / "00.png"
    copy = tmp_path / f"copy.{suffix}"
    with Image.open(original) as image:
        image.save(copy, **({"lossless": True} if suffix == "webp" else {}))
    ours, theirs = read_image(original, 32, 1), read_image(copy, 32, 1)
    assert pixel_hash(ours) == pixel_hash(theirs)


def test_the_hash_tells_shapes_and_pixels_apart() -> None:
    flat = np.zeros((1, 2, 3), np.uint8)
    other = flat.copy()
    other[0, 0, 0] = 1
    assert len({pixel_hash(flat), pixel_hash(flat.reshape(1, 3, 2)), pixel_hash(other)}) == 3


def test_a_picture_written_is_the_picture_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    assert (read_image(save(tmp_path / "a.png", to_picture(pixels))) == pixels).all()


# --- files that can't be read --------------------------------------------------------------


def truncated(path: Path) -> None:
    save(path, Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)))
    path.write_bytes(path.read_bytes()[:1000])


def text(path: Path) -> None:
    path.write_text("I am no picture")


def empty(path: Path) -> None:
    path.touch()


def one_pixel(path: Path) -> None:
    save(path, grey(5, (1, 1)))


def floating(path: Path) -> None:
    Image.new("F", (8, 8), float("nan")).save(path, "TIFF")


def too_deep(path: Path) -> None:
    Image.new("I", (8, 8), 70_000).save(path, "TIFF")


UNREADABLE = [
    (truncated, "truncated"),
    (text, "cannot identify"),
    (empty, "the file is empty"),
    (one_pixel, "1x1"),
    (floating, "no numbers"),
    (too_deep, "65535"),
]


@pytest.mark.parametrize(("make", "reason"), UNREADABLE)
def test_an_unreadable_file_is_named_with_its_reason(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    bad = tmp_path / "bad.png"
    make(bad)
    with pytest.raises(ImageError, match=reason) as caught:
        read_image(bad, 32, 1)
    assert str(caught.value).count("bad.png") == 1


def test_what_can_be_read_is_used_and_the_rest_is_named(tmp_path: Path) -> None:
    text(tmp_path / "a.png")
    save(tmp_path / "b.png", grey(11))
    truncated(tmp_path / "c.png")
    save(tmp_path / "d.png", grey(13))
    images = read_classes(class_folders(tmp_path), 32, 1)
    assert images.pixels[:, 0, 0, 0].tolist() == [11, 13]
    assert [p.name for p in images.paths] == ["b.png", "d.png"]
    (first, why), (second, why_too) = images.skipped
    assert (first.name, second.name) == ("a.png", "c.png")
    assert "cannot identify" in why
    assert "truncated" in why_too


def test_a_class_without_a_readable_file_is_left_out(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "1.png", grey())
    (tmp_path / "ant").mkdir()
    text(tmp_path / "ant" / "1.png")
    images = read_classes(class_folders(tmp_path), 32, 1)
    assert images.classes == ("cat",)
    assert images.labels.tolist() == [0]


def test_if_nothing_can_be_read_every_file_is_named(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "c.webp"):
        text(tmp_path / name)
    with pytest.raises(ImageError) as caught:
        read_classes(class_folders(tmp_path), 32, 1)
    assert all(name in str(caught.value) for name in ("a.png", "b.jpg", "c.webp"))


# --- sets and ranges -----------------------------------------------------------------------


@pytest.fixture
def abc() -> ImageSet:
    """Images 0 to 4, of classes a, b, b, c, a."""
    pixels = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    paths = tuple(Path(f"{i}.png") for i in range(5))
    return ImageSet(pixels, np.array([0, 1, 1, 2, 0]), ("a", "b", "c"), paths)


def test_some_classes_of_a_set_are_counted_anew(abc: ImageSet) -> None:
    some = abc.of(["c", "a"])
    assert some.classes == ("c", "a")
    assert some.pixels.ravel().tolist() == [0, 3, 4]
    assert some.labels.tolist() == [1, 0, 1]
    assert [p.stem for p in some.paths] == ["0", "3", "4"]


def test_some_rows_of_a_set_keep_their_classes(abc: ImageSet) -> None:
    some = abc.take(np.array([3, 1]))
    assert some.classes == ("a", "b", "c")
    assert some.pixels.ravel().tolist() == [3, 1]
    assert some.labels.tolist() == [2, 1]
    assert [p.stem for p in some.paths] == ["3", "1"]


def test_the_range_ends_at_minus_one_and_one() -> None:
    assert to_unit(np.array([0, 255], np.uint8)).tolist() == [-1, 1]
    assert to_pixels(np.array([-1, 1, -7, 7], np.float32)).tolist() == [0, 255, 0, 255]


def test_every_level_survives_the_round_trip() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert (to_pixels(to_unit(levels)) == levels).all()

"""Copies: planted ones are found within the interval, real images are not taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError
from l2laug.data.images.image_io import read_image
from l2laug.evaluation.copies import copies_measure, save_nearest
from l2laug.metrics.copies import find_copies


def scans(digit: int) -> Pixels:
    """Every scan of a digit, about 180, in an order of its own, 32x32."""
    data = load_digits()
    images = data.images[data.target == digit]
    grey = np.rint(255 - images * 255 / 16).astype(np.uint8)
    large = [np.asarray(Image.fromarray(g).resize((32, 32))) for g in grey]
    return np.random.default_rng(digit).permutation(np.stack(large)[:, None])


def plain(*greys: int) -> Pixels:
    """Images of one grey each; 0, 51 and 255 are -1, -0.6 and 1, over 16 x 16 blurred pixels."""
    return np.array(greys, np.uint8)[:, None, None, None] * np.ones((1, 1, 32, 32), np.uint8)


@pytest.mark.parametrize("held_out", [0, 7, 30, 110])
@pytest.mark.parametrize("digit", [0, 3, 6])
def test_a_planted_tenth_is_found_within_the_interval(digit: int, held_out: int):
    images = scans(digit)
    support, others, real = np.split(images, [5, 5 + held_out])
    copied = support[np.arange(round(len(real) / 9)) % 5]

    copies = find_copies(np.concatenate([real, copied]), support, others)

    assert copies.drawn.low <= len(copied) / copies.drawn.count <= copies.drawn.high
    assert "more samples are close to support images" in copies_measure(copies).reading
    assert (copies.distances[-len(copied) :] == 0).all()


@pytest.mark.parametrize("held_out", [0, 3, 7, 30, 110])
def test_real_images_are_taken_for_copies_about_once_in_a_hundred(held_out: int):
    found, looked_at = 0.0, 0
    for digit in range(10):
        support, others, real = np.split(scans(digit), [5, 5 + held_out])
        drawn = find_copies(real, support, others).drawn
        found, looked_at = found + drawn.value * drawn.count, looked_at + drawn.count

    # 500 images or more, which hang together by the limit that they share.
    assert found / looked_at < 0.03


def test_a_support_image_that_is_nearly_another_one_hides_no_copy():
    support = scans(3)[:5]
    shifted = np.roll(support[:1], 1, axis=3)

    found = find_copies(support.repeat(4, 0), np.concatenate([support, shifted]))

    assert found.share == 1
    assert found.reference_images == 5


@pytest.mark.parametrize("change", ["none", "shift", "noise", "brightness"])
def test_a_set_of_copies_in_slight_disguise_is_caught(change: str):
    support, others, _ = np.split(scans(3), [5, 25])
    samples = support.repeat(4, axis=0)
    if change == "shift":
        samples[..., 1:] = samples[..., :-1].copy()
    elif change == "noise":
        noise = np.random.default_rng(0).integers(-20, 20, samples.shape)
        samples = (samples + noise).clip(0, 255).astype(np.uint8)
    elif change == "brightness":
        samples = (samples * 0.95).astype(np.uint8)

    assert find_copies(samples, support, others).share == 1


def test_copies_are_told_without_kept_back_images_but_with_less_to_say_for_it():
    support, real = np.split(scans(3), [5])

    copies = find_copies(np.concatenate([support, real[:5]]), support)

    assert copies.share == 0.5
    assert (copies.held_out, copies.reference_images) == (False, 5)
    assert "held-out images" in copies_measure(copies).too_small
    assert copies_measure(find_copies(real, support, real[:3])).too_small == ""


def test_the_limit_is_the_prediction_limit_of_a_log_normal_distance():
    """By hand: distances 4 e^(-0.1), 4, 4 e^0.1; their logarithms deviate by 0.1."""
    images = np.zeros((3, 1, 32, 32), np.uint8)
    support = plain(0, 0, 0)
    greys = 4 * np.exp([-0.1, 0, 0.1]) / 16 * 127.5  # distance is 16 times the step in [-1, 1]
    images += np.rint(greys).astype(np.uint8)[:, None, None, None]

    # Student's t for 99 %, one-sided, with 2 degrees of freedom is 6.965.
    expected = 4 * np.exp(-6.965 * 0.1 * (1 + 1 / 3) ** 0.5)
    assert find_copies(images, support, images).limit == pytest.approx(expected, rel=0.05)


def test_from_99_images_on_the_limit_is_the_nearest_of_them():
    others = plain(*range(40, 139))

    copies = find_copies(plain(39, 41, 200), plain(0, 0), others)

    assert copies.limit == pytest.approx(16 * 40 / 127.5)
    assert copies.share == pytest.approx(1 / 3)
    assert copies.drawn.count == 3


def test_the_interval_is_wilsons():
    """5 of 10: (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.96."""
    support, others, real = np.split(scans(3), [5, 35])

    drawn = find_copies(np.concatenate([support, real[:5]]), support, others).drawn

    assert drawn.value == 0.5
    assert (drawn.low, drawn.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_real_images_are_each_judged_by_a_limit_found_without_them():
    # Nine alike and one far nearer, which alone would widen its own limit.
    others = plain(*range(100, 109), 3)

    copies = find_copies(plain(200), plain(0, 255), others)

    assert copies.real is not None
    assert (copies.real.value, copies.real.count) == (0.1, 10)


def test_a_support_image_given_twice_or_kept_back_does_not_hide_copies():
    support, others, _ = np.split(scans(3), [5, 15])

    doubled = find_copies(support, np.concatenate([support, support]), others)
    mixed = find_copies(support, support, np.concatenate([others, support]))

    assert doubled.share == mixed.share == 1
    assert doubled.limit == mixed.limit == find_copies(support, support, others).limit


@pytest.mark.parametrize(("support", "others"), [(1, 0), (2, 2), (1, 2)])
def test_under_three_real_images_are_too_few(support: int, others: int):
    images = scans(3)

    with pytest.raises(ImageError, match="fewer than 3 real images"):
        find_copies(images[-9:], images[:support], images[20 : 20 + others])


def test_the_sheet_shows_the_nearest_pair_first(tmp_path: Path):
    support, samples = plain(0, 100, 200), plain(190, 101, 30, 198)
    copies = find_copies(samples, support, plain(50, 60, 150))

    save_nearest(tmp_path / "copies.png", copies, samples, support)
    sheet = read_image(tmp_path / "copies.png")[0]

    # Cells of 64 behind gaps of 2, with 6 more behind the support image.
    rows = [[int(sheet[34 + 66 * r, x]) for x in (34, 106, 172)] for r in range(3)]
    assert rows == [[100, 101, 128], [200, 198, 190], [0, 30, 128]]

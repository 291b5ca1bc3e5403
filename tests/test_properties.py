"""What holds of any image, recipe, manifest and label: Hypothesis makes them up."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from l2laug.config.load import parse_recipe
from l2laug.core.errors import RecipeError
from l2laug.data.datasets.run_lengths import RunLengths
from l2laug.data.images.image_io import read_image
from l2laug.data.images.originals import Original, read_original
from l2laug.sampling.writing.manifest import NEEDED, read_entries, write_entries
from tests.conftest import TINY

few = settings(max_examples=20, deadline=None, derandomize=True, database=None)
names = st.text(st.characters(codec="utf-8"), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
entry = st.fixed_dictionaries(dict.fromkeys(sorted(NEEDED), names | st.integers()))
shapes = st.tuples(st.integers(2, 9), st.integers(2, 9), st.integers(1, 6))


@few
@given(st.sampled_from(["u1", "u2", "f4"]), shapes, st.data())
def test_an_image_comes_back_as_it_was_and_is_seen_in_eight_bits(
    kind: str, shape: tuple[int, int, int], data: Any
) -> None:
    limits = {"u1": (0, 255), "u2": (0, 65535), "f4": (0, 1)}[kind]
    values = st.floats(*limits, width=32) if kind == "f4" else st.integers(*limits)
    pixels = data.draw(arrays.arrays(kind, shape, elements=values))
    pixels[0, 0] = limits[1]  # so that it is plain what the range is
    stored = pixels[..., 0] if shape[2] == 1 else pixels
    rgb = shape[2] in (3, 4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        about = {"planarconfig": "contig"} if shape[2] > 1 else {}
        tifffile.imwrite(path, stored, photometric="rgb" if rgb else "minisblack", **about)
        seen = read_image(path, 32, 1)
        found = read_original(path)
    assert np.array_equal(found.pixels, pixels)
    assert np.array_equal(Original.from_text(found.to_text()).pixels, pixels)
    assert seen.shape == (1, 32, 32)


@few
@given(st.dictionaries(st.sampled_from(sorted(TINY)) | names, plain, max_size=4))
def test_a_recipe_of_anything_is_one_or_is_turned_down(changes: dict[str, Any]) -> None:
    try:
        recipe = parse_recipe(TINY | changes, "it")
    except RecipeError:
        return
    assert parse_recipe(recipe.model_dump(mode="json"), "it") == recipe


@few
@given(st.lists(entry, max_size=4), st.data())
def test_of_a_torn_manifest_the_whole_lines_are_read(entries: list[Any], data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.jsonl"
        write_entries(path, entries)
        assert list(read_entries(path)) == entries
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        found = list(read_entries(path))
    assert found == entries[: len(found)]


@few
@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.booleans())
def test_run_lengths_say_every_mask(mask: Any, compressed: bool) -> None:
    told = RunLengths.of_mask(mask, compressed=compressed).to_json()
    assert np.array_equal(RunLengths.of_json(told).mask(), mask)

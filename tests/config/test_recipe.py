"""Recipes: strict, every problem told at once by its dotted name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from l2laug.config.change import ChangeTrainingOptions
from l2laug.config.load import find_recipe, parse_recipe, read_recipe
from l2laug.core.errors import RecipeError, UsageError
from l2laug.data.public_sources import source_size

SHIPPED = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def problems(data: dict[str, Any]) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({"name": "test", **data}, "test.yaml")
    assert "test.yaml" in str(caught.value)
    assert "docs/recipes.md" in caught.value.remedy
    return str(caught.value)


def test_every_problem_is_told_by_its_dotted_name() -> None:
    told = problems(
        {
            "sources": {},
            "source": {"step": 3, "batch": "many"},
            "gems": {"type": 4, "positions": [0, 5]},
            "generator": {"channels": 2, "encoder": [8, 8]},
            "target": {"loss": "least squares"},
        }
    )
    for name in (
        "sources: unknown key",
        "source.step: unknown key",
        "source.batch",
        "gems.type",
        "gems.positions.1",
        "generator.channels",
        "generator.encoder",
        "target.loss",
    ):
        assert name in told


def test_a_recipe_needs_a_name() -> None:
    with pytest.raises(RecipeError, match="name"):
        parse_recipe({}, "test.yaml")


@pytest.mark.parametrize("size", [40, 100])
def test_a_size_that_does_not_halve_four_times(size: int) -> None:
    assert f"size {size}" in problems({"generator": {"size": size}})


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("generator.encoder", [0, -1, 8, 8]),
        ("generator.decoder", [8, 8, 8, 8, 0]),
        ("generator.noise_channels", [0]),
        ("generator.noise_channels", []),
        ("generator.size", 16),
        ("generator.size", 16000),
        ("generator.latent", 0),
        ("generator.warp", 1.5),
        ("generator.clip_margin", 0.5),
        ("critic.width", 0),
        ("critic.max_width", -1),
        ("critic.group", 0),
        ("features.width", 0),
        ("features.width", 10**9),
        ("source.steps", -1),
        ("source.steps", 10**12),
        ("source.batch", 1),
        ("source.betas", [0.0, 1.5]),
        ("source.betas", [-0.1, 0.9]),
        ("source.betas", [0.0, 1.0]),  # of 1, Adam divides by 1 - 1
        ("source.average", 1),  # an average that never leaves its first weights
        ("source.learning_rate", 0),
        ("source.learning_rate", -1e-4),
        ("source.learning_rate", NAN),
        ("source.learning_rate", "nan"),
        ("target.critic_learning_rate", INF),
        ("source.penalty", INF),
        ("source.kl_weight", NAN),
        ("gems.learning_rate", 2),
        ("target.jitter", -0.1),
        ("data.held_out", -1),
        ("data.held_out", -0.5),
        ("data.held_out", 1.0),  # all of them
        ("data.held_out", NAN),
        ("data.seed", -1),
        ("data.min_images", 1),
    ],
)
def test_a_number_out_of_range(key: str, value: object) -> None:
    part, name = key.split(".")
    assert key in problems({part: {name: value}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target.train_norm", "yes"),
        ("target.gems", 1),
        ("generator.conditioned", "false"),
        ("generator.warp_maps", 0),
        ("generator.warp", True),
        ("generator.size", True),
        ("generator.channels", True),
        ("gems.type", True),
        ("gems.positions", [False, 2]),
        ("source.steps", True),
        ("source.steps", "300"),
        ("source.steps", 300.0),
        ("source.learning_rate", True),
        ("source.betas", [False, 0.9]),
        ("data.held_out", True),
        ("data.held_out", "0.1"),
        ("weak", None),
        ("name", 7),
        ("name", ""),
    ],
)
def test_a_value_of_another_kind(key: str, value: object) -> None:
    part, _, name = key.partition(".")
    assert key in problems({part: {name: value} if name else value})


def test_gems_without_positions() -> None:
    told = problems({"gems": {"positions": []}})
    assert "target.gems uses GEMs, and gems.positions names none" in told
    parse_recipe({"name": "a", "gems": {"positions": []}, "target": {"gems": False}}, "")


def test_a_critic_that_narrows() -> None:
    assert "max_width 16 is below width 32" in problems({"critic": {"width": 32, "max_width": 16}})


@pytest.mark.parametrize("size", [32, 48, 96, 128])
def test_a_size_that_does(size: int) -> None:
    assert parse_recipe({"name": "a", "generator": {"size": size}}, "").generator.size == size


@pytest.mark.parametrize("part", ["source", "weak", "target"])
def test_a_batch_that_is_no_multiple_of_the_group(part: str) -> None:
    told = problems({"critic": {"group": 4}, part: {"batch": 30}})
    assert f"{part}.batch 30" in told
    assert "critic.group 4" in told


def test_phi_of_z_has_nothing_to_warp() -> None:
    told = problems({"generator": {"conditioned": False, "warp": 0.1}})
    assert "generator.warp warps an image" in told


@pytest.mark.parametrize(
    "data",
    [
        {"generator": {"warp_maps": True}},
        {"source": {"registration": 1.0}},
        {"base": {"registration": 1.0}},
    ],
)
def test_what_needs_a_warp_says_so(data: dict[str, Any]) -> None:
    assert "set generator.warp" in problems(data)


@pytest.mark.parametrize("part", ["source", "base", "target"])
def test_phi_of_z_is_told_no_class(part: str) -> None:
    plain = {"generator": {"conditioned": False}, "critic": {"group": 1}}
    told = problems({**plain, part: {"class_consistency": 1.0}})
    assert f"{part}.class_consistency asks for a class" in told


def test_phi_of_z_as_a_bundle_keeps_it() -> None:
    plain = {"name": "z", "generator": {"conditioned": False}, "critic": {"group": 1}}
    recipe = parse_recipe(plain, "")
    assert recipe.base.class_consistency == 0
    assert parse_recipe(recipe.model_dump(mode="json"), "") == recipe


def test_phi_of_z_has_no_image_to_share() -> None:
    told = problems({"generator": {"conditioned": False}, "critic": {"group": 4}})
    assert "critic.group compares draws of one image" in told


def test_a_class_augmentation_is_named_once() -> None:
    told = problems({"data": {"class_augmentation": ["flip", "flip"]}})
    assert "data.class_augmentation" in told
    assert "names one change twice" in told
    assert "data.class_augmentation" in problems({"data": {"class_augmentation": ["shrink"]}})


def test_one_gem_to_a_position() -> None:
    assert "positions name one decoder block twice" in problems({"gems": {"positions": [1, 1]}})


@pytest.mark.parametrize(("held_out", "kind"), [(1, int), (20, int), (0.25, float), (0.0, float)])
def test_held_out_is_a_count_or_a_share(held_out: float, kind: type) -> None:
    found = parse_recipe({"name": "a", "data": {"held_out": held_out}}, "").data.held_out
    assert found == held_out
    assert type(found) is kind


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_recipe_is_right_and_found_by_its_name(path: Path, digits: Path) -> None:
    recipe = find_recipe(path.stem, source_size(digits))
    assert recipe.name == path.stem
    assert recipe.description
    assert recipe == read_recipe(path, source_size(digits))


def test_what_a_recipe_leaves_to_the_images_is_theirs(tmp_path: Path) -> None:
    red = Image.new("RGB", (90, 70), "red")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        red.save(tmp_path / name / "1.png")
    assert find_recipe("default", source_size(tmp_path)).generator.size == 64
    assert find_recipe("default", source_size(tmp_path)).generator.channels == 3


def test_a_recipe_that_needs_images_says_so() -> None:
    with pytest.raises(RecipeError, match=r"leaves generator\.size to the source images"):
        find_recipe("default")


def test_the_papers_recipes_are_the_papers() -> None:
    for name, size, classes in (("omniglot-paper", 32, 1200), ("vggface-paper", 96, 1800)):
        recipe = find_recipe(name)
        assert (recipe.generator.size, recipe.data.classes) == (size, classes)
        assert recipe.generator.encoder == (64, 64, 128, 128)  # Table 1
        assert recipe.generator.decoder == (128, 128, 64, 64, 64)
        assert (recipe.weak.shots, recipe.weak.start, recipe.target.start) == (
            2,
            "random",
            "random",
        )
        for part in (recipe.source, recipe.weak, recipe.target):
            assert (part.loss, part.penalty, part.critic_steps) == ("wgan", 10, 5)
            assert (part.learning_rate, part.betas, part.batch) == (1e-4, (0, 0.9), 32)
        assert (recipe.source.class_consistency, recipe.target.class_consistency) == (0, 0)
        assert (recipe.gems.residual, recipe.target.gems) == (False, True)


def test_the_recipe_of_every_shipped_bundle_is_shipped() -> None:
    bundles = [
        json.loads(p.read_text()) for p in SHIPPED[0].parents[1].glob("models/*/bundle.json")
    ]
    assert len(bundles) >= 2
    assert {bundle["recipe"]["name"] for bundle in bundles} <= {p.stem for p in SHIPPED}


def test_a_number_that_yaml_takes_for_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ngems: {learning_rate: 5e-4}\n")  # YAML 1.1 wants 5.0e-4
    assert find_recipe(str(path)).gems.learning_rate == 0.0005


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: [unclosed", "is not YAML"),
        (b"- a\n- list\n", "is no mapping"),
        (b"", "is no mapping"),
        (b"name: \xff\xfe", "can't be read"),
        (b"name: a\nweak: {steps: 1, steps: 2}\n", "key steps stands here twice"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(path)
    assert "bad.yaml" in str(caught.value)


def test_a_key_that_overrides_a_merged_one_is_no_second_one(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text(
        "name: a\nweak: {steps: 1, shots: 2}\n"
        "source: &source {steps: 3, batch: 8}\ntarget: {<<: *source, steps: 4}\n"
    )
    recipe = read_recipe(path)
    assert (recipe.target.steps, recipe.target.batch) == (4, 8)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"--recipe hieroglyphs .*glyphs"):
        find_recipe("hieroglyphs")


@pytest.mark.parametrize(
    ("key", "value"),
    [("steps", True), ("steps", "9"), ("grey", True), ("average", 1), ("hold", NAN)],
)
def test_a_change_training_is_as_strict(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        ChangeTrainingOptions.model_validate({key: value})

"""Read recipes from YAML; every problem of a file is reported at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from l2laug.config.recipe import Recipe
from l2laug.core.errors import RecipeError, UsageError
from l2laug.core.resources import shipped

AUTO = "auto"
SourceSize = Callable[[], tuple[int, int]]  # side and channels of the source images, once asked


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML takes the last of two equal keys without a word; a recipe has one meaning."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.composer.ComposerError(
                        problem=f"key {key.value} stands here twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return node


def find_recipe(name: str, source: SourceSize | None = None) -> Recipe:
    """A shipped recipe by its name, or one at a path.

    Args:
        name: of the recipe, or its path.
        source: gives side and channels, for a recipe that leaves them to the source images.

    Raises:
        RecipeError: it can't be read or is not right.
        UsageError: there is none of that name.
    """
    path = Path(name)
    if path.is_file():
        return read_recipe(path, source)
    known = {p.stem: p for p in sorted(shipped("recipes").glob("*.yaml"))}
    if name not in known:
        raise UsageError(
            f"--recipe {name} is neither a file nor a shipped recipe.",
            f"Shipped ones: {', '.join(known)}.",
        )
    return read_recipe(known[name], source)


def read_recipe(path: Path, source: SourceSize | None = None) -> Recipe:
    """Read one recipe file; ``auto`` size and channels become what ``source`` says.

    Raises:
        RecipeError: the file can't be read or parsed, or has unknown keys or impossible values;
            every problem of the file is listed.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"Recipe {path} can't be read: {error}.", "Check the path.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError(f"Recipe {path} is not YAML: {error}.", "Mend that line.") from error
    if not isinstance(data, dict):
        raise RecipeError(f"Recipe {path} is no mapping.", "Start it with 'name: my-recipe'.")
    return parse_recipe(_without_auto(data, path, source), str(path))


def _without_auto(data: dict[str, Any], path: Path, source: SourceSize | None) -> dict[str, Any]:
    generator = data.get("generator")
    if not isinstance(generator, dict):
        return data
    keys = [key for key in ("size", "channels") if generator.get(key) == AUTO]
    if not keys:
        return data
    if source is None:
        raise RecipeError(
            f"Recipe {path} leaves generator.{keys[0]} to the source images; here are none.",
            "Write a number, or use the recipe with l2laug pretrain.",
        )
    found = dict(zip(("size", "channels"), source(), strict=True))
    return data | {"generator": generator | {key: found[key] for key in keys}}


def parse_recipe(data: dict[str, Any], source: str) -> Recipe:
    """Check a recipe given as plain data; ``source`` names it in errors."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = "\n".join(f"  {_problem(e['loc'], e['type'], e['msg'])}" for e in error.errors())
        raise RecipeError(
            f"Recipe {source} has {error.error_count()} problem(s):\n{problems}\n",
            "Keys and values are listed in docs/recipes.md.",
        ) from None


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(p) for p in place) or "recipe"
    message = message.removeprefix("Value error, ")
    return f"{name}: unknown key" if kind == "extra_forbidden" else f"{name}: {message}"

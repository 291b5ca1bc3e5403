"""Recipes of all methods, as small as they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from l2laug.config.load import find_recipe, parse_recipe
from l2laug.config.methods import L2L, MethodName
from l2laug.config.recipe import Recipe

OTHERS = tuple(name for name in get_args(MethodName) if name != L2L)
NETWORKS = {
    "encoder": [8, 8, 8, 8],
    "decoder": [8, 8, 8, 8, 8],
    "latent": 10,
    "noise_channels": [2, 1, 1],
}


def small(method: str, *, own: Mapping[str, Any] | None = None, **source: Any) -> Recipe:
    """The shipped recipe of a method with tiny networks, 32x32 grey; ``own`` are its own keys."""
    plain = find_recipe(method, lambda: (32, 1)).model_dump(mode="json")
    plain["generator"] |= NETWORKS
    plain["critic"] |= {"width": 8, "max_width": 16}
    plain["source"] |= {"steps": 4, "batch": 4, **source}
    plain["method_training"] |= own or {}
    plain["features"] |= {"width": 4, "steps": 10, "batch": 8}
    plain["target"] |= {"require_similarity": False}
    return parse_recipe(plain, method)

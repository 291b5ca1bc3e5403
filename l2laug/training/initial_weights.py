"""What phi_t grows from: trained networks, and how real images of such classes usually are."""

from __future__ import annotations

from dataclasses import dataclass

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import Guide, load_guide
from l2laug.nn.weights import load_weights


@dataclass(frozen=True)
class Origin:
    """A start for phi_t.

    Attributes:
        generator, critic: trained; whoever trains them further takes copies.
        guide: knows the source classes, and the common ones if there are any.
        spread: mean feature distance between images of a class.
        likeness: that 98 in 100 images have to others of their class.
    """

    generator: Generator
    critic: Critic
    guide: Guide
    spread: float
    likeness: float


def bundle_origin(bundle: Bundle, recipe: Recipe) -> Origin:
    """What a bundle's source training left; a recipe may start at random or from phi_s2."""
    start = recipe.target.start
    critic = Critic(recipe.critic, recipe.generator)
    if start == "random":
        generator = Generator(recipe.generator)
    else:
        generator = load_generator(bundle, recipe, start)
        load_weights(critic, bundle.file("critic.safetensors"))
    source = bundle.info["source"]
    guide = load_guide(bundle.file("guide.safetensors"), recipe, int(source["classes"]))
    return Origin(generator, critic, guide, float(source["spread"]), float(source["likeness"]))


def load_generator(bundle: Bundle, recipe: Recipe, which: str) -> Generator:
    """phi_s1 (``"strong"``) or phi_s2 (``"weak"``) of a bundle."""
    generator = Generator(recipe.generator)
    load_weights(generator, bundle.file(f"{which}.safetensors"))
    return generator

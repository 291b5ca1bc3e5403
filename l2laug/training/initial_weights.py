"""What phi_t grows from: trained networks, and how real images of such classes usually are."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import GemOptions, Recipe
from l2laug.nn.critic import Critic
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier, load_prototype_classifier
from l2laug.nn.weights import load_weights


@dataclass(frozen=True)
class InitialWeights:
    """A start for phi_t.

    Attributes:
        generator, critic: trained; whoever trains them further takes copies.
        classifier: knows the source classes, and the base ones if there are any.
        diversity: mean feature distance between images of a class.
        similarity: that 98 in 100 images have to others of their class.
    """

    generator: Generator
    critic: Critic
    classifier: PrototypeClassifier
    diversity: float
    similarity: float


def bundle_weights(bundle: Bundle, recipe: Recipe) -> InitialWeights:
    """What a bundle's source training left; a recipe may start at random or from phi_s2."""
    start = recipe.target.start
    critic = Critic(recipe.critic, recipe.generator)
    if start == "random":
        generator = Generator(recipe.generator)
    else:
        generator = load_generator(bundle, recipe, start)
        load_weights(critic, bundle.file("critic.safetensors"))
    source = bundle.info["source"]
    classifier = load_prototype_classifier(
        bundle.file("prototype_classifier.safetensors"), recipe, int(source["classes"])
    )
    return InitialWeights(
        generator,
        critic,
        classifier,
        float(source["diversity"]),
        float(source["similarity"]),
    )


def load_generator(bundle: Bundle, recipe: Recipe, which: str) -> Generator:
    """phi_s1 (``"strong"``) or phi_s2 (``"weak"``) of a bundle."""
    generator = Generator(recipe.generator)
    load_weights(generator, bundle.file(f"{which}.safetensors"))
    return generator


def load_gems(bundle: Bundle, recipe: Recipe) -> nn.ModuleDict:
    """The GEMs of a bundle, of the type and at the positions that it says."""
    gems = build_gems(GemOptions.model_validate(bundle.info["recipe"]["gems"]), recipe.generator)
    load_weights(gems, bundle.file("gems.safetensors"))
    return gems


def has_domain_gems(bundle: Bundle) -> bool:
    """Whether a bundle's GEMs learned from domain episodes; those of old bundles did not."""
    gems = bundle.info["recipe"].get("gems", {})
    return bool(gems.get("episodes") == "domain" and gems.get("positions"))

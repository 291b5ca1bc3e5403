"""What an adapted model says of itself, in the metadata of its ONNX file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import onnx
import pytest

from l2laug import __version__
from l2laug.artifacts.model_card import Card
from l2laug.core.errors import BundleError


def test_a_card_survives_its_metadata(card: Card) -> None:
    assert Card.from_metadata(card.to_metadata(), "a.onnx") == card


def test_the_card_in_a_real_model(tiny_run: Path, tiny_bundle: Path) -> None:
    model = onnx.load(tiny_run / "model.onnx")
    kept = {prop.key: prop.value for prop in model.metadata_props}
    said = json.loads(kept.pop("l2laug"))
    assert sorted(kept) == [f"l2laug.original.{i}" for i in range(5)]
    assert said["originals"] == 5
    assert said["class_name"] == "3"
    assert (said["size"], said["channels"], said["latent"]) == (32, 1, 10)
    assert (said["bundle"], said["recipe"], said["seed"]) == ("tiny", "tiny", 0)
    assert said["version"] == __version__
    assert said["steps"] == 4  # two plain, two with GEMs
    assert len(set(said["support_hashes"])) == 5
    info = (tiny_bundle / "bundle.json").read_bytes()
    assert said["bundle_hash"] == hashlib.sha256(info).hexdigest()


def test_the_inputs_of_a_real_model(tiny_run: Path) -> None:
    graph = onnx.load(tiny_run / "model.onnx").graph
    assert [i.name for i in graph.input] == ["support", "latent"]
    assert [o.name for o in graph.output] == ["images", "similarity"]
    assert not {n.op_type for n in graph.node} & {"RandomNormal", "RandomNormalLike", "Dropout"}


def test_a_model_says_nothing_of_the_machine_it_was_made_on(tiny_run: Path, rare: Path) -> None:
    content = (tiny_run / "model.onnx").read_bytes()
    package = Path(__file__).parents[1]
    for secret in (str(rare), str(package), "site-packages", ".py"):
        assert secret.encode() not in content


@pytest.mark.parametrize("metadata", [{}, {"l2laug": "{"}, {"l2laug": "[]"}, {"l2laug": "{}"}])
def test_metadata_that_is_not_ours(metadata: dict[str, str]) -> None:
    with pytest.raises(BundleError, match=r"a\.onnx is not a model"):
        Card.from_metadata(metadata, "a.onnx")


def test_a_card_of_another_format(card: Card) -> None:
    for found, remedy in ((3, "Adapt again with this version"), (9, "Install a newer l2laug")):
        other = dataclasses.replace(card, format=found)
        with pytest.raises(BundleError, match=rf"a\.onnx has card format {found}") as caught:
            Card.from_metadata(other.to_metadata(), "a.onnx")
        assert remedy in caught.value.remedy


def test_a_card_from_before_gems_had_strengths(card: Card) -> None:
    values = json.loads(card.to_metadata()["l2laug"]) | {"format": 4}
    del values["gem_strength"]
    read = Card.from_metadata({"l2laug": json.dumps(values)}, "a.onnx")
    assert (read.gem_strength, read.class_name) == (None, card.class_name)


@pytest.mark.parametrize("name", ["../../escaped", "a/b", "..", "/etc"])
def test_a_class_name_that_would_leave_the_output_folder(name: str, card: Card) -> None:
    evil = dataclasses.replace(card, class_name=name)
    with pytest.raises(BundleError, match=r"a\.onnx"):
        Card.from_metadata(evil.to_metadata(), "a.onnx")

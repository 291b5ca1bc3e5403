"""Methods other than l2l go through the doors that l2l does."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.run import find_run
from l2laug.commands.augmenting.learn_classes import learns_along
from l2laug.commands.pretraining import bundle_training
from l2laug.config.load import parse_recipe
from l2laug.core.errors import BundleError, RecipeError, UsageError
from l2laug.core.progress import Progress
from l2laug.methods.learning.rare import check_method
from l2laug.methods.learning.trainer import MethodTrainer
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples
from tests.commands.benchmarking.test_benchmark import no_centroids
from tests.keywords import adapt, evaluate, pretrain, reproduce, score
from tests.methods.recipes import small


@pytest.fixture(scope="module")
def bundle(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """DAGAN on eight digits, three and four steps of training."""
    out = tmp_path_factory.mktemp("bundles") / "dagan"
    pretrain(digits, out, recipe=small("dagan", critic_steps=1))
    return find_bundle(str(out))  # checks every file


def test_a_bundle_tells_its_method(bundle: Bundle):
    assert bundle.info["method"] == "dagan"
    # A critic and a generator step of four pairs each.
    assert (bundle.info["steps"], bundle.info["images_a_step"]) == (4, 16)


def test_it_is_adapted_sampled_and_evaluated(bundle: Bundle, rare: Path, tmp_path: Path):
    out = tmp_path / "run"
    (found,) = adapt(rare, bundle=str(bundle.path), out=out)
    run = find_run(found.run)
    sampler = Sampler(run.model, device="cpu")
    run.samples.mkdir()
    write_samples(sampler, 30, run.samples, 0, Progress(quiet=True))

    report = evaluate(run, test=rare.parent)

    assert sampler.card.steps == 0  # nothing is learned from the rare class
    assert report.measures["copies"].value >= 0


def test_it_is_scored_on_the_classes_that_it_held_out(bundle: Bundle, digits: Path):
    found = score(str(bundle.path), digits, shots=2, seeds=1)

    assert set(found) == {"real images", "dagan", "dagan, acceptance threshold"}
    assert found["dagan"][0].fid > found["real images"][0].fid


def test_a_training_that_was_cut_off_is_gone_on_with(
    bundle: Bundle, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class CutError(Exception):
        """The machine is switched off."""

    def cut(*_: object) -> None:
        raise CutError

    recipe = small("dagan", critic_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(bundle_training, "describe_source", cut)
        with pytest.raises(CutError):
            pretrain(digits, tmp_path / "cut", recipe=recipe)
    with monkeypatch.context() as patch:
        patch.setattr(MethodTrainer, "step", cut)  # nothing is left to learn
        patch.setattr(bundle_training, "save_centroids", no_centroids)
        resumed = pretrain(digits, tmp_path / "cut", recipe=recipe, resume=True).bundle
    for name in ("generator", "critic"):
        file = f"{name}.safetensors"
        assert resumed.file(file).read_bytes() == bundle.file(file).read_bytes()


def test_what_a_method_can_not_do_is_told_in_words(
    bundle: Bundle, digits: Path, rare: Path, tmp_path: Path
):
    with pytest.raises(UsageError, match="learns nothing from --base"):
        adapt(rare, bundle=str(bundle.path), base=digits, out=tmp_path / "run")
    with pytest.raises(BundleError, match="not those of bundle glyphs"):
        adapt(rare, bundle="glyphs", recipe=small("dagan"), out=tmp_path / "run")
    with pytest.raises(UsageError, match="Use l2laug benchmark"):
        reproduce(digits, tmp_path / "experiment", recipe=small("dagan"))
    one = {"3": [rare / "a.png"]}
    with pytest.raises(UsageError, match="matchinggan fuses 2 images or more of a class, 3 has 1"):
        check_method("matchinggan", one)
    check_method("deltagan", one)


def test_augment_learns_base_classes_along_where_the_method_can(bundle: Bundle):
    found = [learns_along(name) for name in ("auto", "glyphs", str(bundle.path))]
    assert found == [True, True, False]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "gan"}, "method: Input should be 'l2l'"),
        ({"method_training": {"dropout": 0.3}}, "method l2l does not read method_training.dropout"),
        ({"method": "dagan"}, "has no critic.group"),
        ({"method": "dagan", "critic": {"group": 1}, "change": {}}, "has no change"),
        (
            {"method": "f2gan", "critic": {"group": 1}, "generator": {"latent": 2}},
            "latent 2 is below method_training.shots 3",
        ),
        (
            {
                "method": "deltagan",
                "critic": {"group": 1},
                "method_training": {"shots": 5, "dropout": 0.1},
            },
            "deltagan does not read method_training.shots, method_training.dropout",
        ),
    ],
)
def test_a_recipe_that_means_nothing_is_told_in_words(changes: dict[str, object], said: str):
    with pytest.raises(RecipeError, match=said):
        parse_recipe({"name": "mine", **changes}, "mine.yaml")

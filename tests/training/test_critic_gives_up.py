"""A critic that tells nothing apart any more is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from l2laug.config.recipe import Recipe
from l2laug.data.image_set import ImageSet
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler
from l2laug.training.steps.adversarial import gave_up
from tests.listening import Listening
from tests.training.test_gan_step import ENGINE, images, make

__all__ = ["images"]


@pytest.mark.parametrize("learns", [True, False])
def test_a_critic_that_gives_up_is_said(tiny: Recipe, images: ImageSet, learns: bool) -> None:
    trainer = make(tiny, critic_learning_rate=1e-3 if learns else 1e-12, learning_rate=1e-12)
    if not learns:
        with torch.no_grad():
            for parameter in trainer.critic.parameters():
                parameter.zero_()
    trainer.progress = heard = Listening()
    trainer.train(PairSampler(images, ENGINE.device, 0), Phase("source", "learning", 40))
    assert [("the critic has given up" in line) for line in heard.said] == [True] * (not learns)


def test_a_critic_is_judged_by_its_last_quarter_of_the_phase() -> None:
    def lines(*gaps: float, phase: str = "source") -> list[dict[str, Any]]:
        return [{"phase": phase, "losses": {"real": gap, "fake": 0.0}} for gap in gaps]

    assert gave_up(lines(*[1.0] * 6, 0.01, -0.01), "source")
    assert not gave_up(lines(*[0.0] * 6, 1.0, 1.0), "source")
    assert not gave_up(lines(*[0.0] * 7), "source")  # too few to judge by
    assert not gave_up(lines(*[0.0] * 8, phase="weak"), "source")
    assert not gave_up([{"phase": "source", "losses": {"critic": 0.0}}] * 9, "source")

"""GEM training: learn, layer by layer, the step from phi_s2 to phi_s1 (Algorithm 1, line 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2laug.config.recipe import GemOptions
from l2laug.core.progress import Progress
from l2laug.nn.gem import feature_loss
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.training.pairs import PairSampler


def train_gems(
    gems: nn.ModuleDict,
    strong: Generator,
    weak: Generator,
    pairs: PairSampler,
    options: GemOptions,
    engine: Engine,
    progress: Progress,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Train tau_1..K so that tau_i(phi_s2's map i) comes near phi_s1's map i.

    Both generators are frozen and see the same image and latent. Strategy A trains the GEMs one
    after another, each on phi_s2's own maps; B one after another with the shallower ones plugged
    in and learning on; C all at once, all plugged in.

    Returns:
        For each position the loss before and after, the mean of the first and last tenth of steps.
    """
    order = sorted(options.positions)
    if not order:
        return {}
    stages = [order] if options.strategy == "C" else [order[: i + 1] for i in range(len(order))]
    engine.place(gems).train()
    for net in (strong, weak):
        engine.place(net).eval().requires_grad_(False)
    latents = torch.Generator(engine.device).manual_seed(seed)
    history: dict[str, list[float]] = {str(i): [] for i in order}
    with progress.task("GEMs", options.steps * len(stages)) as advance:
        for stage in stages:
            learning = [stage[-1]] if options.strategy == "A" else stage
            plugged = [] if options.strategy == "A" else stage
            parameters = [p for i in learning for p in gems[str(i)].parameters()]
            optimiser = torch.optim.Adam(parameters, options.learning_rate)
            for _ in range(options.steps):
                given, _, _ = pairs.draw(options.batch)
                z = torch.randn(
                    len(given),
                    strong.options.latent,
                    generator=latents,
                    device=given.device,
                )
                losses = _losses(gems, strong, weak, given, z, learning, plugged, options, engine)
                optimiser.zero_grad(set_to_none=True)
                torch.stack(list(losses.values())).sum().backward()
                optimiser.step()
                for name, loss in losses.items():
                    history[name].append(loss.item())
                advance(note=" ".join(f"{k}: {v.item():.4f}" for k, v in losses.items()))
    gems.eval()
    return {name: _ends(values) for name, values in history.items() if values}


def _losses(
    gems: nn.ModuleDict,
    strong: Generator,
    weak: Generator,
    given: Tensor,
    z: Tensor,
    learning: list[int],
    plugged: list[int],
    options: GemOptions,
    engine: Engine,
) -> dict[str, Tensor]:
    """L_tau_i for each GEM that is learning."""
    used = {str(i): gems[str(i)] for i in plugged}
    count = max(learning) + 1
    with engine.autocast():
        with torch.no_grad():
            theirs = strong.decoder_maps(strong.encode(given), z, count=count)
        ours = weak.decoder_maps(weak.encode(given), z, used, count)
        return {
            str(i): feature_loss(
                ours[i] if i in plugged else gems[str(i)](ours[i]), theirs[i], options.norm
            )
            for i in learning
        }


def _ends(values: list[float]) -> tuple[float, float]:
    tenth = max(1, len(values) // 10)
    return sum(values[:tenth]) / tenth, sum(values[-tenth:]) / tenth

"""The projected critic learns which pairs belong together, at every depth alike."""

from __future__ import annotations

import torch

from l2laug.nn.changes.projected_critic import ProjectedCritic
from l2laug.nn.losses import critic_loss


def test_it_tells_pairs_that_agree_from_pairs_that_do_not() -> None:
    torch.manual_seed(0)
    critic = ProjectedCritic((4,))
    optimiser = torch.optim.Adam(critic.parameters(), 1e-2)

    def pairs() -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        given = torch.randn(32, 4, 3, 3)
        return [given], [given + 0.1 * torch.randn_like(given)], [torch.randn_like(given)]

    for _ in range(150):
        given, same, other = pairs()
        optimiser.zero_grad()
        critic_loss(critic(given, same), critic(given, other), "hinge").backward()
        optimiser.step()
    given, same, other = pairs()
    with torch.no_grad():
        right = critic(given, same).mean(1) > critic(given, other).mean(1)
    assert right.float().mean() > 0.9


def test_each_depth_counts_alike_however_large_its_maps() -> None:
    critic = ProjectedCritic((2, 2)).eval()
    fine, coarse = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 2, 2)
    scores = critic([fine, coarse], [fine, coarse])
    assert scores.shape == (1, 32)
    alone = critic.heads[1](torch.cat([coarse, coarse], 1)).mean()
    assert torch.allclose(scores[:, 16:].mean(), alone, atol=1e-6)

"""What a change has to be: near its partner, likely, true to the image, sane at its borders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from l2laug.config.change import ChangeTrainingOptions
from l2laug.features.general import GeneralNet, cosine_distance
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.changes.projected_critic import ProjectedCritic
from l2laug.nn.losses import critic_loss, generator_loss, kl_divergence, pyramid_distance

Maps = Sequence[Tensor]  # by depth

ANGLES = 8
NEEDED = 0.75  # of the distance without a turn: only what beats it asks for the turn
CONTRAST = (-0.15, 0.3)  # logarithms between which the contrast of a free change may move
FLAT = 0.02  # of 2: deviations below it are noise


def log_contrast(changed: Tensor, given: Tensor) -> Tensor:
    """Logarithm of the ratio of contrasts of images ``(N, C, S, S)``, ``(N,)``.

    Contrast is the deviation of pixels from their channel's mean, all channels together.
    """
    now, before = (
        (x - x.mean((2, 3), keepdim=True)).square().mean((1, 2, 3)).add(FLAT**2).log() / 2
        for x in (changed, given)
    )
    return now - before


def lost_contrast(changed: Tensor, given: Tensor) -> Tensor:
    """How far the contrast of each image leaves :data:`CONTRAST`, on average.

    A distance to the partner averages: where it can't be met, grey is the nearest. The mean over
    a set does not see it, for other images of the set gain what these lose.
    """
    ratio = log_contrast(changed, given)
    low, high = CONTRAST
    return (F.relu(low - ratio) + F.relu(ratio - high)).mean()


def set_drift(changed: Tensor, given: Tensor) -> Tensor:
    """Squared drift of a set's mean log contrast and mean brightness, summed over channels."""
    deviations = (torch.log(x.std((2, 3)) + FLAT) for x in (changed, given))
    now, before = deviations
    contrast = (now - before).mean(0)
    level = (changed.mean((2, 3)) - given.mean((2, 3))).mean(0)
    return contrast.square().sum() + level.square().sum()


def outside_share(grid: Tensor) -> Tensor:
    """How far nodes ``(N, K, K, 2)`` reach beyond the image on average, in half sides."""
    return F.relu(grid.abs() - 1).mean()


def bending(grid: Tensor) -> Tensor:
    """Mean squared second differences of nodes ``(N, K, K, 2)``: zero for any affine motion.

    The bending energy of Rueckert et al. (1999), in nodes.
    """
    straight = [grid.diff(dim=d).diff(dim=d).square().mean() for d in (1, 2)]
    return straight[0] + straight[1] + 2 * grid.diff(dim=1).diff(dim=2).square().mean()


def turn_distance(grid: Tensor, given: Tensor, other: Tensor) -> Tensor:
    """How far a grid's turn is from the best of some that are tried in full, where one is needed.

    Gradients find no large turn: between here and there lies a hill of bad matches.

    Args:
        grid: nodes ``(N, K, K, 2)`` that lead from ``given`` to ``other``.
        given: ``(N, C, S, S)``.
        other: the same.
    """
    direction, needed = _best_turns(given, other)
    across = (grid[:, :, -1] - grid[:, :, 0]).mean(1)
    return (needed * cosine_distance(across, direction)).mean()


@torch.no_grad()
def _best_turns(given: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Directions ``(N, 2)`` that upright images would point to, and whether that is much better."""
    x, y = F.avg_pool2d(given, 4), F.avg_pool2d(other, 4)
    count, side = len(x), x.shape[-1]
    angles = torch.arange(ANGLES, device=x.device) * (2 * math.pi / ANGLES)
    c, s, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    turns = torch.stack([torch.stack([c, -s, zero], 1), torch.stack([s, c, zero], 1)], 1)
    where = F.affine_grid(turns, [ANGLES, 1, side, side], align_corners=False)
    ends = torch.linspace(-1, 1, side, device=x.device)
    disc = (ends[:, None].square() + ends[None].square() <= 1).float()  # corners turn out of sight
    tried = F.grid_sample(
        x.repeat(ANGLES, 1, 1, 1), where.repeat_interleave(count, 0), align_corners=False
    )
    apart = ((tried - y.repeat(ANGLES, 1, 1, 1)).abs() * disc).mean((1, 2, 3)).view(ANGLES, count)
    least, best = apart.min(0)
    return torch.stack([c[best], s[best]], 1), (least < NEEDED * apart[0]).float()


def prior_mismatch(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far second moments of what an encoder tells are from the prior's, squared, per latent.

    Latents that say one thing together satisfy any term of single latents, and free draws, whose
    latents agree on nothing, average it away. The covariance that DIP-VAE-II matches (Kumar et al.
    2018), means told by one half of the batch times those told by the other, so that it is right
    on average however small the batch: it may be below zero.

    Args:
        mean: ``(N, L)``.
        log_variance: the same.
    """
    unit = torch.eye(mean.shape[1], device=mean.device)
    one, other = (
        m.T @ m / len(m) + torch.diag(v.exp().mean(0)) - unit
        for m, v in zip(mean.chunk(2), log_variance.chunk(2), strict=True)
    )
    return (one * other).sum() / mean.shape[1]


def critic_terms(
    critic: ProjectedCritic, given: Maps, other: Maps, free: Maps
) -> tuple[Tensor, Tensor]:
    """What the generator and what the critic have to lower (hinge), one pass of each.

    Gradients of the first reach the images alone, of the second the critic alone, so that both
    learn from one backward pass.

    Args:
        critic: scores pairs by their maps.
        given: maps of the images that are shown, by depth.
        other: of their partners.
        free: of free changes of the given images, with gradients to them.
    """
    critic.requires_grad_(False)
    raised = generator_loss(critic(given, free))
    critic.requires_grad_(True)
    seen = [m.detach() for m in free]
    return raised, critic_loss(critic(given, other), critic(given, seen), "hinge")


def change_loss(
    nets: tuple[ChangeGenerator, ChangeEncoder],
    general: GeneralNet,
    pair: tuple[Tensor, Tensor],
    noise: Tensor,
    options: ChangeTrainingOptions,
    *,
    look: bool = True,
    critic: ProjectedCritic | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch of pairs, and its terms by name, scalars without a gradient.

    Each given image is changed twice: by the latent that the encoder reads off its pair, which has
    to lead to the partner (a conditional variational autoencoder), and by a free one, which has to
    stay within what is likely.

    Args:
        nets: the generator, and the encoder that it learns with.
        general: images to features, frozen.
        pair: what is given and what it is to become, ``(N, C, S, S)`` in [-1, 1] each.
        noise: ``(2, N, L)``, of the pairs' latents and the free ones.
        options: weights of the terms.
        look: whether features are looked at, the dearest part.
        critic: scores free changes wherever features are looked at, and learns to.
    """
    o, (generator, encoder), (given, other) = options, nets, pair
    mean, log_variance = encoder(given, other)
    latents = torch.cat([mean + noise[0] * (log_variance / 2).exp(), noise[1]])
    change = generator(torch.cat([given, given]), latents)
    count = len(given)
    changed, free = change.image[:count], change.image[count:]
    # An absolute difference is least for an average, which is what it would have drawn: so motion,
    # flow and tone alone have to meet it, and what is drawn the features and the critic.
    moved_only = changed - change.difference[:count]
    terms = {
        "pyramid": (o.pyramid, pyramid_distance(moved_only, other)),
        "kl": (o.kl_weight, kl_divergence(mean, log_variance)),
        "prior": (o.prior, prior_mismatch(mean, log_variance)),
        "hold": (o.hold, set_drift(free, given)),
        "contrast": (o.contrast, lost_contrast(free, given)),
        "outside": (o.outside, outside_share(change.grid)),
        "bend": (o.smooth, bending(change.grid)),
        "turn": (o.turn, turn_distance(change.grid[:count], given, other)),
    }
    if generator.change.draw:
        terms["drawn"] = (o.drawn, change.difference.abs().mean())
    told = {"pyramid_unchanged": pyramid_distance(given, other)}
    if look:
        with torch.no_grad():
            real_maps, real = general.maps(torch.cat([given, other]))
        maps, seen = general.maps(torch.cat([changed, free]))
        usual = cosine_distance(real[:count], real[count:])
        moved = cosine_distance(seen[count:], real[:count])
        terms["features"] = (o.features, cosine_distance(seen[:count], real[count:]).mean())
        # A free change may take an image as far as its neighbours are, no farther.
        terms["near"] = (o.near, F.relu(moved - usual).mean())
        told |= {"features_unchanged": usual.mean(), "moved": moved.mean()}
        if critic is not None:
            first, second = ([m[:count] for m in real_maps], [m[count:] for m in real_maps])
            raised, told_apart = critic_terms(critic, first, second, [m[count:] for m in maps])
            terms |= {"critic": (o.critic, raised), "critic_learns": (1.0, told_apart)}
    total = torch.stack([weight * value for weight, value in terms.values()]).sum()
    told |= {name: value for name, (_, value) in terms.items()}
    return total, {name: value.detach() for name, value in told.items()}

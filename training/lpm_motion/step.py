"""One step of training: flow matching under teacher forcing, with the estimate at the clean end."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from models.lpm.conditions import Conditions, Inputs, Presence
from models.lpm.model import Lpm, mouth_columns
from models.motion import NUM_BLENDSHAPES
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.crops import Batch
from training.lpm_motion.heads import Heads
from training.lpm_motion.lips import CLOSED, lip_opening

# Shapes: B rows, N frames, M motion numbers, D token width.


class Draw(NamedTuple):
    """The chance in one step: levels [B, N / C], noise and history noise [B, N, M], rows chosen [B].

    `unknown` [B, 3] are the rows that are told nothing of speak, listen and direction.
    """

    level: Tensor
    noise: Tensor
    history_noise: Tensor
    unknown: Tensor
    own_past: Tensor

    def to(self, device: str) -> Draw:
        """Return the chance on another device; it is drawn on the CPU, so that it is the same everywhere."""
        return Draw(*(tensor.to(device) for tensor in self))


class Losses(NamedTuple):
    """Scalars; `total` is what is minimised. The last three are those of the heads."""

    total: Tensor
    mouth: Tensor
    life: Tensor
    velocity: Tensor
    lips: Tensor
    speech_motion: Tensor
    speech_phone: Tensor
    lull: Tensor


def draw_chance(motion: Tensor, config: TrainingConfig, progress: float, generator: torch.Generator) -> Draw:
    """Draw noise: one level per chunk, often the full one, for that is where sampling starts."""
    own_past_share = config.own_past_share if progress >= config.own_past_from else 0.0
    rows, frames, _ = motion.shape
    chunk = config.model.cache.chunk
    level = torch.rand(rows, frames // chunk, generator=generator)
    full = torch.rand(rows, frames // chunk, generator=generator) < config.loss.full_noise_share
    level = torch.where(full, torch.ones(()), level.clamp(min=0.02))
    spread = torch.rand(rows, 1, 1, generator=generator) * config.history_noise
    return Draw(
        level=level,
        noise=torch.randn(motion.shape, generator=generator),
        history_noise=spread * torch.randn(motion.shape, generator=generator),
        unknown=draw_unknown(rows, config, generator),
        own_past=torch.rand(rows, generator=generator) < own_past_share,
    )


def draw_unknown(rows: int, config: TrainingConfig, generator: torch.Generator) -> Tensor:
    """Draw which rows are told nothing of speak, listen and direction, boolean [B, 3]."""
    each = torch.rand(rows, 3, generator=generator) < torch.tensor(config.condition_dropout)
    every = torch.rand(rows, 1, generator=generator) < config.all_dropout
    return each | every


def withhold(inputs: Inputs, unknown: Tensor) -> Inputs:
    """Return the inputs without what the rows marked in `unknown` [B, 3] are not to know."""
    speak, listen, direction = unknown[..., None].unbind(dim=1)
    return inputs._replace(
        speak_presence=inputs.speak_presence.masked_fill(speak, Presence.UNKNOWN.value),
        listen_presence=inputs.listen_presence.masked_fill(listen, Presence.UNKNOWN.value),
        known=inputs.known & ~direction,
    )


def compute_losses(
    lpm: Lpm, heads: Heads, batch: Batch, chance: Draw, change: Tensor, config: TrainingConfig
) -> Losses:
    """Return the weighted losses of one batch; `change` is `MotionStatistics.change`.

    The path is x_t = (1 - t) x_0 + t noise (Lipman et al., 2023); the network gives x_0, which is
    the velocity up to a factor 1 / t, bounded here by `low_level_clamp`.
    """
    target = lpm.normalise(batch.motion)
    level = chance.level.repeat_interleave(config.model.cache.chunk, dim=1)[..., None]
    noisy = (1 - level) * target + level * chance.noise
    conditions = lpm.network.encode(withhold(batch.inputs, chance.unknown))
    past = _past(lpm, target, conditions, chance)
    estimate = lpm.network.sequence(past + chance.history_noise, noisy, chance.level, conditions).float()
    weights = motion_weights(config).to(target.device)
    square = (estimate - target).square() * weights / level.clamp(min=config.loss.low_level_clamp)
    velocity = velocity_loss(estimate - target, past - target, change, config)
    read = heads.losses(conditions, target, batch)
    lips = lip_loss(lpm.restore(estimate), batch.motion, config)
    total = square.mean() + velocity + config.loss.lip_weight * lips + read.total(config.loss)
    life_loss, mouth_loss = square[..., ~lpm.mouth].mean(), square[..., lpm.mouth].mean()
    return Losses(total, mouth_loss, life_loss, velocity, lips, *read)


def _past(lpm: Lpm, target: Tensor, conditions: Conditions, chance: Draw) -> Tensor:
    """Return the taught past, the mouth replaced in the chosen rows by what the model would have made.

    A model that only ever sees the true mouth before a chunk reads the sound from it, and is lost
    when streaming. The head's own past stays: speech does not determine it, so no estimate is wrong.
    """
    chosen = chance.own_past
    if not chosen.any():
        return target
    with torch.no_grad():
        known = conditions.map(lambda tensor: tensor[chosen])
        levels = torch.ones_like(chance.level[chosen])
        own = lpm.network.sequence(target[chosen], chance.noise[chosen], levels, known).float()
    past = target.clone()
    past[chosen] = torch.where(lpm.mouth, own, target[chosen])
    return past


def compute_head_losses(lpm: Lpm, heads: Heads, batch: Batch, config: TrainingConfig) -> Losses:
    """Return the losses of the encoders alone, for the time before the transformer learns."""
    target = lpm.normalise(batch.motion)
    read = heads.losses(lpm.network.encode(batch.inputs), target, batch)
    unused = torch.zeros((), device=target.device)
    return Losses(read.total(config.loss), unused, unused, unused, unused, *read)


def velocity_loss(error: Tensor, past_error: Tensor, change: Tensor, config: TrainingConfig) -> Tensor:
    """Return the weighted mean square error of the frames' changes, from errors [B, N, M].

    The first frame of a chunk follows the given past, not the estimate of the chunk before, which had
    another noise level.
    """
    chunk = config.model.cache.chunk
    errors = rearrange(error, "b (n c) m -> b n c m", c=chunk)
    pasts = rearrange(past_error, "b (n c) m -> b n c m", c=chunk)
    before = torch.cat((pasts[:, :1, :1] * 0, pasts[:, :-1, -1:]), dim=1)
    squares = errors.diff(dim=2, prepend=before)[:, 1:].square().mean((0, 1, 2))
    mouth = mouth_columns().to(error.device)
    life = (squares / change.square())[~mouth].mean()
    return config.loss.mouth_velocity_weight * squares[mouth].mean() + config.loss.life_velocity_weight * life


def lip_loss(motion: Tensor, taught: Tensor, config: TrainingConfig) -> Tensor:
    """Return the mean square error of the lips' opening, heavier where they should be closed."""
    target = lip_opening(taught)
    weight = torch.where(target < CLOSED, config.loss.closed_lip_factor, 1.0)
    error = (lip_opening(motion) - target) / config.loss.lip_scale
    return (weight * error.square()).mean()


def motion_weights(config: TrainingConfig) -> Tensor:
    """Return the loss weight of each number, [M]."""
    loss = config.loss
    weights = torch.where(mouth_columns(), loss.mouth_weight, loss.life_weight)
    weights[NUM_BLENDSHAPES:] = loss.pose_weight
    return weights

"""What the ears are taught by: heads that read their tokens, and are thrown away after training."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from models.lpm.conditions import Conditions
from models.lpm.config import LpmConfig
from models.lpm.model import mouth_columns
from models.motion import NUM_MOTION
from training.lpm_motion.config import LossConfig
from training.lpm_motion.crops import Batch
from training.lpm_motion.data import LULLS, PHONES


class HeadLosses(NamedTuple):
    """Scalars: the mouth's square error, the phones' cross-entropy, that of the other's lulls."""

    speech_motion: Tensor
    speech_phone: Tensor
    lull: Tensor

    def total(self, config: LossConfig) -> Tensor:
        """The weighted sum."""
        weights = config.speech_motion_weight, config.speech_phone_weight, config.lull_weight
        return sum((weight * loss for weight, loss in zip(weights, self, strict=True)), self.lull * 0)


class Heads(nn.Module):
    """Maps from speak tokens to the mouth and to phones, from listen tokens to the other's lulls.

    Through the transformer alone an encoder learns late: what it says is of use only when it is understood.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        self.tokens_per_frame = config.tokens_per_frame
        self.reach = config.speak.reach
        self.window = config.listen.window
        self.motion = nn.Linear(config.speak.width * config.tokens_per_frame, NUM_MOTION)
        self.phones = nn.Linear(config.speak.width, len(PHONES))
        self.lulls = nn.Linear(config.listen.width, LULLS)

    def losses(self, conditions: Conditions, target: Tensor, batch: Batch) -> HeadLosses:
        """Return the losses for the standardised motion `target` [B, N, M] of a batch.

        The conditions are those of the N frames and all that these attend to.
        """
        spoken = conditions.speak.tokens
        own = spoken[:, self.reach : spoken.shape[1] - self.reach]
        motion = self.motion(own.unfold(1, self.tokens_per_frame, self.tokens_per_frame).flatten(2)).float()
        heard = conditions.listen.tokens[:, self.window - 1 :]
        return HeadLosses(
            speech_motion=(motion - target).square()[..., mouth_columns().to(target.device)].mean(),
            speech_phone=_cross_entropy(self.phones(own), batch.phones),
            lull=_cross_entropy(self.lulls(heard), batch.lulls),
        )


def _cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores.float().flatten(0, 1), labels.flatten())

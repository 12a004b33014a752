"""How attempts are graded: by their latents, or by their pictures and an adversary that learns too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from models.personalive.codec import Codec
from training.personalive.config import OptimiserConfig, PersonaLiveTraining
from training.personalive.discriminator import Discriminator, deceiving_loss, judging_loss
from training.personalive.learner import Learner
from training.personalive.lessons import Attempt
from training.personalive.perceptual import PerceptualDistance
from training.personalive.regions import masks

# Shapes: n frames, H rows and columns of pictures, h those of latents.

Grades = Mapping[str, Tensor]


class Shown(NamedTuple):
    """Pictures [n, 3, H, H] that were made, without a graph, and the true ones, at `timesteps` [n]."""

    made: Tensor
    true: Tensor
    timesteps: Tensor


class Criterion(Protocol):
    """Grades attempts, and may learn from them."""

    def grade(self, attempt: Attempt, steps: int) -> Grades:
        """Return weighted errors after so many steps, whose sum is to fall."""
        ...

    def follow(self, steps: int) -> Mapping[str, float]:
        """Learn from what was graded since the last time; return what to note."""
        ...

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        ...

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        ...


class LatentCriterion:
    """The squared error of clean latents, everywhere and in the face."""

    def __init__(self, config: PersonaLiveTraining) -> None:
        self._config = config

    def grade(self, attempt: Attempt, steps: int) -> Grades:  # noqa: ARG002  # it never changes
        """Return both errors."""
        return squared_errors(attempt.clean, attempt.truth, attempt.regions, self._config)

    def follow(self, steps: int) -> Mapping[str, float]:  # noqa: ARG002  # it learns nothing
        """Learn nothing."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take nothing."""


class PictureCriterion:
    """Squared, perceptual and adversarial errors of decoded pictures."""

    def __init__(
        self,
        config: PersonaLiveTraining,
        codec: Codec,
        perceptual: PerceptualDistance,
        discriminator: Discriminator,
    ) -> None:
        adversary = config.adversary
        self._config = config
        self._codec = codec
        self._perceptual = perceptual
        self._discriminator = discriminator
        self._learner = Learner(
            discriminator.parameters(), OptimiserConfig(learning_rate=adversary.learning_rate)
        )
        self._graded: list[Shown] = []

    def grade(self, attempt: Attempt, steps: int) -> Grades:
        """Decode and compare; the adversary is heard once it is time."""
        weights = self._config.loss
        made = self._decode(attempt.clean)
        grades = dict(squared_errors(made, attempt.pictures, attempt.regions, self._config))
        grades["perceptual"] = weights.perceptual * self._perceptual(made, attempt.pictures).mean()
        if steps >= self._config.adversary.heard_after:
            judged = self._discriminator(made, attempt.timesteps)
            grades["adversarial"] = weights.adversarial * deceiving_loss(judged)
        self._graded.append(Shown(made.detach(), attempt.pictures, attempt.timesteps))
        return grades

    def follow(self, steps: int) -> Mapping[str, float]:
        """Let the discriminator learn, once it is time, to tell what was made from what is true."""
        graded, self._graded = self._graded, []
        if steps < self._config.adversary.learns_after:
            return {}
        # What it was asked on the generator's behalf has left gradients.
        self._discriminator.zero_grad(set_to_none=True)
        noted = 0.0
        for shown in graded:
            made, true = (
                self._discriminator(pictures, shown.timesteps) for pictures in (shown.made, shown.true)
            )
            loss = judging_loss(made, true) / len(graded)
            self._learner.accumulate(loss)
            noted += float(loss.detach())
        self._learner.descend()
        return {"judging": noted}

    def state(self) -> dict[str, Any]:
        """Return the discriminator and its optimiser."""
        return {"discriminator": self._discriminator.state_dict(), "learner": self._learner.state()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with them."""
        self._discriminator.load_state_dict(saved["discriminator"])
        self._learner.restore(saved["learner"])

    def _decode(self, latents: Tensor) -> Tensor:
        """Return pictures, frame by frame and computed again on the way back: a decoder's memory is large."""
        frames = [
            checkpoint(self._codec.decode, latent[None], use_reentrant=False, preserve_rng_state=False)
            for latent in latents
        ]
        return torch.cat(frames)


def squared_errors(made: Tensor, truth: Tensor, regions: Tensor, config: PersonaLiveTraining) -> Grades:
    """Return the weighted squared errors of [n, C, H, H] everywhere and, per pixel of it, in the face."""
    errors = (made - truth).square()
    mask = masks(regions, config.model.picture, made.shape[-1])
    masked = (errors.mean(dim=1, keepdim=True) * mask).sum() / mask.sum().clamp(min=1)
    return {"whole": config.loss.whole * errors.mean(), "masked": config.loss.masked * masked}

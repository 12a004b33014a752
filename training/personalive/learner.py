"""What is optimised: parameters and their optimiser, gradients that add up, one descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.personalive.config import OptimiserConfig


class Learner:
    """Owns the optimiser of some parameters, and lets them require gradients."""

    def __init__(self, parameters: Iterable[nn.Parameter], config: OptimiserConfig) -> None:
        self._parameters = [parameter.requires_grad_() for parameter in parameters]
        self._clip = config.gradient_clip
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
        )

    def accumulate(self, loss: Tensor) -> None:
        """Add the gradients of a loss to those that are there; its graph is spent."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def descend(self) -> None:
        """Take one step along all gradients since the last."""
        nn.utils.clip_grad_norm_(self._parameters, self._clip)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """Return what the optimiser remembers."""
        return self._optimiser.state_dict()

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._optimiser.load_state_dict(dict(saved))

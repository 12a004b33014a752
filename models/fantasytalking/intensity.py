"""The motion-intensity network: how much face and body should move, as part of the time embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.fantasytalking.config import IntensityConfig

COEFFICIENTS = 2


class IntensityNetwork(nn.Module):
    """An MLP for each coefficient, a residual layer over both, average pooling (paper, figure 2).

    The last projection begins at zero: an untrained network adds nothing.
    """

    def __init__(self, config: IntensityConfig, *, dim: int) -> None:
        super().__init__()
        self.length = config.length
        self.embeddings = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1, config.width), nn.SiLU(), nn.Linear(config.width, config.width * config.length)
            )
            for _ in range(COEFFICIENTS)
        )
        channels = COEFFICIENTS * config.width
        self.residual = nn.Sequential(
            nn.SiLU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(channels, channels, 3, padding=1),
        )
        self.out = nn.Linear(channels, dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, face: Tensor, body: Tensor) -> Tensor:
        """Return what is added to the time embedding [B, dim], from coefficients [B] between 0 and 1.

        `face` is the paper's omega_l, the variance of facial landmarks; `body` its omega_b, of body joints.
        """
        embedded = [
            embed(coefficient[:, None]).unflatten(-1, (-1, self.length))
            for embed, coefficient in zip(self.embeddings, (face, body), strict=True)
        ]
        hidden = torch.cat(embedded, dim=1)
        hidden = hidden + self.residual(hidden)
        added: Tensor = self.out(hidden.mean(dim=-1))
        return added

"""The identity branch: a face crop's embedding becomes the tokens that cross-attention looks at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.fantasytalking.config import IdentityConfig

# Shapes: B samples, Q queries, D token width.


class FaceQueries(nn.Module):
    """Learned queries that read an embedding of the cropped face (paper, section 3.3).

    Any face encoder will do: the embedding [B, face_dim] is the interface.
    """

    def __init__(self, config: IdentityConfig) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(1, config.queries, config.token_dim) / config.token_dim**0.5)
        self.face = nn.Linear(config.face_dim, config.queries * config.token_dim)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.token_dim)

    def forward(self, face: Tensor) -> Tensor:
        """Return identity tokens [B, Q, D] of face embeddings [B, face_dim]."""
        seen = self.face(nn.functional.normalize(face, dim=-1)).unflatten(-1, self.queries.shape[1:])
        tokens = self.queries.expand(len(face), -1, -1)
        for layer in self.layers:
            tokens = layer(tokens, seen)
        normed: Tensor = self.norm(tokens)
        return normed


class _Layer(nn.Module):
    """Queries look at the face and at each other, then a feed-forward."""

    def __init__(self, config: IdentityConfig) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(config.token_dim)
        self.face_norm = nn.LayerNorm(config.token_dim)
        self.attention = nn.MultiheadAttention(config.token_dim, config.heads, batch_first=True)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(config.token_dim),
            nn.Linear(config.token_dim, 4 * config.token_dim),
            nn.GELU(),
            nn.Linear(4 * config.token_dim, config.token_dim),
        )

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        query = self.query_norm(tokens)
        both = torch.cat((self.face_norm(seen), query), dim=1)
        tokens = tokens + self.attention(query, both, both, need_weights=False)[0]
        fed: Tensor = tokens + self.feedforward(tokens)
        return fed

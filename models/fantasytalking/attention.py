"""Cross-attention to text, picture, speech and identity: one query, a key and a value of its own for each.

Everything a block attends to stays the same over denoising, so it is projected once and kept.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from diffusers.models.transformers.transformer_wan import WanAttention
from einops import rearrange
from torch import Tensor, nn

from models.fantasytalking.windows import AudioWindows
from models.nn.attention import attend

# Shapes: B samples, L video tokens (frame-major), F latent frames, T tokens of a window, N tokens, H heads,
# E head width, D = H * E.


class KeyValue(NamedTuple):
    """Keys and values, each [B, N, H, E]."""

    key: Tensor
    value: Tensor


class SpeechKeyValue(NamedTuple):
    """Keys and values, each [B, F, T, H, E]; the first `lengths` [B, F] of every window count."""

    key: Tensor
    value: Tensor
    lengths: Tensor


class Share(NamedTuple):
    """The video tokens from `start` to `end`, which is excluded, of `total`: those that a process holds."""

    start: int
    end: int
    total: int


class BlockContext(NamedTuple):
    """What one block attends to; `speech` or `identity` is None where that branch is left out.

    `share` None means that all tokens of the video attend.
    """

    text: KeyValue
    image: KeyValue
    speech: SpeechKeyValue | None
    identity: KeyValue | None
    speech_scale: float
    identity_scale: float
    share: Share | None = None


class AddedKeyValue(nn.Module):
    """Keys and values of a modality that was added to a trained network: no bias, and at first no effect."""

    def __init__(self, *, dim: int, token_dim: int) -> None:
        super().__init__()
        self.k_proj = nn.Linear(token_dim, dim, bias=False)
        self.v_proj = nn.Linear(token_dim, dim, bias=False)
        nn.init.zeros_(self.v_proj.weight)

    def forward(self, tokens: Tensor, heads: int) -> KeyValue:
        """Return keys and values [..., N, H, E] of tokens [..., N, token_dim]."""
        tokens = tokens.to(self.k_proj.weight.dtype)
        return KeyValue(_split(self.k_proj(tokens), heads), _split(self.v_proj(tokens), heads))


class CrossAttention(nn.Module):
    """The processor of a block's cross-attention; it projects speech, and `identity` if any.

    Paper, section 3.1 and 3.3: Z' = Z + scale * speech + scale * identity, in front of the output projection.
    Speech queries are those of text, normalised but not rotated; keys of speech are not normalised.
    """

    def __init__(self, *, dim: int, token_dim: int) -> None:
        super().__init__()
        self.speech = AddedKeyValue(dim=dim, token_dim=token_dim)
        self.identity: AddedKeyValue | None = None

    def read_text(self, attn: WanAttention, embedded: Tensor) -> KeyValue:
        """Return keys and values of embedded text [B, N, D]; padding counts as text."""
        key, value = attn.norm_k(attn.to_k(embedded)), attn.to_v(embedded)
        return KeyValue(_split(key, attn.heads), _split(value, attn.heads))

    def read_image(self, attn: WanAttention, embedded: Tensor) -> KeyValue:
        """Return keys and values of the embedded picture [B, N, D]."""
        if attn.add_k_proj is None or attn.add_v_proj is None:
            raise ValueError(
                "expected the attention of an image-to-video transformer, this one sees no picture"
            )
        key, value = attn.norm_added_k(attn.add_k_proj(embedded)), attn.add_v_proj(embedded)
        return KeyValue(_split(key, attn.heads), _split(value, attn.heads))

    def read_speech(self, attn: WanAttention, windows: AudioWindows) -> SpeechKeyValue:
        """Return keys and values of speech."""
        key, value = self.speech(windows.tokens, attn.heads)
        return SpeechKeyValue(key, value, windows.lengths)

    def forward(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: BlockContext,
        attention_mask: Tensor | None = None,  # noqa: ARG002 -- the signature of a processor
        rotary_emb: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Attend from normalised video tokens [B, L, D] to a block's context."""
        context = encoder_hidden_states
        query = _split(attn.norm_q(attn.to_q(hidden_states)), attn.heads)
        attended = attend(query, *context.text) + attend(query, *context.image)
        if context.speech is not None:
            heard = attend_share(query, context.speech, context.share)
            attended = attended + context.speech_scale * heard
        if context.identity is not None:
            attended = attended + context.identity_scale * attend(query, *context.identity)
        out: Tensor = attn.to_out[1](attn.to_out[0](attended.flatten(2)))
        return out


def attend_share(query: Tensor, speech: SpeechKeyValue, share: Share | None) -> Tensor:
    """Let the queries [B, L, H, E] of a share of the video, or of all of it, attend to their own windows.

    A share may begin and end inside of a latent frame. Raises ValueError when the tokens of the video do
    not divide into the windows.
    """
    frames = speech.key.shape[1]
    if share is None or frames == 1:
        return attend_windows(query, speech)
    if share.total % frames:
        raise ValueError(f"{share.total} video tokens do not divide into {frames} audio windows")
    per_frame = share.total // frames
    first, last = share.start // per_frame, -(-share.end // per_frame)
    before, behind = share.start - first * per_frame, last * per_frame - share.end
    filled = nn.functional.pad(query, (0, 0, 0, 0, before, behind))
    attended = attend_windows(filled, SpeechKeyValue(*(part[:, first:last] for part in speech)))
    return attended[:, before : before + query.shape[1]]


def attend_windows(query: Tensor, speech: SpeechKeyValue) -> Tensor:
    """Let the queries [B, L, H, E] of each latent frame attend to its own window; an empty one gives zeros.

    With a single window for the whole clip, all queries attend to it. Raises ValueError when the
    queries do not divide into the windows.
    """
    batch, frames, longest = speech.key.shape[:3]
    if query.shape[1] % frames:
        raise ValueError(f"{query.shape[1]} video tokens do not divide into {frames} audio windows")
    lengths = speech.lengths.reshape(batch * frames, 1, 1, 1).clamp(max=longest)
    # An empty window attends to its first slot, so that no softmax runs over nothing, and is then left out.
    mask = torch.arange(longest, device=query.device) < lengths.clamp(min=1)
    attended = attend(
        rearrange(query, "b (f n) h e -> (b f) n h e", f=frames),
        speech.key.flatten(0, 1),
        speech.value.flatten(0, 1),
        mask,
    )
    attended = attended * (lengths > 0)
    merged: Tensor = rearrange(attended, "(b f) n h e -> b (f n) h e", f=frames)
    return merged


def _split(projected: Tensor, heads: int) -> Tensor:
    by_head: Tensor = rearrange(projected, "... (h e) -> ... h e", h=heads)
    return by_head

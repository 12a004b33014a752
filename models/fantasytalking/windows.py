"""Which audio tokens each latent frame hears."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.fantasytalking.geometry import num_latents

# Shapes: B samples, N tokens, F latent frames, T tokens of a window, D token width.


class AudioWindows(NamedTuple):
    """`tokens` [B, F, T, D], of which the first `lengths` [B, F] of every window count."""

    tokens: Tensor
    lengths: Tensor


def window_ranges(num_tokens: int, num_frames: int, frames_per_latent: int = 4) -> list[tuple[int, int]]:
    """Return the first and last token of each latent frame, inclusive, before expansion and clipping.

    A window spans its centre and as many tokens as two frames have, on either side. The first latent
    frame, which is one picture alone, hears as much, ending where the second begins. Raises ValueError
    for fewer than two latent frames.
    """
    latents = num_latents(num_frames, frames_per_latent)
    if latents < 2:
        raise ValueError(f"expected at least {frames_per_latent + 1} frames, got {num_frames}")
    rate = num_tokens / num_frames
    half = int(rate * frames_per_latent / 2)
    ranges = []
    for latent in range(1, latents):
        end = latent * frames_per_latent + 1
        centre = int((rate * (end - frames_per_latent) + rate * end) / 2) - 1
        ranges.append((centre - half, centre + half))
    start = ranges[0][0]
    return [(start - 2 * half, start), *ranges]


def gather_windows(tokens: Tensor, ranges: list[tuple[int, int]], expansion: int) -> AudioWindows:
    """Cut `tokens` [B, N, D] to windows, extended by `expansion` tokens, with the padding on the right."""
    batch, count, width = tokens.shape
    longest = max(end - start for start, end in ranges) + 1 + 2 * expansion
    windows = tokens.new_zeros(batch, len(ranges), longest, width)
    lengths = torch.zeros(batch, len(ranges), dtype=torch.long, device=tokens.device)
    for index, (start, end) in enumerate(ranges):
        heard = tokens[:, max(start - expansion, 0) : max(min(end + expansion + 1, count), 0)]
        windows[:, index, : heard.shape[1]] = heard
        lengths[:, index] = heard.shape[1]
    return AudioWindows(windows, lengths)


def frame_windows(
    tokens: Tensor, num_frames: int, expansion: int, frames_per_latent: int = 4
) -> AudioWindows:
    """Return a window of `tokens` [B, N, D] for each latent frame of a clip of `num_frames`."""
    ranges = window_ranges(tokens.shape[1], num_frames, frames_per_latent)
    return gather_windows(tokens, ranges, expansion)


def clip_window(tokens: Tensor, lengths: Tensor | None = None) -> AudioWindows:
    """Return one window for the whole clip, of all `tokens` [B, N, D] or of the first `lengths` [B]."""
    if lengths is None:
        lengths = torch.full(tokens.shape[:1], tokens.shape[1], dtype=torch.long, device=tokens.device)
    return AudioWindows(tokens[:, None], lengths[:, None])

"""Videos of any length: overlapped spans whose latents are fused while they are denoised.

Spans follow one another. While a span loses its noise, its first latent frames are drawn, at every noise
level, towards what the span before had there, wholly at its beginning and not at all behind the overlap.
Only these frames of one span are kept, so memory does not grow with the length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from models.fantasytalking.config import ClipConfig, SpanConfig
from models.fantasytalking.geometry import num_samples
from models.fantasytalking.sampler import Velocity, euler_step

# Shapes: B samples, C channels, F latent frames of a span, O those it shares with the next, h w latent size.


class Span(NamedTuple):
    """Latent frames of a video, `end` excluded; the first `shared` are also those of the span before."""

    start: int
    end: int
    shared: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Finished(NamedTuple):
    """A span that is done, the last of `spans`.

    `latents` [B, C, F, h, w] are what it adds to the video; `carried` [B, C, O, h, w] are those that it
    shares with the next, at every noise level.
    """

    spans: int
    latents: Tensor
    carried: tuple[Tensor, ...]


def plan_spans(latents: int, config: SpanConfig) -> list[Span]:
    """Return the spans of a video of so many latent frames; the last may be shorter than the others.

    Raises ValueError for a video without two latent frames.
    """
    if latents < 2:
        raise ValueError(f"expected at least 2 latent frames, got {latents}")
    spans = [Span(0, min(config.length, latents), 0)]
    while spans[-1].end < latents:
        start = spans[-1].end - config.overlap
        spans.append(Span(start, min(start + config.length, latents), config.overlap))
    return spans


def span_frames(span: Span, clip: ClipConfig) -> int:
    """Return the frames of a span as if it was a clip of its own."""
    return (span.length - 1) * clip.frames_per_latent + 1


def span_waveform(waveform: Tensor, span: Span, clip: ClipConfig) -> Tensor:
    """Return what sounds while a span is shown, of speech [samples]; it is shorter where speech ends."""
    start = num_samples(span.start * clip.frames_per_latent, clip)
    return waveform[start : start + num_samples(span_frames(span, clip), clip)]


def denoise_spans(
    spans: list[Span],
    velocity_of: Callable[[Span], Velocity],
    draw: Callable[[int], Tensor],
    levels: Tensor,
) -> Iterator[Tensor]:
    """Yield consecutive pieces of the latents [B, C, F, h, w] of a whole video, in order.

    `velocity_of` returns the velocity of a span's latents, conditioned on its own speech; `draw` returns
    noise [B, C, F, h, w] for so many new latent frames.
    """
    for finished in finish_spans(spans, velocity_of, draw, levels):
        if finished is not None:
            yield finished.latents


def finish_spans(
    spans: list[Span],
    velocity_of: Callable[[Span], Velocity],
    draw: Callable[[int], Tensor],
    levels: Tensor,
    after: Finished | None = None,
) -> Iterator[Finished | None]:
    """Yield what `denoise_spans` does, with what it takes to go on `after` any of it, as if nothing happened.

    None comes before every step, which is made only when more is asked for. `draw` begins anew, and is asked
    again for the noise of the spans that are done. Raises ValueError for a span that was finished at another
    number of noise levels, or in another video.
    """
    count, carried = (0, ()) if after is None else (after.spans, after.carried)
    if after is not None:
        _check(after, spans, levels)
    for done in spans[:count]:
        draw(done.length - done.shared)
    for span, following in pairwise([*spans[count:], None]):
        assert span is not None
        trajectory = _denoise_span(velocity_of(span), draw(span.length - span.shared), carried, levels)
        shared = 0 if following is None else following.shared
        kept: list[Tensor] = []
        for latents in trajectory:
            # A copy, because a view would keep the whole span.
            kept.append(latents[:, :, latents.shape[2] - shared :].clone())
            if len(kept) < len(levels):
                yield None
        count, carried = count + 1, tuple(kept)
        yield Finished(count, latents[:, :, : latents.shape[2] - shared], carried)


def _check(after: Finished, spans: list[Span], levels: Tensor) -> None:
    if after.spans > len(spans):
        raise ValueError(f"{after.spans} spans are finished of a video of {len(spans)}")
    if len(after.carried) != len(levels):
        raise ValueError(f"expected latents at {len(levels)} noise levels, got {len(after.carried)}")


def _denoise_span(
    velocity: Velocity, noise: Tensor, carried: tuple[Tensor, ...], levels: Tensor
) -> Iterator[Tensor]:
    """Yield the noise of a span and its latents after every step, fused with those carried over."""
    latents = torch.cat((carried[0], noise), dim=2) if carried else noise
    yield latents
    for step, (level, following) in enumerate(pairwise(levels.tolist()), start=1):
        latents = euler_step(velocity, latents, level, following)
        if carried:
            latents = fuse(carried[step], latents)
        yield latents


def fuse(before: Tensor, latents: Tensor) -> Tensor:
    """Draw the first frames of `latents` [B, C, F, h, w] towards `before` [B, C, O, h, w], which ends there.

    The first frame becomes that of `before`; the share of the span's own grows evenly up to the frame behind.
    """
    shared = before.shape[2]
    own = torch.arange(shared, device=latents.device, dtype=latents.dtype) / shared
    fused = torch.lerp(before, latents[:, :, :shared], own.view(1, 1, -1, 1, 1))
    return torch.cat((fused, latents[:, :, shared:]), dim=2)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.fantasytalking.config import ClipConfig, SamplerConfig, SpanConfig, tiny
from models.fantasytalking.long_video import (
    Span,
    denoise_spans,
    fuse,
    plan_spans,
    span_frames,
    span_waveform,
)
from models.fantasytalking.sampler import Velocity, denoise, noise_levels
from models.fantasytalking.windows import frame_windows
from tests.unit.models.fantasytalking.scenes import make_scene, released

LEVELS = noise_levels(SamplerConfig(steps=4))
TOKENS_PER_LATENT = 9


def _motion(latents: int) -> Tensor:
    """A channel that swings from side to side, 0.86 at most between frames."""
    return torch.sin(0.9 * torch.arange(float(latents))).view(1, 1, -1, 1, 1)


def _towards(span: Span) -> Velocity:
    """A network that knows the motion, and is 0.5 off, to either side in turn."""
    target = _motion(span.end)[:, :, span.start :] + (0.5 if span.start % 2 else -0.5)
    # Zeros of a whole span, so that what is left of noise is not taken for a seam.
    return lambda latents, timestep: (latents - target) * 1000 / timestep.view(-1, 1, 1, 1, 1)


def _quiet(latents: int) -> Tensor:
    return torch.zeros(1, 1, latents, 1, 1)


def _spans_alone(
    spans: list[Span], velocity_of: Callable[[Span], Velocity], draw: Callable[[int], Tensor]
) -> Tensor:
    """Every span denoised for itself, and cut to what is new in it."""
    pieces = []
    for span in spans:
        *_, end = denoise(velocity_of(span), draw(span.length), LEVELS)
        pieces.append(end[:, :, span.shared :])
    return torch.cat(pieces, dim=2)


def _steps(video: Tensor) -> Tensor:
    """How far every latent frame is from the one before, over all that it consists of."""
    return (video[:, :, 1:] - video[:, :, :-1]).pow(2).mean(dim=(0, 1, 3, 4)).sqrt()


@pytest.mark.parametrize("latents", [2, 3, 21, 22, 37, 38, 100])
def test_spans_cover_a_video_of_any_length(latents: int) -> None:
    spans = plan_spans(latents, SpanConfig())

    new = [frame for span in spans for frame in range(span.start + span.shared, span.end)]
    assert new == list(range(latents))
    assert all(2 <= span.length <= 21 for span in spans)


def test_pieces_are_the_whole_video() -> None:
    spans = plan_spans(30, SpanConfig(length=7, overlap=4))

    pieces = list(denoise_spans(spans, _towards, _quiet, LEVELS))

    assert len(pieces) == len(spans)
    assert torch.cat(pieces, dim=2).shape == (1, 1, 30, 1, 1)


def test_no_seam_is_above_the_motion_s_own_frame_difference() -> None:
    latents = 41
    spans = plan_spans(latents, SpanConfig(length=9, overlap=4))
    motion = _motion(latents)
    largest = _steps(motion).max()

    fused = torch.cat(list(denoise_spans(spans, _towards, _quiet, LEVELS)), dim=2)
    cut = _spans_alone(spans, _towards, _quiet)

    assert spans[1].start % 2 != spans[0].start % 2
    assert _steps(cut - motion).max() > largest
    assert _steps(fused - motion).max() < 0.3 * largest


def test_the_tiny_network_joins_spans_no_harder_than_it_moves() -> None:
    config = replace(released(tiny()), span=SpanConfig(length=8, overlap=3))
    scene = make_scene(config)
    random = torch.Generator().manual_seed(9)
    noise = torch.randn(1, 16, 1, 4, 4, generator=random)
    given = torch.randn(1, 20, 8, 4, 4, generator=random)
    spans = plan_spans(28, config.span)
    times = torch.arange(28.0 * TOKENS_PER_LATENT)
    tokens = torch.stack([(times / (5 + 3 * channel)).sin() for channel in range(16)], dim=-1)[None]

    def velocity_of(span: Span) -> Velocity:
        heard = tokens[:, span.start * TOKENS_PER_LATENT : span.end * TOKENS_PER_LATENT]
        windows = frame_windows(heard, span_frames(span, config.clip), config.audio.expansion)
        context = scene.context()._replace(speech=scene.network.read_speech(windows))
        mine = given[:, :, : span.length]
        return lambda latents, t: scene.network(torch.cat((latents, mine), dim=1), t, context)

    video = torch.cat(
        list(denoise_spans(spans, velocity_of, lambda n: noise.expand(-1, -1, n, -1, -1), LEVELS)), dim=2
    )

    steps = _steps(video)
    joins = {span.start + shared for span in spans[1:] for shared in range(-1, span.shared)}
    inside = [step for index, step in enumerate(steps.tolist()) if index not in joins]
    assert max(steps[sorted(joins)].tolist()) <= max(inside)


def test_what_is_kept_of_a_span_does_not_grow_with_the_video() -> None:
    seen: list[int] = []

    def velocity_of(span: Span) -> Velocity:
        seen.append(span.length)
        return _towards(span)

    pieces = denoise_spans(plan_spans(60, SpanConfig(length=6, overlap=2)), velocity_of, _quiet, LEVELS)
    next(pieces)
    begun = len(seen)

    assert begun == 1
    assert all(piece.shape[2] <= 6 for piece in pieces)
    assert max(seen) == 6


def test_a_fused_span_begins_with_the_one_before_and_ends_with_itself() -> None:
    before, latents = torch.zeros(1, 1, 4, 1, 1), torch.ones(1, 1, 6, 1, 1)

    assert fuse(before, latents).flatten().tolist() == [0, 0.25, 0.5, 0.75, 1, 1]


def test_a_span_hears_the_speech_from_its_own_beginning() -> None:
    clip = ClipConfig()
    waveform = torch.arange(20 * 16_000.0)
    span = Span(16, 37, 5)

    heard = span_waveform(waveform, span, clip)

    assert heard[0] == int(64 / 23 * 16_000)
    assert len(heard) == 56_347


def test_the_last_span_hears_what_is_left() -> None:
    assert len(span_waveform(torch.zeros(50_000), Span(16, 37, 5), ClipConfig())) == 50_000 - 44_521


def test_an_overlap_as_long_as_a_span_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an overlap from 1 to below 5, got 5"):
        SpanConfig(length=5, overlap=5)


def test_one_latent_frame_is_no_video() -> None:
    with pytest.raises(ValueError, match="expected at least 2 latent frames, got 1"):
        plan_spans(1, SpanConfig())

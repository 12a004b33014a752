from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models.fantasytalking.config import SamplerConfig, SpanConfig
from models.fantasytalking.long_video import Finished, Span, denoise_spans, finish_spans, plan_spans
from models.fantasytalking.sampler import Velocity, noise_levels

LEVELS = noise_levels(SamplerConfig(steps=3))
SPANS = plan_spans(17, SpanConfig(length=6, overlap=2))


class Noise:
    """Noise that depends on all that was drawn before it."""

    def __init__(self) -> None:
        self.random = torch.Generator().manual_seed(11)

    def __call__(self, latents: int) -> Tensor:
        return torch.randn(1, 2, latents, 2, 2, generator=self.random)


def _towards(span: Span) -> Velocity:
    target = torch.arange(span.start, span.end).view(1, 1, -1, 1, 1).sin()
    return lambda latents, timestep: (latents - target).tanh() * (1 + timestep.view(-1, 1, 1, 1, 1) / 1000)


def finish(
    after: Finished | None = None, velocity_of: Callable[[Span], Velocity] = _towards
) -> list[Finished]:
    finished = finish_spans(SPANS, velocity_of, Noise(), LEVELS, after)
    return [each for each in finished if each is not None]


@pytest.mark.parametrize("count", range(1, len(SPANS) + 1))
def test_a_video_goes_on_after_any_span_as_if_nothing_happened(count: int) -> None:
    whole = torch.cat(list(denoise_spans(SPANS, _towards, Noise(), LEVELS)), dim=2)
    before = finish()[:count]

    behind = finish(before[-1])

    assert len(before) + len(behind) == len(SPANS)
    assert torch.equal(torch.cat([span.latents for span in before + behind], dim=2), whole)


def test_what_is_done_is_not_denoised_again() -> None:
    _, second, *_ = finish()
    asked: list[Span] = []

    def velocity_of(span: Span) -> Velocity:
        asked.append(span)
        return _towards(span)

    finish(second, velocity_of)

    assert asked == SPANS[2:]


def test_a_span_of_another_number_of_steps_is_refused() -> None:
    first, *_ = finish()

    with pytest.raises(ValueError, match="expected latents at 5 noise levels, got 4"):
        next(finish_spans(SPANS, _towards, Noise(), noise_levels(SamplerConfig(steps=4)), first))


def test_a_span_of_a_longer_video_is_refused() -> None:
    late = Finished(9, torch.zeros(1, 2, 4, 2, 2), ())

    with pytest.raises(ValueError, match=f"9 spans are finished of a video of {len(SPANS)}"):
        next(finish_spans(SPANS, _towards, Noise(), LEVELS, late))


def test_a_step_is_made_when_more_is_asked_for() -> None:
    made: list[float] = []

    def velocity_of(span: Span) -> Velocity:
        def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
            made.append(float(timestep))
            return latents

        return velocity

    events = finish_spans(SPANS[:2], velocity_of, Noise(), LEVELS)

    for span in range(2):
        for step in range(3):
            assert next(events) is None
            assert len(made) == 3 * span + step
        assert isinstance(next(events), Finished)
    assert not list(events)

"""What the bench of long video takes for a join, and how its stand-in sees pictures."""

from __future__ import annotations

import torch

from models.fantasytalking.config import SpanConfig
from models.fantasytalking.long_video import plan_spans
from tests.bench.fantasytalking_long import measure
from tests.bench.fantasytalking_people import MeanAutoencoder

SPANS = plan_spans(16, SpanConfig(length=9, overlap=2))


def test_a_step_is_a_join_from_the_frame_before_a_span_to_the_one_behind_its_overlap() -> None:
    assert [(span.start, span.shared) for span in SPANS[1:]] == [(7, 2)]
    places = torch.arange(16.0)
    places[7:] += 1
    places[8:] += 2
    places[9:] += 3

    steps = measure(places.view(1, 1, -1, 1, 1), SPANS)

    assert steps.joins.tolist() == [2, 3, 4]
    assert steps.inside.tolist() == [1] * 12


def test_a_latent_is_the_mean_of_the_pixels_it_stands_for() -> None:
    video = torch.zeros(1, 3, 5, 8, 8)
    video[:, 0, 0, :4, :4] = 1
    video[:, 1, 1:, 4:, 4:] = torch.tensor([0.0, 0.2, 0.4, 0.6]).view(-1, 1, 1)

    latents = MeanAutoencoder(config={}).encode(video).latent_dist.mode()

    assert latents.shape == (1, 3, 2, 2, 2)
    torch.testing.assert_close(latents[0, :, 0, 0, 0], torch.tensor([1.0, 0, 0]))
    torch.testing.assert_close(latents[0, :, 1, 1, 1], torch.tensor([0, 0.3, 0]))
    assert float(latents.sum()) == float(latents[0, 0, 0, 0, 0] + latents[0, 1, 1, 1, 1])

"""Going on from trained weights."""

from __future__ import annotations

import torch
from torch import nn

from models.lpm.model import Lpm, inputs_of
from models.motion import NUM_MOTION
from tests.unit.models.lpm.drawing import draw_chunk
from training.lpm_motion.config import tiny_run
from training.lpm_motion.trainer import restandardise


def test_other_statistics_do_not_change_what_a_model_estimates() -> None:
    torch.manual_seed(0)
    lpm = Lpm(tiny_run().model).eval().requires_grad_(requires_grad=False)
    nn.init.normal_(lpm.network.head.weight, std=0.1)
    noisy, level = torch.randn(1, 5, NUM_MOTION), torch.tensor([[0.5]])

    def estimate() -> torch.Tensor:
        memory = lpm.network.remember(lpm.network.encode(inputs), 5)
        past = lpm.network.recall(lpm.init_state(1).cache)
        return lpm.restore(lpm.network.chunk(lpm.normalise(noisy), level, memory, past).clean)

    inputs = inputs_of(draw_chunk(lpm.config, 1))
    before = estimate()
    restandardise(lpm, torch.randn(NUM_MOTION), torch.rand(NUM_MOTION) + 0.5)
    torch.testing.assert_close(estimate(), before, atol=1e-4, rtol=1e-4)

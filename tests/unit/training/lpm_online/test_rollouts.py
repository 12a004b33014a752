"""Streams for training are what a session would get, and the gradient goes through one call of each chunk."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.lpm.model import Lpm, LpmChunk
from models.lpm.online import OnlineLpm, Schedule
from models.motion import CHUNK_FRAMES
from tests.unit.models.lpm.drawing import draw_chunk
from tests.unit.models.streaming.test_streaming_models import consistent, inputs_of_all
from training.lpm_motion.config import tiny_run
from training.lpm_online.rollouts import draft_stream, refine_stream

CHUNKS = 5


def a_student() -> OnlineLpm:
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        lpm = Lpm(tiny_run().model).eval().requires_grad_(requires_grad=False)
        nn.init.normal_(lpm.network.head.weight, std=0.3)
        networks.append(lpm)
    return OnlineLpm(networks[0], networks[1], Schedule()).eval()


def a_stream(online: OnlineLpm) -> list[LpmChunk]:
    chunks = [draw_chunk(online.config, 2, seed) for seed in range(CHUNKS)]
    return consistent(chunks, online.config.chunk_mels)


def noise_of(chunks: list[LpmChunk]) -> Tensor:
    return torch.cat([chunk.noise for chunk in chunks], dim=1)


def test_streams_for_training_are_those_of_a_session() -> None:
    online = a_student()
    chunks = a_stream(online)
    inputs = inputs_of_all(chunks, online.config.chunk_mels)
    drafts = draft_stream(online, online.backbone.network.encode(inputs), noise_of(chunks), 1)
    refined = refine_stream(online, online.refiner.network.encode(inputs), drafts)
    state, shown = online.init_state(2), []
    for chunk in chunks:
        motion, state = online.step(state, chunk, torch.tensor([True, True]))
        shown.append(motion)
    pieces = [refined[:, n * CHUNK_FRAMES :][:, :CHUNK_FRAMES] for n in range(CHUNKS)]
    made = torch.cat([online.finish(piece) for piece in pieces], dim=1)
    torch.testing.assert_close(made, torch.cat(shown, dim=1), atol=2e-5, rtol=2e-5)


def test_the_gradient_of_a_chunk_does_not_reach_into_the_past() -> None:
    online = a_student()
    online.backbone.network.embed.requires_grad_(requires_grad=True)
    chunks = a_stream(online)
    conditions = online.backbone.network.encode(inputs_of_all(chunks, online.config.chunk_mels))
    noise = noise_of(chunks)
    bias = online.backbone.network.embed.bias
    for exit_index in (0, 1):
        made = draft_stream(online, conditions, noise, exit_index).clean
        last = made[:, -CHUNK_FRAMES:].square().sum()
        (through_stream,) = torch.autograd.grad(last, bias)
        assert through_stream.any()
        assert not draft_stream(online, conditions, noise, exit_index).handed.requires_grad

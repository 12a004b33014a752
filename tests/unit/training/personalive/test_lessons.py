"""What the three lessons attempt, and which steps gradients flow through."""

from __future__ import annotations

import pytest
import torch

from models.personalive.denoising_unet import Conditions
from models.personalive.front_end.pictures import to_numbers
from tests.unit.training.personalive.faces import draw_clips
from training.personalive.clips import Batch, ClipSampler
from training.personalive.conditions import Conditioner, Told, nothing, thin
from training.personalive.config import Ablation, PersonaLiveTraining, Stage, tiny_run
from training.personalive.lessons import Attempt
from training.personalive.main import tiny_frozen
from training.personalive.run import LESSONS
from training.personalive.starting import start_networks
from training.personalive.still import tell_noise


def prepared(stage: Stage, ablation: Ablation | None = None) -> tuple[Conditioner, Batch]:
    torch.set_num_threads(1)
    config = tiny_run(stage, ablation)
    frozen = tiny_frozen(config)
    conditioner = Conditioner(
        config=config,
        networks=start_networks(config, None),
        codec=frozen.codec,
        embedder=frozen.embedder,
    )
    return conditioner, ClipSampler(draw_clips(), batch=2, frames=config.frames, seed=0).draw()


def attempts(conditioner: Conditioner, batch: Batch, seed: int = 0) -> list[Attempt]:
    lesson = LESSONS[conditioner.config.stage](conditioner)
    return list(lesson.attempts(batch, torch.Generator().manual_seed(seed)))


def told(conditioner: Conditioner, batch: Batch) -> Told:
    return conditioner.tell(batch, torch.Generator().manual_seed(1))


def test_tokens_are_withheld_from_every_row_at_random() -> None:
    tokens = torch.arange(2 * 10, dtype=torch.float32).view(2, 10, 1).expand(-1, -1, 4)
    (kept,) = thin((tokens,), 0.3, torch.Generator().manual_seed(0))
    assert kept.shape == (2, 7, 4)
    first, second = (set(row[:, 0].tolist()) for row in kept)
    assert len(first) == len(second) == 7
    assert first <= set(range(10))
    assert {place - 10 for place in second} != first


def test_a_withheld_reference_leaves_pictures_to_themselves() -> None:
    conditioner, batch = prepared("pictures")
    given = told(conditioner, batch)
    unet = conditioner.networks.denoising_unet
    x = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    timesteps = torch.tensor([0, 999])
    alone = given._replace(memory=nothing(given.memory))
    noise = tell_noise(unet, x, timesteps, alone)
    assert noise.isfinite().all()
    assert not torch.allclose(noise, tell_noise(unet, x, timesteps, given), atol=1e-5)


def test_pictures_are_denoised_as_a_window_of_one_frame_without_temporal_modules() -> None:
    conditioner, batch = prepared("pictures")
    given, unet = told(conditioner, batch), conditioner.networks.denoising_unet
    x = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    timesteps = torch.tensor([333])
    window = Conditions(
        shifts=unet.shifts(timesteps),
        portraits=given.constants,
        memory=given.memory,
        present=None,
        motion=given.motion,
    )
    # Fresh temporal modules change nothing; others are left out.
    expected = unet(x[:, None], given.pose, window)[:, 0]
    for name, tensor in unet.state_dict().items():
        if ".temporal." in name:
            tensor.copy_(torch.ones_like(tensor))
    assert torch.allclose(tell_noise(unet, x, timesteps.expand(2), given), expected, atol=1e-5)


def test_the_truth_of_an_attempt_is_the_batchs() -> None:
    conditioner, batch = prepared("few-steps")
    (attempt,) = attempts(conditioner, batch)
    pictures = to_numbers(batch.targets.flatten(0, 1))
    assert torch.equal(attempt.pictures, pictures)
    assert torch.equal(attempt.truth, conditioner.codec.encode(pictures))


def test_few_steps_are_one_to_four_and_gradients_flow_through_the_last() -> None:
    conditioner, batch = prepared("few-steps")
    unet = conditioner.networks.denoising_unet
    unet.conv_out.weight.requires_grad_()
    graphs: list[bool] = []
    unet.conv_out.register_forward_hook(lambda _module, _given, made: graphs.append(made.requires_grad))
    counts = set()
    for seed in range(6):
        graphs.clear()
        (attempt,) = attempts(conditioner, batch, seed)
        assert graphs == [False] * (len(graphs) - 1) + [True]
        level = conditioner.config.model.schedule.levels[-len(graphs)]
        assert attempt.timesteps.tolist() == [level] * 2
        counts.add(len(graphs))
    assert len(counts) > 1


def learnt(config: PersonaLiveTraining) -> tuple[int, ...]:
    return config.sliding.learnt if config.ablation.slides else (0,)


@pytest.mark.parametrize("ablation", [Ablation(), Ablation(slides=False), Ablation(chunk_frames=2)])
def test_a_window_is_learnt_from_at_some_of_its_slides(ablation: Ablation) -> None:
    conditioner, batch = prepared("sliding", ablation)
    config, unet = conditioner.config, conditioner.networks.denoising_unet
    unet.conv_out.weight.requires_grad_()
    graphs: list[bool] = []
    unet.conv_out.register_forward_hook(lambda _module, _given, made: graphs.append(made.requires_grad))
    made = attempts(conditioner, batch)
    slides = config.sliding.slides if ablation.slides else 1
    assert graphs == [slide in learnt(config) for slide in range(slides)]
    pictures = to_numbers(batch.targets)
    frames = config.model.unet.frames
    for slide, attempt in zip(learnt(config), made, strict=True):
        start = slide * ablation.chunk_frames
        assert torch.equal(attempt.pictures, pictures[:, start : start + frames].flatten(0, 1))
        assert attempt.timesteps[: ablation.chunk_frames].tolist() == [0] * ablation.chunk_frames

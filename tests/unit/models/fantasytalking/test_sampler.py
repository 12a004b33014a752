from __future__ import annotations

import pytest
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models.fantasytalking.config import SamplerConfig
from models.fantasytalking.network import Context
from models.fantasytalking.sampler import Passes, denoise, guide, noise_levels, timesteps, weigh
from tests.unit.models.fantasytalking.scenes import Scene, make_scene


def _passes(scene: Scene) -> Passes[Context]:
    negative = scene._replace(text=-scene.text)
    return Passes(speech=scene.speaking(), prompt=scene.context(), negative=negative.context())


def test_noise_levels_are_those_of_diffusers_with_explicit_sigmas() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=5.0)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 0, 31)[:-1].tolist())

    levels = noise_levels(SamplerConfig())

    torch.testing.assert_close(levels, scheduler.sigmas, atol=1e-6, rtol=0)
    torch.testing.assert_close(timesteps(levels[:-1]), scheduler.timesteps, atol=1e-3, rtol=0)


def test_timesteps_are_not_rounded() -> None:
    assert timesteps(noise_levels(SamplerConfig()))[1].item() == pytest.approx(993.1507, abs=1e-3)


def test_a_constant_velocity_ends_exactly_there() -> None:
    noise = torch.randn(1, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))

    *_, end = denoise(lambda x, t: torch.ones_like(x), noise, noise_levels(SamplerConfig(steps=7)))

    torch.testing.assert_close(end, noise - 1)


def test_two_passes_at_equal_scales_are_three() -> None:
    scene = make_scene()
    passes = _passes(scene)
    speech, prompt, negative = (scene.velocity(context) for context in passes)
    three = negative + 5 * (prompt - negative) + 5 * (speech - prompt)

    two = guide(scene.network, weigh(passes, SamplerConfig()))(scene.latents, scene.timestep)

    assert (two - three).abs().amax() <= 1e-5 * three.abs().amax()


@pytest.mark.parametrize(
    ("prompt_scale", "audio_scale", "num_passes"), [(5, 5, 2), (5, 3.5, 3), (1, 1, 1), (1, 4, 2), (5, 0, 2)]
)
def test_a_pass_without_weight_is_not_run(prompt_scale: float, audio_scale: float, num_passes: int) -> None:
    scene = make_scene()
    runs: list[Context] = []

    def network(latents: Tensor, timestep: Tensor, context: Context) -> Tensor:
        runs.append(context)
        return latents

    config = SamplerConfig(prompt_scale=prompt_scale, audio_scale=audio_scale)
    guide(network, weigh(_passes(scene), config))(scene.latents, scene.timestep)

    assert len(runs) == num_passes


def test_guidance_at_different_scales_is_the_published_sum() -> None:
    scene = make_scene()
    passes = _passes(scene)
    speech, prompt, negative = (scene.velocity(context) for context in passes)
    config = SamplerConfig(prompt_scale=4.0, audio_scale=2.5)

    guided = guide(scene.network, weigh(passes, config))(scene.latents, scene.timestep)

    torch.testing.assert_close(
        guided, negative + 4.0 * (prompt - negative) + 2.5 * (speech - prompt), atol=1e-5, rtol=1e-5
    )


def test_a_sampler_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="expected steps >= 1"):
        SamplerConfig(steps=0)


def test_equal_scales_take_a_third_less_compute() -> None:
    scene = make_scene()
    passes = _passes(scene)

    costs = []
    for audio_scale in (5.0, 4.5):
        velocity = guide(scene.network, weigh(passes, SamplerConfig(audio_scale=audio_scale)))
        with FlopCounterMode(display=False) as counter:
            velocity(scene.latents, scene.timestep)
        costs.append(counter.get_total_flops())

    assert costs[0] / costs[1] == pytest.approx(2 / 3, rel=0.02)


def test_what_is_read_once_is_not_projected_in_every_step() -> None:
    scene = make_scene()
    context = scene.speaking()

    with FlopCounterMode(display=False) as step:
        scene.velocity(context)
    with FlopCounterMode(display=False) as reading:
        scene.velocity(scene.speaking())

    assert step.get_total_flops() < reading.get_total_flops()

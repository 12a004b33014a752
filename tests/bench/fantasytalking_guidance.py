"""What guidance costs at equal scales: two passes against the three of the formula, to the same latents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models.fantasytalking.config import FantasyTalkingConfig, SamplerConfig, tiny
from models.fantasytalking.network import Context
from models.fantasytalking.sampler import Passes, Velocity, denoise, guide, noise_levels, weigh
from tests.bench.figures import report
from tests.unit.models.fantasytalking.scenes import Scene, make_scene

BENCH: Final = "fantasytalking_guidance"
DIFFERENCE_BAR: Final = 10.0
SHARE_BAR: Final = 0.67
# As large as a video of 256 pixels a side, so that what is counted outweighs what surrounds it.
_LATENT: Final = 32


def main(steps: int = 30, side: int = _LATENT) -> None:
    """Print the difference of the latents, and the shares of operations and of time."""
    torch.set_num_threads(1)
    config = replace(tiny(), sampler=SamplerConfig(steps=steps))
    scene = _scene(config, side)
    passes = _passes(scene)
    with torch.inference_mode():
        ours = _Run(scene, guide(scene.network, weigh(passes, config.sampler)))
        plain = _Run(scene, three_passes(scene, passes))
    case = f"tiny, {steps} steps, scales {config.sampler.prompt_scale:g}"
    difference = float((ours.latents - plain.latents).abs().max() / plain.latents.abs().max())
    report(
        BENCH, case, "difference", difference * 1e6, "millionths of the largest latent", bar=DIFFERENCE_BAR
    )
    share = ours.operations / plain.operations
    report(BENCH, case, "operations", share, "of three passes", bar=SHARE_BAR, baseline=plain.operations)
    report(BENCH, case, "time", ours.time_s / plain.time_s, "of three passes", baseline=plain.time_s)


def three_passes(scene: Scene, passes: Passes[Context]) -> Velocity:
    """Guide as the paper writes it: v(negative) + s (v(prompt) - v(negative)) + a (v(speech) - v(prompt))."""
    sampler = scene.network.config.sampler

    def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
        speech, prompt, negative = (scene.network(latents, timestep, context).float() for context in passes)
        told = negative + sampler.prompt_scale * (prompt - negative)
        guided: Tensor = told + sampler.audio_scale * (speech - prompt)
        return guided

    return velocity


class _Run:
    """Latents denoised by a velocity, the operations of one of its steps, and the time of all."""

    def __init__(self, scene: Scene, velocity: Velocity) -> None:
        config = scene.network.config
        channels = config.backbone.latent_channels
        noise, given = scene.latents[:, :channels], scene.latents[:, channels:]

        def given_velocity(latents: Tensor, timestep: Tensor) -> Tensor:
            return velocity(torch.cat((latents, given), dim=1), timestep)

        self.operations = _operations(lambda: given_velocity(noise, scene.timestep))
        begun_s = time.perf_counter()
        *_, self.latents = denoise(given_velocity, noise, noise_levels(config.sampler))
        self.time_s = time.perf_counter() - begun_s


def _operations(step: Callable[[], Tensor]) -> float:
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def _scene(config: FantasyTalkingConfig, side: int) -> Scene:
    scene = make_scene(config)
    random = torch.Generator().manual_seed(5)
    *shape, _, _ = scene.latents.shape
    return scene._replace(latents=torch.randn(*shape, side, side, generator=random))


@torch.inference_mode()
def _passes(scene: Scene) -> Passes[Context]:
    speaking = scene.speaking()
    silent = speaking._replace(speech=None)
    negative = silent._replace(text=scene.network.read_text(-scene.text))
    return Passes(speech=speaking, prompt=silent, negative=negative)


if __name__ == "__main__":
    main()

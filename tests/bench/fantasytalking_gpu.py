"""Speed of FantasyTalking on a GPU with random weights, beside a plain implementation in the same run.

`python -m tests.bench.fantasytalking_gpu [--tiny] [--device cpu]`: `--tiny` is a size for tests, which says
nothing about speed. Weights are drawn on the device; encoders and autoencoder are left out.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.fantasytalking.config import FantasyTalkingConfig, published, tiny
from models.fantasytalking.geometry import num_latents, num_samples, num_tokens
from models.fantasytalking.network import Context, FantasyTalking, without_weights
from models.fantasytalking.sampler import Passes, guide, weigh
from models.fantasytalking.weights import precision
from models.fantasytalking.windows import frame_windows
from tests.bench.device import MissingDeviceError, card, find_device, matmul_flops, seconds
from tests.bench.figures import report
from tests.unit.models.fantasytalking.scenes import released

BENCH: Final = "fantasytalking_gpu"
BAR_SHARE: Final = 0.45
_META: Final = torch.device("meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured: a clip of so many frames of `side` pixels squared, and averages of `calls`."""

    config: FantasyTalkingConfig
    dtype: torch.dtype
    frames: int
    side: int
    image_tokens: int
    calls: int
    matmul_side: int

    def __str__(self) -> str:
        return f"{self.side} px, {self.frames} frames, {str(self.dtype).removeprefix('torch.')}"


class Clip(NamedTuple):
    """What a network is given of one clip, before it is projected."""

    latents: Tensor
    timestep: Tensor
    text: Tensor
    image: Tensor
    features: Tensor
    frames: int

    def silent(self, network: FantasyTalking, sign: int) -> Context:
        """Read text and picture; the sign tells the prompt from the negative one."""
        return Context(text=network.read_text(sign * self.text), image=network.read_image(self.image))

    def speaking(self, network: FantasyTalking) -> Context:
        """Read everything."""
        tokens = network.audio_projection(self.features)
        windows = frame_windows(tokens, self.frames, network.config.audio.expansion)
        return self.silent(network, 1)._replace(speech=network.read_speech(windows))

    def passes(self, network: FantasyTalking) -> Passes[Context]:
        """Read what three passes see, sharing nothing."""
        speaking = self.speaking(network)
        return Passes(speech=speaking, prompt=self.silent(network, 1), negative=self.silent(network, -1))


def main(arguments: Sequence[str] = ()) -> None:
    """Print time of a forward, its share of the peak, a guided step beside the plain one, and memory.

    Raises MissingDeviceError where the GPU is not there.
    """
    asked = _parser().parse_args(arguments)
    device = find_device(asked.device)
    setting = tiny_setting() if asked.tiny else published_setting()
    torch.manual_seed(0)
    with torch.inference_mode():
        _measure(setting, device)


def _measure(setting: Setting, device: torch.device) -> None:
    operations = count_operations(setting)
    peak = matmul_flops(device, setting.dtype, setting.matmul_side, 10 * setting.calls)
    report(BENCH, card(device), "matmul peak", peak / 1e12, "TFLOP/s", dtype=str(setting.dtype))
    network, clip = draw_network(setting, device), draw_clip(setting, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    passes = clip.passes(network)
    forward_s = seconds(lambda: network(clip.latents, clip.timestep, passes.speech), device, setting.calls)
    case = str(setting)
    report(BENCH, case, "forward", forward_s, "s", TFLOP=operations / 1e12, on=card(device))
    report(BENCH, case, "share of the matmul peak", operations / forward_s / peak, "", bar=BAR_SHARE)
    guided = guide(network, weigh(passes, setting.config.sampler))
    step_s = seconds(lambda: guided(clip.latents, clip.timestep), device, setting.calls)
    if device.type == "cuda":
        held = torch.cuda.max_memory_allocated(device) / 2**30
        report(BENCH, case, "memory at most", held, "GiB", on=card(device))
    plain_s = seconds(lambda: plain_step(network, clip), device, 1)
    report(BENCH, case, "guided step", step_s, "s", plain=plain_s)
    report(BENCH, case, "times as fast as plain", plain_s / step_s, "")


def plain_step(network: FantasyTalking, clip: Clip) -> Tensor:
    """Guide in three passes, each of which reads all that it attends to anew."""
    sampler = network.config.sampler
    heard = network(clip.latents, clip.timestep, clip.speaking(network)).float()
    told = network(clip.latents, clip.timestep, clip.silent(network, 1)).float()
    negative = network(clip.latents, clip.timestep, clip.silent(network, -1)).float()
    told_guided = negative + sampler.prompt_scale * (told - negative)
    guided: Tensor = told_guided + sampler.audio_scale * (heard - told)
    return guided


def draw_network(setting: Setting, device: torch.device) -> FantasyTalking:
    """Draw the weights on the device, one after the other: no other memory holds them."""
    network = without_weights(setting.config)
    network.backbone.rope.to(device)
    for name, shape in {name: tensor.shape for name, tensor in network.state_dict().items()}.items():
        drawn = torch.empty(shape, device=device, dtype=precision(name, setting.dtype))
        if len(shape) == 1:
            drawn.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            drawn.normal_(std=shape[1:].numel() ** -0.5)
        module, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(module), leaf, nn.Parameter(drawn, requires_grad=False))
    return network.eval()


def draw_clip(setting: Setting, device: torch.device) -> Clip:
    """Draw what is given of a clip, as large as the published encoders make it."""
    backbone, clip = setting.config.backbone, setting.config.clip
    side = setting.side // clip.vae_stride
    latents = num_latents(setting.frames, clip.frames_per_latent)
    heard = num_tokens(num_samples(setting.frames, clip))
    with device:
        return Clip(
            latents=torch.randn(1, backbone.in_channels, latents, side, side),
            timestep=torch.full((1,), 700.0),
            text=torch.randn(1, backbone.text_length, backbone.text_dim),
            image=torch.randn(1, setting.image_tokens, backbone.image_dim),
            features=torch.randn(1, heard, setting.config.audio.feature_dim),
            frames=setting.frames,
        )


def count_operations(setting: Setting) -> float:
    """Sums and products of one forward, counted without computing."""
    network, clip = draw_network(setting, _META), draw_clip(setting, _META)
    context = clip.speaking(network)
    with FlopCounterMode(display=False) as counter:
        network(clip.latents, clip.timestep, context)
    return float(counter.get_total_flops())


def published_setting() -> Setting:
    return Setting(
        config=published(),
        dtype=torch.bfloat16,
        frames=81,
        side=512,
        image_tokens=257,
        calls=3,
        matmul_side=8192,
    )


def tiny_setting() -> Setting:
    return Setting(
        config=released(tiny()),
        dtype=torch.float32,
        frames=9,
        side=32,
        image_tokens=5,
        calls=1,
        matmul_side=64,
    )


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog=f"python -m tests.bench.{BENCH}")
    parser.add_argument("--tiny", action="store_true", help="a size for tests")
    parser.add_argument("--device", default="cuda", help="as torch names it")
    return parser


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MissingDeviceError as error:
        sys.exit(f"{BENCH} is left out: {error}")

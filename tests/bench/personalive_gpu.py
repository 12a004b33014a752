"""Speed of PersonaLive on a GPU with random weights, beside a plain eager implementation in the same run.

`python -m tests.bench.personalive_gpu [--tiny] [--device cpu] [--eager]`: `--tiny` is a size for tests, which
says nothing about speed; `--eager` compiles nothing. A frame is one of a row's; pictures begin and end on the
device, so decoding the driver's JPEG and encoding the video are left out. The engine's cases, four sessions
that are computed one by one or together, decode the JPEG and end on the CPU. No frame becomes a keyframe by
itself.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Final

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.personalive.codec import Codec, KlCodec
from models.personalive.compiling import fused, replayed
from models.personalive.config import PersonaLiveConfig, published, tiny
from models.personalive.float8 import store_float8
from models.personalive.folding import fold
from models.personalive.model import PersonaLive
from models.personalive.passes import Passes
from models.personalive.weights import Networks
from tests.bench.device import MissingDeviceError, card, find_device, matmul_flops, seconds
from tests.bench.figures import report
from tests.bench.personalive_random import KL_WIDTHS, Plain, Served, Streamed, draw_codecs, draw_networks

BENCH: Final = "personalive_gpu"
BARS_FPS: Final[Mapping[str, float]] = MappingProxyType({"SD VAE": 45.0, "tiny VAE": 60.0})
BAR_GAIN: Final = 3.0
KEYFRAMES: Final = (0, 3)
ROWS: Final = (1, 4)
SESSIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured, and how long: the average of so many `calls`."""

    config: PersonaLiveConfig
    kl_widths: tuple[int, ...]
    dtype: torch.dtype
    calls: int
    matmul_side: int
    is_compiled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One of the figures' conditions."""

    codec: str
    keyframes: int
    rows: int

    def __str__(self) -> str:
        return f"{self.codec}, {self.keyframes} keyframes, {self.rows} rows"


CASES: Final = tuple(
    Case(codec=codec, keyframes=keyframes, rows=rows)
    for codec, keyframes, rows in product(BARS_FPS, KEYFRAMES, ROWS)
)


def main(arguments: Sequence[str] = ()) -> None:
    """Print frames a second, step time, the gain over the plain twin, share of the peak, and memory.

    Raises MissingDeviceError where the GPU is not there.
    """
    asked = _parser().parse_args(arguments)
    device = find_device(asked.device)
    setting = _tiny(asked.eager) if asked.tiny else _published(asked.eager)
    torch.manual_seed(0)
    with torch.inference_mode():
        _measure(setting, device)


def _measure(setting: Setting, device: torch.device) -> None:
    built = draw_networks(setting.config, device, setting.dtype)
    codecs = draw_codecs(setting.kl_widths, device, setting.dtype)
    plain_s = {case: _plain_s(setting, built, codecs, case, device) for case in CASES}
    fold(built.denoising_unet)
    fold(built.reference_unet)
    _fold_decoder(codecs["SD VAE"])
    model = PersonaLive(setting.config, built, codecs["SD VAE"]).to(device).eval()
    operations = {case: _operations(model, codecs, case) for case in CASES}
    peak = matmul_flops(device, setting.dtype, setting.matmul_side, setting.calls)
    report(BENCH, card(device), "matmul peak", peak / 1e12, "TFLOP/s", dtype=str(setting.dtype))
    passes = _passes(setting, model, codecs)
    for case in CASES:
        model.passes = passes[case.codec]
        step_s = _step_s(setting, model, case, device)
        _report(setting, device, case, step_s, plain_s[case], operations[case] / step_s / peak)
    model.passes = passes["SD VAE"]
    for rows in ROWS:
        _report_served(setting, model, device, rows)
    _report_float8(model)


def _plain_s(
    setting: Setting, built: Networks, codecs: Mapping[str, Codec], case: Case, device: torch.device
) -> float:
    step = Plain(setting.config, built, codecs[case.codec], case.rows, case.keyframes)
    return seconds(step, device, setting.calls)


def _operations(model: PersonaLive, codecs: Mapping[str, Codec], case: Case) -> float:
    """Sums and products of one step, counted while it runs eagerly."""
    model.passes = Passes(model.denoise, codecs[case.codec].decode)
    step = Streamed(model, case.rows, case.keyframes)
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def _passes(setting: Setting, model: PersonaLive, codecs: Mapping[str, Codec]) -> dict[str, Passes]:
    if not setting.is_compiled:
        return {name: Passes(model.denoise, codec.decode) for name, codec in codecs.items()}
    denoise = replayed(model.denoise)
    return {name: Passes(denoise, fused(codec.decode)) for name, codec in codecs.items()}


def _step_s(setting: Setting, model: PersonaLive, case: Case, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return seconds(Streamed(model, case.rows, case.keyframes), device, setting.calls)


def _report(
    setting: Setting, device: torch.device, case: Case, step_s: float, plain_s: float, share: float
) -> None:
    on: dict[str, str] = {"device": card(device), "compiled": str(setting.is_compiled).lower()}
    frames = case.rows * setting.config.unet.chunk_frames
    bar = BARS_FPS[case.codec]
    report(BENCH, str(case), "frames a second", frames / step_s, "fps", bar=bar, **on)
    report(BENCH, str(case), "step", step_s, "s", plain=plain_s, **on)
    report(BENCH, str(case), "times as fast as plain", plain_s / step_s, "", bar=BAR_GAIN, **on)
    report(BENCH, str(case), "share of the matmul peak", share, "", **on)
    if device.type == "cuda":
        held = torch.cuda.max_memory_allocated(device) / 2**30
        report(BENCH, str(case), "memory at most", held, "GiB", **on)


def _report_served(setting: Setting, model: PersonaLive, device: torch.device, rows: int) -> None:
    step_s = seconds(Served(model, rows, SESSIONS), device, setting.calls)
    on: dict[str, str] = {"device": card(device), "compiled": str(setting.is_compiled).lower()}
    case = f"engine, {SESSIONS} sessions, {rows} rows together"
    frames = SESSIONS * setting.config.unet.chunk_frames
    report(BENCH, case, "frames a second", frames / step_s, "fps", **on)
    report(BENCH, case, "step", step_s, "s", **on)


def _report_float8(model: PersonaLive) -> None:
    """Say how far off random weights in eight bits are; it changes the model for good."""
    model.passes = Passes(model.denoise, model.codec.decode)
    step = Streamed(model, rows=1, keyframes=1)
    exact = step.denoised()
    store_float8(model.denoiser)
    error = (step.denoised() - exact).square().mean() / exact.square().mean()
    report(BENCH, "float8 weights", "relative error of the noise", float(error.sqrt()), "")


def _fold_decoder(codec: Codec) -> None:
    assert isinstance(codec, KlCodec)
    assert isinstance(codec.autoencoder, nn.Module)
    fold(codec.autoencoder)


def _published(is_eager: bool) -> Setting:
    return Setting(
        config=_without_chance(published()),
        kl_widths=KL_WIDTHS,
        dtype=torch.float16,
        calls=20,
        matmul_side=8192,
        is_compiled=not is_eager,
    )


def _tiny(is_eager: bool) -> Setting:
    return Setting(
        config=_without_chance(
            replace(tiny(), picture=32, unet=replace(tiny().unet, channels=(16,), attends=(True,)))
        ),
        kl_widths=(8,) * 4,
        dtype=torch.float32,
        calls=1,
        matmul_side=64,
        is_compiled=not is_eager,
    )


def _without_chance(config: PersonaLiveConfig) -> PersonaLiveConfig:
    """Let no frame become a keyframe: a case says how many there are."""
    return replace(config, keyframes=replace(config.keyframes, threshold=math.inf))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog=f"python -m tests.bench.{BENCH}")
    parser.add_argument("--tiny", action="store_true", help="a size for tests")
    parser.add_argument("--device", default="cuda", help="as torch names it")
    parser.add_argument("--eager", action="store_true", help="compile nothing")
    return parser


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MissingDeviceError as error:
        sys.exit(f"{BENCH} is left out: {error}")

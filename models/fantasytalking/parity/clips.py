"""Replays of the whole network: one forward with windows or a whole clip, and a trajectory under guidance."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from models.fantasytalking.config import SamplerConfig
from models.fantasytalking.encoders import pad_text
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.parity.tolerances import compare, compare_junk
from models.fantasytalking.parity.twin import build
from models.fantasytalking.sampler import Passes, denoise, guide, noise_levels, timesteps, weigh
from models.fantasytalking.windows import AudioWindows, clip_window, frame_windows
from models.parity.fixtures import Case, Verdict, judge


@torch.no_grad()
def replay_frame_level(case: Case) -> Iterator[Verdict]:
    """Features to tokens to windows to velocities, where each latent frame hears its own window."""
    network = build(case)
    tokens = network.audio_projection(case.inputs["audio_features"])
    windows = frame_windows(tokens, case.fields["geometry"]["num_frames"], network.config.audio.expansion)
    yield compare(case, "audio_tokens", tokens)
    yield compare(case, "audio_windows", windows.tokens)
    yield compare(case, "k_lens", windows.lengths)
    yield from _replay_scales(case, network, windows)
    yield from _replay_lengths(case, network, windows)


@torch.no_grad()
def replay_clip_level(case: Case) -> Iterator[Verdict]:
    """Features to tokens to velocities, where every latent frame hears the whole clip."""
    network = build(case)
    tokens = network.audio_projection(case.inputs["audio_features"])
    yield compare(case, "audio_tokens", tokens)
    yield from _replay_scales(case, network, clip_window(tokens, case.inputs.get("k_lens")))


@torch.no_grad()
def replay_trajectory(case: Case) -> Iterator[Verdict]:
    """Latents of every step under guidance, in as many passes as have a weight."""
    network = build(case)
    tokens = network.audio_projection(case.inputs["audio_features"])
    windows = frame_windows(tokens, case.fields["geometry"]["num_frames"], network.config.audio.expansion)
    yield compare(case, "audio_windows", windows.tokens)
    yield compare(case, "k_lens", windows.lengths)
    prompt = _context(case, network)
    negative = _text(case, network, "text_negative")
    passes = Passes(
        speech=prompt._replace(speech=network.read_speech(windows)),
        prompt=prompt,
        negative=prompt._replace(text=network.read_text(negative)),
    )
    yield from _replay_noise(case)
    for run in case.fields["runs"]:
        config = SamplerConfig(
            steps=run["steps"], shift=run["shift"], prompt_scale=run["s_p"], audio_scale=run["s_a"]
        )
        yield from _replay_run(case, network, passes, config, run["key"])


def _replay_scales(case: Case, network: FantasyTalking, windows: AudioWindows) -> Iterator[Verdict]:
    silent = _context(case, network)
    heard = silent._replace(speech=network.read_speech(windows))
    contexts = {
        "out_scale0": silent,
        "out_scale1": heard,
        "out_scale2": heard._replace(speech_scale=2.0),
    }
    for output, context in contexts.items():
        yield compare(case, output, _velocity(case, network, context))


def _replay_lengths(case: Case, network: FantasyTalking, windows: AudioWindows) -> Iterator[Verdict]:
    """Lengths that are told and not guessed: others than those of the windows, and junk behind them."""
    if "k_lens_custom" in case.inputs:
        windows = AudioWindows(windows.tokens, case.inputs["k_lens_custom"])
        custom = _context(case, network)._replace(speech=network.read_speech(windows))
        yield compare(case, "out_custom_lens", _velocity(case, network, custom))
    junk = AudioWindows(case.inputs["audio_windows_junk_padding"], windows.lengths)
    context = _context(case, network)._replace(speech=network.read_speech(junk))
    yield compare_junk(case, _velocity(case, network, context))


def _replay_noise(case: Case) -> Iterator[Verdict]:
    noise = case.inputs["noise"]
    generator = torch.Generator().manual_seed(case.fields["geometry"]["noise_seed"])
    yield judge(case, "noise", torch.randn(noise.shape, generator=generator), noise, 0.0)


def _replay_run(
    case: Case, network: FantasyTalking, passes: Passes[Context], config: SamplerConfig, key: str
) -> Iterator[Verdict]:
    given = case.inputs["condition"]

    def forward(latents: Tensor, timestep: Tensor, context: Context) -> Tensor:
        velocity: Tensor = network(torch.cat((latents, given), dim=1), timestep, context)
        return velocity

    noise, levels = case.inputs["noise"], noise_levels(config)
    yield compare(case, f"{key}.sigmas", levels[:-1])
    yield compare(case, f"{key}.timesteps", timesteps(levels[:-1]))
    first = torch.cat([forward(noise, timesteps(levels[:1]), context) for context in passes])
    yield compare(case, f"{key}.velocity_step0", first)
    trajectory = torch.cat(list(denoise(guide(forward, weigh(passes, config)), noise, levels)))
    yield compare(case, f"{key}.latents", trajectory)
    yield compare(case, f"{key}.final", trajectory[-1:])


def _context(case: Case, network: FantasyTalking) -> Context:
    return Context(
        text=network.read_text(_text(case, network, "text")),
        image=network.read_image(case.inputs["clip_features"]),
    )


def _text(case: Case, network: FantasyTalking, name: str) -> Tensor:
    length = network.config.backbone.text_length
    return pad_text(case.inputs[name], case.inputs[f"{name}_lens"], length)


def _velocity(case: Case, network: FantasyTalking, context: Context) -> Tensor:
    latents = torch.cat((case.inputs["latents"], case.inputs["condition"]), dim=1)
    velocity: Tensor = network(latents, case.inputs["timestep"], context)
    return velocity

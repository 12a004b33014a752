"""Replays of the parts: audio projection, windows, one cross-attention, the sampler, geometry and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanAttention
from torch import Tensor

from models.fantasytalking.attention import BlockContext, CrossAttention, SpeechKeyValue
from models.fantasytalking.config import (
    AudioConfig,
    BackboneConfig,
    ClipConfig,
    FantasyTalkingConfig,
    SamplerConfig,
)
from models.fantasytalking.geometry import (
    Size,
    longest_edge_size,
    model_size,
    num_frames,
    num_latents,
    num_samples,
    num_tokens,
)
from models.fantasytalking.given import first_frame_mask
from models.fantasytalking.names import is_audio, original_name, published_name
from models.fantasytalking.network import AudioProjection, FantasyTalking
from models.fantasytalking.parity.tolerances import compare, compare_junk
from models.fantasytalking.parity.twin import build
from models.fantasytalking.parity.weight_rule import case_weights
from models.fantasytalking.portrait import first_frame, fit_longest_edge, vision_pixels
from models.fantasytalking.sampler import denoise, noise_levels, timesteps
from models.fantasytalking.windows import (
    AudioWindows,
    clip_window,
    frame_windows,
    gather_windows,
    window_ranges,
)
from models.parity.fixtures import Case, Verdict, judge

_VISION_STRIDE = 8


def replay_audio_projection(case: Case) -> Iterator[Verdict]:
    """Features to tokens."""
    weights = {name.partition(".")[2]: tensor for name, tensor in case_weights(case).items()}
    token_dim, feature_dim = weights["proj.weight"].shape
    projection = AudioProjection(AudioConfig(feature_dim=feature_dim, token_dim=token_dim))
    projection.load_state_dict(weights)
    tokens = projection(case.inputs["audio_features"])
    yield compare(case, "audio_tokens", tokens)


def replay_windows(case: Case) -> Iterator[Verdict]:
    """Ranges, windows and lengths of many token and frame counts."""
    for pair in case.fields["pairs"]:
        key, tokens = pair["key"], case.inputs[f"{pair['key']}.tokens"]
        ranges = window_ranges(pair["num_tokens"], pair["num_frames"])
        windows = gather_windows(tokens, ranges, pair["expand_length"])
        yield compare(case, f"{key}.ranges", torch.tensor(ranges))
        yield compare(case, f"{key}.windows", windows.tokens)
        yield compare(case, f"{key}.k_lens", windows.lengths[0])


def replay_cross_attention(case: Case) -> Iterator[Verdict]:
    """One layer alone, with windows of each latent frame and with one for the whole clip."""
    network = build(case)
    attn = network.backbone.blocks[0].attn2
    processor: CrossAttention = attn.processor
    reads = _silent(attn, processor, case.inputs["context"], network.config.backbone.text_length)

    def attended(speech: SpeechKeyValue | None, scale: float = 1.0) -> Tensor:
        out: Tensor = attn(case.inputs["hidden_states"], reads._replace(speech=speech, speech_scale=scale))
        return out

    tokens = case.inputs["audio_tokens"]
    latents = case.outputs["k_lens"].shape[1]
    frames = (latents - 1) * network.config.clip.frames_per_latent + 1
    windows = frame_windows(tokens, frames, network.config.audio.expansion)
    yield compare(case, "audio_windows", windows.tokens)
    yield compare(case, "k_lens", windows.lengths)
    speech = processor.read_speech(attn, windows)
    yield compare(case, "frame_level_scale0", attended(None))
    yield compare(case, "frame_level_scale1", attended(speech))
    yield compare(case, "frame_level_scale2", attended(speech, 2.0))
    yield compare(case, "clip_level_scale1", attended(processor.read_speech(attn, clip_window(tokens))))
    junk = AudioWindows(case.inputs["audio_windows_junk_padding"], windows.lengths)
    yield compare_junk(case, attended(processor.read_speech(attn, junk)))


def replay_sampler(case: Case) -> Iterator[Verdict]:
    """Noise levels, and an integration whose velocity depends on state and time."""
    for schedule in case.fields["schedules"]:
        key = schedule["key"]
        levels = noise_levels(SamplerConfig(steps=schedule["steps"], shift=schedule["shift"]))
        yield compare(case, f"{key}.sigmas", levels[:-1])
        yield compare(case, f"{key}.timesteps", timesteps(levels[:-1]))
        yield compare(case, f"{key}.x_end", _integrate(case, key, levels))


def replay_geometry(case: Case) -> Iterator[Verdict]:
    """Sizes, counts, masks, and the portrait's pixels on their way to both encoders."""
    fields = case.fields
    yield _table(case, "image_sizes", fields["image_sizes"], _image_sizes)
    yield _table(case, "frame_counts", fields["frame_counts"], _frame_counts)
    for mask in fields["masks"]:
        made = first_frame_mask(mask["num_frames"], mask["height"], mask["width"], ClipConfig())
        yield judge(case, mask["key"], made, case.outputs[mask["key"]], fields["tolerance_max_abs"]["masks"])
    clip = ClipConfig(longest_edge=fields["pixel_case"]["image_size"])
    pixels = case.inputs["image_rgb"].byte().numpy()
    yield compare(case, "image_longest_edge", torch.from_numpy(fit_longest_edge(pixels, clip.longest_edge)))
    frame = first_frame(pixels, clip)
    yield compare(case, "vae_input_frame0", frame)
    seen = vision_pixels(frame, clip)[0]
    sampled = seen[:, ::_VISION_STRIDE, ::_VISION_STRIDE]
    yield compare(case, "clip_input_every_8th", sampled)
    moments = torch.stack((seen.mean(), seen.std()))
    allowed = fields["tolerance_max_abs"]["clip_input_every_8th"]
    yield judge(case, "clip_input_mean_std", moments, case.outputs["clip_input_mean_std"], allowed)


def replay_names(case: Case) -> Iterator[Verdict]:
    """Names and shapes of a published transformer and its audio tensors, without their numbers."""
    expected = {name: tuple(shape) for name, _, shape in case.table["i2v_14b"]["pairs"]}
    expected |= {name: tuple(shape) for name, shape, _ in case.table["audio"]["triples"]}
    with torch.device("meta"):
        network = FantasyTalking(_recorded_config(case.table))
    found = {published_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for output, audio in (("i2v_14b", False), ("audio", True)):
        differing = {name for name, _ in found.items() ^ expected.items() if is_audio(name) is audio}
        yield _count(case, output, differing)
    renamed = {theirs for ours, theirs, _ in case.table["i2v_14b"]["pairs"] if original_name(theirs) != ours}
    yield _count(case, "diffusers names", renamed)


def _silent(attn: WanAttention, processor: CrossAttention, context: Tensor, text_length: int) -> BlockContext:
    """Read a recorded context: image tokens, then text."""
    return BlockContext(
        text=processor.read_text(attn, context[:, -text_length:]),
        image=processor.read_image(attn, context[:, :-text_length]),
        speech=None,
        identity=None,
        speech_scale=1.0,
        identity_scale=0.0,
    )


def _integrate(case: Case, key: str, levels: Tensor) -> Tensor:
    slope, drift = case.inputs[f"{key}.c"], case.inputs[f"{key}.d"]

    def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
        return slope * latents + drift * (timestep / 1000)

    *_, end = denoise(velocity, case.inputs[f"{key}.x0"], levels)
    return end


def _image_sizes(row: Mapping[str, Any]) -> dict[str, int]:
    clip = ClipConfig(longest_edge=row["image_size"])
    resized = longest_edge_size(Size(row["input_width"], row["input_height"]), clip.longest_edge)
    model = model_size(resized, clip.size_multiple)
    return {
        "resized_width": resized.width,
        "resized_height": resized.height,
        "model_width": model.width,
        "model_height": model.height,
        "latent_width": model.width // clip.vae_stride,
        "latent_height": model.height // clip.vae_stride,
    }


def _frame_counts(row: Mapping[str, Any]) -> dict[str, int]:
    clip = ClipConfig(frame_rate_hz=row["fps"], max_frames=row["max_num_frames"])
    frames = num_frames(row["duration"], clip)
    samples = num_samples(frames, clip)
    used = min(samples, row["audio_samples_available"])
    return {
        "num_frames": frames,
        "latent_frames": num_latents(frames, clip.frames_per_latent),
        "audio_samples_wanted": samples,
        "audio_samples_used": used,
        "audio_tokens": num_tokens(used),
    }


def _table(
    case: Case, output: str, rows: list[Any], of: Callable[[Mapping[str, Any]], dict[str, int]]
) -> Verdict:
    differing = {index for index, row in enumerate(rows) if any(row[k] != v for k, v in of(row).items())}
    return _count(case, output, differing)


def _count(case: Case, output: str, differing: set[Any]) -> Verdict:
    note = f"differing: {sorted(differing)[:5]}" if differing else ""
    return Verdict(case=case.name, output=output, error=float(len(differing)), tolerance=0.0, note=note)


def _recorded_config(table: Mapping[str, Any]) -> FantasyTalkingConfig:
    recorded = table["i2v_14b"]["diffusers_config"]
    shapes = {name: shape for name, shape, _ in table["audio"]["triples"]}
    token_dim, feature_dim = shapes["proj_model.proj.weight"]
    return FantasyTalkingConfig(
        backbone=BackboneConfig(
            dim=recorded["num_attention_heads"] * recorded["attention_head_dim"],
            ffn_dim=recorded["ffn_dim"],
            layers=recorded["num_layers"],
            heads=recorded["num_attention_heads"],
            text_dim=recorded["text_dim"],
            image_dim=recorded["image_dim"],
            frequency_dim=recorded["freq_dim"],
            latent_channels=recorded["out_channels"],
        ),
        audio=AudioConfig(feature_dim=feature_dim, token_dim=token_dim),
    )

"""From a portrait, a speech and a prompt to pictures, at any length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor
from transformers import CLIPVisionModel, Wav2Vec2Model

from models.fantasytalking.decoding import decode
from models.fantasytalking.encoders import clip_waveform, image_features, speech_features
from models.fantasytalking.geometry import speech_latents
from models.fantasytalking.given import given_latents
from models.fantasytalking.long_video import (
    Finished,
    Span,
    finish_spans,
    plan_spans,
    span_frames,
    span_waveform,
)
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.portrait import first_frame, vision_pixels
from models.fantasytalking.resampling import Pixels
from models.fantasytalking.sampler import Guidance, Passes, Velocity, guide, noise_levels, weigh
from models.fantasytalking.windows import frame_windows


class Encoders(NamedTuple):
    """The published networks around the transformer, on its device."""

    speech: Wav2Vec2Model
    image: CLIPVisionModel
    autoencoder: AutoencoderKLWan


class Prompt(NamedTuple):
    """Text embeddings [1, text_length, text_dim], padded by `pad_text`: what to do, and what to avoid."""

    text: Tensor
    negative: Tensor


class Nature(NamedTuple):
    """What only a network with the branches of the paper obeys; None leaves a branch out.

    `face` [1, face_dim] is the embedding of the cropped face; `intensity` are motion intensities [1] of
    face and body, from 0 to 1.
    """

    face: Tensor | None = None
    intensity: tuple[Tensor, Tensor] | None = None


AS_RELEASED: Final = Nature()


@torch.no_grad()
def perform(
    network: FantasyTalking,
    encoders: Encoders,
    portrait: Pixels,
    waveform: Tensor,
    prompt: Prompt,
    random: torch.Generator,
    nature: Nature = AS_RELEASED,
    guidance: Guidance[Context] = guide,
) -> Iterator[Tensor]:
    """Yield pictures [1, 3, T, H, W] from -1 to 1 of a portrait [h, w, 3] that says a speech [samples].

    `random` draws the noise on the CPU; the published seed is 1111. Raises ValueError for a speech without
    samples.
    """
    spans = imagine(network, encoders, portrait, waveform, prompt, random, nature, guidance)
    yield from decode(encoders.autoencoder, (each.latents for each in spans if each is not None))


@torch.no_grad()
def imagine(
    network: FantasyTalking,
    encoders: Encoders,
    portrait: Pixels,
    waveform: Tensor,
    prompt: Prompt,
    random: torch.Generator,
    nature: Nature = AS_RELEASED,
    guidance: Guidance[Context] = guide,
    after: Finished | None = None,
) -> Iterator[Finished | None]:
    """Yield the latents of what `perform` shows, span by span, from the beginning or `after` a span.

    None comes before every step, which is made only when more is asked for. Given the same, with `random` at
    its beginning, what follows a span does not depend on when it was done. Raises ValueError for a speech
    without samples, or a span of another video.
    """
    if not len(waveform):
        raise ValueError("expected a speech, got no samples")
    config = network.config
    frame = first_frame(portrait, config.clip).to(_device(network))
    spans = plan_spans(speech_latents(len(waveform) / config.clip.sample_rate_hz, config.clip), config.span)
    given = given_latents(encoders.autoencoder, frame, span_frames(spans[0], config.clip), config.clip)
    silent = _silent_passes(network, encoders, frame, prompt, nature)

    def velocity_of(span: Span) -> Velocity:
        passes = silent._replace(speech=_hear(network, encoders, waveform, span, silent.speech))
        mine = given[:, :, : span.length]
        velocity = guidance(network, weigh(passes, config.sampler))
        return lambda latents, timestep: velocity(torch.cat((latents, mine), dim=1), timestep)

    def draw(latents: int) -> Tensor:
        shape = (1, config.backbone.latent_channels, latents, *given.shape[3:])
        return torch.randn(shape, generator=random).to(given.device)

    levels = noise_levels(config.sampler)
    yield from finish_spans(spans, velocity_of, draw, levels, after)


def _silent_passes(
    network: FantasyTalking, encoders: Encoders, frame: Tensor, prompt: Prompt, nature: Nature
) -> Passes[Context]:
    """Read everything but speech, once for all spans."""
    seen = image_features(encoders.image, vision_pixels(frame, network.config.clip))
    context = Context(
        text=network.read_text(prompt.text),
        image=network.read_image(seen),
        identity=None if nature.face is None else network.read_face(nature.face),
        intensity=None if nature.intensity is None else network.read_intensity(*nature.intensity),
    )
    negative = context._replace(text=network.read_text(prompt.negative))
    return Passes(speech=context, prompt=context, negative=negative)


def _hear(
    network: FantasyTalking, encoders: Encoders, waveform: Tensor, span: Span, context: Context
) -> Context:
    config = network.config
    frames = span_frames(span, config.clip)
    heard = clip_waveform(span_waveform(waveform, span, config.clip), frames, config.clip)
    features = speech_features(encoders.speech, heard.to(_device(network)))
    windows = frame_windows(network.audio_projection(features), frames, config.audio.expansion)
    return context._replace(speech=network.read_speech(windows))


def _device(network: FantasyTalking) -> torch.device:
    return network.audio_projection.proj.weight.device

"""The network of FantasyTalking: Wan2.1's image-to-video transformer that listens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from models.fantasytalking.attention import (
    AddedKeyValue,
    BlockContext,
    CrossAttention,
    KeyValue,
    Share,
    SpeechKeyValue,
)
from models.fantasytalking.config import AudioConfig, BackboneConfig, FantasyTalkingConfig
from models.fantasytalking.identity import FaceQueries
from models.fantasytalking.intensity import IntensityNetwork
from models.fantasytalking.windows import AudioWindows

# Shapes: B samples, C channels, F latent frames, H W latent size, L video tokens, N tokens.

_LONGEST_PERIOD = 10_000.0


class Context(NamedTuple):
    """All that a clip is conditioned on, projected for each block; it holds for every step of denoising.

    Passes of guidance share its parts. `speech` None leaves the branch out, which is what scale 0 means;
    `intensity` [B, dim] is added to the time embedding.
    """

    text: tuple[KeyValue, ...]
    image: tuple[KeyValue, ...]
    speech: tuple[SpeechKeyValue, ...] | None = None
    identity: tuple[KeyValue, ...] | None = None
    intensity: Tensor | None = None
    speech_scale: float = 1.0


class Sharing(Protocol):
    """How processes share the tokens of a video."""

    def share(self, total: int) -> Share:
        """Return which of `total` tokens this process computes."""

    def gather(self, part: Tensor, total: int) -> Tensor:
        """Return what all processes have [B, total, D], of this one's part."""


class Alone:
    """One process that computes all tokens."""

    def share(self, total: int) -> Share:
        return Share(start=0, end=total, total=total)

    def gather(self, part: Tensor, total: int) -> Tensor:  # noqa: ARG002 -- the signature of a sharing
        return part


class AudioProjection(nn.Module):
    """Features of speech to the tokens that video attends to."""

    def __init__(self, config: AudioConfig) -> None:
        super().__init__()
        self.proj = nn.Linear(config.feature_dim, config.token_dim, bias=False)
        self.norm = nn.LayerNorm(config.token_dim, eps=config.norm_eps)

    def forward(self, features: Tensor) -> Tensor:
        """Return tokens [B, N, token_dim] of features [B, N, feature_dim]."""
        tokens: Tensor = self.norm(self.proj(features))
        return tokens


class FantasyTalking(nn.Module):
    """The transformer with audio on every block, and the branches of the paper that are configured."""

    def __init__(self, config: FantasyTalkingConfig) -> None:
        super().__init__()
        self.config = config
        self.sharing: Sharing = Alone()
        # Diffusers declares no types for the parts of its models.
        self.backbone: Any = _backbone(config.backbone)
        for attn in self._attentions():
            attn.processor = CrossAttention(dim=config.backbone.dim, token_dim=config.audio.token_dim)
        self.audio_projection = AudioProjection(config.audio)
        self.face_queries: FaceQueries | None = None
        self.intensity_network: IntensityNetwork | None = None
        self._add_branches(config)

    @property
    def dtype(self) -> torch.dtype:
        """The type of most weights, in which the network computes."""
        dtype: torch.dtype = self.backbone.patch_embedding.weight.dtype
        return dtype

    def read_text(self, text: Tensor) -> tuple[KeyValue, ...]:
        """Project text embeddings [B, text_length, text_dim], zero-padded, for every block.

        Raises ValueError for another length: padding is attended to, so the length matters.
        """
        expected = self.config.backbone.text_length
        if text.shape[1] != expected:
            raise ValueError(f"expected {expected} text embeddings, padded with zeros, got {text.shape[1]}")
        embedded = self.backbone.condition_embedder.text_embedder(text.to(self.dtype))
        return tuple(attn.processor.read_text(attn, embedded) for attn in self._attentions())

    def read_image(self, features: Tensor) -> tuple[KeyValue, ...]:
        """Project features of the portrait [B, N, image_dim] for every block."""
        embedded = self.backbone.condition_embedder.image_embedder(features.to(self.dtype))
        return tuple(attn.processor.read_image(attn, embedded) for attn in self._attentions())

    def read_speech(self, windows: AudioWindows) -> tuple[SpeechKeyValue, ...]:
        """Project windows of audio tokens, which `audio_projection` makes, for every block."""
        return tuple(attn.processor.read_speech(attn, windows) for attn in self._attentions())

    def read_face(self, face: Tensor) -> tuple[KeyValue, ...]:
        """Project a face embedding [B, face_dim] for every block.

        Raises ValueError when the network has no identity branch.
        """
        if self.face_queries is None:
            raise ValueError("this network has no identity branch, its config has identity None")
        tokens = self.face_queries(face)
        return tuple(attn.processor.identity(tokens, attn.heads) for attn in self._attentions())

    def read_intensity(self, face: Tensor, body: Tensor) -> Tensor:
        """Return what motion intensities [B], both from 0 to 1, add to the time embedding.

        Raises ValueError when the network has no motion-intensity network, or for a coefficient out of range.
        """
        if self.intensity_network is None:
            raise ValueError("this network has no motion-intensity network, its config has intensity None")
        for name, coefficient in (("face", face), ("body", body)):
            if not bool(((coefficient >= 0) & (coefficient <= 1)).all()):
                raise ValueError(f"expected {name} intensities from 0 to 1, got {coefficient.tolist()}")
        added: Tensor = self.intensity_network(face, body)
        return added

    def forward(self, latents: Tensor, timestep: Tensor, context: Context) -> Tensor:
        """Return the velocity [B, C, F, H, W] from data to noise.

        `latents` [B, in_channels, F, H, W] are noisy latents, mask and given latent; `timestep` [B] is
        1000 times the noise level.
        """
        latents = latents.to(self.dtype)
        frames, height, width = self._patches(latents)
        rotary = self.backbone.rope(latents)
        hidden = self.backbone.patch_embedding(latents).flatten(2).transpose(1, 2).contiguous()
        time, modulation = self._embed_time(timestep, context.intensity)
        share = self.sharing.share(hidden.shape[1])
        hidden = hidden[:, share.start : share.end]
        for block, reads in zip(self.backbone.blocks, self._contexts(context, share), strict=True):
            hidden = block(hidden, reads, modulation, rotary)
        shift, scale = (self.backbone.scale_shift_table + time[:, None]).chunk(2, dim=1)
        normed = self.backbone.norm_out(hidden.float()) * (1 + scale) + shift
        velocity = self.sharing.gather(self.backbone.proj_out(normed.to(hidden.dtype)), share.total)
        t, h, w = self.config.backbone.patch
        video: Tensor = rearrange(
            velocity,
            "b (f y x) (t h w c) -> b c (f t) (y h) (x w)",
            f=frames,
            y=height,
            x=width,
            t=t,
            h=h,
            w=w,
        )
        return video

    def _add_branches(self, config: FantasyTalkingConfig) -> None:
        dim = config.backbone.dim
        if config.identity is not None:
            self.face_queries = FaceQueries(config.identity)
            for attn in self._attentions():
                attn.processor.identity = AddedKeyValue(dim=dim, token_dim=config.identity.token_dim)
        if config.intensity is not None:
            self.intensity_network = IntensityNetwork(config.intensity, dim=dim)

    def _patches(self, latents: Tensor) -> tuple[int, int, int]:
        sizes = tuple(latents.shape[2:])
        patch = self.config.backbone.patch
        if any(size % step for size, step in zip(sizes, patch, strict=True)):
            raise ValueError(f"latents of {sizes} do not divide into patches of {patch}")
        frames, height, width = (size // step for size, step in zip(sizes, patch, strict=True))
        return frames, height, width

    def _embed_time(self, timestep: Tensor, intensity: Tensor | None) -> tuple[Tensor, Tensor]:
        embedder = self.backbone.condition_embedder
        waves = sinusoid(timestep, self.config.backbone.frequency_dim)
        time = embedder.time_embedder(waves.to(embedder.time_embedder.linear_1.weight.dtype))
        if intensity is not None:
            time = time + intensity.to(time.dtype)
        active = nn.functional.silu(time).to(embedder.time_proj.weight.dtype)
        return time, embedder.time_proj(active).unflatten(1, (6, -1))

    def _attentions(self) -> list[Any]:
        return [block.attn2 for block in self.backbone.blocks]

    def _contexts(self, context: Context, share: Share | None = None) -> list[BlockContext]:
        identity = self.config.identity
        return [
            BlockContext(
                text=context.text[index],
                image=context.image[index],
                speech=None if context.speech is None else context.speech[index],
                identity=None if context.identity is None else context.identity[index],
                speech_scale=context.speech_scale,
                identity_scale=0.0 if identity is None else identity.scale,
                share=share,
            )
            for index in range(len(self.backbone.blocks))
        ]


def without_weights(config: FantasyTalkingConfig) -> FantasyTalking:
    """Return the network with its published parameters on the meta device, to be assigned.

    The branches that nobody published are as they begin.
    """
    with torch.device("meta"):
        network = FantasyTalking(replace(config, identity=None, intensity=None))
    network.config = config
    network._add_branches(config)
    rotary = type(network.backbone.rope)
    # Tables that are in no file; they are small, and loading assigns no buffers that are not saved.
    backbone = config.backbone
    network.backbone.rope = rotary(backbone.head_dim, backbone.patch, backbone.longest_axis)
    return network


def sinusoid(timestep: Tensor, width: int) -> Tensor:
    """Return cosines, then sines, [B, width] of timesteps [B], taken in double precision as published."""
    half = width // 2
    rates = (
        torch.arange(half, dtype=torch.float64, device=timestep.device) / half * -math.log(_LONGEST_PERIOD)
    )
    angles = timestep.double()[:, None] * rates.exp()
    return torch.cat((angles.cos(), angles.sin()), dim=1).float()


def _backbone(config: BackboneConfig) -> nn.Module:
    build: Callable[..., nn.Module] = WanTransformer3DModel
    return build(
        patch_size=config.patch,
        num_attention_heads=config.heads,
        attention_head_dim=config.head_dim,
        in_channels=config.in_channels,
        out_channels=config.latent_channels,
        text_dim=config.text_dim,
        freq_dim=config.frequency_dim,
        ffn_dim=config.ffn_dim,
        num_layers=config.layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        eps=config.eps,
        image_dim=config.image_dim,
        added_kv_proj_dim=config.dim,
        rope_max_seq_len=config.longest_axis,
    )

"""PersonaLive of any size with random weights, as it is and as its paper draws it, for benches of speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor, nn

from models.personalive.attention import Attention
from models.personalive.bundle import FramedPortrait, dump_portrait
from models.personalive.codec import Codec, KlCodec, TinyCodec
from models.personalive.config import PersonaLiveConfig
from models.personalive.front_end.front_end import FrontEnd
from models.personalive.front_end.pictures import to_numbers
from models.personalive.keyframes import Choice
from models.personalive.model import Finished, PersonaLive, PersonaLiveChunk, PersonaLiveState
from models.personalive.scheduler import DdimScheduler
from models.personalive.weights import Networks, networks
from models.personalive.window import Frames
from models.streaming.lanes import Pending, lane_on
from services.encoding.footage import to_jpeg
from services.generation.engine import Coming
from services.generation.personalive import PersonaLiveEngine
from services.kit.contracts import Cue
from tests.unit.models.personalive import plain
from tests.unit.models.personalive.drawing import Window

# Latents of the autoencoders of Stable Diffusion, from fine to coarse.
KL_WIDTHS = (128, 256, 512, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEmbedder:
    """Embeds every picture anywhere, in `width` numbers."""

    width: int

    def embed(self, pictures: Tensor) -> Tensor:
        return torch.randn(len(pictures), self.width, device=pictures.device)


def draw_networks(config: PersonaLiveConfig, device: torch.device, dtype: torch.dtype) -> Networks:
    """Return the networks, ready to infer; the extractor stays float32."""
    built = networks(config, device)
    for name, network in built.named().items():
        kept = torch.float32 if name == "motion_extractor" else dtype
        network.to(device, kept).eval().requires_grad_(requires_grad=False)
    return built


def draw_kl(widths: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> AutoencoderKL:
    """Return the autoencoder of Stable Diffusion, of any widths."""
    with device:
        autoencoder: AutoencoderKL = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * len(widths),
            up_block_types=("UpDecoderBlock2D",) * len(widths),
            block_out_channels=widths,
            layers_per_block=2,
            norm_num_groups=min(32, *widths),
        )
    nn.Module.to(autoencoder, device, dtype).eval().requires_grad_(requires_grad=False)
    return autoencoder


def draw_codecs(widths: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> dict[str, Codec]:
    """Return a codec of each kind by the name that the bars give it."""
    with device:
        small = AutoencoderTiny()
    small.to(device, dtype).eval().requires_grad_(requires_grad=False)
    return {"SD VAE": KlCodec(draw_kl(widths, device, dtype)), "tiny VAE": TinyCodec(small)}


def draw_pictures(config: PersonaLiveConfig, device: torch.device, *shape: int) -> Tensor:
    """Return pictures [..., H, W, 3] of noise."""
    return torch.randint(256, (*shape, config.picture, config.picture, 3), dtype=torch.uint8, device=device)


class Streamed:
    """Sessions of `rows` rows with `keyframes` keyframes each, as the engine steps them: one call is a step.

    The driver of the next step is looked at, and the pictures of the last one are decoded, on lanes.
    """

    def __init__(self, model: PersonaLive, rows: int, keyframes: int) -> None:
        config, device = model.config, model.device
        self._model, self._keyframes = model, keyframes
        self._active = torch.ones(rows, dtype=torch.bool, device=device)
        self._seeing, self._showing = lane_on(device), lane_on(device)
        unet = config.unet
        portraits = draw_pictures(config, device, rows)
        self._chunk = PersonaLiveChunk(
            pictures=draw_pictures(config, device, rows, unet.chunk_frames),
            has_face=torch.ones(rows, unet.chunk_frames, dtype=torch.bool, device=device),
            noise=torch.randn(
                rows, unet.frames, unet.latent_channels, config.latent, config.latent, device=device
            ),
            identity=model.prepare(portraits, RandomEmbedder(width=unet.image_width)),
        )
        self._state = self._with_keyframes(model.init_state(rows))
        self._last: Finished | None = None
        self._shown: Pending[Tensor] | None = None

    def __call__(self) -> None:
        seen = self._seeing.start(lambda: self._model.see(self._chunk))
        if self._last is not None:
            # As an engine does: whether there is a new keyframe is known when the last step is over.
            bool(self._last.choice.chosen.any())
        self._last, self._state = self._model.advance_alike(
            self._state, self._chunk, seen.wait(), self._active, self._keyframes
        )
        latents = self._last.latents
        if self._shown is not None:
            self._shown.fetch()
        self._shown = self._showing.follow(lambda: self._model.decode(latents))

    def denoised(self) -> Tensor:
        """Return the noise that is told in a window of ones, in float32."""
        model, identity = self._model, self._chunk.identity
        window = Frames(
            *(
                torch.ones_like(part[:, :1]).repeat_interleave(model.config.unet.frames, 1)
                for part in self._state.waiting
            )
        )
        past = self._state.keyframes.first(self._keyframes)
        return model.passes.denoise(window, identity.constants, identity.memory, past, None).float()

    def _with_keyframes(self, state: PersonaLiveState) -> PersonaLiveState:
        latents = self._chunk.identity.latents[:, None]
        chosen = Finished(latents, Choice(self._active, self._active, latents[:, 0, 0, 0, 0]))
        for _ in range(self._keyframes):
            state = self._model.remember(state, self._chunk.identity, chosen)
        return state


class Served:
    """Sessions as they are served, of an engine that computes up to `rows` together: one call steps all.

    They begin with JPEG and end with pictures on the CPU, which are asked for a step later.
    """

    def __init__(self, model: PersonaLive, rows: int, sessions: int) -> None:
        config = model.config
        self._engine = PersonaLiveEngine(model, RandomEmbedder(width=config.unet.image_width), rows)
        pixels = draw_pictures(config, torch.device("cpu"), config.unet.chunk_frames).numpy()
        bundle = dump_portrait(FramedPortrait(pixels=pixels[0], size=config.picture))
        role = self._engine.read_identity(bundle)
        self._state = self._engine.join([role.seat(self._engine.init_state(1)) for _ in range(sessions)])
        cue = Cue(
            sequence=self._engine.lag,
            num_frames=config.unet.chunk_frames,
            pictures=tuple(to_jpeg(picture) for picture in pixels),
        )
        self._cues = [cue] * sessions
        self._noise = np.random.default_rng(0).standard_normal(
            (sessions, *self._engine.noise_shape), np.float32
        )
        self._coming: list[Coming | None] = []

    def __call__(self) -> None:
        coming, self._state = self._engine.step(self._state, self._cues, self._noise)
        for answer in self._coming:
            assert answer is not None, "every cue says that frames leave"
            answer.fetch()
        self._coming = coming


class Plain:
    """The same step as the paper draws it: nothing kept from step to step but the banks, row by row, in turn.

    Attention is torch's own, as in the published implementation.
    """

    def __init__(
        self, config: PersonaLiveConfig, built: Networks, codec: Codec, rows: int, keyframes: int
    ) -> None:
        self._config, self._unet, self._codec = config, built.denoising_unet, codec
        self._front_end = FrontEnd(
            config.front_end, built.motion_encoder, built.motion_extractor, built.pose_guider
        )
        like = built.denoising_unet.conv_out.weight
        self._scheduler = DdimScheduler(config.schedule).to(like.device)
        self._pictures = draw_pictures(config, like.device, rows * config.unet.chunk_frames)
        points = config.front_end.extractor.keypoints
        self._poses = torch.rand(rows * config.unet.frames, points, 3, device=like.device) - 0.5
        self._window = draw_window(config, like, rows, 1 + keyframes)

    def __call__(self) -> None:
        self._front_end.see(to_numbers(self._pictures))
        guided = self._front_end.guide(self._poses, self._config.picture)
        rows, frames = self._window.latents.shape[:2]
        window = self._window._replace(pose=guided.view(rows, frames, *guided.shape[1:]))
        noise = plain.denoise(self._unet, window, _whole)
        lower = self._scheduler.step(window.latents, noise, window.timesteps).lower
        self._codec.decode(lower[:, : self._config.unet.chunk_frames].flatten(0, 1))


def _whole(attention: Attention, tokens: Tensor, context: Tensor) -> Tensor:
    attended: Tensor = attention(tokens, attention.project(context))
    return attended


def draw_window(config: PersonaLiveConfig, like: Tensor, rows: int, pictures: int) -> Window:
    """Return a window of noise, where and as `like` is, whose rows look at so many pictures each."""
    unet, side = config.unet, config.latent

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, device=like.device, dtype=like.dtype)

    frames = (rows, unet.frames)
    levels = torch.tensor(config.schedule.levels, device=like.device)
    return Window(
        latents=draw(*frames, unet.latent_channels, side, side),
        pose=draw(*frames, unet.channels[0], side, side),
        timesteps=levels.repeat_interleave(unet.chunk_frames),
        embedding=draw(rows, unet.image_width),
        motion=draw(*frames, unet.motion_tokens, unet.motion_width),
        banks=tuple(
            tuple(draw(rows, (side >> at.level) ** 2, unet.channels[at.level]) for at in unet.banks())
            for _ in range(pictures)
        ),
    )

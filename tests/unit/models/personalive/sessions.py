"""Sessions of a small PersonaLive, drawn from a seed, and the same sessions computed frame by frame.

The slow, obvious twin keeps every frame, motion and bank of a session in lists, and cuts windows out of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from models.personalive.config import PersonaLiveConfig, tiny
from models.personalive.front_end.keypoints import Placement, place
from models.personalive.front_end.motion_extractor import HeadMotion
from models.personalive.front_end.pictures import to_numbers
from models.personalive.identity import Identity
from models.personalive.keyframes import KeyframeConfig
from models.personalive.model import PersonaLive, PersonaLiveChunk
from models.personalive.reference_unet import Bank
from models.personalive.weights import networks
from tests.unit.models.personalive.drawing import Window, drawn
from tests.unit.models.personalive.plain import denoise, reference_bank

CHUNK_FRAMES = 4
LEAD_FRAMES = 12
# Of the slots that are drawn, the last one's driver turns up late, and that of the first is lost for a while.
LOST = {0: (9, 10), -1: (0, 1, 2, 3, 4, 5)}


class PatchCodec(nn.Module):
    """A codec of one convolution each way."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 8, stride=8)
        self.decoder = nn.ConvTranspose2d(4, 3, 8, stride=8)

    def encode(self, pictures: Tensor) -> Tensor:
        latents: Tensor = self.encoder(pictures)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        pictures: Tensor = self.decoder(latents)
        return pictures


class MeanEmbedder(nn.Module):
    """An embedding that is drawn, and turned by the mean colour."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(3, width)

    def embed(self, pictures: Tensor) -> Tensor:
        embedding: Tensor = self.project(pictures.mean(dim=(2, 3)))
        return embedding


def config() -> PersonaLiveConfig:
    """Return a configuration of one resolution in which a few steps bring all keyframes."""
    return replace(
        tiny(),
        picture=32,
        unet=replace(tiny().unet, channels=(16,), attends=(True,)),
        keyframes=KeyframeConfig(threshold=0.5, first_call=1, limit=2, remembered=2),
    )


def build(given: PersonaLiveConfig | None = None) -> PersonaLive:
    """Return a model in which everything has an effect."""
    given = given or config()
    built = networks(given, torch.device("cpu"))
    for network in built.named().values():
        drawn(network)
    extractor = built.motion_extractor
    extractor.idx_tensor.copy_(torch.arange(given.front_end.extractor.bins))
    extractor.detector.fc_scale.bias.fill_(0.5)
    # As small as trained noise: what is shown would saturate otherwise.
    built.denoising_unet.conv_out.weight.mul_(1 / 64)
    for module in built.motion_encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer("running_var").fill_(1.0)
    codec = drawn(PatchCodec())
    # Latents of an untrained denoiser are far from unit size.
    codec.decoder.weight.mul_(1 / 64)
    return PersonaLive(given, built, codec).eval()


def portraits(model: PersonaLive, slots: int) -> Tensor:
    """Return a portrait of noise for every slot, always the same ones."""
    return _noise_pictures(torch.Generator().manual_seed(5), slots, model.config.picture)


def embedder(model: PersonaLive) -> MeanEmbedder:
    """Return what embeds portraits, always the same one."""
    return drawn(MeanEmbedder(model.config.unet.image_width))


def draw_chunk(model: PersonaLive, slots: int, seed: int) -> PersonaLiveChunk:
    """Draw a chunk for every slot, its drivers seen."""
    generator = torch.Generator().manual_seed(seed)
    unet, side = model.config.unet, model.config.latent
    pictures = _noise_pictures(generator, slots * CHUNK_FRAMES, model.config.picture)
    return PersonaLiveChunk(
        pictures=pictures.view(slots, CHUNK_FRAMES, *pictures.shape[1:]),
        has_face=torch.ones(slots, CHUNK_FRAMES, dtype=torch.bool),
        noise=torch.randn(slots, unet.frames, unet.latent_channels, side, side, generator=generator),
        identity=model.prepare(portraits(model, slots), embedder(model)),
    )


def with_losses(chunks: Sequence[PersonaLiveChunk]) -> list[PersonaLiveChunk]:
    """Let drivers be out of sight in the frames `LOST` of their sessions."""
    given = list(chunks)
    for slot, frames in LOST.items():
        for frame in frames:
            index, place_in_chunk = divmod(frame, CHUNK_FRAMES)
            seen = given[index].has_face.clone()
            seen[slot, place_in_chunk] = False
            given[index] = given[index]._replace(has_face=seen)
    return given


def whole(model: PersonaLive, chunks: Sequence[PersonaLiveChunk]) -> Tensor:
    """Return the frames [S, n, 3, H, W] of all sessions, one session after the other."""
    slots = len(chunks[0].pictures)
    embeddings = embedder(model).embed(to_numbers(portraits(model, slots)))
    sessions = [
        Session(model=model, row=row, identity=chunks[0].identity, embedding=embeddings[row])
        for row in range(slots)
    ]
    return torch.stack([session.run(chunks) for session in sessions])


@dataclass(slots=True, kw_only=True)
class Session:
    """A session of its own: everything that it ever had, in lists."""

    model: PersonaLive
    row: int
    identity: Identity
    embedding: Tensor
    latents: list[Tensor] = field(default_factory=list)
    poses: list[Tensor] = field(default_factory=list)
    motions: list[Tensor] = field(default_factory=list)
    new_motions: list[Tensor] = field(default_factory=list)
    banks: list[Bank] = field(default_factory=list)
    start: Tensor | None = None

    def run(self, chunks: Sequence[PersonaLiveChunk]) -> Tensor:
        """Return the frames [n, 3, H, W]."""
        self._begin(chunks[0])
        return torch.cat([self._step(call, chunk) for call, chunk in enumerate(chunks)])

    def _begin(self, chunk: PersonaLiveChunk) -> None:
        self.banks = [self._bank(self.identity.latents[self.row])]
        for frame in range(LEAD_FRAMES):
            self.latents.append(self._noised(chunk.noise[self.row, frame], frame // CHUNK_FRAMES))
            self.poses.append(self._placed(_placement(self._head)))
            self.motions.append(self.identity.portrait.motion[self.row])

    def _step(self, call: int, chunk: PersonaLiveChunk) -> Tensor:
        oldest = call * CHUNK_FRAMES
        for frame in range(CHUNK_FRAMES):
            noise = chunk.noise[self.row, LEAD_FRAMES + frame]
            self.latents.append(self._noised(noise, LEAD_FRAMES // CHUNK_FRAMES))
        self._follow(oldest, chunk)
        new = self._is_new(call, self.motions[oldest])
        self._denoise(oldest)
        if new and len(self.banks) <= self.model.config.keyframes.limit:
            self.banks.append(self._bank(self.latents[oldest]))
        return self.model.decode(torch.stack(self.latents[oldest : oldest + CHUNK_FRAMES])[None])[0]

    def _follow(self, oldest: int, chunk: PersonaLiveChunk) -> None:
        """Add the pose and the motion of every frame; lead to the first that is seen."""
        for frame in range(CHUNK_FRAMES):
            sight = self.model.front_end.see(to_numbers(chunk.pictures[self.row, frame : frame + 1]))
            if not (chunk.has_face[self.row, frame] and sight.visible):
                self.poses.append(self.poses[-1])
                self.motions.append(self.motions[-1])
                continue
            head, begins = HeadMotion(*(part[0] for part in sight.head)), self.start is None
            start = head.translation if self.start is None else self.start
            way = self.model.config.front_end.follow * (head.translation - start)
            placement = Placement(head.degrees, self._head.translation + way, self._head.scale)
            if begins:
                self._lead(oldest, frame, placement, sight.motion[0])
            self.start = start
            self.poses.append(self._placed(placement))
            self.motions.append(sight.motion[0])

    def _lead(self, oldest: int, unseen: int, there: Placement, motion: Tensor) -> None:
        """Rewrite what waits, and the frames of the chunk in which nobody was seen yet."""
        here, portrait_motion = _placement(self._head), self.identity.portrait.motion[self.row]
        for step in range(LEAD_FRAMES + unseen):
            share = min(step / LEAD_FRAMES, 1)
            placement = Placement(*(torch.lerp(a, b, share) for a, b in zip(here, there, strict=True)))
            self.poses[oldest + step] = self._placed(placement)
            self.motions[oldest + step] = torch.lerp(portrait_motion, motion, share)

    def _denoise(self, oldest: int) -> None:
        schedule, frames = self.model.config.schedule, LEAD_FRAMES + CHUNK_FRAMES
        here = slice(oldest, oldest + frames)
        levels = [schedule.levels[frame // CHUNK_FRAMES] for frame in range(frames)]
        window = Window(
            latents=torch.stack(self.latents[here])[None],
            pose=self.model.front_end.guide(torch.stack(self.poses[here]), self.model.config.picture)[None],
            timesteps=torch.tensor(levels),
            embedding=self.embedding[None],
            motion=torch.stack(self.motions[here])[None],
            banks=tuple(self.banks),
        )
        for frame, noise in enumerate(denoise(self.model.denoiser, window)[0]):
            signal = self._signal(levels[frame])
            below = self._signal(levels[frame] - schedule.stride) if levels[frame] else 1.0
            clean = (self.latents[oldest + frame] - math.sqrt(1 - signal) * noise) / math.sqrt(signal)
            self.latents[oldest + frame] = math.sqrt(below) * clean + math.sqrt(1 - below) * noise

    def _is_new(self, call: int, motion: Tensor) -> bool:
        """Judge a motion by all that ever were new, however many."""
        known = [self.identity.portrait.motion[self.row], *self.new_motions]
        nearest = min(float((motion - each).norm()) for each in known)
        rule = self.model.config.keyframes
        new = nearest > rule.threshold and call >= rule.first_call
        self.new_motions += [motion] if new else []
        return new

    @property
    def _head(self) -> HeadMotion:
        return HeadMotion(*(part[self.row] for part in self.identity.portrait.head))

    def _placed(self, placement: Placement) -> Tensor:
        return place(self._head.canonical, placement)

    def _noised(self, noise: Tensor, level: int) -> Tensor:
        signal = self._signal(self.model.config.schedule.levels[level])
        return math.sqrt(signal) * self.identity.latents[self.row] + math.sqrt(1 - signal) * noise

    def _signal(self, timestep: int) -> float:
        return float(self.model.scheduler.alpha_bars[timestep])

    def _bank(self, latents: Tensor) -> Bank:
        return reference_bank(self.model.reference, latents[None], self.embedding[None])


def _placement(head: HeadMotion) -> Placement:
    return Placement(head.degrees, head.translation, head.scale)


def _noise_pictures(generator: torch.Generator, count: int, size: int) -> Tensor:
    return torch.randint(256, (count, size, size, 3), generator=generator, dtype=torch.uint8)

"""PersonaLive as a streaming model: drivers' pictures go in, four at a time, their portraits' come out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.personalive.attention import KeyValues
from models.personalive.codec import Codec, Embedder
from models.personalive.config import PersonaLiveConfig
from models.personalive.denoising_unet import Conditions, Memory, Portraits, together
from models.personalive.front_end.following import Driven, Driver, Portrait, at_rest, follow_driver, unseen
from models.personalive.front_end.front_end import FrontEnd, Sight
from models.personalive.front_end.motion_extractor import HeadMotion
from models.personalive.front_end.pictures import shrink_smoothly, to_numbers
from models.personalive.identity import Identity
from models.personalive.keyframes import Choice, SeenMotions, choose, see_nothing
from models.personalive.passes import Passes, Shifts
from models.personalive.references import References, extend
from models.personalive.rows import merged, where_rows
from models.personalive.scheduler import DdimScheduler
from models.personalive.weights import Networks
from models.personalive.window import Frames, append, level_timesteps, noised, take

# Shapes: S slots, F frames of a chunk, n frames of a window, H = W rows and columns, h = H / 8 of latents.


class PersonaLiveChunk(NamedTuple):
    """Four frames of every driver: uint8 RGB `pictures` [S, F, H, W, 3], and which show a face [S, F].

    `noise` [S, n, 4, h, h] is standard normal; the first step of a session takes all of it, later ones
    that of the last F frames. `identity` is the same in every step of a session.
    """

    pictures: Tensor
    has_face: Tensor
    noise: Tensor
    identity: Identity


class PersonaLiveState(NamedTuple):
    """The frames in work, what is known of the drivers, and the keyframes, of every slot."""

    waiting: Frames
    driver: Driver
    seen: SeenMotions
    keyframes: References


class Seen(NamedTuple):
    """Heads and motion [S, F, ...] of the drivers in a chunk, and the frames [S, F] that show a face."""

    sight: Portrait
    visible: Tensor


class Past(NamedTuple):
    """The keyframes [S, K, ...] that rows look at, and which of portrait and keyframes count [S, 1 + K]."""

    memory: Memory
    present: Tensor | None


class Finished(NamedTuple):
    """Latents [S, F, 4, h, h] of the frames that are done, and `choice`: whose oldest one is a keyframe."""

    latents: Tensor
    choice: Choice


class PersonaLive(nn.Module):
    """A `StreamingModel[PersonaLiveState, PersonaLiveChunk, Tensor]`: frames [slots, 4, 3, H, W] in 0..1.

    Follows PersonaLive (arXiv 2512.11253). A frame that a step is given leaves three steps later; before,
    the portrait is led to the driver's first frame. The networks must hold their weights already.
    """

    timesteps: Tensor

    def __init__(self, config: PersonaLiveConfig, networks: Networks, codec: Codec) -> None:
        super().__init__()
        self.config = config
        self.front_end = FrontEnd(
            config.front_end, networks.motion_encoder, networks.motion_extractor, networks.pose_guider
        )
        self.denoiser = networks.denoising_unet
        self.reference = networks.reference_unet
        self.codec = codec
        self.scheduler = DdimScheduler(config.schedule)
        timesteps = level_timesteps(config.schedule.levels, config.unet.chunk_frames, torch.device("cpu"))
        self.register_buffer("timesteps", timesteps, persistent=False)
        with torch.no_grad():
            self.shifts = Shifts(self.denoiser.shifts(timesteps.to(self.device)))
            self.reference_shifts = Shifts(self.reference.shifts())
        self.passes = Passes(self.denoise, codec.decode)

    @property
    def device(self) -> torch.device:
        return self.denoiser.conv_out.weight.device

    @property
    def lead(self) -> int:
        """Frames of a window before the newest chunk."""
        return self.config.unet.frames - self.config.unet.chunk_frames

    def prepare(self, pictures: Tensor, embedder: Embedder) -> Identity:
        """Prepare portraits: uint8 RGB `pictures` [S, H, H, 3] at the size of the configuration.

        Raises ValueError for another size.
        """
        if pictures.shape[1:] != (self.config.picture, self.config.picture, 3):
            found = list(pictures.shape[1:])
            raise ValueError(f"a portrait of {found}, expected {[self.config.picture] * 2 + [3]}")
        numbers = to_numbers(pictures)
        small = shrink_smoothly(pictures, self.config.front_end.extractor.picture)
        sight = self.front_end.see_both(numbers, small)
        return self.identify(sight, self.codec.encode(numbers), embedder.embed(numbers))

    def identify(self, sight: Sight, latents: Tensor, embedding: Tensor) -> Identity:
        """Prepare portraits of which all is known that others have to tell.

        `sight` is what is seen in their pictures, `latents` are [S, 4, h, h], `embedding` [S, image width].
        """
        embedding = embedding.to(self.denoiser.conv_out.weight)
        constants = self.reference.portraits(embedding)
        return Identity(
            latents=latents.float(),
            portrait=Portrait(sight.head, sight.motion),
            memory=self._memorise(latents, constants),
            constants=self.denoiser.portraits(embedding),
            reference_constants=constants,
        )

    def init_state(self, slots: int) -> PersonaLiveState:
        """Return the state of `slots` fresh sessions."""
        unet, keypoints = self.config.unet, self.config.front_end.extractor.keypoints
        side, device = self.config.latent, self.device
        waiting = Frames(
            torch.zeros(slots, self.lead, unet.latent_channels, side, side, device=device),
            torch.zeros(slots, self.lead, keypoints, 3, device=device),
            torch.zeros(slots, self.lead, unet.motion_tokens, unet.motion_width, device=device),
        )
        width = unet.motion_tokens * unet.motion_width
        seen = see_nothing(self.config.keyframes, slots, width, device)
        return PersonaLiveState(waiting, unseen(slots, device), seen, self._no_keyframes(slots))

    def reset(self, state: PersonaLiveState, rows: Tensor) -> PersonaLiveState:
        """Make the marked rows fresh; `rows` is boolean [slots]."""
        fresh = self.init_state(len(rows))
        memory = tuple(
            merged(rows, new, old)
            for new, old in zip(fresh.keyframes.memory, state.keyframes.memory, strict=True)
        )
        filled = where_rows(rows, fresh.keyframes.filled, state.keyframes.filled)
        return PersonaLiveState(
            merged(rows, fresh.waiting, state.waiting),
            merged(rows, fresh.driver, state.driver),
            merged(rows, fresh.seen, state.seen),
            References(memory, filled),
        )

    def step(
        self, state: PersonaLiveState, chunk: PersonaLiveChunk, active: Tensor
    ) -> tuple[Tensor, PersonaLiveState]:
        """Take a chunk in, and give the chunk that is done.

        The same as `advance`, `decode` and `remember`, one after the other. Who can afford to look at what
        `advance` chose saves the last of them, in nearly every step.
        """
        done, following = self.advance(state, chunk, active, self.config.keyframes.limit)
        return self.decode(done.latents), self.remember(following, chunk.identity, done)

    def see(self, chunk: PersonaLiveChunk) -> Seen:
        """Look at the drivers; of the step's work, what needs no state."""
        rows = chunk.pictures.shape[0]
        sight = self.front_end.see(to_numbers(chunk.pictures.flatten(0, 1)))
        head = HeadMotion(*(_by_rows(part, rows) for part in sight.head))
        visible = _by_rows(sight.visible, rows) & chunk.has_face
        return Seen(Portrait(head, _by_rows(sight.motion, rows)), visible)

    def advance(
        self, state: PersonaLiveState, chunk: PersonaLiveChunk, active: Tensor, keyframes: int
    ) -> tuple[Finished, PersonaLiveState]:
        """Denoise the window once; rows look at their first `keyframes` keyframes, no others count."""
        present = nn.functional.pad(state.keyframes.present(keyframes), (1, 0), value=True)
        past = Past(state.keyframes.first(keyframes), present if keyframes else None)
        return self._advance(state, chunk, self.see(chunk), active, past)

    def advance_alike(
        self, state: PersonaLiveState, chunk: PersonaLiveChunk, seen: Seen, active: Tensor, keyframes: int
    ) -> tuple[Finished, PersonaLiveState]:
        """Do so with what was `seen` of the chunk; rows have `keyframes` keyframes each, nothing is void."""
        return self._advance(state, chunk, seen, active, Past(state.keyframes.first(keyframes), None))

    def _advance(
        self, state: PersonaLiveState, chunk: PersonaLiveChunk, seen: Seen, active: Tensor, past: Past
    ) -> tuple[Finished, PersonaLiveState]:
        identity, frames = chunk.identity, self.config.unet.chunk_frames
        window, driver = self._enter(state, chunk, seen)
        noise = self.passes.denoise(window, identity.constants, identity.memory, past.memory, past.present)
        lower = self.scheduler.step(window.latents, noise, self.timesteps).lower
        motion, portrait = window.motions[:, 0].flatten(1), identity.portrait.motion.flatten(1)
        choice, known = choose(self.config.keyframes, state.seen, motion, portrait)
        leaving, waiting = take(window._replace(latents=lower), frames)
        following = PersonaLiveState(
            merged(active, waiting, state.waiting),
            merged(active, driver, state.driver),
            merged(active, known, state.seen),
            state.keyframes,
        )
        chosen = choice.chosen & active
        return Finished(leaving.latents, choice._replace(chosen=chosen)), following

    def remember(self, state: PersonaLiveState, identity: Identity, done: Finished) -> PersonaLiveState:
        """Let the oldest frame of the rows that chose it be looked at from the next step on."""
        picture = self._memorise(done.latents[:, 0], identity.reference_constants)
        return state._replace(keyframes=extend(state.keyframes, picture, done.choice.chosen))

    def denoise(
        self, window: Frames, constants: Portraits, portrait: Memory, past: Memory, present: Tensor | None
    ) -> Tensor:
        """Return the noise [S, n, 4, h, h] in a window; `past` and `present` are as in `Past`."""
        rows, like = window.latents.shape[0], self.denoiser.conv_out.weight
        conditions = Conditions(
            shifts=tuple(self.shifts),
            portraits=constants,
            memory=together(portrait, past) if past[0].keys.shape[1] else portrait,
            present=present,
            motion=window.motions.to(like),
        )
        pose = self.front_end.guide(window.poses.flatten(0, 1), self.config.picture)
        noise: Tensor = self.denoiser(window.latents.to(like), _by_rows(pose, rows).to(like), conditions)
        return noise

    def decode(self, latents: Tensor) -> Tensor:
        """Return frames [S, F, 3, H, W] in 0..1 of latents [S, F, 4, h, h]."""
        pictures = self.passes.decode(latents.flatten(0, 1))
        framed: Tensor = rearrange(pictures, "(s f) c h w -> s f c h w", s=latents.shape[0])
        return (framed / 2 + 0.5).clamp(0, 1)

    def _enter(self, state: PersonaLiveState, chunk: PersonaLiveChunk, seen: Seen) -> tuple[Frames, Driver]:
        """Return the window with the chunk at its end, and what is known of the drivers by then."""
        identity, frames = chunk.identity, self.config.unet.chunk_frames
        waiting = self._opened(state, chunk)
        followed = follow_driver(
            identity.portrait,
            state.driver,
            seen.sight,
            seen.visible,
            Driven(waiting.poses[:, -1:], waiting.motions[:, -1:]),
            lead=self.lead,
            share=self.config.front_end.follow,
        )
        led = Frames(waiting.latents, followed.approach.keypoints, followed.approach.motion)
        newest = noised(self.scheduler, identity.latents, chunk.noise[:, -frames:], self.timesteps[-frames:])
        window = append(
            merged(followed.begins, led, waiting),
            Frames(newest, followed.chunk.keypoints, followed.chunk.motion),
        )
        return window, followed.driver

    def _opened(self, state: PersonaLiveState, chunk: PersonaLiveChunk) -> Frames:
        """Return what waits; in a fresh row that is the portrait, under noise, at rest."""
        identity = chunk.identity
        latents = noised(
            self.scheduler, identity.latents, chunk.noise[:, : self.lead], self.timesteps[: self.lead]
        )
        rest = at_rest(identity.portrait, self.lead)
        return merged(state.seen.calls == 0, Frames(latents, rest.keypoints, rest.motion), state.waiting)

    def _memorise(self, latents: Tensor, constants: tuple[Tensor, ...]) -> Memory:
        """Return what the denoising UNet may look at of pictures, given as latents [S, 4, h, h]."""
        latents = latents.to(self.reference.trunk.conv_in.weight)
        return self.denoiser.remember(self.reference(latents, tuple(self.reference_shifts), constants))

    def _no_keyframes(self, slots: int) -> References:
        unet, like = self.config.unet, self.denoiser.conv_out.weight
        memory = []
        for place in unet.banks():
            tokens = (self.config.latent >> place.level) ** 2
            shape = (slots, self.config.keyframes.limit, tokens, unet.channels[place.level])
            memory.append(KeyValues(like.new_zeros(shape), like.new_zeros(shape)))
        filled = torch.zeros(slots, dtype=torch.int64, device=like.device)
        return References(tuple(memory), filled)


def _by_rows(values: Tensor, rows: int) -> Tensor:
    """Return [S, F, ...] of [S * F, ...]."""
    return values.view(rows, -1, *values.shape[1:])

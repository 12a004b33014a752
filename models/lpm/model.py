"""The streaming LPM: windows of sound, direction and noise in, motion chunks out; sessions are rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.lpm.conditions import Conditions, Inputs, Memory
from models.lpm.config import LpmConfig, SamplerConfig
from models.lpm.mixers import Past
from models.lpm.network import LpmNetwork, Pace
from models.motion import BLENDSHAPES, CHUNK_FRAMES, MOTION_NAMES, NUM_BLENDSHAPES, NUM_MOTION
from models.nn.cache import KVCache, append_chunk, init_cache, reset_cache

MOUTH_PREFIXES = ("jaw", "mouth", "tongue", "cheekPuff")
MAX_ROTATION = 0.6
# Aside, up and down, and towards the viewer or away: who leans in comes closer by more than an eye's width.
MAX_TRANSLATION = (0.5, 0.5, 1.5)


class LpmChunk(NamedTuple):
    """What one step consumes.

    `speak` [slots, LpmConfig.window_mels, channels] and `listen` [slots, LpmConfig.listen_mels, channels]
    are the log-mel windows of the chunk (see `models.lpm.windows`); `speaks` and `listens`, boolean
    [slots], tell whether there is such a stream: without one its window is not looked at. `concepts` int64
    and `strengths` [slots, 8] are the direction (see `models.lpm.direction`). `noise` [slots, 5, 58] is
    standard normal, the only source of chance.

    Where no slot has a stream, an empty window [slots, 0, channels] gives the same motion, to the last bit,
    in less time; so do no concepts and strengths, [slots, 0], where no slot is directed.
    """

    speak: Tensor
    speaks: Tensor
    listen: Tensor
    listens: Tensor
    concepts: Tensor
    strengths: Tensor
    noise: Tensor


class LpmState(NamedTuple):
    """The bounded past of every slot."""

    cache: KVCache


class Reading(NamedTuple):
    """What the estimates of one chunk read.

    `untold` is the same as `told` but for the direction, or None where that makes no difference; `asks`,
    boolean [slots, 1], tells who is directed.
    """

    told: list[Memory]
    untold: list[Memory] | None
    asks: Tensor


class Lpm(nn.Module):
    """A `StreamingModel[LpmState, LpmChunk, Tensor]`: each step gives motion [slots, 5, 58]."""

    mean: Tensor
    std: Tensor
    lowest: Tensor
    highest: Tensor
    temperature: Tensor
    mouth: Tensor
    homing: Tensor

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        self.config = config
        self.network = LpmNetwork(config)
        self.register_buffer("mean", torch.zeros(NUM_MOTION))
        self.register_buffer("std", torch.ones(NUM_MOTION))
        lowest, highest = valid_range()
        self.register_buffer("lowest", lowest, persistent=False)
        self.register_buffer("highest", highest, persistent=False)
        self.register_buffer("temperature", noise_temperature(config.sampler), persistent=False)
        self.register_buffer("mouth", mouth_columns(), persistent=False)
        self.register_buffer("homing", homing_ramp(config.sampler), persistent=False)

    def init_state(self, slots: int) -> LpmState:
        """Return the state of `slots` fresh sessions."""
        config = self.config
        width = config.dim // config.heads
        cache = init_cache(
            config.cache, slots=slots, layers=config.layers, heads=config.heads, like=self.mean, width=width
        )
        return LpmState(cache)

    def reset(self, state: LpmState, rows: Tensor) -> LpmState:
        """Make the marked rows fresh; `rows` is boolean [slots]."""
        return LpmState(reset_cache(state.cache, rows))

    def step(self, state: LpmState, chunk: LpmChunk, active: Tensor) -> tuple[Tensor, LpmState]:
        """Sample one chunk of motion [slots, 5, 58], clamped to what a face can do.

        Euler steps along the straight path of flow matching (Lipman et al., 2023), with the network
        estimating the clean end of the path; then one pass over the result writes the cache.
        """
        read = self.read if chunk.concepts.shape[1] else self.read_undirected
        reading = read(self.network.encode(inputs_of(chunk)))
        past = self.network.recall(state.cache)
        *paces, clean_pace = self.network.paces((*self.config.sampler.levels, 0.0))
        sampled = self._descend(chunk.noise * self.temperature, paces, reading, past)[-1]
        motion = self.denormalise(sampled) * self.homing
        written = self.network.write(self.normalise(motion), clean_pace, reading.told, past)
        cache = append_chunk(self.config.cache, state.cache, *written, active)
        return motion, LpmState(cache)

    def read(self, conditions: Conditions) -> Reading:
        """Read the conditions of one chunk once, for all its estimates."""
        reading = self.read_undirected(conditions)
        if not self.config.sampler.is_guided:
            return reading
        return reading._replace(untold=self.network.forget_direction(reading.told, conditions.direction))

    def read_undirected(self, conditions: Conditions) -> Reading:
        """Do the same where nobody is directed: there is nothing to be led away from."""
        told = self.network.remember(conditions, CHUNK_FRAMES)
        return Reading(told, None, conditions.direction.asks)

    def sample(self, noise: Tensor, reading: Reading, past: Past) -> list[Tensor]:
        """Return the path of a chunk, standardised: a point at each level, then the clean end.

        The mouth is settled after the first few estimates; the others among them are guided.
        """
        return self._descend(noise, self.network.paces(self.config.sampler.levels), reading, past)

    def _descend(self, noise: Tensor, paces: list[Pace], reading: Reading, past: Past) -> list[Tensor]:
        sampler, points = self.config.sampler, [noise]
        clean = noise
        for index, (level, pace) in enumerate(zip(sampler.levels, paces, strict=True)):
            noisy = points[-1]
            estimate = self._estimate(index, noisy, pace, reading, past)
            settled = self.mouth & (index >= sampler.mouth_levels)
            clean = torch.where(settled, clean, estimate)
            points.append(clean + (sampler.after(index) / level) * (noisy - clean))
        return points

    def _estimate(self, index: int, noisy: Tensor, pace: Pace, reading: Reading, past: Past) -> Tensor:
        """Return estimate number `index`; where something is asked for, led away from what one does unasked.

        The estimates stay apart, so that a row's is the same whether its neighbours are directed or not.
        """
        sampler = self.config.sampler
        told = self.network.estimate(noisy, pace, reading.told, past).clean
        if reading.untold is None or index >= sampler.guided_levels:
            return told
        untold = self.network.estimate(noisy, pace, reading.untold, past).clean
        led = (sampler.direction_guidance - 1) * (told - untold)
        led = led.clamp(-sampler.guidance_bound, sampler.guidance_bound)
        return told + led * (reading.asks[..., None] & ~self.mouth)

    def normalise(self, motion: Tensor) -> Tensor:
        """Standardise motion [..., 58]."""
        return (motion - self.mean) / self.std

    def restore(self, standard: Tensor) -> Tensor:
        """Undo `normalise`."""
        return standard * self.std + self.mean

    def denormalise(self, standard: Tensor) -> Tensor:
        """Undo `normalise`, and clamp to the valid range."""
        return torch.clamp(self.restore(standard), self.lowest, self.highest)


def inputs_of(chunk: LpmChunk) -> Inputs:
    """Return the conditions of one chunk."""
    return Inputs(
        speak=chunk.speak,
        speak_presence=chunk.speaks.long()[:, None],
        listen=chunk.listen,
        listen_presence=chunk.listens.long()[:, None],
        concepts=chunk.concepts[:, None],
        strengths=chunk.strengths[:, None],
        known=torch.ones_like(chunk.speaks)[:, None],
    )


def valid_range() -> tuple[Tensor, Tensor]:
    """Return the least and the greatest value of each of the 58 numbers."""
    pose = torch.tensor((*[MAX_ROTATION] * 3, *MAX_TRANSLATION))
    lowest = torch.cat((torch.zeros(NUM_BLENDSHAPES), -pose))
    return lowest, torch.cat((torch.ones(len(BLENDSHAPES)), pose))


def mouth_columns() -> Tensor:
    """Return which of the 58 numbers belong to the mouth, boolean [58]."""
    return torch.tensor([name.startswith(MOUTH_PREFIXES) for name in MOTION_NAMES])


def noise_temperature(sampler: SamplerConfig) -> Tensor:
    """Return the noise scale [58]."""
    return torch.where(mouth_columns(), sampler.mouth_temperature, sampler.life_temperature)


def homing_ramp(sampler: SamplerConfig) -> Tensor:
    """Return the factors [5, 58] that bring the head a little back to rest in the course of a chunk."""
    ramp = torch.ones(CHUNK_FRAMES, NUM_MOTION)
    ramp[:, NUM_BLENDSHAPES:] -= sampler.homing * torch.arange(1, CHUNK_FRAMES + 1)[:, None] / CHUNK_FRAMES
    return ramp


def draw_noise(slots: int, generator: torch.Generator) -> Tensor:
    """Return the noise of one chunk [slots, 5, 58]."""
    return torch.randn(slots, CHUNK_FRAMES, NUM_MOTION, generator=generator)

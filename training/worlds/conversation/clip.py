"""One training example: a character alone or in company, its two streams, its direction and its motion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from models.lpm.direction import CONCEPT_IDS, MAX_ITEMS, encode_items
from models.motion import CHUNK_FRAMES, INDEX
from training.worlds.conversation.capture import CaptureConfig
from training.worlds.conversation.dialogue import DialogueConfig
from training.worlds.conversation.scenes import Take, play_company, play_monologue
from training.worlds.direction import Directed, act, draw_plan
from training.worlds.speech.clip import ClipConfig
from training.worlds.speech.life import Phrase
from training.worlds.speech.phones import Phone
from training.worlds.speech.voices import Split

Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]
SceneKind = Literal["monologue", "conversation", "listening", "idle"]

_EAGERNESS: Final[dict[str, float]] = {"calm": 0.6, "lively": 1.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """What clips are made of; `shares` of the kinds of scene add up to one."""

    num_frames: int = 300
    shares: dict[SceneKind, float] = field(
        default_factory=lambda: {"monologue": 0.4, "conversation": 0.33, "listening": 0.2, "idle": 0.07}
    )
    directed_share: float = 0.55
    speech: ClipConfig = field(default_factory=ClipConfig)
    dialogue: DialogueConfig = field(default_factory=DialogueConfig)
    capture: CaptureConfig = field(default_factory=CaptureConfig)

    def __post_init__(self) -> None:
        if self.num_frames % CHUNK_FRAMES or self.num_frames <= 0:
            raise ValueError(f"a clip is made of chunks of {CHUNK_FRAMES} frames, not of {self.num_frames}")
        if abs(sum(self.shares.values()) - 1.0) > 1e-6:
            raise ValueError(f"the shares of the scenes add up to {sum(self.shares.values())}, not to 1")

    @property
    def num_chunks(self) -> int:
        return self.num_frames // CHUNK_FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One scene of F frames in C chunks, the streams as the character hears them.

    `speak` and `listen` are float32 [F * 640] at 16 kHz and zero where absent; `present` bool [C, 2] tells
    whether each exists. `concepts` int64 and `strengths` float32 [C, 8] are the direction in force. `motion`
    is float32 [F, 58]. `phones` are the character's, `heard` the other's phrases.
    """

    kind: SceneKind
    speak: Samples
    listen: Samples
    present: npt.NDArray[np.bool_]
    concepts: npt.NDArray[np.int64]
    strengths: npt.NDArray[np.float32]
    motion: npt.NDArray[np.float32]
    phones: tuple[Phone, ...]
    heard: tuple[Phrase, ...]
    voices: tuple[str, str]
    languages: tuple[str, str]


def world_config(split: Split) -> WorldConfig:
    """The world of a split of voices."""
    return WorldConfig(speech=ClipConfig(split=split))


def generate_clip(seed: int, config: WorldConfig) -> Clip:
    """Make the clip of a seed; the same seed and config give the same clip."""
    rng = np.random.default_rng(seed)
    kinds = tuple(config.shares)
    kind = kinds[int(rng.choice(len(kinds), p=[config.shares[kind] for kind in kinds]))]
    plan = draw_plan(rng, config.num_chunks) if rng.random() < config.directed_share else ()
    take = _play(rng, kind, plan, config)
    motion = act(rng, take.motion, plan, take.speaking)
    motion[:, : INDEX["headPitch"]] = motion[:, : INDEX["headPitch"]].clip(0.0, 1.0)
    concepts, strengths = encode_plan(plan, config.num_chunks)
    return Clip(
        kind=kind,
        speak=take.speak,
        listen=take.listen,
        present=take.present,
        concepts=concepts,
        strengths=strengths,
        motion=motion.astype(np.float32),
        phones=take.phones,
        heard=take.heard,
        voices=take.voices,
        languages=take.languages,
    )


def encode_plan(
    plan: tuple[Directed, ...], num_chunks: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Concepts int64 and strengths float32 [C, 8] in force during each chunk of a plan."""
    concepts = np.zeros((num_chunks, MAX_ITEMS), dtype=np.int64)
    strengths = np.zeros((num_chunks, MAX_ITEMS), dtype=np.float32)
    for chunk in range(num_chunks):
        pieces = [piece for piece in plan if piece.first_chunk <= chunk < piece.end_chunk]
        items = [item for piece in pieces for item in piece.items]
        concepts[chunk], strengths[chunk] = encode_items(items)
    return concepts, strengths


def _play(rng: np.random.Generator, kind: SceneKind, plan: tuple[Directed, ...], config: WorldConfig) -> Take:
    if kind == "monologue":
        return play_monologue(rng, config.num_frames, config.speech, config.capture)
    return play_company(
        rng,
        kind,
        _eagerness(plan, config.num_frames),
        config.speech,
        config.dialogue,
        config.capture,
    )


def _eagerness(plan: tuple[Directed, ...], num_frames: int) -> Curve:
    """How much the energy asked for multiplies the chance of nods [F]."""
    factors = {CONCEPT_IDS[name]: factor for name, factor in _EAGERNESS.items()}
    eagerness = np.ones(num_frames)
    for piece in plan:
        for item in piece.items:
            factor = factors.get(item.concept, 1.0) ** item.strength
            eagerness[piece.first_chunk * CHUNK_FRAMES : piece.end_chunk * CHUNK_FRAMES] *= factor
    return eagerness

"""The kinds of scene, played: a monologue, a conversation, listening, and nothing going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from training.worlds.conversation.capture import CaptureConfig, capture_both, draw_silence
from training.worlds.conversation.cast import Line, Party, draw_party
from training.worlds.conversation.company import Part, company_motion
from training.worlds.conversation.dialogue import DialogueConfig, converse, lecture
from training.worlds.conversation.presence import (
    Presence,
    Shape,
    around_speech,
    draw_presence,
    mute,
    while_there,
)
from training.worlds.conversation.reactions import draw_manner
from training.worlds.conversation.track import Track, lay
from training.worlds.speech.clip import SAMPLES_PER_FRAME, ClipConfig, generate_clip
from training.worlds.speech.curves import Curve
from training.worlds.speech.life import Phrase, draw_temper, speaking
from training.worlds.speech.mouth import draw_style, mouth_motion
from training.worlds.speech.phones import Phone
from training.worlds.speech.script import phrases_of

Samples = npt.NDArray[np.float32]
CompanyKind = Literal["conversation", "listening", "idle"]

_SPEAK_SHAPES: Final[dict[CompanyKind, dict[Shape, float]]] = {
    "conversation": {"always": 0.8, "around speech": 0.2},
    "listening": {"always": 0.6, "around speech": 0.25, "for a part": 0.05, "never": 0.1},
    "idle": {"always": 0.5, "for a part": 0.1, "never": 0.4},
}
_LISTEN_SHAPES: Final[dict[CompanyKind, dict[Shape, float]]] = {
    "conversation": {"always": 0.82, "around speech": 0.08, "for a part": 0.1},
    "listening": {"always": 0.82, "around speech": 0.08, "for a part": 0.1},
    "idle": {"always": 0.5, "for a part": 0.1, "never": 0.4},
}
_MONOLOGUE_GATED_SHARE: Final = 0.1
_MONOLOGUE_HEARD_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A scene before direction, as `clip.Clip` describes it; `motion` [F, 58], and `speaking` [F] in 0..1."""

    speak: Samples
    listen: Samples
    present: Presence
    motion: Curve
    speaking: Curve
    phones: tuple[Phone, ...]
    heard: tuple[Phrase, ...]
    voices: tuple[str, str]
    languages: tuple[str, str]


def play_monologue(
    rng: np.random.Generator, num_frames: int, speech: ClipConfig, capture: CaptureConfig
) -> Take:
    """A clip of the speech world; mostly there is no listen stream, sometimes a silent one."""
    spoken = generate_clip(int(rng.integers(2**62)), replace(speech, num_frames=num_frames))
    present = np.zeros((num_frames // CHUNK_FRAMES, 2), dtype=np.bool_)
    present[:, 0] = True
    if rng.random() < _MONOLOGUE_GATED_SHARE:
        present[:, 0] = around_speech(spoken.phones, len(present))
    listen = np.zeros_like(spoken.samples)
    if rng.random() < _MONOLOGUE_HEARD_SHARE:
        present[:, 1] = True
        listen = draw_silence(rng, len(listen), capture)
    return Take(
        speak=mute(spoken.samples, present[:, 0]),
        listen=listen,
        present=present,
        motion=spoken.motion.astype(np.float64),
        speaking=_speaking(phrases_of(spoken.phones, 0.0, is_question=False), num_frames),
        phones=spoken.phones,
        heard=(),
        voices=(spoken.voice, ""),
        languages=(spoken.language, ""),
    )


def play_company(
    rng: np.random.Generator,
    kind: CompanyKind,
    eagerness: Curve,
    speech: ClipConfig,
    dialogue: DialogueConfig,
    capture: CaptureConfig,
) -> Take:
    """A scene with another party; `eagerness` [F] multiplies the chance of a nod."""
    num_frames = len(eagerness)
    parties = draw_party(rng, speech), draw_party(rng, speech)
    lines = _draw_lines(rng, kind, parties, num_frames / FRAME_RATE_HZ, dialogue, speech)
    own, own_part, speak_there = _stage(rng, parties[0], lines[0], _SPEAK_SHAPES[kind], num_frames)
    heard, heard_part, listen_there = _stage(rng, parties[1], lines[1], _LISTEN_SHAPES[kind], num_frames)
    mouth = mouth_motion(own.phones, own.level, draw_style(rng), num_frames)
    life = company_motion(rng, draw_temper(rng), draw_manner(rng), own_part, heard_part, eagerness)
    speak, listen = capture_both(rng, own, heard, capture, speech)
    return Take(
        speak=mute(speak, speak_there),
        listen=mute(listen, listen_there),
        present=np.stack((speak_there, listen_there), axis=1),
        motion=mouth + life,
        speaking=_speaking(own.phrases, num_frames),
        phones=own.phones,
        heard=heard.phrases,
        voices=(parties[0].voice.name, parties[1].voice.name),
        languages=(parties[0].voice.language, parties[1].voice.language),
    )


def _draw_lines(
    rng: np.random.Generator,
    kind: CompanyKind,
    parties: tuple[Party, Party],
    duration_s: float,
    dialogue: DialogueConfig,
    speech: ClipConfig,
) -> tuple[list[Line], list[Line]]:
    match kind:
        case "conversation":
            return converse(rng, parties, duration_s, dialogue, speech)
        case "listening":
            return lecture(rng, parties, duration_s, dialogue, speech)
        case "idle":
            return [], []


def _stage(
    rng: np.random.Generator, party: Party, lines: list[Line], shapes: dict[Shape, float], num_frames: int
) -> tuple[Track, Part, Presence]:
    """Lay those lines of a party that its stream carries, and say when the stream exists [C]."""
    shape, there = draw_presence(rng, shapes, num_frames // CHUNK_FRAMES)
    carried = while_there(lines, there)
    track = lay(rng, party, carried, num_frames * SAMPLES_PER_FRAME)
    part = Part(
        phrases=tuple(p for line in carried if not line.is_backchannel for p in line.phrases),
        accents=track.accents,
        agreements_s=tuple(line.start_s for line in carried if line.is_backchannel),
    )
    return track, part, around_speech(track.phones, len(there)) if shape == "around speech" else there


def _speaking(phrases: Sequence[Phrase], num_frames: int) -> Curve:
    """How much the character is speaking [F], wide enough to cover the lips' way into and out of speech."""
    wide = [Phrase(start_s=p.start_s - 0.1, end_s=p.end_s + 0.1, is_question=p.is_question) for p in phrases]
    return speaking(wide, np.arange(num_frames) / FRAME_RATE_HZ, width_s=0.06)

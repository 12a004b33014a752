"""Dialogues to measure on: what each side hears, and when each of the two voices really sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from models.rig.arrays import F32
from services.kit.contracts import FRAME_SAMPLES
from tests.bench.media import find_media
from tests.bench.phrases import Flags, Span, bridged, find_phrases, mark, spans
from tests.bench.sound import read_sound
from tests.bench.streams import Scene, Timed, make_scene, swapped, without_listening
from training.worlds.conversation import Clip, generate_clip, world_config
from training.worlds.speech import SILENCE
from training.worlds.speech.voices import Split

_NUM: Final = 60
_FIRST_SEED: Final = 91_000_000  # of no shard
_TRACKS: Final = ("c01_dialog_A", "c01_dialog_B", "c04_phone_mix.wav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A scene of F frames, and the truth about it.

    `own` and `other` [F] tell when the character's own voice and the other's sound; `ends` are the first
    frames after the other's phrases that a pause of at least 0.2 s follows.
    """

    scene: Scene
    own: Flags
    other: Flags
    ends: tuple[int, ...]
    taught: F32 | None = None

    @property
    def deaf(self) -> Dialogue:
        """The same for one who cannot hear the other."""
        return replace(self, scene=without_listening(self.scene))

    @property
    def mixed(self) -> Dialogue:
        """The same for one who is given both voices as the speak stream, for want of another."""
        both = np.clip(self.scene.speak + self.scene.listen, -1, 1)
        return replace(self, scene=make_scene(both, None))

    @property
    def swapped(self) -> Dialogue:
        """The same for one who sits on the other side and says what this one hears."""
        return replace(self, scene=swapped(self.scene), own=self.other, other=self.own, ends=(), taught=None)


@cache
def synthetic_dialogues(split: Split = "heldout", num: int = _NUM) -> tuple[Dialogue, ...]:
    """Undirected clips of 12 s of the conversation world; in every other one the character only listens.

    The truth about them is what they were made from. Cached for the process.
    """
    config = replace(world_config(split), directed_share=0.0, shares={"conversation": 0.5, "listening": 0.5})
    return tuple(of_clip(generate_clip(_FIRST_SEED + k, config)) for k in range(num))


def of_clip(clip: Clip) -> Dialogue:
    """The dialogue of a synthetic clip."""
    num_frames = len(clip.motion)
    heard = clip.present[:, 1].repeat(CHUNK_FRAMES)
    own = mark([_span(p.start_s, p.end_s) for p in clip.phones if p.symbol != SILENCE], num_frames)
    other = mark([_span(p.start_s, p.end_s) for p in clip.heard], num_frames) & heard
    phrases = bridged(spans(other))
    return Dialogue(
        scene=Scene(
            speak=clip.speak,
            speaks=clip.present[:, 0],
            listen=clip.listen,
            listens=clip.present[:, 1],
            concepts=clip.concepts,
            strengths=clip.strengths,
        ),
        own=mark(bridged(spans(own)), num_frames),
        other=mark(phrases, num_frames),
        ends=tuple(phrase.end for phrase in phrases if phrase.end < num_frames and heard[phrase.end]),
        taught=clip.motion,
    )


def recorded_dialogues() -> dict[str, Dialogue]:
    """The recorded dialogues of the evaluation set, from either side.

    c01's two tracks hold one voice each (its B is the mix less A): "c01" speaks as A and hears B, "c01
    swapped" the other way round. c04 is a telephone call in one track, both of whose voices are heard by a
    third who is silent.

    Raises:
        MissingMediaError: the recordings are not on this machine.
    """
    one, two, call = (read_sound(find_media(stem)) for stem in _TRACKS)
    return {
        "c01": of_tracks(one, two),
        "c01 swapped": of_tracks(two, one),
        "c04": of_tracks(np.zeros_like(call), call),
    }


def of_tracks(speak: F32 | None, listen: F32 | None, timeline: Sequence[Timed] = ()) -> Dialogue:
    """A dialogue of two recordings of one voice each, whose phrases are found by their energy."""
    scene = make_scene(speak, listen, timeline)
    return _dialogue(scene, find_phrases(scene.speak), find_phrases(scene.listen))


def _dialogue(scene: Scene, own: list[Span], other: list[Span]) -> Dialogue:
    num_frames = len(scene.speak) // FRAME_SAMPLES
    return Dialogue(
        scene=scene,
        own=mark(own, num_frames),
        other=mark(other, num_frames),
        ends=tuple(phrase.end for phrase in other),
    )


def _span(start_s: float, end_s: float) -> Span:
    return Span(first=max(round(start_s * FRAME_RATE_HZ), 0), end=max(round(end_s * FRAME_RATE_HZ), 0))

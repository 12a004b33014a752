"""How the two voices become two streams: clean or recorded, and leaking into each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.conversation.track import Track
from training.worlds.speech.clip import ClipConfig
from training.worlds.speech.gaps import fill_gap
from training.worlds.speech.mouth import is_silent
from training.worlds.speech.phones import SAMPLE_RATE_HZ
from training.worlds.speech.recording import record
from training.worlds.speech.sounds import chords, coloured_noise, hum

Samples = npt.NDArray[np.float32]

_SPEECH_RMS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """Shares are probabilities; leaks are in dB of the voice they are a trace of."""

    clean_share: float = 0.6
    crosstalk_share: float = 0.25
    lowest_leak_db: float = -35.0
    highest_leak_db: float = -22.0
    lowest_room_db: float = -75.0
    highest_room_db: float = -42.0


def capture_generated(
    rng: np.random.Generator, track: Track, config: CaptureConfig, speech: ClipConfig
) -> Samples:
    """The character's voice [N]: mostly as a synthesiser gives it, digital silence around it."""
    if track.is_silent:
        return draw_silence(rng, len(track.samples), config)
    if rng.random() < config.clean_share:
        return _play(rng, track.samples, speech)
    return record(rng, track.samples, speech.recording)


def capture_spoken(
    rng: np.random.Generator, track: Track, config: CaptureConfig, speech: ClipConfig
) -> Samples:
    """A person's voice [N] as a microphone hears it, with what else sounds in the pauses."""
    if track.is_silent:
        return draw_silence(rng, len(track.samples), config)
    samples = track.samples.copy()
    for phone in track.phones:
        if is_silent(phone):
            start, end = (round(at_s * SAMPLE_RATE_HZ) for at_s in (phone.start_s, phone.end_s))
            fill_gap(rng, samples, start, min(end, len(samples)), speech.gaps)
    return record(rng, samples, speech.recording)


def draw_silence(rng: np.random.Generator, count: int, config: CaptureConfig) -> Samples:
    """Nobody speaks [N]: digital silence, a quiet room, or something that is no voice."""
    draw = rng.random()
    if draw < 0.45:
        return np.zeros(count, dtype=np.float32)
    level_db = rng.uniform(config.lowest_room_db, config.highest_room_db)
    if draw < 0.85:
        sound = coloured_noise(rng, count, rng.uniform(0.0, 2.0))
    else:
        sound, level_db = (chords if draw < 0.93 else hum)(rng, count), level_db + 15.0
    return np.asarray(sound * np.float32(10.0 ** (level_db / 20.0)), dtype=np.float32)


def capture_both(
    rng: np.random.Generator, own: Track, heard: Track, config: CaptureConfig, speech: ClipConfig
) -> tuple[Samples, Samples]:
    """The character's stream and the other's, each [N]; sometimes a trace of one is in the other."""
    speak = capture_generated(rng, own, config, speech)
    listen = capture_spoken(rng, heard, config, speech)
    if rng.random() >= config.crosstalk_share:
        return speak, listen
    into_speak, into_listen = ((True, False), (False, True), (True, True))[int(rng.integers(3))]
    mixed = _leak(rng, listen, speak, config) if into_speak else speak
    return mixed, _leak(rng, speak, listen, config) if into_listen else listen


def _leak(rng: np.random.Generator, voice: Samples, into: Samples, config: CaptureConfig) -> Samples:
    """Add a trace of the `voice` [N] of another stream, as loud as it sounds there less the leak."""
    gain_db = rng.uniform(config.lowest_leak_db, config.highest_leak_db)
    return np.asarray((into + voice * np.float32(10.0 ** (gain_db / 20.0))).clip(-1.0, 1.0), dtype=np.float32)


def _play(rng: np.random.Generator, clean: Samples, speech: ClipConfig) -> Samples:
    recording = speech.recording
    level_db = rng.uniform(recording.lowest_level_db, recording.highest_level_db)
    scaled = clean * np.float32(10.0 ** (level_db / 20.0) / _SPEECH_RMS)
    return np.asarray(scaled.clip(-1.0, 1.0), dtype=np.float32)

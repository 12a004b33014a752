"""One party's voice on the clip's clock: clean sound, phones, phrases and accents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.worlds.conversation.cast import Line, Party
from training.worlds.speech.life import Accent, Phrase
from training.worlds.speech.mouth import level_db
from training.worlds.speech.phones import SAMPLE_RATE_HZ, Phone
from training.worlds.speech.script import accents_of, fill_silence, place
from training.worlds.speech.timbre import change_timbre

Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Clean float32 samples [N], their `level` as `mouth.level_db` gives it, phones that tile 0..N.

    `phrases` and `accents` are in order; some phrases may lie before or after the clip.
    """

    samples: Samples
    level: Curve
    phones: tuple[Phone, ...]
    phrases: tuple[Phrase, ...]
    accents: tuple[Accent, ...]

    @property
    def is_silent(self) -> bool:
        return len(self.phones) == 1


def lay(rng: np.random.Generator, party: Party, lines: list[Line], num_samples: int) -> Track:
    """Lay a party's lines, in order, on a clip of `num_samples`."""
    duration_s = num_samples / SAMPLE_RATE_HZ
    samples = np.zeros(num_samples, dtype=np.float32)
    phones: list[Phone] = []
    for line in lines:
        at = round(line.at_s * SAMPLE_RATE_HZ)
        begin, end = max(at, 0), min(at + len(line.samples), num_samples)
        if end > begin:
            samples[begin:end] += line.samples[begin - at : end - at]
        place(phones, line.phones, line.at_s, duration_s)
    if party.timbre is not None and phones:
        samples = change_timbre(rng, samples, party.timbre)
    tiled = fill_silence(phones, duration_s)
    level = level_db(samples)
    return Track(
        samples=samples,
        level=level,
        phones=tiled,
        phrases=tuple(phrase for line in lines for phrase in line.phrases),
        accents=tuple(accents_of(tiled, level)),
    )

"""What the mouth aims for during each phone, in a handful of gestures rather than 52 coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from training.worlds.speech.phones import SILENCE, VOWELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Viseme:
    """Targets in 0..1. `jaw` opens, `part` separates the lips beyond the jaw, `pucker` and `funnel` round,
    `spread` widens, `closure` shuts the lips, `dental` brings the lower lip to the teeth, `tongue` shows
    the tip. The `hold` values say how firmly the phone insists against its neighbours.
    """

    jaw: float = 0.0
    part: float = 0.0
    pucker: float = 0.0
    funnel: float = 0.0
    spread: float = 0.0
    closure: float = 0.0
    dental: float = 0.0
    tongue: float = 0.0
    jaw_hold: float = 1.0
    lip_hold: float = 1.0


def _vowel(
    jaw: float, part: float, pucker: float = 0.0, funnel: float = 0.0, spread: float = 0.0, hold: float = 1.0
) -> Viseme:
    return Viseme(
        jaw=jaw, part=part, pucker=pucker, funnel=funnel, spread=spread, jaw_hold=hold, lip_hold=hold
    )


_TONGUE_TIP: Final = Viseme(jaw=0.12, part=0.2, jaw_hold=0.5, lip_hold=0.3)
_TONGUE_BACK: Final = Viseme(jaw=0.18, part=0.2, jaw_hold=0.3, lip_hold=0.15)
_HISS: Final = Viseme(jaw=0.04, part=0.22, spread=0.15, jaw_hold=1.1, lip_hold=0.5)
_HUSH: Final = Viseme(jaw=0.06, part=0.2, funnel=0.45, pucker=0.2, jaw_hold=1.1, lip_hold=1.0)
_LIPS_SHUT: Final = Viseme(jaw=0.05, closure=1.0, jaw_hold=0.8, lip_hold=0.3)
_LIP_TO_TEETH: Final = Viseme(jaw=0.07, part=0.06, dental=1.0, jaw_hold=0.8, lip_hold=0.5)
_THROAT: Final = Viseme(jaw=0.26, part=0.24, jaw_hold=0.06, lip_hold=0.05)
_GLIDE_ROUND: Final = Viseme(jaw=0.07, part=0.05, pucker=0.75, funnel=0.3, jaw_hold=0.9, lip_hold=1.6)

VISEMES: Final[dict[str, Viseme]] = {
    SILENCE: Viseme(jaw_hold=0.7, lip_hold=0.5),
    "a": _vowel(0.46, 0.28, spread=0.08, hold=1.2),
    "ɑ": _vowel(0.46, 0.24, hold=1.2),
    "ɐ": _vowel(0.38, 0.24),
    "æ": _vowel(0.44, 0.34, spread=0.22, hold=1.1),
    "ʌ": _vowel(0.32, 0.24),
    "ə": _vowel(0.19, 0.18, hold=0.5),
    "ɜ": _vowel(0.13, 0.12, funnel=0.22, pucker=0.12),
    "ɛ": _vowel(0.34, 0.3, spread=0.2),
    "e": _vowel(0.29, 0.28, spread=0.28),
    "ɪ": _vowel(0.23, 0.25, spread=0.22, hold=0.8),
    "i": _vowel(0.17, 0.24, spread=0.4),
    "ɨ": _vowel(0.16, 0.2, spread=0.1, hold=0.8),
    "ɯ": _vowel(0.14, 0.16, spread=0.1),
    "ɤ": _vowel(0.22, 0.18),
    "y": _vowel(0.09, 0.08, pucker=0.65, funnel=0.3, hold=1.2),
    "ʏ": _vowel(0.12, 0.1, pucker=0.45, funnel=0.3),
    "ø": _vowel(0.2, 0.12, pucker=0.48, funnel=0.38),
    "œ": _vowel(0.3, 0.15, pucker=0.3, funnel=0.42),
    "ʉ": _vowel(0.1, 0.08, pucker=0.5, funnel=0.25),
    "u": _vowel(0.08, 0.05, pucker=0.7, funnel=0.3, hold=1.2),
    "ʊ": _vowel(0.13, 0.09, pucker=0.4, funnel=0.28),
    "o": _vowel(0.17, 0.1, pucker=0.42, funnel=0.42, hold=1.1),
    "ɔ": _vowel(0.25, 0.12, pucker=0.25, funnel=0.48, hold=1.1),
    "ɒ": _vowel(0.33, 0.18, pucker=0.08, funnel=0.32, hold=1.1),
    "p": _LIPS_SHUT, "b": _LIPS_SHUT, "m": _LIPS_SHUT,
    "β": Viseme(jaw=0.1, part=0.06, closure=0.6, jaw_hold=0.6, lip_hold=0.4),
    "f": _LIP_TO_TEETH, "v": _LIP_TO_TEETH,
    "θ": Viseme(jaw=0.12, part=0.2, tongue=0.5, jaw_hold=0.8, lip_hold=0.4),
    "ð": Viseme(jaw=0.11, part=0.18, tongue=0.35, jaw_hold=0.6, lip_hold=0.3),
    "t": _TONGUE_TIP, "d": _TONGUE_TIP, "n": _TONGUE_TIP, "ɾ": _TONGUE_TIP, "ɲ": _TONGUE_TIP,
    "l": Viseme(jaw=0.15, part=0.18, tongue=0.1, jaw_hold=0.5, lip_hold=0.25),
    "r": Viseme(jaw=0.13, part=0.16, jaw_hold=0.6, lip_hold=0.25),
    "s": _HISS, "z": _HISS,
    "ʃ": _HUSH, "ʒ": _HUSH,
    "ɹ": Viseme(jaw=0.08, part=0.1, pucker=0.25, funnel=0.3, jaw_hold=0.7, lip_hold=0.8),
    "k": _TONGUE_BACK, "g": _TONGUE_BACK, "ŋ": _TONGUE_BACK, "x": _TONGUE_BACK, "ɣ": _TONGUE_BACK,
    "h": _THROAT, "ʔ": _THROAT,
    "j": Viseme(jaw=0.1, part=0.18, spread=0.3, jaw_hold=0.6, lip_hold=0.6),
    "w": _GLIDE_ROUND, "ɥ": _GLIDE_ROUND,
}  # fmt: skip


def opens_with_voice(symbol: str) -> bool:
    """Whether a louder voice opens the phone wider; consonants have a place to reach, vowels do not."""
    return symbol in VOWELS

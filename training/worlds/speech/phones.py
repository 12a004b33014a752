"""The common phone set of the synthetic speech world, and the spellings that map onto it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ: Final = 16_000
SILENCE: Final = "sil"

VOWELS: Final = frozenset("i y ɨ ʉ ɯ u ɪ ʏ ʊ e ø ɤ o ə ɛ œ ɜ ʌ ɔ æ ɐ a ɑ ɒ".split())
CONSONANTS: Final = frozenset("p b m f v β θ ð t d n l s z ʃ ʒ ɹ r ɾ k g ŋ ɲ x ɣ h j w ɥ ʔ".split())
BILABIALS: Final = frozenset("pbm")
PHONE_SET: Final = VOWELS | CONSONANTS | {SILENCE}

# Rarer IPA letters, each read as the member of the common set that looks most like it on the lips.
_NEAREST: Final[dict[str, str]] = {
    "ɡ": "g", "ɫ": "l", "ɭ": "l", "ʎ": "l", "ɬ": "l", "ɮ": "l", "ɕ": "ʃ", "ʂ": "ʃ", "ʑ": "ʒ", "ʐ": "ʒ",
    "ç": "j", "ʝ": "j", "ɟ": "j", "c": "k", "q": "k", "χ": "x", "ʁ": "ɣ", "ʀ": "ɣ", "ħ": "h", "ɦ": "h",
    "ɸ": "f", "ʋ": "v", "ɱ": "m", "ʈ": "t", "ɖ": "d", "ɳ": "n", "ɴ": "ŋ", "ɽ": "ɾ", "ɺ": "ɾ", "ɻ": "ɹ",
    "ɚ": "ɜ", "ɝ": "ɜ", "ɘ": "ə", "ɵ": "ø", "ɞ": "œ", "ɶ": "a", "ɷ": "ʊ", "ʍ": "w", "ɰ": "ɣ", "ᵻ": "ɪ",
    "ʕ": "ʔ", "ɓ": "b", "ɗ": "d", "ɠ": "g", "ɜ": "ɜ",
}  # fmt: skip

# The CMU phone names of flite's voices; a diphthong or an affricate is two phones in a row.
CMU_PHONES: Final[dict[str, tuple[str, ...]]] = {
    "pau": (SILENCE,), "ssil": (SILENCE,), "brth": (SILENCE,), "h#": (SILENCE,), "#": (SILENCE,),
    "aa": ("ɑ",), "ae": ("æ",), "ah": ("ʌ",), "ao": ("ɔ",), "aw": ("a", "ʊ"), "ax": ("ə",), "axr": ("ɜ",),
    "ay": ("a", "ɪ"), "b": ("b",), "ch": ("t", "ʃ"), "d": ("d",), "dh": ("ð",), "dx": ("ɾ",), "eh": ("ɛ",),
    "el": ("l",), "em": ("m",), "en": ("n",), "er": ("ɜ",), "ey": ("e", "ɪ"), "f": ("f",), "g": ("g",),
    "hh": ("h",), "hv": ("h",), "ih": ("ɪ",), "iy": ("i",), "jh": ("d", "ʒ"), "k": ("k",), "l": ("l",),
    "m": ("m",), "n": ("n",), "nx": ("n",), "ng": ("ŋ",), "ow": ("o", "ʊ"), "oy": ("ɔ", "ɪ"), "p": ("p",),
    "r": ("ɹ",), "s": ("s",), "sh": ("ʃ",), "t": ("t",), "th": ("θ",), "uh": ("ʊ",), "uw": ("u",),
    "v": ("v",), "w": ("w",), "y": ("j",), "z": ("z",), "zh": ("ʒ",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One phone of `PHONE_SET` and the seconds it lasts, measured from the start of its sound."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Mono float32 samples [N] at 16 kHz and the phones that tile them from the first to the last."""

    samples: npt.NDArray[np.float32]
    phones: tuple[Phone, ...]
    voice: str
    language: str


def from_ipa(spelling: str) -> tuple[str, ...]:
    """Split an IPA spelling such as `dʒ` or `aɪ` into phones; empty when nothing in it is a sound."""
    letters = (_NEAREST.get(letter, letter) for letter in unicodedata.normalize("NFD", spelling))
    return tuple(letter for letter in letters if letter in VOWELS or letter in CONSONANTS)


def tile(spans: list[tuple[tuple[str, ...], float, float]], duration_s: float) -> tuple[Phone, ...]:
    """Turn (phones, start, end) spans into phones that cover 0..duration without a gap or an overlap.

    Two phones that share a span split it in equal parts. Gaps become silence, and silence in
    pieces becomes one piece.
    """
    phones: list[Phone] = []
    cursor = 0.0
    for symbols, start_s, end_s in spans:
        start_s, end_s = min(max(start_s, cursor), duration_s), min(end_s, duration_s)
        if end_s - start_s < 1e-4:
            continue
        _append(phones, SILENCE, cursor, start_s)
        edges = np.linspace(start_s, end_s, len(symbols) + 1).tolist()
        for symbol, left, right in zip(symbols, edges[:-1], edges[1:], strict=True):
            _append(phones, symbol, left, right)
        cursor = end_s
    _append(phones, SILENCE, cursor, duration_s)
    return tuple(phones)


def _append(phones: list[Phone], symbol: str, start_s: float, end_s: float) -> None:
    if end_s - start_s < 1e-6:
        return
    if symbol == SILENCE and phones and phones[-1].symbol == SILENCE:
        start_s = phones.pop().start_s
    phones.append(Phone(symbol=symbol, start_s=start_s, end_s=end_s))

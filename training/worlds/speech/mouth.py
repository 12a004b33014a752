"""Phones become mouth coefficients at 25 fps: targets, dominance, anticipation, and hard lip closures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from training.worlds.speech.phones import SAMPLE_RATE_HZ, SILENCE, Phone
from training.worlds.speech.visemes import VISEMES, opens_with_voice

Curve = npt.NDArray[np.float64]

_TRACK_RATE_HZ: Final = 200
_BLENDED: Final = ("jaw", "part", "pucker", "funnel", "spread", "tongue")

# A funnel parts the lips by itself, while real lips leave a small gap when they round.
_FUNNEL_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one speaker articulates; widths are standard deviations of the blending kernels in seconds."""

    opening: float = 1.0
    rounding: float = 1.0
    spreading: float = 1.0
    skew: float = 0.0
    loudness_slope_per_db: float = 0.03
    loudness_width_s: float = 0.15
    jaw_width_s: float = 0.038
    lip_width_s: float = 0.05
    rounding_width_s: float = 0.065
    anticipation_s: float = 0.03
    closure_ramp_s: float = 0.055
    closure_hold_s: float = 0.05
    release_delay_s: float = 0.02
    frame_phase_s: float = 0.035


def draw_style(rng: np.random.Generator) -> Style:
    """Draw a speaker."""
    return Style(
        opening=float(rng.uniform(0.85, 1.15)),
        rounding=float(rng.uniform(0.85, 1.15)),
        spreading=float(rng.uniform(0.75, 1.25)),
        skew=float(rng.normal(0.0, 0.06)),
        loudness_slope_per_db=float(rng.uniform(0.02, 0.04)),
    )


def mouth_motion(phones: tuple[Phone, ...], level: Curve, style: Style, num_frames: int) -> Curve:
    """Motion [F, 58] with the mouth's columns filled; `level` is the `level_db` of the speech alone.

    Follows the dominance model of Cohen and Massaro (1993), computed as a normalised convolution.
    """
    times_s = np.arange(int(num_frames * _TRACK_RATE_HZ / FRAME_RATE_HZ) + 1) / _TRACK_RATE_HZ
    effort = _effort(phones, level, style)
    tracks = _blend(phones, effort, style, times_s)
    closure = _contact(phones, "closure", style, times_s)
    dental = _contact(phones, "dental", style, times_s)
    frames_s = np.arange(num_frames) / FRAME_RATE_HZ + style.frame_phase_s
    at_frames = {name: np.interp(frames_s, times_s, track) for name, track in tracks.items()}
    return _coefficients(
        at_frames, np.interp(frames_s, times_s, closure), np.interp(frames_s, times_s, dental), style
    )


def level_db(clean: npt.NDArray[np.float32], window_s: float = 0.04) -> Curve:
    """Level in dB at `_TRACK_RATE_HZ`, smoothed over `window_s`, never below -90."""
    hop = SAMPLE_RATE_HZ // _TRACK_RATE_HZ
    power = np.square(clean[: len(clean) // hop * hop].astype(np.float64)).reshape(-1, hop).mean(1)
    width = max(int(window_s * _TRACK_RATE_HZ), 1)
    window = np.hanning(2 * width + 1)
    smooth = np.convolve(power, window / window.sum(), mode="same")
    return np.asarray(10.0 * np.log10(smooth + 1e-9), dtype=np.float64)


def _effort(phones: tuple[Phone, ...], level: Curve, style: Style) -> Curve:
    """How wide each phone opens, times its target: words said louder than usual open wider.

    The level is that of the syllables around, not of the phone itself, whose loudness is its own.
    """
    kernel = _kernel(style.loudness_width_s)
    power = np.convolve(10.0 ** (level / 10.0), kernel, mode="same")
    around = 10.0 * np.log10(power + 1e-9)
    middles = np.array([0.5 * (phone.start_s + phone.end_s) for phone in phones])
    levels = around[(middles * _TRACK_RATE_HZ).astype(int).clip(0, len(around) - 1)]
    vowels = np.array([opens_with_voice(phone.symbol) for phone in phones])
    usual = float(np.median(levels[vowels])) if vowels.any() else 0.0
    gain = np.exp(style.loudness_slope_per_db * (levels - usual)).clip(0.5, 1.5)
    steadier = np.sqrt(gain).clip(0.75, 1.15)
    return np.asarray(style.opening * np.where(vowels, gain, steadier), dtype=np.float64)


def _blend(phones: tuple[Phone, ...], effort: Curve, style: Style, times_s: Curve) -> dict[str, Curve]:
    widths = {"jaw": style.jaw_width_s, "pucker": style.rounding_width_s, "funnel": style.rounding_width_s}
    index = np.searchsorted([phone.end_s for phone in phones], times_s, side="right").clip(0, len(phones) - 1)
    visemes = [VISEMES[phone.symbol] for phone in phones]
    tracks: dict[str, Curve] = {}
    for name in _BLENDED:
        targets = np.array([getattr(viseme, name) for viseme in visemes])
        holds = np.array([v.jaw_hold if name == "jaw" else v.lip_hold for v in visemes])
        if name in ("jaw", "part"):
            targets = targets * effort
        kernel, lead = _kernel(widths.get(name, style.lip_width_s)), 0.0
        if name in ("pucker", "funnel"):
            lead = style.anticipation_s
        weight = np.convolve(holds[index], kernel, mode="same")
        track = np.convolve((holds * targets)[index], kernel, mode="same") / np.maximum(weight, 1e-6)
        tracks[name] = np.interp(times_s + lead, times_s, track)
    return tracks


def _kernel(width_s: float) -> Curve:
    """A Gaussian that looks further ahead than back: speakers prepare more than they linger."""
    reach = int(4 * width_s * _TRACK_RATE_HZ)
    lag = np.arange(-reach, reach + 1) / _TRACK_RATE_HZ
    width = np.where(lag < 0, 1.15 * width_s, 0.9 * width_s)
    kernel = np.exp(-0.5 * np.square(lag / width))
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)


def _contact(phones: tuple[Phone, ...], gesture: str, style: Style, times_s: Curve) -> Curve:
    """A gesture that must be reached: held through the phone, with cosine ramps on both sides."""
    track = np.zeros_like(times_s)
    for phone in phones:
        amount = getattr(VISEMES[phone.symbol], gesture)
        if amount == 0.0:
            continue
        middle = 0.5 * (phone.start_s + phone.end_s + style.release_delay_s)
        half = 0.5 * max(phone.end_s - phone.start_s, style.closure_hold_s)
        outside = np.abs(times_s - middle) - half
        ramp = 0.5 + 0.5 * np.cos(np.pi * (outside / style.closure_ramp_s).clip(0.0, 1.0))
        track = np.maximum(track, amount * ramp)
    return track


def _coefficients(tracks: dict[str, Curve], closure: Curve, dental: Curve, style: Style) -> Curve:
    motion = np.zeros((len(closure), NUM_MOTION))

    def put(name: str, values: Curve) -> None:
        motion[:, INDEX[name]] = values.clip(0.0, 1.0)

    def put_pair(name: str, values: Curve) -> None:
        put(name + "Left", values * (1.0 + style.skew))
        put(name + "Right", values * (1.0 - style.skew))

    free = 1.0 - closure
    loose = free * (1.0 - dental)
    jaw = tracks["jaw"] * (1.0 - 0.45 * dental)
    pucker, funnel = tracks["pucker"] * style.rounding, tracks["funnel"] * style.rounding
    spread, part = tracks["spread"] * style.spreading, tracks["part"]
    put("jawOpen", jaw)
    put("mouthClose", jaw * (closure + 0.35 * dental * free))
    put("mouthPucker", pucker * (1.0 - 0.3 * closure))
    put("mouthFunnel", _FUNNEL_SHARE * funnel * (1.0 - 0.8 * closure))
    put("mouthRollLower", 0.22 * closure + 0.45 * dental * free)
    put("mouthRollUpper", 0.2 * closure)
    put_pair("mouthPress", 0.22 * closure)
    put("mouthShrugUpper", 0.08 * closure + 0.12 * dental)
    put("mouthShrugLower", 0.1 * closure + 0.1 * dental)
    put_pair("mouthLowerDown", 0.9 * part * loose)
    put_pair("mouthUpperUp", 0.45 * part * free + 0.12 * dental)
    put_pair("mouthStretch", 0.5 * spread * free)
    put_pair("mouthSmile", 0.3 * spread)
    put_pair("mouthDimple", 0.12 * spread)
    put("tongueOut", 0.25 * tracks["tongue"])
    put("jawForward", 0.12 * funnel)
    put("cheekPuff", 0.06 * closure)
    return motion


def is_silent(phone: Phone) -> bool:
    """Whether nothing is said during the phone."""
    return phone.symbol == SILENCE

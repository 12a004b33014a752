"""Silence: the mouth stays closed while nobody speaks, and the face still lives."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, INDEX
from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.command import dramatis
from tests.bench.figures import report
from tests.bench.mouth import full_opening, opening_of_motion, tracked_opening
from tests.bench.sound import write_wave
from tests.bench.speaking import SEED, spoken_by_model

_PORTRAIT: Final = Path(__file__).parents[2] / "examples" / "portrait.jpg"
_SECONDS: Final = 10
_NOISE_DBFS: Final = -50.0
_BAR: Final = 0.05
_SHUT: Final = 0.5  # of eyeBlink, beyond which a lid counts as closed


def main() -> None:
    """Print the largest opening as a share of a wide mouth, the blinks and the motion of the head."""
    for case, samples in {"digital silence": digital_silence(), "room noise": room_noise()}.items():
        motion = spoken_by_model(samples)
        opening = opening_of_motion(motion) / full_opening()
        report("silence", case, "opening_max", float(opening.max()), "of wide open", bar=_BAR)
        report("silence", case, "opening_mean", float(opening.mean()), "of wide open")
        report("silence", case, "blinks", _blinks(motion), "count")
        for name in ("headPitch", "headYaw", "headRoll"):
            report(
                "silence", case, f"spread_{name}", float(np.degrees(motion[:, INDEX[name]].std())), "degree"
            )
        drawn = _drawn_opening(samples) / full_opening()
        spread = float(np.quantile(drawn, 0.99) - np.quantile(drawn, 0.01))
        report("silence", case, "opening_range_drawn", spread, "of wide open", bar=_BAR)


def digital_silence() -> F32:
    """Ten seconds of zeros at 16 kHz."""
    return np.zeros(_SECONDS * ANALYSIS_RATE_HZ, np.float32)


def room_noise() -> F32:
    """Ten seconds of the dull, faint noise of a quiet room: power falls with frequency."""
    white = np.fft.rfft(np.random.default_rng(SEED).standard_normal(_SECONDS * ANALYSIS_RATE_HZ))
    hertz = np.fft.rfftfreq(_SECONDS * ANALYSIS_RATE_HZ, 1 / ANALYSIS_RATE_HZ)
    noise = np.fft.irfft(white / np.maximum(hertz, 60.0))
    return np.asarray(noise / noise.std() * 10 ** (_NOISE_DBFS / 20), np.float32)


def _blinks(motion: F32) -> int:
    shut = motion[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]].mean(1) > _SHUT
    return int(np.count_nonzero(shut[1:] & ~shut[:-1]))


def _drawn_opening(samples: F32) -> F32:
    with TemporaryDirectory() as folder:
        sound, output = write_wave(Path(folder) / "silence.wav", samples), Path(folder) / "silence.mp4"
        dramatis("perform", _PORTRAIT, "--speech", sound, "--output", output, "--seed", str(SEED), "--quiet")
        opening = tracked_opening(output)
    assert len(opening) == _SECONDS * FRAME_RATE_HZ
    return opening


if __name__ == "__main__":
    main()

"""Motion intensity: head and face move more the more is asked for, and lips stay as they are."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from models.lpm.intensity import NUM_PARTS, USUAL, IntensityConfig, intensify
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ, INDEX
from models.rig.arrays import F32
from tests.bench.figures import report
from tests.bench.mouth import opening_of_motion
from tests.bench.sound import EXAMPLE_SPEECH, read_sound
from tests.bench.streams import make_scene, shipped_model, takes

VALUES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_SEEDS: Final = range(10)
_SETTLED: Final = FRAME_RATE_HZ
_LIP_BAR: Final = 0.98
_TURNS: Final = [INDEX[name] for name in ("headPitch", "headYaw", "headRoll")]
_MOODS: Final = [
    column
    for name, column in INDEX.items()
    if name.startswith(("brow", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer", "mouthSmile"))
]


def main() -> None:
    """Print head speed, expression and lip correlation at every intensity, medians over ten takes."""
    speech = read_sound(EXAMPLE_SPEECH)
    scenes = {"speaking": make_scene(speech, None), "silent": make_scene(None, np.zeros_like(speech))}
    for case, scene in scenes.items():
        plain = takes(shipped_model(), scene, _SEEDS)
        for value in VALUES:
            body, face = at(plain, USUAL, value), at(plain, value, USUAL)
            report("motion_intensity", case, f"head_speed_{value}", head_speed(body), "deg/s")
            report("motion_intensity", case, f"head_swing_{value}", head_swing(body), "deg")
            report("motion_intensity", case, f"expression_{value}", expression(face), "coefficient")
            if case == "speaking":
                r = lip_correlation(plain, at(plain, value, value))
                report("motion_intensity", case, f"lips_{value}", r, "pearson", bar=_LIP_BAR)
            else:
                parted = float(np.median([opening_of_motion(take).max() for take in face]))
                report("motion_intensity", case, f"lips_parted_{value}", parted, "eye distances")


def at(motion: F32, face: float, body: float) -> F32:
    """Takes [T, F, 58] as they are at an intensity, without any direction."""
    config, held = IntensityConfig(), torch.zeros(len(motion), NUM_PARTS)
    asked = torch.zeros(len(motion), NUM_PARTS, dtype=torch.bool)
    intensity = torch.tensor([[face, body]]).expand(len(motion), -1)
    chunks = []
    for chunk in torch.split(torch.from_numpy(motion), CHUNK_FRAMES, dim=1):
        found, held = intensify(config, chunk, intensity, asked, held)
        chunks.append(found)
    return np.asarray(torch.cat(chunks, dim=1).numpy(), np.float32)


def head_speed(motion: F32) -> float:
    """Median over takes [T, F, 58] of the mean speed of the head's turns in degrees a second."""
    steps = np.linalg.norm(np.diff(motion[:, _SETTLED:, _TURNS], axis=1), axis=2)
    return float(np.degrees(np.median(steps.mean(axis=1))) * FRAME_RATE_HZ)


def head_swing(motion: F32) -> float:
    """Median over takes of the standard deviation of the head's angles in degrees, mean of the three."""
    return float(np.degrees(np.median(motion[:, _SETTLED:, _TURNS].std(axis=1).mean(axis=1))))


def expression(motion: F32) -> float:
    """Median over takes of the standard deviation of brows, eyes and smile, mean of their coefficients."""
    return float(np.median(motion[:, _SETTLED:, _MOODS].std(axis=1).mean(axis=1)))


def lip_correlation(one: F32, other: F32) -> float:
    """The least correlation of the lips' opening between takes that belong together."""
    pairs = zip(one, other, strict=True)
    return min(float(np.corrcoef(opening_of_motion(a), opening_of_motion(b))[0, 1]) for a, b in pairs)


if __name__ == "__main__":
    main()

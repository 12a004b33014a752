"""Builds models/rig/response.npz: how tracked landmarks answer to known motion of rendered portraits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from models.motion import BLENDSHAPES, INDEX, MOTION_NAMES, NUM_BLENDSHAPES, NUM_MOTION, POSE
from models.rig.arrays import F32, U8
from models.rig.inverse import MotionReader
from models.rig.landmarks import FaceTracker
from models.rig.neutral import to_neutral
from models.rig.observation import LANDMARKS, NUM_OBSERVED, mirrored
from models.rig.render import RigRenderer
from models.rig.response import Response
from models.rig.rig import prepare_rig
from training.rig.acting import act
from training.worlds.speech import ClipConfig, generate_clip

F64 = NDArray[np.float64]

_SIZE: Final = 512
_SPEECH_SHARE: Final = 1 / 3
_SPEECH_CLIPS: Final = 24
_LOOKS: Final = 2  # at every frame, so that the tracker has settled on it
_RIDGE: Final = 60.0  # observations' worth of doubt about the response
_POSE_RIDGE: Final = 300.0
_FLOOR: Final = 0.3  # variance of an observation's own noise, in its unit
_SPARSITY: Final = 3.0
_GAZE_SPARSITY: Final = 1.5  # eyes rarely look straight ahead
_WIDTH: Final = 6.0  # of the prior, over the motion's second moment
_DOUBT: Final = 0.01  # variance of a coefficient that motion never moved
_EVENNESS: Final = 10.0  # precision of the difference between two sides
_POSE_SPREAD: Final = 0.2
# Units that make observations comparable: places, irises, angles, travel.
_UNITS: Final = np.repeat([0.01, 0.01, 0.03, 0.05], [2 * len(LANDMARKS), 4, 3, 3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Frames of one portrait: observed float32 [N, NUM_OBSERVED] at known motion float32 [N, 58]."""

    observed: F32
    motion: F32


@click.command()
@click.argument("portraits", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--frames", type=click.IntRange(min=100), default=600, show_default=True, help="Of each portrait."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("models/rig/response.npz"))
def main(portraits: tuple[Path, ...], frames: int, seed: int, output: Path) -> None:
    """Render known motion on each of PORTRAITS, track it, and fit the response."""
    chance = np.random.default_rng(seed)
    speech = spoken_motion(seed)
    samples = []
    for path in tqdm(portraits):
        portrait = np.asarray(Image.open(path).convert("RGB"), np.uint8)
        motion = np.stack([draw_motion(chance, speech) for _ in range(frames)])
        samples.append(measure(portrait, motion))
    fitted = fit_response(samples)
    np.savez_compressed(
        output, weigh=fitted.weigh, gram=fitted.gram, sparsity=fitted.sparsity, pose=fitted.pose
    )


def spoken_motion(seed: int) -> F32:
    """Frames [N, 58] of the speech world."""
    clips = [generate_clip(seed + k, ClipConfig()) for k in range(_SPEECH_CLIPS)]
    return np.concatenate([clip.motion for clip in clips])


def draw_motion(chance: np.random.Generator, speech: F32) -> F32:
    """A frame of speech, of acting, or of acting while speaking."""
    if chance.random() > _SPEECH_SHARE:
        return act(chance)
    motion = speech[chance.integers(len(speech))].copy()
    if chance.random() < 0.5:
        motion[:NUM_BLENDSHAPES] += 0.7 * act(chance)[:NUM_BLENDSHAPES]
    motion[:NUM_BLENDSHAPES] = np.clip(motion[:NUM_BLENDSHAPES], 0, 1)
    return np.asarray(motion, np.float32)


def measure(portrait: U8, motion: F32) -> Sample:
    """Render motion [N, 58] on an RGB portrait and observe what a tracker sees of it."""
    renderer = RigRenderer(prepare_rig(portrait, _SIZE))
    with FaceTracker() as tracker:
        still = [_look(tracker, renderer.render(np.zeros(NUM_MOTION, np.float32), 0.0)) for _ in range(4)]
        reader = MotionReader(to_neutral(np.mean([s for s in still if s is not None], axis=0)), _NOTHING)
        seen = [_look(tracker, renderer.render(frame, 0.0)) for frame in motion]
    kept = [k for k, points in enumerate(seen) if points is not None]
    observed = [reader.observe(points) for points in seen if points is not None]
    return Sample(observed=np.array(observed, np.float32), motion=motion[kept])


def fit_response(samples: list[Sample]) -> Response:
    """Least-squares response and its noise over all portraits and their mirror images."""
    observed: F64 = np.concatenate([o for s in samples for o in (s.observed, mirrored(s.observed))]) / _UNITS
    motion = np.concatenate(
        [m for s in samples for m in (s.motion, mirrored_motion(s.motion))], dtype=np.float64
    )
    answer = np.linalg.solve(motion.T @ motion + _RIDGE * np.eye(NUM_MOTION), motion.T @ observed)
    missing = observed - motion @ answer
    noise = missing.T @ missing / len(missing) + _FLOOR * np.eye(NUM_OBSERVED)
    weigh = np.linalg.solve(noise, answer.T).T
    sparsity = [_sparsity(name) for name in MOTION_NAMES]
    return Response(
        weigh=(weigh / _UNITS).astype(np.float32),
        gram=(weigh @ answer.T + _prior(motion)).astype(np.float32),
        sparsity=np.array(sparsity, np.float32),
        pose=(_regress(observed, motion[:, NUM_BLENDSHAPES:]) / _UNITS).astype(np.float32),
    )


def _sparsity(name: str) -> float:
    if name in POSE:
        return 0.0
    return _GAZE_SPARSITY if name.startswith("eyeLook") else _SPARSITY


def _regress(observed: F64, wanted: F64) -> F64:
    """Ridge regression [W, NUM_OBSERVED] from observations [N, NUM_OBSERVED] to numbers [N, W]."""
    system = observed.T @ observed + _POSE_RIDGE * np.eye(NUM_OBSERVED)
    return np.asarray(np.linalg.solve(system, observed.T @ wanted).T, np.float64)


def mirrored_motion(motion: F32) -> F32:
    """Motion [N, 58] of the mirror images."""
    swap = {"Left": "Right", "Right": "Left"}
    sided = {n: next((n.replace(s, o) for s, o in swap.items() if n.endswith(s)), n) for n in MOTION_NAMES}
    signs = np.array([-1.0 if n in ("headYaw", "headRoll", "headX") else 1.0 for n in MOTION_NAMES])
    return np.asarray(motion[:, [INDEX[sided[n]] for n in MOTION_NAMES]] * signs, np.float32)


def _prior(motion: F64) -> F64:
    """Precision [58, 58] of motion before anything is observed."""
    moment = motion[:, :NUM_BLENDSHAPES].T @ motion[:, :NUM_BLENDSHAPES] / len(motion)
    precision = np.eye(NUM_MOTION) / _POSE_SPREAD**2
    precision[:NUM_BLENDSHAPES, :NUM_BLENDSHAPES] = np.linalg.inv(
        _WIDTH * moment + _DOUBT * np.eye(NUM_BLENDSHAPES)
    )
    for name in BLENDSHAPES:
        if name.endswith("Left") and name not in ("jawLeft", "mouthLeft") and not name.startswith("eyeLook"):
            pair = [INDEX[name], INDEX[name.replace("Left", "Right")]]
            precision[np.ix_(pair, pair)] += _EVENNESS * np.array([[1, -1], [-1, 1]])
    return precision


def _look(tracker: FaceTracker, picture: U8) -> F32 | None:
    points = None
    for _ in range(_LOOKS):
        points = tracker.read(picture)
    return points


_NOTHING: Final = Response(
    weigh=np.zeros((NUM_MOTION, NUM_OBSERVED), np.float32),
    gram=np.eye(NUM_MOTION, dtype=np.float32),
    sparsity=np.zeros(NUM_MOTION, np.float32),
    pose=np.zeros((len(POSE), NUM_OBSERVED), np.float32),
)


if __name__ == "__main__":
    main()

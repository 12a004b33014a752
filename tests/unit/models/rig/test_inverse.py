"""Facts about reading motion back from a face."""

from __future__ import annotations

import time

import numpy as np
import pytest

from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.arrays import F32, U8
from models.rig.inverse import HeadReader, MotionReader
from models.rig.landmarks import FaceTracker
from models.rig.neutral import Neutral, to_neutral
from models.rig.observation import NUM_OBSERVED
from models.rig.pose import HeadJoint
from models.rig.render import RigRenderer
from models.rig.rig import Rig, prepare_rig

STILL = np.zeros(NUM_MOTION, np.float32)


def moved(**coefficients: float) -> F32:
    motion = STILL.copy()
    for name, value in coefficients.items():
        motion[INDEX[name]] = value
    return motion


def posed(rest: Neutral, motion: F32) -> F32:
    """Landmarks of a face at rest, with a motion's pose."""
    base = (rest.scale * rest.points @ rest.rotation.T + rest.offset).astype(np.float32)
    return HeadJoint.of(rest).turn(base, motion)


class Camera:
    """Renders motion and tracks the face in the picture."""

    def __init__(self, renderer: RigRenderer) -> None:
        self._renderer = renderer
        self._tracker = FaceTracker()

    def see(self, motion: F32) -> F32:
        picture = self._renderer.render(motion, 0.0)
        for _ in range(3):
            points = self._tracker.read(picture)
        assert points is not None
        return points


@pytest.fixture(scope="module")
def camera(portrait: U8) -> Camera:
    return Camera(RigRenderer(prepare_rig(portrait, 512)))


@pytest.fixture
def reader(camera: Camera) -> MotionReader:
    return MotionReader(to_neutral(camera.see(STILL)))


def test_the_pose_of_exact_landmarks_is_found_exactly(rig: Rig) -> None:
    motion = moved(headPitch=0.15, headYaw=-0.3, headRoll=0.1, headX=0.1, headY=-0.05, headZ=0.3)

    pose = HeadReader(rig.neutral).fit(posed(rig.neutral, motion))

    assert pose == pytest.approx(motion[NUM_BLENDSHAPES:], abs=2e-3)


def test_a_pose_taken_off_leaves_the_face_at_rest(rig: Rig) -> None:
    motion = moved(headYaw=0.25, headX=0.05)

    frontal = HeadReader(rig.neutral).undo(posed(rig.neutral, motion), motion[NUM_BLENDSHAPES:])

    assert np.abs(frontal - rig.neutral.points)[:, :2].max() < 0.01


def test_a_face_at_rest_reads_as_nothing(camera: Camera, reader: MotionReader) -> None:
    motion = reader.read(camera.see(STILL))

    assert np.abs(motion[:NUM_BLENDSHAPES]).max() < 0.05
    assert np.degrees(np.abs(motion[NUM_BLENDSHAPES : NUM_BLENDSHAPES + 3])).max() < 1


@pytest.mark.parametrize("name", ["jawOpen", "mouthPucker", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"])
def test_an_expression_reads_as_itself(camera: Camera, reader: MotionReader, name: str) -> None:
    motion = reader.read(camera.see(moved(**{name: 1.0})))

    assert motion[INDEX[name]] > 0.25
    assert motion[: INDEX["headPitch"]].argmax() == INDEX[name]


def test_a_smile_reads_as_a_smile(camera: Camera, reader: MotionReader) -> None:
    motion = reader.read(camera.see(moved(mouthSmileLeft=1.0, mouthSmileRight=1.0)))

    assert min(motion[[INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]]) > 0.3


@pytest.mark.parametrize(("name", "degrees"), [("headYaw", 15), ("headPitch", -10), ("headRoll", 10)])
def test_a_turned_head_reads_within_three_degrees(
    camera: Camera, reader: MotionReader, name: str, degrees: float
) -> None:
    motion = reader.read(camera.see(moved(**{name: np.radians(degrees)})))

    assert np.degrees(motion[INDEX[name]]) == pytest.approx(degrees, abs=3)


def test_the_subjects_left_stays_left(camera: Camera, reader: MotionReader) -> None:
    motion = reader.read(camera.see(moved(eyeBlinkLeft=1.0)))

    assert motion[INDEX["eyeBlinkLeft"]] > motion[INDEX["eyeBlinkRight"]] + 0.2


def test_coefficients_stay_between_zero_and_one(rig: Rig) -> None:
    noise = np.random.default_rng(0).normal(0, 15, (478, 3)).astype(np.float32)

    motion = MotionReader(rig.neutral).read(posed(rig.neutral, STILL) + noise)

    assert motion[:NUM_BLENDSHAPES].min() >= 0
    assert motion[:NUM_BLENDSHAPES].max() <= 1


def test_other_landmarks_are_refused(rig: Rig) -> None:
    with pytest.raises(ValueError, match="478"):
        MotionReader(rig.neutral).read(np.zeros((468, 3), np.float32))


def test_a_frame_takes_a_few_milliseconds(rig: Rig) -> None:
    reader, points = MotionReader(rig.neutral), posed(rig.neutral, moved(headYaw=0.1))
    begin_s = time.process_time()
    for _ in range(20):
        reader.read(points)

    assert (time.process_time() - begin_s) / 20 < 0.02


def test_observations_of_a_face_at_rest_are_zero(rig: Rig) -> None:
    observed = MotionReader(rig.neutral).observe(posed(rig.neutral, STILL))

    assert observed.shape == (NUM_OBSERVED,)
    assert np.abs(observed).max() < 1e-3

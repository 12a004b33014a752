from __future__ import annotations

import json

import numpy as np

from models import motion
from services.kit.motion import BLENDSHAPES, MOTION_NAMES, POSE, JsonMotion
from services.kit.wire.stages import MOTION_CHANNELS


def test_services_and_models_name_the_channels_alike() -> None:
    assert motion.BLENDSHAPES == BLENDSHAPES
    assert motion.POSE == POSE
    assert len(MOTION_NAMES) == MOTION_CHANNELS


def test_a_json_file_explains_itself() -> None:
    frames = np.random.default_rng(0).normal(size=(3, 58)).astype(np.float32)
    text = JsonMotion()
    found = json.loads(text.head() + text.rows(frames, 0) + text.tail())
    assert list(found) == ["version", "frame_rate_hz", "names", "frames"]
    assert (found["version"], found["frame_rate_hz"]) == (1, 25)
    assert tuple(found["names"]) == motion.MOTION_NAMES
    np.testing.assert_allclose(found["frames"], frames, atol=1e-6)


def test_json_in_pieces_is_json_at_once() -> None:
    frames = np.random.default_rng(0).normal(size=(7, 58)).astype(np.float32)
    text = JsonMotion()
    assert text.rows(frames[:5], 0) + text.rows(frames[5:], 5) == text.rows(frames, 0)

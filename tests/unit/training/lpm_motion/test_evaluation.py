"""Figures of a model: closure, likeness."""

from __future__ import annotations

import numpy as np
import torch

from models.lpm.model import Lpm
from models.motion import INDEX, NUM_MOTION
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import PHONES, Scenes
from training.lpm_motion.evaluation import closure, evaluate, likeness, perform

FRAMES = 20


def spoken(symbol: str, first: int, last: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    phones = np.full((1, 2 * FRAMES), PHONES.index("a"), np.int8)
    phones[:, 2 * first : 2 * last] = PHONES.index(symbol)
    return phones


def jaw(opening: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    motion = np.zeros((1, FRAMES, NUM_MOTION), np.float32)
    motion[..., INDEX["jawOpen"]] = opening
    return motion


def test_lips_that_never_meet_close_no_bilabial() -> None:
    assert closure(jaw(0.5), spoken("m", 8, 11)) == 0


def test_one_closed_frame_within_the_phone_is_a_closure() -> None:
    motion = jaw(0.5)
    motion[:, 9] = 0
    assert closure(motion, spoken("b", 8, 11)) == 1


def test_a_closure_two_frames_late_is_none() -> None:
    motion = jaw(0.5)
    motion[:, 14:] = 0
    assert closure(motion, spoken("p", 8, 11)) == 0


def test_a_curve_is_like_itself_and_unlike_its_mirror() -> None:
    curve = np.random.default_rng(0).standard_normal((2, 30)).astype(np.float32)
    assert np.isclose(likeness(curve, curve), 1)
    assert np.isclose(likeness(curve, -curve), -1)


def test_clips_are_performed_whole(data: Scenes) -> None:
    lpm = Lpm(tiny_run().model).eval()
    assert perform(lpm, data, 2, seed=0).shape == (2, data.num_frames, NUM_MOTION)


def test_an_untrained_model_has_figures(data: Scenes) -> None:
    torch.manual_seed(0)
    figures = evaluate(Lpm(tiny_run().model).eval(), data, clips=2)
    assert 0 <= figures.silent_opening <= 1.5

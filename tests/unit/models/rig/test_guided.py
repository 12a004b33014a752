"""Facts about the guided filter."""

from __future__ import annotations

import cv2
import numpy as np

from models.rig import guided
from models.rig.arrays import F32


def two_colours(side: int = 64) -> F32:
    guide = np.full((side, side, 3), (0.2, 0.4, 0.6), np.float32)
    guide[:, side // 2 :] = (0.8, 0.3, 0.1)
    return guide


def test_a_constant_plane_stays_constant() -> None:
    plane = np.full((64, 64), 0.3, np.float32)
    model = guided.fit(two_colours(), plane, radius=5, smoothness=1e-3)
    assert np.allclose(guided.apply(model, two_colours()), 0.3, atol=1e-3)


def test_a_blurred_step_is_drawn_to_the_edge_of_the_guide() -> None:
    step = np.zeros((64, 64), np.float32)
    step[:, 32:] = 1
    blurred = np.asarray(cv2.GaussianBlur(step, (0, 0), 3), np.float32)
    sharp = guided.apply(guided.fit(two_colours(), blurred, radius=4, smoothness=1e-5), two_colours())
    assert np.abs(sharp - step)[:, 30:34].mean() < 0.65 * np.abs(blurred - step)[:, 30:34].mean()


def test_a_model_fitted_small_applies_to_the_large_picture() -> None:
    step = np.zeros((64, 64), np.float32)
    step[:, 32:] = 1
    model = guided.fit(two_colours(), step, radius=3, smoothness=1e-5)
    large = guided.apply(model, two_colours(256))
    assert np.abs(large - (np.arange(256) >= 128)).max() < 0.1

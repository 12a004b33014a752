"""Augmentation changes what is heard, never when."""

from __future__ import annotations

import numpy as np

from training.lpm_motion.augmentation import augment
from training.lpm_motion.config import AugmentationConfig


def a_pulse() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    levels = np.full((6, 100, 17), -80, np.float32)
    levels[:, 40:60] = -20
    return levels


def test_a_pulse_stays_where_it_was() -> None:
    changed = augment(a_pulse(), AugmentationConfig(), np.random.default_rng(0))[..., -1]
    assert (changed[:, 40:60].min(1) > changed[:, :40].max(1)).all()


def test_every_row_is_changed_in_its_own_way() -> None:
    changed = augment(a_pulse(), AugmentationConfig(), np.random.default_rng(0))
    assert len({row.tobytes() for row in changed}) == len(changed)


def test_the_same_seed_changes_the_same_way() -> None:
    one, other = (augment(a_pulse(), AugmentationConfig(), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)


def test_levels_stay_finite_on_digital_silence() -> None:
    silence = np.full((4, 50, 17), -100, np.float32)
    changed = augment(silence, AugmentationConfig(), np.random.default_rng(1))
    assert np.isfinite(changed).all()
    assert changed.min() >= -100

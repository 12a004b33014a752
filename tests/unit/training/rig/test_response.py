"""Facts about measuring and fitting the rig's response."""

from __future__ import annotations

import numpy as np

from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.arrays import F32
from models.rig.boxed import BoxedLeastSquares
from models.rig.observation import NUM_OBSERVED, mirrored
from training.rig.acting import act
from training.rig.response import Sample, draw_motion, fit_response, mirrored_motion


def acted(num: int, seed: int) -> F32:
    chance = np.random.default_rng(seed)
    return np.stack([act(chance) for _ in range(num)])


def test_acting_moves_coefficients_between_zero_and_one() -> None:
    motion = acted(200, 0)[:, :NUM_BLENDSHAPES]

    assert motion.min() >= 0
    assert motion.max() <= 1


def test_both_eyes_look_at_one_place() -> None:
    motion = acted(50, 0)

    assert np.array_equal(motion[:, INDEX["eyeLookOutLeft"]], motion[:, INDEX["eyeLookInRight"]])


def test_drawn_motion_repeats_with_its_seed() -> None:
    speech = acted(20, 1)

    first, second = (draw_motion(np.random.default_rng(5), speech) for _ in range(2))

    assert np.array_equal(first, second)


def test_mirrored_motion_swaps_sides_and_turns() -> None:
    motion = np.zeros((1, NUM_MOTION), np.float32)
    motion[0, [INDEX["jawLeft"], INDEX["eyeBlinkRight"], INDEX["headYaw"]]] = [0.1, 0.2, 0.3]

    other = mirrored_motion(motion)[0]

    assert np.isclose(
        other[[INDEX["jawRight"], INDEX["eyeBlinkLeft"], INDEX["headYaw"]]], [0.1, 0.2, -0.3]
    ).all()


def test_a_linear_answer_is_inverted() -> None:
    motion = acted(2000, 2)
    answer = even_answer()

    fitted = fit_response([Sample(observed=motion @ answer, motion=motion)])

    posed = motion @ answer @ fitted.pose.T
    assert np.abs(motion[:, NUM_BLENDSHAPES:] - posed).mean() < 0.05
    low = np.where(np.arange(NUM_MOTION) < NUM_BLENDSHAPES, 0.0, -1.0)
    problem = BoxedLeastSquares(fitted.gram.astype(np.float64), low, np.ones(NUM_MOTION))
    slope = fitted.weigh.astype(np.float64) @ (motion[0] @ answer) - fitted.sparsity
    assert np.abs(problem.solve(slope, np.zeros(NUM_MOTION)) - motion[0]).mean() < 0.1


def even_answer() -> F32:
    """A random linear answer [58, NUM_OBSERVED] that treats both sides of a face alike."""
    answer = np.random.default_rng(3).normal(0, 0.2, (NUM_MOTION, NUM_OBSERVED)).astype(np.float32)
    other = mirrored(mirrored_motion(np.eye(NUM_MOTION, dtype=np.float32)) @ answer)
    return np.asarray((answer + other) / 2, np.float32)

"""Plans ask for every concept, alone, together and in turn, and never for what excludes another."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

from models.lpm.direction import CONCEPTS, MAX_ITEMS
from training.worlds.direction import Directed, draw_plan
from training.worlds.direction.plan import HARD, are_compatible

NUM_CHUNKS = 60


@pytest.fixture(name="plans", scope="module")
def fixture_plans() -> list[tuple[Directed, ...]]:
    rng = np.random.default_rng(0)
    return [draw_plan(rng, NUM_CHUNKS) for _ in range(1500)]


def test_pieces_follow_one_another_within_the_clip(plans: list[tuple[Directed, ...]]) -> None:
    for plan in plans:
        assert all(0 <= piece.first_chunk < piece.end_chunk <= NUM_CHUNKS for piece in plan)
        assert all(one.end_chunk <= other.first_chunk for one, other in pairwise(plan))


def test_the_kinds_of_plan_have_their_shares(plans: list[tuple[Directed, ...]]) -> None:
    whole = [plan[0] for plan in plans if plan[0].end_chunk - plan[0].first_chunk == NUM_CHUNKS]
    single = sum(len(piece.items) == 1 for piece in whole) / len(plans)

    assert single == pytest.approx(0.35, abs=0.05)
    assert len(whole) / len(plans) - single == pytest.approx(0.25, abs=0.05)


def test_every_concept_comes_often_and_hard_ones_twice_as_often(plans: list[tuple[Directed, ...]]) -> None:
    counts = Counter(item.concept for plan in plans for piece in plan for item in piece.items)
    hard = [counts.pop(number) for number, concept in enumerate(CONCEPTS, 1) if concept.name in HARD]
    usual = sum(counts.values()) / len(counts)

    assert len(hard) + len(counts) == len(CONCEPTS)
    assert min(counts.values()) > 0.6 * usual
    assert max(counts.values()) < 1.5 * usual
    assert min(hard) > 1.5 * usual


def test_items_are_compatible_and_of_fair_strength(plans: list[tuple[Directed, ...]]) -> None:
    for piece in (piece for plan in plans for piece in plan):
        names = [CONCEPTS[item.concept - 1].name for item in piece.items]
        assert 1 <= len(names) <= MAX_ITEMS
        assert all(are_compatible(one, other) for one, other in combinations(names, 2))
        assert all(0.3 <= item.strength <= 1.0 for item in piece.items)


@pytest.mark.parametrize(
    ("one", "other", "compatible"),
    [
        ("gaze_up", "gaze_down", False),
        ("gaze_up", "gaze_left", True),
        ("happy", "sad", False),
        ("happy", "frown", False),
        ("happy", "nod", True),
        ("closed_eyes", "gaze_left", False),
        ("closed_eyes", "smile", True),
        ("calm", "lively", False),
        ("raised_brows", "angry", False),
        ("smile", "raised_brows", True),
        ("tilt_left", "turn_right", True),
    ],
)
def test_what_contradicts_is_not_combined(one: str, other: str, compatible: bool) -> None:
    assert are_compatible(one, other) is are_compatible(other, one) is compatible


@pytest.mark.parametrize("num_chunks", [1, 3, 10])
def test_short_clips_get_plans_too(num_chunks: int) -> None:
    rng = np.random.default_rng(1)

    for _ in range(50):
        plan = draw_plan(rng, num_chunks)
        assert plan
        assert all(0 <= piece.first_chunk < piece.end_chunk <= num_chunks for piece in plan)

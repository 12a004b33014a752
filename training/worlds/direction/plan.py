"""Plans: which concepts are asked for in which chunks of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from models.lpm.direction import CONCEPTS, Item
from training.worlds.direction.looks import LOOKS, coefficients, opposed

_SHARES: Final = (0.35, 0.25, 0.4)  # one item for the whole clip, several, a timeline
_STRENGTHS: Final = (0.3, 1.0)
_PIECE_CHUNKS: Final = (5, 20)
_ONE_SHOT_CHUNKS: Final = (4, 8)
_GAP_CHUNKS: Final = (2, 8)
_GAP_SHARE: Final = 0.45
_ONE_SHOT_SHARE: Final = 0.5
_SECOND_ITEM_SHARE: Final = 0.2
_HARD_FACTOR: Final = 2.5

# Learned late, for they change how often or how much something happens, or nearly nothing: drawn oftener.
HARD: Final = frozenset(
    "gaze_viewer gaze_away gaze_down calm lively blink_often blink_rarely nod shake wink".split()
)

# Of each group, one at a time: they need the same part of the face.
_ALTERNATIVES: Final = (
    "smile grin frown pout pressed_lips smirk grimace sneer puffed_cheeks",
    "raised_brows one_brow_raised furrowed_brows",
    "squint wide_eyes closed_eyes wink blink_often blink_rarely",
    "nod shake",
    "tilt_left tilt_right",
    "lean_forward lean_back",
    "turn_left turn_right",
    "gaze_viewer gaze_away gaze_up gaze_down",
    "gaze_viewer gaze_away gaze_left gaze_right",
    "closed_eyes gaze_viewer gaze_away gaze_up gaze_down",
    "closed_eyes gaze_left",
    "closed_eyes gaze_right",
    "calm lively",
    "calm excited amused",
    "lively tired bored sad",
    "closed_eyes surprised afraid angry curious excited doubtful",
)


@dataclass(frozen=True, slots=True)
class Directed:
    """Items that are in force from `first_chunk` up to `end_chunk`, which is no longer one of them."""

    first_chunk: int
    end_chunk: int
    items: tuple[Item, ...]


def draw_plan(rng: np.random.Generator, num_chunks: int) -> tuple[Directed, ...]:
    """Draw what is asked of a clip: one item, several that go together, or a timeline; never nothing."""
    draw = rng.choice(len(_SHARES), p=_SHARES)
    if draw == 0:
        return (Directed(0, num_chunks, _draw_items(rng, 1)),)
    if draw == 1:
        return (Directed(0, num_chunks, _draw_items(rng, int(rng.integers(2, 5)))),)
    return _draw_timeline(rng, num_chunks)


def _draw_timeline(rng: np.random.Generator, num_chunks: int) -> tuple[Directed, ...]:
    pieces: list[Directed] = []
    at = int(rng.integers(0, max(num_chunks // 3, 1)))
    for _ in range(int(rng.integers(2, 5))):
        items = _draw_items(rng, 2 if rng.random() < _SECOND_ITEM_SHARE else 1)
        is_short = all(_is_gesture(item) for item in items) and rng.random() < _ONE_SHOT_SHARE
        shortest, longest = _ONE_SHOT_CHUNKS if is_short else _PIECE_CHUNKS
        end = min(at + int(rng.integers(shortest, longest + 1)), num_chunks)
        if end - at < min(_ONE_SHOT_CHUNKS[0], num_chunks):
            break
        pieces.append(Directed(at, end, items))
        at = end
        if rng.random() < _GAP_SHARE:
            at += int(rng.integers(_GAP_CHUNKS[0], _GAP_CHUNKS[1] + 1))
    return tuple(pieces)


def _draw_items(rng: np.random.Generator, count: int) -> tuple[Item, ...]:
    """Up to `count` compatible items; over many draws, all but the hard concepts come about equally often."""
    chosen: list[int] = []
    for i in rng.choice(len(CONCEPTS), size=len(CONCEPTS), replace=False, p=_chances()).tolist():
        if all(are_compatible(CONCEPTS[i].name, CONCEPTS[k].name) for k in chosen):
            chosen.append(i)
        if len(chosen) == count:
            break
    return tuple(Item(i + 1, float(rng.uniform(*_STRENGTHS))) for i in chosen)


def are_compatible(one: str, other: str) -> bool:
    """Whether a face can play two concepts at once."""
    return frozenset((one, other)) not in _conflicts()


@cache
def _chances() -> npt.NDArray[np.float64]:
    """The chance of each concept to be drawn first: larger where few others go with it, or it is hard."""
    names = [concept.name for concept in CONCEPTS]
    friends = [sum(are_compatible(name, other) for other in names) for name in names]
    factors = [_HARD_FACTOR if name in HARD else 1.0 for name in names]
    weights = np.array(factors) * np.array(friends, dtype=np.float64) ** -0.7
    return np.asarray(weights / weights.sum())


def _is_gesture(item: Item) -> bool:
    concept = CONCEPTS[item.concept - 1]
    return concept.kind in ("gesture", "gaze") or concept.name == "wink"


@cache
def _conflicts() -> frozenset[frozenset[str]]:
    emotions = " ".join(concept.name for concept in CONCEPTS if concept.kind == "emotion")
    groups = [group.split() for group in (*_ALTERNATIVES, emotions)]
    listed = {frozenset((a, b)) for group in groups for a in group for b in group if a != b}
    opposite = {frozenset((a, b)) for a in LOOKS for b in LOOKS if a != b and _are_opposed(a, b)}
    return frozenset(listed | opposite)


def _are_opposed(one: str, other: str) -> bool:
    """Whether one look hides a good part of the other."""
    first, second = coefficients(LOOKS[one].shapes), coefficients(LOOKS[other].shapes)
    return any(float((opposed(a) * b).max()) > 0.15 for a, b in ((first, second), (second, first)))

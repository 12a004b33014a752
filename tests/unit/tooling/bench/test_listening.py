"""The measures of listening, on made dialogues and made motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from models.rig.arrays import F32
from tests.bench.dialogues import Dialogue, of_tracks
from tests.bench.duplex import told_right
from tests.bench.listening import false_lips, listening_starts, reaction
from tests.unit.tooling.bench.sounds import spoken

# The other's phrases, and what the character says.
HEARD = ((0.4, 3.0), (4.0, 6.4), (7.6, 9.0))
SAID = ((13.0, 16.0),)
SECONDS = 18.0
DELAY = 10  # frames


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    return of_tracks(spoken(*SAID, seconds=SECONDS), spoken(*HEARD, seconds=SECONDS))


def restless(seed: int) -> F32:
    """A head that moves a little at the rate of nods, all the time."""
    motion = np.zeros((round(SECONDS * FRAME_RATE_HZ), NUM_MOTION), np.float32)
    tremor = gaussian_filter1d(np.random.default_rng(seed).standard_normal(len(motion)), 2.0)
    motion[:, INDEX["headPitch"]] = np.radians(0.2) * tremor / tremor.std()
    return motion


def nod(motion: F32, at: int) -> F32:
    frames = np.arange(20)
    motion[at : at + 20, INDEX["headPitch"]] += np.radians(4) * np.sin(np.pi * frames / 10) ** 2
    return motion


def test_the_truth_of_two_tracks_is_where_they_sound(dialogue: Dialogue) -> None:
    assert dialogue.ends == tuple(round(end_s * FRAME_RATE_HZ) for _, end_s in HEARD)
    assert np.flatnonzero(dialogue.own)[[0, -1]].tolist() == [325, 399]


def test_nods_after_phrases_are_seen_with_their_delay(dialogue: Dialogue) -> None:
    motion = restless(0)
    for end in dialogue.ends:
        nod(motion, end + DELAY)

    found = reaction([dialogue], motion[None])

    assert found.num_ends == 3
    assert found.ratio > 2
    assert found.after > 10 * found.elsewhere
    assert found.delays_s == pytest.approx([DELAY / FRAME_RATE_HZ] * 3, abs=0.08)


def test_nods_anywhere_score_one() -> None:
    dialogue = of_tracks(spoken(seconds=SECONDS), spoken(*HEARD, seconds=SECONDS))
    chance = np.random.default_rng(1)
    motions = np.stack([nod(restless(k), int(chance.integers(10, 230))) for k in range(400)])

    assert reaction([dialogue] * len(motions), motions).ratio == pytest.approx(1.0, abs=0.2)


def test_a_head_that_does_not_nod_has_no_delay(dialogue: Dialogue) -> None:
    assert reaction([dialogue], restless(0)[None]).delays_s == ()


def test_no_second_counts_as_listening_that_the_character_speaks_in(dialogue: Dialogue) -> None:
    other = of_tracks(spoken((3.4, 4.0), seconds=SECONDS), spoken(*HEARD, seconds=SECONDS))

    assert listening_starts(dialogue)[75]
    assert not listening_starts(other)[60:100].any()


def talking(motion: F32, marked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> F32:
    motion[marked, INDEX["jawOpen"]] = 0.3 + 0.2 * np.sin(np.arange(np.count_nonzero(marked)))
    return motion


def test_lips_that_follow_the_other_s_voice_are_false(dialogue: Dialogue) -> None:
    following = talking(restless(0), dialogue.other)

    assert false_lips([dialogue], following[None]) == 1.0
    assert false_lips([dialogue], talking(restless(0), dialogue.own)[None]) == 0.0


def test_lips_just_before_and_after_one_s_own_voice_are_not_false() -> None:
    close = of_tracks(spoken((3.2, 4.0), seconds=6.0), spoken((0.4, 3.2), seconds=6.0))
    early = talking(restless(0)[: len(close.own)], np.arange(len(close.own)) >= 75)

    assert false_lips([close], early[None]) == 0.0


def test_motion_that_follows_its_own_stream_is_told_right_on_either_side(dialogue: Dialogue) -> None:
    speaking, listening = talking(restless(0), dialogue.own), talking(restless(0), dialogue.other)

    assert told_right([dialogue], speaking[None]).all()
    assert told_right([dialogue.swapped], listening[None]).all()
    assert not told_right([dialogue.swapped], speaking[None]).any()


def test_seconds_in_which_both_or_none_sound_are_not_told() -> None:
    both = of_tracks(spoken((1.0, 3.0), seconds=6.0), spoken((2.0, 4.0), seconds=6.0))

    assert len(told_right([both], restless(0)[None, :150])) == 2

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.domain import (
    Activity,
    Endings,
    Listener,
    Loudness,
    Place,
    Rota,
    is_clip_end,
    is_clip_start,
    resume_points,
)

CLIP = 10


def _place(session_id: str = "s", epoch: int = 0) -> Place:
    return Place(tenant="t", session_id=session_id, epoch=epoch)


def _rota(members: str) -> Rota[str]:
    rota: Rota[str] = Rota()
    for member in members:
        rota.join(member)
    return rota


def _always(_member: str) -> bool:
    return True


def test_members_are_served_in_turn() -> None:
    rota = _rota("abcde")
    assert [rota.pick(_always, 2) for _ in range(4)] == [["a", "b"], ["c", "d"], ["e", "a"], ["b", "c"]]


def test_one_who_was_not_ready_is_served_before_those_who_were() -> None:
    rota = _rota("abc")
    rota.pick(lambda member: member != "a", 2)
    assert rota.pick(_always, 2) == ["a", "b"]


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=30), st.integers(1, 4))
def test_nobody_who_is_ready_is_passed_over_twice_for_the_same_other(
    ready_in_turn: list[set[str]], places: int
) -> None:
    rota, waits = _rota("abcdef"), dict.fromkeys("abcdef", 0)
    for ready in ready_in_turn:
        picked = rota.pick(ready.__contains__, places)
        assert len(picked) == min(places, len(ready))
        for member in ready:
            waits[member] = 0 if member in picked else waits[member] + 1
        assert max(waits.values()) * places <= 5 * places


def test_who_left_is_served_no_more() -> None:
    rota = _rota("ab")
    rota.leave("a")
    rota.leave("never there")
    assert rota.pick(_always, 2) == ["b"]


def test_who_joins_twice_keeps_their_turn() -> None:
    rota = _rota("aba")
    assert rota.pick(_always, 3) == ["a", "b"]


@pytest.mark.parametrize(("epoch", "is_over"), [(0, True), (1, True), (2, True), (3, False)], ids=str)
def test_the_end_of_an_attempt_is_that_of_all_before_it(epoch: int, is_over: bool) -> None:
    endings = Endings(8)
    endings.add(_place(epoch=2))
    endings.add(_place(epoch=1))
    assert endings.cover(_place(epoch=epoch)) is is_over
    assert not endings.cover(_place("other", epoch))


def test_the_oldest_ending_is_forgotten_first() -> None:
    endings = Endings(2)
    for session_id in "abc":
        endings.add(_place(session_id))
    assert [endings.cover(_place(session_id)) for session_id in "abc"] == [False, True, True]


def test_clips_are_ten_chunks() -> None:
    assert [n for n in range(30) if is_clip_start(n, CLIP)] == [0, 10, 20]
    assert [n for n in range(30) if is_clip_end(n, CLIP)] == [9, 19, 29]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (0, [(10, False), (20, False)]),
        (3, [(10, False), (20, False)]),
        (10, [(10, False), (20, False)]),
        (12, [(10, True), (20, False)]),
        (29, [(20, True), (30, False)]),
    ],
)
def test_a_session_is_looked_for_from_the_clip_of_the_first_cue_on(
    seen: int, expected: list[tuple[int, bool]]
) -> None:
    assert list(islice(resume_points(seen, CLIP), 2)) == expected


SOUNDING = Loudness(full_scale_db=-30.0, relative_db=-6.0)
PAUSING = Loudness(full_scale_db=-48.0, relative_db=-24.0)
DISTANT = Loudness(full_scale_db=-60.0, relative_db=-2.0)


def _hear(streams: str) -> list[Activity]:
    """The activities of streams by a letter a chunk: own, other, both, pause of both, distant both, gone."""
    chunks = {
        "s": (SOUNDING, PAUSING),
        "l": (PAUSING, SOUNDING),
        "b": (SOUNDING, SOUNDING),
        "p": (PAUSING, PAUSING),
        "d": (DISTANT, DISTANT),
        "-": (None, None),
    }
    listener = Listener()
    return [listener.hear(*chunks[letter]) for letter in streams]


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ("pppp", "idle idle idle idle"),
        ("dddd", "idle idle idle idle"),
        ("----", "idle idle idle idle"),
        ("sspss", "speaking speaking speaking speaking speaking"),
        ("lppppp", "listening listening listening idle idle idle"),
        ("sllll", "speaking overlap overlap listening listening"),
        ("bppp", "overlap overlap overlap idle"),
        ("s-ps", "speaking idle idle speaking"),
    ],
)
def test_a_session_is_named_by_the_voices_that_sound_or_have_just_sounded(
    streams: str, expected: str
) -> None:
    assert [activity.value for activity in _hear(streams)] == expected.split()


@given(st.text("slbpd-", max_size=40))
def test_swapping_the_streams_swaps_the_names(streams: str) -> None:
    swapped = {"speaking": "listening", "listening": "speaking"}
    names = [activity.value for activity in _hear(streams)]
    other = [activity.value for activity in _hear(streams.translate(str.maketrans("sl", "ls")))]
    assert other == [swapped.get(name, name) for name in names]

from __future__ import annotations

import pytest

from services.kit.errors import SessionLost, Stale
from services.stitching.domain import Attempt, SessionKey, Sessions

KEY = SessionKey("ten_a", "per_a")
CLIP = 10


def _sessions(let_go: list[str] | None = None) -> Sessions[str]:
    return Sessions(clip_chunks=CLIP, let_go=([] if let_go is None else let_go).append)


def _fill(attempt: Attempt[str], sequences: range, final: int | None = None) -> None:
    for sequence in sequences:
        attempt.hold(sequence, f"chunk {sequence}", is_final=sequence == final)


def test_ten_chunks_make_a_clip() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    _fill(attempt, range(9))
    assert attempt.ready_clip() is None
    _fill(attempt, range(9, 10))
    clip = attempt.ready_clip()
    assert clip is not None
    assert (clip.sequence, clip.is_final) == (0, False)
    assert clip.items == tuple(f"chunk {n}" for n in range(10))


def test_a_clip_stays_ready_until_it_is_finished() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    _fill(attempt, range(10))
    assert attempt.ready_clip() == attempt.ready_clip()
    assert len(attempt.finish_clip()) == 10
    assert attempt.ready_clip() is None


@pytest.mark.parametrize("final", [10, 14, 19])
def test_the_final_chunk_ends_the_last_clip(final: int) -> None:
    attempt = _sessions().attempt(KEY, 0, 10)
    _fill(attempt, range(10, final + 1), final)
    clip = attempt.ready_clip()
    assert clip is not None
    assert (clip.sequence, len(clip.items), clip.is_final) == (1, final - 9, True)


def test_chunks_that_come_early_wait_for_the_gap_to_close() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    _fill(attempt, range(5, 12))
    _fill(attempt, range(4))
    assert attempt.ready_clip() is None
    _fill(attempt, range(4, 5))
    assert attempt.ready_clip() is not None


def test_copies_are_let_go_with_their_clip() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    _fill(attempt, range(6))
    _fill(attempt, range(10))
    assert len(attempt.finish_clip()) == 16


def test_a_chunk_of_a_finished_clip_is_stale() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    _fill(attempt, range(10))
    attempt.finish_clip()
    with pytest.raises(Stale):
        attempt.hold(9, "again", is_final=False)


def test_a_chunk_too_far_ahead_loses_the_session() -> None:
    attempt = _sessions().attempt(KEY, 0, 0)
    with pytest.raises(SessionLost):
        attempt.hold(256, "far", is_final=False)


def test_a_new_owner_begins_where_a_clip_begins() -> None:
    sessions = _sessions()
    for sequence in (13, 19):
        with pytest.raises(Stale):
            sessions.attempt(KEY, 0, sequence)
    attempt = sessions.attempt(KEY, 0, 20)
    _fill(attempt, range(20, 30))
    clip = attempt.ready_clip()
    assert clip is not None
    assert clip.sequence == 2


def test_a_newer_epoch_gives_up_the_older_one() -> None:
    let_go: list[str] = []
    sessions = _sessions(let_go)
    older = sessions.attempt(KEY, 0, 0)
    _fill(older, range(3))
    newer = sessions.attempt(KEY, 1, 0)
    assert older.is_dropped
    assert not newer.is_dropped
    assert let_go == ["chunk 0", "chunk 1", "chunk 2"]
    with pytest.raises(Stale):
        sessions.attempt(KEY, 0, 3)


def test_an_ended_session_takes_nothing_but_a_newer_epoch() -> None:
    let_go: list[str] = []
    sessions = _sessions(let_go)
    _fill(sessions.attempt(KEY, 2, 0), range(2))
    sessions.end(KEY, 2)
    assert let_go == ["chunk 0", "chunk 1"]
    with pytest.raises(Stale):
        sessions.attempt(KEY, 2, 0)
    assert sessions.attempt(KEY, 3, 0).epoch == 3


def test_the_end_of_an_older_epoch_leaves_the_newer_one_alone() -> None:
    sessions = _sessions()
    newer = sessions.attempt(KEY, 1, 0)
    sessions.end(KEY, 0)
    assert sessions.attempt(KEY, 1, 1) is newer


def test_forgotten_sessions_are_not_let_go_and_may_come_back() -> None:
    let_go: list[str] = []
    sessions = _sessions(let_go)
    attempt = sessions.attempt(KEY, 0, 0)
    _fill(attempt, range(2))
    sessions.forget([key for key, _ in sessions.items()])
    assert attempt.is_dropped
    assert let_go == []
    assert sessions.attempt(KEY, 0, 0) is not attempt


def test_memory_of_ended_sessions_is_bounded() -> None:
    sessions = _sessions()
    for number in range(5000):
        sessions.end(SessionKey("ten_a", f"per_{number}"), 0)
    assert sessions.attempt(SessionKey("ten_a", "per_0"), 0, 0).epoch == 0
    with pytest.raises(Stale):
        sessions.attempt(SessionKey("ten_a", "per_4999"), 0, 0)

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from services.generation.domain import Place
from services.generation.snapshot import Snapshot, read_snapshot, write_snapshot
from services.generation.snapshots import Snapshots
from services.kit.errors import SessionLost
from services.kit.messages import MotionIntensity, Opening
from tests.unit.services.generation.world import DictBlobs

PLACE = Place(tenant="t", session_id="s", epoch=2)
SNAPSHOT = Snapshot(
    next_sequence=20,
    opening=Opening(
        character_id="c", portrait_uri="t/p", face=1, size=512, engine="lpm", seed=2**63, identity_uri="t/i"
    ),
    noise=dict(np.random.default_rng(2**63).bit_generator.state),
    row=b"\n\x00row",
)


def _stored(*sequences: int, blobs: DictBlobs | None = None) -> Snapshots:
    snapshots = Snapshots(blobs or DictBlobs())  # type: ignore[arg-type]  # no streams are needed
    for sequence in sequences:
        asyncio.run(snapshots.put(PLACE, sequence, replace(SNAPSHOT, next_sequence=sequence)))
    return snapshots


def test_a_snapshot_is_read_as_it_was_written() -> None:
    assert read_snapshot(write_snapshot(SNAPSHOT)) == SNAPSHOT


def test_a_snapshot_keeps_the_motion_intensity() -> None:
    opening = replace(SNAPSHOT.opening, motion_intensity=MotionIntensity(face=0.2, body=1.0))

    assert read_snapshot(write_snapshot(replace(SNAPSHOT, opening=opening))).opening == opening


def test_a_snapshot_from_before_motion_intensity_is_read() -> None:
    written = write_snapshot(SNAPSHOT).replace(b', "motion_intensity": null', b"")

    assert read_snapshot(written) == SNAPSHOT


def test_the_chance_that_was_kept_goes_on_with_the_same_numbers() -> None:
    chance = np.random.default_rng(5)
    chance.standard_normal(7)
    kept = replace(SNAPSHOT, noise=dict(chance.bit_generator.state))
    revived = np.random.default_rng(0)
    revived.bit_generator.state = read_snapshot(write_snapshot(kept)).noise
    assert np.array_equal(revived.standard_normal(9), chance.standard_normal(9))


@pytest.mark.parametrize("length", [0, 5, 30, 200, -1])
def test_a_cut_snapshot_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"snapshot|JSON|Expecting|delimiter|string"):
        read_snapshot(write_snapshot(SNAPSHOT)[:length])


@pytest.mark.parametrize(
    ("stored", "seen", "lag", "found"),
    [
        ((), 0, 0, None),
        ((10, 20, 30), 0, 0, 30),
        ((10, 20, 30), 10, 0, 30),
        ((10, 20, 30), 15, 0, 30),
        ((20, 30), 15, 0, 30),
        ((10,), 15, 0, 10),
        ((10,), 30, 0, None),
        ((10,), 13, 3, 10),
        ((10,), 35, 25, 10),
        ((20,), 22, 3, 20),
    ],
)
def test_the_latest_snapshot_is_found(
    stored: tuple[int, ...], seen: int, lag: int, found: int | None
) -> None:
    snapshot = asyncio.run(_stored(*stored).find(PLACE, seen, lag))
    assert (None if snapshot is None else snapshot.next_sequence) == found


def test_a_snapshot_of_another_attempt_is_not_found() -> None:
    assert asyncio.run(_stored(10).find(replace(PLACE, epoch=1), 0, 0)) is None


def test_a_damaged_snapshot_loses_the_session() -> None:
    blobs = DictBlobs()
    snapshots = _stored(10, blobs=blobs)
    blobs.blobs["t/performances/s/2/snapshots/at-000010"] = b"rubbish"
    with pytest.raises(SessionLost, match="at 10 cannot be used"):
        asyncio.run(snapshots.find(PLACE, 10, 0))


def test_an_ended_session_stays_ended_when_its_snapshots_are_cleared() -> None:
    snapshots = _stored(10, 20)
    asyncio.run(snapshots.end(PLACE))
    asyncio.run(snapshots.clear(PLACE))
    assert asyncio.run(snapshots.find(PLACE, 0, 0)) is None
    assert asyncio.run(snapshots.has_ended(PLACE))

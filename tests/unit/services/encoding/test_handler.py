from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.encoding.handler import Encoding
from services.encoding.session import Limits
from services.kit.contracts import CHUNK_SAMPLES
from services.kit.errors import Stale, Unavailable
from services.kit.messages import Cue, Segment, SubjectKind
from tests.unit.services.encoding.world import (
    World,
    cancel,
    make_driven,
    make_opening,
    make_segments,
    make_verdict,
)

BUNDLE = "t/characters/c/identity/256-0.bundle"


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def heard(cues: list[Cue]) -> list[list[float]]:
    return [cue.speak[0].tolist() for cue in cues if cue.speak is not None]


def expected(segments: list[Segment]) -> list[list[float]]:
    sums = [0.0 if segment.speech is None else float(segment.speech.sum()) for segment in segments]
    return [list(pair) for pair in zip(sums, [*sums[1:], 0.0], strict=True)]


def test_every_segment_becomes_its_cue() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert heard(world.bus.cues) == expected(segments)
    assert [cue.envelope.sequence for cue in world.bus.cues] == list(range(9))
    assert [cue.is_final for cue in world.bus.cues] == [False] * 8 + [True]
    assert [cue.directions for cue in world.bus.cues] == [segment.directions for segment in segments]


def test_the_bundle_is_there_before_the_first_cue_and_the_first_cue_names_it() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments[:2])
            await world.until(lambda: bool(world.bus.cues))
            assert world.blobs.blobs[BUNDLE] == b"face\x00256"

    run(story())
    assert world.bus.cues[0].opening == make_opening(identity_uri=BUNDLE)
    assert [(i.identity_uri, i.num_faces, i.size) for i in world.bus.identities] == [(BUNDLE, 2, 256)]


def test_a_bundle_that_is_there_is_not_made_again() -> None:
    world, segments = World(), make_segments()
    world.blobs.blobs[BUNDLE] = b"made before"

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert world.maker.num_bundles == 0
    assert world.bus.identities == []


def test_sessions_that_need_the_same_bundle_at_the_same_time_make_it_once() -> None:
    world = World()
    both = [make_segments("a"), make_segments("b")]

    async def story() -> None:
        async with world.process() as encoding, asyncio.TaskGroup() as tasks:
            for segments in both:
                tasks.create_task(world.deliver(encoding, segments))
            await world.until(lambda: all(map(world.are_settled, both)))

    run(story())
    assert world.maker.num_bundles == 1


@pytest.mark.parametrize("killed_at", range(9))
def test_nothing_is_settled_before_the_end_so_a_new_process_publishes_the_same_cues(killed_at: int) -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments[:killed_at])
            await world.until(lambda: len(world.bus.cues) >= killed_at - 1)
        assert world.settled == set()
        world.bus.records.clear()
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert heard(world.bus.cues) == expected(segments)


def test_a_finished_session_that_is_read_again_is_not_encoded_again() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))
        world.bus.records.clear()
        world.settled.clear()
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert world.bus.records == []


@given(st.permutations(range(9)), st.lists(st.integers(0, 8), max_size=9))
@settings(max_examples=20, deadline=None)
def test_neither_disorder_nor_repeats_change_a_cue(order: list[int], repeats: list[int]) -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, [segments[n] for n in order] + [segments[n] for n in repeats])
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert heard(world.bus.cues) == expected(segments)


def test_a_driver_becomes_motion() -> None:
    world, segment = World(), make_driven()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, [segment])
            await world.until(lambda: world.are_settled([segment]))

    run(story())
    assert [cue.motion[0, 0] for cue in world.bus.cues if cue.motion is not None] == [1, 2, 3]
    assert [cue.is_final for cue in world.bus.cues] == [False, False, True]
    assert world.bus.cues[0].opening == make_opening(identity_uri=BUNDLE)


def test_a_driver_becomes_footage_for_an_engine_that_looks_itself() -> None:
    world = World()
    segment = replace(make_driven(), opening=make_opening(engine="personalive"))

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, [segment])
            await world.until(lambda: world.are_settled([segment]))

    run(story())
    assert [cue.pictures[0] for cue in world.bus.cues] == [b"\1", b"\2", b"\3"]
    assert [cue.num_frames for cue in world.bus.cues] == [0, 0, 4]
    bundle = "t/characters/c/identity/personalive-256-0.bundle"
    assert world.bus.cues[0].opening == make_opening(engine="personalive", identity_uri=bundle)
    assert world.blobs.blobs[bundle].startswith(b"personalive")


def test_a_session_of_an_engine_that_nobody_knows_fails() -> None:
    world = World()
    segment = replace(make_driven(), opening=make_opening(engine="../other"))

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, [segment])
            await world.until(lambda: world.are_settled([segment]))

    run(story())
    assert [status.code for status in world.bus.statuses] == ["engine_unknown"]
    assert world.bus.cues == []


@pytest.mark.parametrize(
    ("portrait", "driver", "code"),
    [
        (b"landscape", b"\1", "no_face"),
        (None, b"\1", "portrait_missing"),
        (b"face", b"", "driver_without_face"),
        (b"face", None, "driver_missing"),
    ],
)
def test_input_that_cannot_be_used_fails_the_session(
    portrait: bytes | None, driver: bytes | None, code: str
) -> None:
    world, segment = World(), make_driven()
    given_blobs = {"t/characters/c/portrait": portrait, "t/performances/s/driver": driver}
    world.blobs.blobs = {key: data for key, data in given_blobs.items() if data is not None}

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, [segment])
            await world.until(lambda: world.are_settled([segment]))
            with pytest.raises(Stale):
                await encoding.take(segment, world.receipt(segment))

    run(story())
    assert [status.code for status in world.bus.statuses] == [code]
    assert world.bus.cues == []


def test_an_outage_costs_time_only() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        world.blobs.outages, world.bus.outages = 2, 2
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert heard(world.bus.cues) == expected(segments)


def test_a_cancelled_session_is_settled_and_what_follows_is_stale() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments[:4])
            await encoding.obey(cancel())
            assert world.are_settled(segments[:4])
            with pytest.raises(Stale, match="over"):
                await encoding.take(segments[4], world.receipt(segments[4]))

    run(story())


def test_a_later_attempt_replaces_an_earlier_one() -> None:
    world, earlier, later = World(), make_segments(), make_segments(epoch=1)

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, earlier[:4])
            await world.deliver(encoding, later)
            assert world.are_settled(earlier[:4])
            with pytest.raises(Stale, match="epoch 1"):
                await encoding.take(earlier[4], world.receipt(earlier[4]))
            await world.until(lambda: world.are_settled(later))

    run(story())
    assert [cue.envelope.sequence for cue in world.bus.cues if cue.envelope.epoch == 1] == list(range(9))


def test_a_released_partition_is_forgotten_and_nothing_of_it_settled() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments[:4])
            encoding.release(0)
            await world.deliver(encoding, segments[4:])
            await asyncio.sleep(0.02)

    run(story())
    assert world.settled == set()


def test_segments_whose_beginning_is_gone_are_let_go_without_a_word() -> None:
    world, segments = World(), make_segments()

    async def story() -> None:
        async with world.process(Limits(patience_s=30, watch_s=0.01)) as encoding:
            await world.deliver(encoding, segments[5:])
            await asyncio.sleep(0.05)
            assert world.settled == set()
            world.clock.seconds = 31.0
            await world.until(lambda: world.are_settled(segments[5:]))

    run(story())
    assert world.bus.records == []


def test_whoever_brings_too_many_segments_waits() -> None:
    world, segments = World(), make_segments(count=60)
    taken: list[Segment] = []

    async def story() -> None:
        async with world.process(Limits(segments=4, batch=2)) as encoding:
            world.bus.outages = 10**6
            delivery = asyncio.create_task(bring(encoding))
            await world.until(lambda: len(taken) >= 3)
            await asyncio.sleep(0.05)
            delivery.cancel()

    async def bring(encoding: Encoding) -> None:
        for segment in segments:
            await encoding.take(segment, world.receipt(segment))
            taken.append(segment)

    run(story())
    assert 3 <= len(taken) < 12


def test_an_approved_character_gets_its_identity() -> None:
    world = World()

    async def story() -> None:
        async with world.process() as encoding:
            await encoding.prepare(make_verdict())

    run(story())
    (identity,) = world.bus.identities
    assert identity.identity_uri == "t/characters/c/identity/512-1.bundle"
    assert world.blobs.blobs[identity.identity_uri] == b"face\x01512"


def test_a_portrait_that_cannot_be_used_is_answered_with_the_reason() -> None:
    world = World()
    world.blobs.blobs["t/characters/c/portrait"] = b"landscape"

    async def story() -> None:
        async with world.process() as encoding:
            await encoding.prepare(make_verdict())

    run(story())
    (identity,) = world.bus.identities
    assert (identity.code, identity.identity_uri) == ("no_face", "")
    assert "no face" in identity.detail


@pytest.mark.parametrize("changes", [{"is_approved": False}, {"subject": SubjectKind.PERFORMANCE}])
def test_other_verdicts_prepare_nothing(changes: dict[str, object]) -> None:
    world = World()

    async def story() -> None:
        async with world.process() as encoding:
            await encoding.prepare(make_verdict(**changes))

    run(story())
    assert world.bus.records == []


def test_a_store_that_is_down_has_the_loop_try_a_verdict_again() -> None:
    world = World()
    world.blobs.outages = 1

    async def story() -> None:
        async with world.process() as encoding:
            with pytest.raises(Unavailable):
                await encoding.prepare(make_verdict())

    run(story())


def test_a_cue_brings_the_streams_that_are_there() -> None:
    world, segments = World(), make_segments(count=4)
    noise = np.ones(CHUNK_SAMPLES, np.float32)
    segments[1] = replace(segments[1], listen=noise)
    segments[2] = replace(segments[2], speech=None, listen=2 * noise)

    async def story() -> None:
        async with world.process() as encoding:
            await world.deliver(encoding, segments)
            await world.until(lambda: world.are_settled(segments))

    run(story())
    assert [cue.speak is None for cue in world.bus.cues] == [False, False, True, False]
    assert [None if cue.listen is None else cue.listen[0, 0] for cue in world.bus.cues] == [
        None,
        CHUNK_SAMPLES,
        2 * CHUNK_SAMPLES,
        None,
    ]

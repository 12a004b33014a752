from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.generation.engine import perform
from services.generation.handler import Generation, open_generation
from services.generation.session import Limits
from services.kit import contracts
from services.kit.errors import BadMessage, Fatal, Stale, Unavailable
from services.kit.messages import CLIP_CHUNKS, Cue
from tests.unit.services.generation.world import (
    MOTION_WIDTH,
    ChainEncoder,
    EchoEngine,
    HashDecoder,
    World,
    cancel,
    make_conversation,
    make_cues,
)


def alone(cues: list[Cue], identity: bytes = b"face") -> list[bytes]:
    """The frames of a session made by the plain loop, without any of what is under test."""
    opening = cues[0].opening
    assert opening is not None
    plain = [
        contracts.Cue(
            sequence=cue.envelope.sequence,
            num_frames=cue.num_frames,
            speak=cue.speak,
            listen=cue.listen,
            directions=tuple(direction.text for direction in reversed(cue.directions)),
        )
        for cue in cues
    ]
    decoder, encoder = HashDecoder(identity), ChainEncoder()
    engine = EchoEngine()
    motions = perform(engine, engine.init_state(1), plain, opening.seed)
    return [
        frame
        for motion in motions
        if isinstance(motion, contracts.Motion)
        for frame in encoder.encode(decoder.decode(motion))
    ]


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_a_session_becomes_the_video_of_the_plain_loop() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)
    assert world.unsettled(cues) == []
    assert [chunk.is_final for chunk in world.bus.chunks] == [False] * 22 + [True]


def test_the_first_chunk_of_every_clip_repeats_the_opening() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    opened = [chunk.envelope.sequence for chunk in world.bus.chunks if chunk.opening == cues[0].opening]
    assert opened == [0, 10, 20]


def test_a_finished_session_leaves_only_the_note_that_it_is_over() -> None:
    world = World()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_cues())
            await world.until(lambda: not any("at-" in key for key in world.blobs.blobs))
            await world.until(lambda: world.is_finished("s"))

    run(story())


def test_a_conversation_killed_on_its_way_is_the_video_of_the_plain_loop() -> None:
    world, cues = World(), make_conversation()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:17])
            await world.until(lambda: len(world.bus.chunks) >= 17)
        async with world.process() as generation:
            await world.deliver(generation, world.unsettled(cues))
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)


@pytest.mark.parametrize("killed_at", range(24))
def test_a_process_killed_at_any_cue_changes_no_byte(killed_at: int) -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:killed_at])
            await world.until(lambda: len(world.bus.chunks) >= killed_at)
        async with world.process() as generation:
            await world.deliver(generation, world.unsettled(cues))
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_processes_killed_again_and_again_change_no_byte(published: list[int], seed: int) -> None:
    """Each number is how many records a process publishes before it is killed."""
    world, cues = World(), make_cues(count=33, seed=seed)

    async def story() -> None:
        for budget in published:
            goal = len(world.bus.records) + budget
            async with world.process() as generation:
                delivery = asyncio.create_task(world.deliver(generation, world.unsettled(cues)))
                while len(world.bus.records) < goal and not world.is_finished("s"):
                    await asyncio.sleep(0)
                delivery.cancel()
        async with world.process() as generation:
            await world.deliver(generation, world.unsettled(cues))
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)


def test_a_killed_process_begins_again_at_the_last_clip_and_no_earlier() -> None:
    world, cues = World(), make_cues(count=40)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:25])
            await world.until(lambda: len(world.bus.chunks) == 25)
            await world.until(lambda: len(world.settled) == 20)
        world.bus.records.clear()
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert [chunk.envelope.sequence for chunk in world.bus.chunks] == list(range(20, 40))


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=12))
@settings(max_examples=25, deadline=None)
def test_neither_disorder_nor_repeats_change_a_byte(order: list[int], repeats: list[int]) -> None:
    world, cues = World(), make_cues(count=12)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, [cues[n] for n in order] + [cues[n] for n in repeats])
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)
    assert world.unsettled(cues) == []


def test_eight_sessions_among_each_other_are_each_as_if_alone() -> None:
    world = World(slots=3)
    all_cues = {name: make_cues(name, count=14 + n, seed=n) for n, name in enumerate("abcdefgh")}

    async def story() -> None:
        async with world.process() as generation, asyncio.TaskGroup() as tasks:
            for cues in all_cues.values():
                tasks.create_task(world.deliver(generation, cues))
            await world.until(lambda: all(map(world.is_finished, all_cues)))

    run(story())
    for name, cues in all_cues.items():
        assert world.video(name) == alone(cues)
    assert world.engine.widths == {3}
    assert max(world.engine.rows_of_steps) == 3


def test_a_driven_session_shows_its_motion_without_a_step() -> None:
    world = World()
    frames = np.random.default_rng(0).normal(size=(12, 5, MOTION_WIDTH)).astype(np.float32)
    cues = [
        replace(cue, speak=None, motion=motion, num_frames=5)
        for cue, motion in zip(make_cues(count=12), frames, strict=True)
    ]

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:11])
            await world.until(lambda: len(world.settled) == CLIP_CHUNKS)
        async with world.process() as generation:
            await world.deliver(generation, world.unsettled(cues))
            await world.until(lambda: world.is_finished("s"))

    run(story())
    decoder, encoder = HashDecoder(b"face"), ChainEncoder()
    expected = [
        frame
        for n, motion in enumerate(frames)
        for frame in encoder.encode(decoder.decode(contracts.Motion(sequence=n, frames=motion)))
    ]
    assert world.video("s") == expected
    for chunk in world.bus.chunks:
        assert chunk.motion is not None
        assert np.array_equal(chunk.motion, frames[chunk.envelope.sequence])
    assert sum(world.engine.rows_of_steps) == 0


def test_cues_of_a_finished_session_are_stale_for_whoever_comes_later() -> None:
    world, cues = World(), make_cues(count=3)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))
        async with world.process() as generation:
            with pytest.raises(Stale, match="over"):
                await generation.take(cues[0], world.receipt(cues[0]))

    run(story())
    assert len(world.bus.chunks) == 3


def test_a_cancelled_session_ends_and_its_cues_are_stale_here_and_elsewhere() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:5])
            await world.until(lambda: len(world.bus.chunks) == 5)
            await generation.obey(cancel())
            assert world.unsettled(cues[:5]) == []
            with pytest.raises(Stale):
                await generation.take(cues[5], world.receipt(cues[5]))
        async with world.process() as generation:
            with pytest.raises(Stale):
                await generation.take(cues[6], world.receipt(cues[6]))

    run(story())
    assert len(world.bus.chunks) == 5


def test_a_later_attempt_replaces_an_earlier_one() -> None:
    world, earlier, later = World(), make_cues(), make_cues(epoch=1)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, earlier[:4])
            await world.deliver(generation, later)
            assert world.unsettled(earlier[:4]) == []
            with pytest.raises(Stale, match="epoch 1"):
                await generation.take(earlier[4], world.receipt(earlier[4]))
            await world.until(lambda: "t/performances/s/1/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert world.video("s", epoch=1) == alone(later)


def test_a_cancellation_of_an_earlier_attempt_leaves_the_later_one_alone() -> None:
    world, later = World(), make_cues(epoch=1, count=12)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, later[:4])
            await generation.obey(cancel(epoch=0))
            await world.deliver(generation, later[4:])
            await world.until(lambda: "t/performances/s/1/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert world.video("s", epoch=1) == alone(later)


def test_a_released_partition_is_forgotten_and_nothing_of_it_settled() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:9])
            await world.until(lambda: len(world.bus.chunks) == 9)
            generation.release(0)
            await asyncio.sleep(0.02)
            assert world.settled == set()
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)


def test_another_partition_is_not_released() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:5])
            generation.release(1)
            await world.deliver(generation, cues[5:])
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert len(world.bus.chunks) == 23


def test_an_outage_of_broker_and_store_costs_time_only() -> None:
    world, cues = World(), make_cues(count=12)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[:3])
            world.bus.outages, world.blobs.outages = 2, 2
            await world.deliver(generation, cues[3:])
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)
    assert [chunk.envelope.sequence for chunk in world.bus.chunks] == list(range(12))


def test_a_store_that_is_down_at_the_first_cue_has_the_loop_try_again() -> None:
    world, cues = World(), make_cues(count=2)

    async def story() -> None:
        world.blobs.outages = 1
        async with world.process() as generation:
            with pytest.raises(Unavailable):
                await generation.take(cues[0], world.receipt(cues[0]))
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert world.video("s") == alone(cues)


@pytest.mark.parametrize(("bundle", "code"), [(None, "identity_missing"), (b"damaged", "identity_damaged")])
def test_a_session_without_a_usable_identity_fails(bundle: bytes | None, code: str) -> None:
    world, cues = World(), make_cues()
    del world.blobs.blobs["t/characters/c/identity/512-0.bundle"]
    if bundle is not None:
        world.blobs.blobs["t/characters/c/identity/512-0.bundle"] = bundle

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert [status.code for status in world.bus.statuses] == [code]
    assert world.bus.chunks == []
    assert world.unsettled(cues) == []


def test_a_session_whose_chunk_the_broker_refuses_fails_and_the_others_go_on() -> None:
    world, cues, others = World(), make_cues(), make_cues("other", count=6)

    async def story() -> None:
        world.bus.refused_sequence = 7
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.deliver(generation, others)
            await world.until(lambda: world.is_finished("s") and world.is_finished("other"))

    run(story())
    assert [(status.code, status.detail) for status in world.bus.statuses] == [
        ("generation_failed", "the record is too large")
    ]
    assert world.video("other") == alone(others)


def test_an_attempt_that_is_over_ends_the_one_before_it() -> None:
    world, earlier, later = World(), make_cues(), make_cues(epoch=1)
    world.blobs.blobs["t/performances/s/1/snapshots/ended"] = b""

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, earlier[:4])
            await world.deliver(generation, later[:1])
            assert world.unsettled(earlier[:4]) == []
            with pytest.raises(Stale, match="over"):
                await generation.take(earlier[4], world.receipt(earlier[4]))

    run(story())


def test_a_session_whose_cue_never_comes_is_lost() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process(Limits(patience_s=30, watch_s=0.01)) as generation:
            await world.deliver(generation, [*cues[:4], *cues[5:8]])
            await asyncio.sleep(0.05)
            world.clock.seconds = 31.0
            await world.until(lambda: bool(world.bus.statuses))
            await world.until(lambda: world.unsettled(cues[:4] + cues[5:8]) == [])

    run(story())
    assert [(s.code, s.detail) for s in world.bus.statuses] == [("session_lost", "cue 4 did not come")]


def test_a_session_is_lost_when_too_many_wait_for_one_cue() -> None:
    world, cues = World(), make_cues()

    async def story() -> None:
        async with world.process(Limits(cues=4)) as generation:
            await world.deliver(generation, cues[1:])

    run(story())
    assert [status.code for status in world.bus.statuses] == ["session_lost"]
    assert world.unsettled(cues[1:]) == []


def test_a_damaged_snapshot_loses_the_session_once() -> None:
    world, cues = World(), make_cues()
    world.blobs.blobs["t/performances/s/0/snapshots/at-000010"] = b"rubbish"

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues[10:])

    run(story())
    assert [status.code for status in world.bus.statuses] == ["session_lost"]


def test_whoever_brings_too_many_cues_waits() -> None:
    world, cues = World(), make_cues()
    taken: list[Cue] = []

    async def story() -> None:
        async with world.process(Limits(cues=4, answers=2, pictures=1)) as generation:
            world.bus.outages = 10**6
            delivery = asyncio.create_task(bring(generation))
            await world.until(lambda: len(taken) >= 4)
            await asyncio.sleep(0.1)
            delivery.cancel()

    async def bring(generation: Generation) -> None:
        for cue in cues:
            await generation.take(cue, world.receipt(cue))
            taken.append(cue)

    run(story())
    assert 4 <= len(taken) < 14


@pytest.mark.parametrize("shape", [(3, 1), (3, 5), (7, 2)])
@pytest.mark.parametrize("stream", ["speak", "listen"])
def test_a_cue_of_another_shape_is_no_message_for_this_engine(stream: str, shape: tuple[int, int]) -> None:
    world, cue = World(), make_cues()[0]
    window = np.zeros(shape, np.float32)
    heard = replace(cue, speak=window) if stream == "speak" else replace(cue, listen=window)

    async def story() -> None:
        async with world.process() as generation:
            with pytest.raises(BadMessage, match="expected"):
                await generation.take(heard, world.receipt(cue))

    run(story())


def test_a_cue_that_comes_before_its_opening_and_does_not_fit_fails_the_session() -> None:
    world, cues = World(), make_cues(count=3)
    odd = replace(cues[1], speak=np.zeros((7, 2), np.float32))

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, [odd, cues[0]])
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert [status.code for status in world.bus.statuses] == ["generation_failed"]
    assert "(7, 2)" in world.bus.statuses[0].detail


def test_an_engine_that_computes_rows_alone_is_given_one_at_a_time() -> None:
    world = World(slots=3)
    world.engine = EchoEngine(max_rows=1)
    cues, others = make_cues(count=6), make_cues("other", count=6)

    async def story() -> None:
        async with world.process() as generation:
            await asyncio.gather(world.deliver(generation, cues), world.deliver(generation, others))
            await world.until(lambda: world.is_finished("s") and world.is_finished("other"))

    run(story())
    # The first step, without any session, is as wide as there are slots.
    assert world.engine.rows_of_steps == [0] + [1] * 12
    assert (world.video("s"), world.video("other")) == (alone(cues), alone(others))


def test_a_session_of_an_engine_that_is_not_served_fails() -> None:
    world, (first, *rest) = World(), make_cues(count=3)
    assert first.opening is not None
    cues = [replace(first, opening=replace(first.opening, engine="other")), *rest]

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    run(story())
    (status,) = world.bus.statuses
    assert (status.code, status.detail) == (
        "engine_unavailable",
        "engine 'other' is not served here, expected lpm",
    )
    assert world.unsettled(cues) == []


def test_what_was_done_is_counted() -> None:
    world, cues = World(slots=2), make_cues(count=3)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))
            await world.until(lambda: value("sessions") == 0)

    def value(name: str, **labels: str) -> float | None:
        return world.telemetry.registry.get_sample_value(f"dramatis_generation_{name}", labels)

    run(story())
    assert value("frames_total", tenant="t") == 13
    assert value("rows_total") == 3
    assert value("endings_total", outcome="finished") == 1
    assert value("lag_seconds_count") == 3


def test_every_second_is_counted_under_the_voices_that_sound() -> None:
    world, loud, quiet = World(), np.zeros((4, 2), np.float32), np.full((4, 2), -40, np.float32)
    streams = {
        "both": (loud[:3], loud),
        "own": (loud[:3], None),
        "other": (quiet[:3], loud),
        "none": (None, None),
    }
    heard = ["none", "own", "own", "both", "other", "other", "other", "none"]
    cues = [
        replace(cue, speak=streams[name][0], listen=streams[name][1], num_frames=5)
        for cue, name in zip(make_cues(count=8), heard, strict=True)
    ]

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    with capture_logs() as logs:
        run(story())
    name = "dramatis_generation_activity_seconds_total"
    seconds = {
        state: world.telemetry.registry.get_sample_value(name, {"activity": state})
        for state in ("idle", "speaking", "overlap", "listening")
    }
    expected = {"idle": 0.4, "speaking": 0.4, "overlap": 0.6, "listening": 0.2}
    assert seconds == pytest.approx(expected)
    changes = [(log["sequence"], log["activity"]) for log in logs if log["event"] == "activity.changed"]
    assert changes == [(1, "speaking"), (3, "overlap"), (6, "listening"), (7, "idle")]


def test_an_engine_that_cannot_be_loaded_ends_the_process() -> None:
    world = World()

    def fail() -> EchoEngine:
        raise Unavailable("the weights are missing")

    async def story() -> None:
        with pytest.raises(Fatal, match="the weights are missing"):
            async with open_generation(
                bus=world.bus,  # type: ignore[arg-type]
                blobs=world.blobs,  # type: ignore[arg-type]
                clock=world.clock,
                engines={"lpm": fail},
                slots=1,
            ) as generation:
                await generation.warm_up()

    run(story())

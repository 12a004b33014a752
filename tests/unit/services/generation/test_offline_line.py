from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace
from threading import current_thread
from typing import Any

import numpy as np
import pytest

from services.generation.offline import Offline
from services.generation.spans import Spans
from services.kit.contracts import MotionIntensity
from services.kit.errors import BadMessage
from services.kit.messages import Cue, Status, StatusKind
from tests.unit.services.generation.films import SPANS, STEPS, DigestEngine, make_speech
from tests.unit.services.generation.world import World, cancel, make_cues

PREFIX = "t/performances/s/0/snapshots/"


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def make_world(engine: DigestEngine) -> World:
    return World(others={"film": engine.offline})


def perform(world: World, cues: list[Cue] | None = None) -> list[bytes]:
    """Take a session to its end in a process of its own, and return its video."""

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues or make_speech())
            await world.until(lambda: world.is_finished("s"))

    run(story())
    return world.video("s")


def begin_again(cues: list[Cue], epoch: int = 1) -> list[Cue]:
    """The cues of a later attempt."""
    return [replace(cue, envelope=replace(cue.envelope, epoch=epoch)) for cue in cues]


def crash(world: World, engine: DigestEngine, done: int, epoch: int = 0) -> None:
    """Take the session away from a process that makes the span after `done` ones."""
    engine.halts_at = (done + 1, 1)
    engine.has_halted.clear()
    engine.may_go_on.clear()

    async def story() -> None:
        async with world.process() as generation:
            num_tasks = len(asyncio.all_tasks())
            await world.deliver(generation, begin_again(make_speech(), epoch))
            await world.until(engine.has_halted.is_set)
            generation.release(0)
            await world.until(lambda: len(asyncio.all_tasks()) == num_tasks)
            engine.may_go_on.set()

    run(story())
    engine.halts_at = None
    engine.steps.clear()


def kept(world: World) -> list[str]:
    """What is kept of the session, without the marks that tell films apart."""
    names = (key.removeprefix(PREFIX) for key in world.blobs.blobs if key.startswith(PREFIX))
    return sorted(re.sub("-[0-9a-f]{16}-", "-", name) for name in names)


def key_of(world: World, kind: str) -> str:
    """The key of the last that is kept of a kind."""
    return max(key for key in world.blobs.blobs if key.startswith(PREFIX + kind))


def progress(world: World, session_id: str = "s") -> list[Status]:
    told = [each for each in world.bus.statuses if each.envelope.session_id == session_id]
    return [each for each in told if each.kind is StatusKind.PROGRESSED]


def test_a_film_has_the_frames_of_its_cues_and_hears_the_whole_speech() -> None:
    engine = DigestEngine()
    cues = make_speech()

    video = perform(make_world(engine))

    assert len(video) == sum(cue.num_frames for cue in cues) == 73
    (screenplay,) = engine.screenplays
    np.testing.assert_array_equal(screenplay.speech, np.concatenate([cue.waveform for cue in cues]))


def test_no_cue_is_settled_before_the_last_chunk_is_out() -> None:
    engine = DigestEngine(halts_at=(SPANS, 0))
    world = make_world(engine)
    cues = make_speech()

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(engine.has_halted.is_set)
            assert world.settled == set()
            engine.may_go_on.set()
            await world.until(lambda: len(world.settled) == len(cues))

    run(story())
    assert len(world.video("s")) == 73


@pytest.mark.parametrize("done", range(SPANS))
def test_a_crash_in_any_span_costs_that_span_and_no_bit_of_the_video(done: int) -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine()
    world = make_world(engine)

    crash(world, engine, done)

    assert perform(world) == whole
    assert {number for number, _ in engine.steps} == set(range(done + 1, SPANS + 1))


def test_a_later_attempt_goes_on_with_what_an_earlier_one_has_kept() -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, begin_again(make_speech()))
            await world.until(lambda: "t/performances/s/1/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert world.video("s", epoch=1) == whole
    assert {number for number, _ in engine.steps} == {3, 4}


def test_what_an_earlier_attempt_has_kept_may_go_while_a_later_one_works() -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)
    crash(world, engine, 3, epoch=1)
    world.blobs.blobs = {key: blob for key, blob in world.blobs.blobs.items() if not key.startswith(PREFIX)}

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, begin_again(make_speech(), epoch=2))
            await world.until(lambda: "t/performances/s/2/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert world.video("s", epoch=2) == whole
    assert {number for number, _ in engine.steps} == {4}


def test_a_later_attempt_with_another_speech_begins_anew() -> None:
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, begin_again(make_speech(texts=("waves",))))
            await world.until(lambda: "t/performances/s/1/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert engine.steps[0] == (1, 0)


def test_a_span_that_another_keeps_while_the_film_is_taken_up_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, engine, ahead = perform(make_world(DigestEngine())), DigestEngine(), DigestEngine()
    world, further = make_world(engine), make_world(ahead)
    crash(world, engine, 1)
    crash(further, ahead, 2)
    count = Spans.count

    async def count_too_early(spans: Spans) -> int:
        monkeypatch.setattr(Spans, "count", count)
        number = await count(spans)
        world.blobs.blobs = dict(further.blobs.blobs)
        return number

    monkeypatch.setattr(Spans, "count", count_too_early)

    assert perform(world) == whole
    assert engine.steps[0] == (3, 0)


def test_nothing_of_a_film_is_kept_when_it_is_finished() -> None:
    world = make_world(DigestEngine())

    perform(world)

    assert kept(world) == ["ended"]


def test_what_the_latest_span_hands_on_is_kept_and_that_of_no_other() -> None:
    engine = DigestEngine()
    world = make_world(engine)

    crash(world, engine, 3)

    assert kept(world) == ["handed-000003", "shown-000001", "shown-000002", "shown-000003"]


def test_a_span_that_was_half_kept_is_made_again() -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 1)
    second = key_of(world, "shown").replace("000001", "000002")
    world.blobs.blobs[second] = b"only half of what is kept of a span"

    assert perform(world) == whole
    assert engine.steps[0] == (2, 0)


@pytest.mark.parametrize("kind", ["shown", "handed"])
def test_a_damaged_span_loses_the_session(kind: str) -> None:
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)
    world.blobs.blobs[key_of(world, kind)] = b"damaged"

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech())
            await world.until(lambda: any(each.code == "session_lost" for each in world.bus.statuses))

    run(story())
    assert engine.steps == []


def test_after_a_damaged_span_a_film_is_begun_anew() -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)
    world.blobs.blobs[key_of(world, "shown")] = b"damaged"

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, begin_again(make_speech(), epoch=1))
            await world.until(lambda: any(each.code == "session_lost" for each in world.bus.statuses))
            await world.deliver(generation, begin_again(make_speech(), epoch=2))
            await world.until(lambda: "t/performances/s/2/snapshots/ended" in world.blobs.blobs)

    run(story())
    assert world.video("s", epoch=2) == whole
    assert engine.steps[0] == (1, 0)


def test_a_cancelled_film_begins_no_further_step() -> None:
    engine = DigestEngine(halts_at=(2, 0))
    world = make_world(engine)

    async def story() -> None:
        async with world.process() as generation:
            num_tasks = len(asyncio.all_tasks())
            await world.deliver(generation, make_speech())
            await world.until(engine.has_halted.is_set)
            await generation.obey(cancel())
            await world.until(lambda: len(asyncio.all_tasks()) == num_tasks)
            engine.may_go_on.set()

    run(story())
    assert engine.steps[-1] == (2, 0)
    assert kept(world) == ["ended"]


def test_a_span_that_is_lost_is_begun_again_behind_the_last_one() -> None:
    whole = perform(make_world(DigestEngine()))
    engine = DigestEngine(losses=[(2, 1), (2, 0), (3, 2)])

    assert perform(make_world(engine)) == whole
    assert engine.steps[:9] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 0), (2, 1), (2, 0), (2, 1), (2, 2)]


def test_a_span_that_is_lost_three_times_fails_the_performance() -> None:
    world = make_world(DigestEngine(losses=[(2, 1)] * 3))

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech())
            await world.until(lambda: world.bus.statuses[-1:] != [] and world.bus.statuses[-1].code != "")

    run(story())
    failure = world.bus.statuses[-1]
    assert failure.code == "generation_failed"
    assert failure.detail == "span 2 was lost 3 times: one of 2 processes died"


def test_an_engine_is_closed_where_it_was_loaded_behind_its_last_step() -> None:
    engine = DigestEngine(halts_at=(2, 0))
    events: list[tuple[str, str, int]] = []

    def note(event: str) -> None:
        events.append((event, current_thread().name, len(engine.steps)))

    def load() -> Offline:
        note("loaded")
        return Offline(engine=engine, close=lambda: note("closed"))

    world = World(others={"film": load})

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech())
            await world.until(engine.has_halted.is_set)
            engine.may_go_on.set()

    run(story())
    (_, loading, before), (_, closing, after) = events
    assert (closing, before, after) == (loading, 0, len(engine.steps))
    assert "film" in loading


def test_the_next_film_begins_when_one_is_cancelled() -> None:
    engine = DigestEngine(halts_at=(1, 1))
    world = make_world(engine)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech("first"))
            await world.until(engine.has_halted.is_set)
            await world.deliver(generation, make_speech("second"))
            await generation.obey(cancel("first"))
            engine.halts_at = None
            engine.may_go_on.set()
            await world.until(lambda: world.is_finished("second"))

    run(story())
    assert len(world.video("second")) == 73


def test_steps_are_told_in_their_order_up_to_what_is_expected() -> None:
    engine = DigestEngine(halts_at=(SPANS, STEPS - 1))
    world = make_world(engine)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech())
            await world.until(lambda: bool(progress(world)) and progress(world)[-1].steps_done == 11)
            engine.may_go_on.set()
            await world.until(lambda: world.is_finished("s"))

    run(story())
    done = [status.steps_done for status in progress(world)]
    assert done == sorted(done)
    assert {status.steps_expected for status in progress(world)} <= {0, SPANS * STEPS}


def test_a_film_that_waits_gives_a_sign_of_life_with_every_step_of_the_one_before() -> None:
    engine = DigestEngine(halts_at=(1, 1))
    world = make_world(engine)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech("first"))
            await world.until(engine.has_halted.is_set)
            await world.deliver(generation, make_speech("second"))
            await world.until(lambda: len(progress(world, "second")) == 1)
            engine.may_go_on.set()
            await world.until(lambda: len(progress(world, "second")) > 1)
            await world.until(lambda: world.is_finished("second"))

    run(story())
    assert progress(world, "second")[1].steps_done == 0


def test_a_resumed_film_is_as_far_as_what_was_kept() -> None:
    engine = DigestEngine()
    world = make_world(engine)
    crash(world, engine, 2)
    world.bus.records.clear()

    perform(world)

    assert (
        {0} < {status.steps_done for status in progress(world)} <= {0, *range(2 * STEPS, SPANS * STEPS + 1)}
    )


def test_all_texts_that_direct_a_film_are_in_its_script_once() -> None:
    engine = DigestEngine()

    perform(make_world(engine), make_speech(texts=("waves", "sings", "waves")))

    assert engine.screenplays[0].directions == ("waves", "sings")


def test_intensity_that_the_weights_do_not_know_is_told_once() -> None:
    world = make_world(DigestEngine())

    perform(world, make_speech(intensity=MotionIntensity(face=0.9, body=0.1)))

    told = [notice.code for status in progress(world) for notice in status.notices]
    assert told == ["motion_intensity_ignored"]


def test_films_and_streams_are_made_beside_each_other() -> None:
    engine = DigestEngine(halts_at=(1, 1))
    world = make_world(engine)

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech())
            await world.until(engine.has_halted.is_set)
            await world.deliver(generation, make_cues("other"))
            await world.until(lambda: world.is_finished("other"))
            engine.may_go_on.set()
            await world.until(lambda: world.is_finished("s"))

    run(story())
    assert len(world.video("s")) == 73


def test_a_cue_without_a_waveform_is_refused() -> None:
    world = make_world(DigestEngine())
    first = make_speech()[0]
    (plain, *_) = make_cues()
    assert plain.opening is not None

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, [first])
            with pytest.raises(BadMessage, match="no waveform"):
                await generation.take(make_cues()[1], world.receipt(make_cues()[1]))

    run(story())

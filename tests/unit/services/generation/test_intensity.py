"""The motion intensity of a session on its way to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from services.kit import contracts
from services.kit.contracts import FloatArray, Motion, MotionIntensity
from services.kit.messages import Cue
from tests.unit.services.generation.world import EchoEngine, State, World, make_cues

ASKED = MotionIntensity(face=0.2, body=0.9)


class AttentiveEngine(EchoEngine):
    """Notes the motion intensity of every cue, by its sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.intensities: dict[int, MotionIntensity | None] = {}

    def step(
        self, state: State, cues: Sequence[contracts.Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], State]:
        self.intensities |= {cue.sequence: cue.intensity for cue in cues if cue is not None}
        return super().step(state, cues, noise)


def _asking(cues: list[Cue]) -> list[Cue]:
    assert cues[0].opening is not None
    return [replace(cues[0], opening=replace(cues[0].opening, motion_intensity=ASKED)), *cues[1:]]


def _perform(cues: list[Cue]) -> AttentiveEngine:
    world, engine = World(), AttentiveEngine()
    world.engine = engine

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(lambda: world.is_finished("s"))

    asyncio.run(story())
    return engine


def test_every_cue_of_a_session_has_the_motion_intensity_of_its_opening() -> None:
    engine = _perform(_asking(make_cues(count=13)))

    assert engine.intensities == dict.fromkeys(range(13), ASKED)


def test_a_session_that_asks_for_none_has_none() -> None:
    engine = _perform(make_cues(count=5))

    assert engine.intensities == dict.fromkeys(range(5), None)

"""Stepping the engine: the next cues of several sessions in one batch, one batch after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, Generic, TypeVar

import numpy as np
import structlog

from services.generation.domain import Rota
from services.generation.engine import Answer, Engine
from services.generation.metrics import GenerationMetrics
from services.generation.session import Session
from services.kit import contracts, messages
from services.kit.contracts import FRAME_RATE_HZ, FloatArray, Motion

__all__ = ["Scheduler", "for_engine", "step_rows"]

StateT = TypeVar("StateT")

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Scheduler(Generic[StateT]):
    """Serves sessions in turn. Steps run in `worker`, one at a time, always `slots` rows wide.

    The width never changes, because the last bit of a row's result depends on it, and on nothing else
    beside the row (docs/decisions/0011-one-width-for-every-step.md).
    """

    def __init__(self, slots: int, worker: Executor, metrics: GenerationMetrics) -> None:
        self._slots = slots
        self._worker = worker
        self._metrics = metrics
        self._rota: Rota[Session[StateT]] = Rota()
        self._changed = asyncio.Event()

    def join(self, session: Session[StateT]) -> None:
        """Serve a session."""
        self._rota.join(session)

    def leave(self, session: Session[StateT]) -> None:
        """Serve it no more; what is being computed for it is dropped."""
        self._rota.leave(session)

    def wake(self) -> None:
        """Look again: a cue came, or room."""
        self._changed.set()

    async def run(self, engine: Engine[StateT]) -> None:
        """Serve until cancelled."""
        while True:
            self._changed.clear()
            served = self._rota.pick(Session.can_step, self._slots)
            if not served:
                await self._changed.wait()
                continue
            cues = [(session, session.begin()) for session in served]
            self._pass_on([(session, cue) for session, cue in cues if cue.motion is not None])
            await self._step(engine, [(session, cue) for session, cue in cues if cue.motion is None])

    def _pass_on(self, driven: Sequence[tuple[Session[StateT], messages.Cue]]) -> None:
        for session, cue in driven:
            assert cue.motion is not None
            motion = Motion(sequence=cue.envelope.sequence, frames=cue.motion)
            session.finish(cue, motion, session.row)

    async def _step(
        self, engine: Engine[StateT], asked: Sequence[tuple[Session[StateT], messages.Cue]]
    ) -> None:
        if not asked:
            return
        rows = [session.row for session, _ in asked]
        cues = [for_engine(cue, session.opening.motion_intensity) for session, cue in asked]
        noise = np.stack([session.draw_noise(engine.noise_shape) for session, _ in asked])
        step = partial(step_rows, engine, self._slots, rows, cues, noise)
        results = await asyncio.get_running_loop().run_in_executor(self._worker, step)
        self._metrics.count_step(len(asked))
        for (session, cue), heard, (answer, row) in zip(asked, cues, results, strict=True):
            if not session.is_over:
                session.finish(cue, answer, row)
                self._tell_activity(session, heard, engine)

    def _tell_activity(self, session: Session[StateT], cue: contracts.Cue, engine: Engine[StateT]) -> None:
        before = session.listener.activity
        activity = session.listener.hear(*engine.loudness(cue))
        self._metrics.count_activity(activity.value, cue.num_frames / FRAME_RATE_HZ)
        if activity is not before:
            place = session.place
            _LOGGER.debug(
                "activity.changed",
                tenant=place.tenant,
                session_id=place.session_id,
                epoch=place.epoch,
                sequence=cue.sequence,
                activity=activity.value,
            )


def step_rows(
    engine: Engine[StateT],
    slots: int,
    rows: Sequence[StateT],
    cues: Sequence[contracts.Cue],
    noise: FloatArray,
) -> list[tuple[Answer | None, StateT]]:
    """Answer the cues of up to `slots` sessions; idle rows fill the batch.

    `noise` is [sessions, *noise_shape].
    """
    num_idle = slots - len(rows)
    blanks = [engine.init_state(1) for _ in range(num_idle)]
    absent = np.zeros((num_idle, *engine.noise_shape), np.float32)
    answers, state = engine.step(
        engine.join([*rows, *blanks]), [*cues, *[None] * num_idle], np.concatenate((noise, absent))
    )
    return list(zip(answers, engine.split(state), strict=True))[: len(rows)]


def for_engine(cue: messages.Cue, intensity: contracts.MotionIntensity | None = None) -> contracts.Cue:
    """A cue as an engine takes it."""
    latest_first = sorted(cue.directions, key=lambda direction: -direction.start_s)
    return contracts.Cue(
        sequence=cue.envelope.sequence,
        num_frames=cue.num_frames,
        speak=cue.speak,
        listen=cue.listen,
        directions=tuple(direction.text for direction in latest_first),
        intensity=intensity,
        motion=cue.motion,
        pictures=cue.pictures,
        waveform=cue.waveform,
    )

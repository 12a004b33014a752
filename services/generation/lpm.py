"""The lpm engine: the motion-space LPM answers cues with motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from models.lpm.config import LpmConfig
from models.lpm.model import Lpm, LpmChunk, LpmState
from models.lpm.rows import dump_state, join_states, load_state, split_state
from models.motion import CHUNK_FRAMES, NUM_MOTION
from services.generation.engine import Rows
from services.kit.contracts import Cue, FloatArray, Motion

__all__ = ["LpmEngine"]


class LpmEngine:
    """An `Engine[LpmState]` around a loaded LPM."""

    def __init__(self, model: Lpm) -> None:
        self._model = model.eval()

    @property
    def config(self) -> LpmConfig:
        """What the cues of this engine must look like."""
        return self._model.config

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return CHUNK_FRAMES, NUM_MOTION

    @property
    def speak_shape(self) -> tuple[int, ...]:
        return self.config.window_mels, self.config.logmel.channels

    def init_state(self, slots: int) -> LpmState:
        return self._model.init_state(slots)

    def reset(self, state: LpmState, rows: Rows) -> LpmState:
        return self._model.reset(state, torch.from_numpy(rows))

    def step(
        self, state: LpmState, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], LpmState]:
        chunk = LpmChunk(speak=torch.from_numpy(self._stack(cues)), noise=torch.from_numpy(noise))
        active = torch.tensor([cue is not None for cue in cues])
        with torch.inference_mode():
            motion, state = self._model.step(state, chunk, active)
        return [_motion_of(cue, frames) for cue, frames in zip(cues, motion.numpy(), strict=True)], state

    def join(self, states: Sequence[LpmState]) -> LpmState:
        return join_states(states)

    def split(self, state: LpmState) -> list[LpmState]:
        return split_state(state)

    def dump(self, state: LpmState) -> bytes:
        return dump_state(state)

    def load(self, data: bytes) -> LpmState:
        return load_state(data, self._model.init_state(1))

    def _stack(self, cues: Sequence[Cue | None]) -> FloatArray:
        absent = np.zeros(self.speak_shape, np.float32)
        return np.stack([absent if cue is None else cue.speak for cue in cues])


def _motion_of(cue: Cue | None, frames: FloatArray) -> Motion | None:
    return None if cue is None else Motion(sequence=cue.sequence, frames=frames[: cue.num_frames])

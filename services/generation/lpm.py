"""The lpm engine: the motion-space LPM answers cues with motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from models.lpm.config import LpmConfig
from models.lpm.direction import encode_items, read_direction
from models.lpm.model import Lpm, LpmChunk
from models.lpm.online import OnlineLpm
from models.lpm.rows import dump_state, join_states, load_state, split_state
from models.lpm.streaming import EitherLpm, EitherState
from models.motion import CHUNK_FRAMES, NUM_MOTION
from services.generation.domain import Loudness
from services.generation.engine import Rows
from services.kit.contracts import Cue, FloatArray, Motion

__all__ = ["LpmEngine"]


class LpmEngine:
    """An `Engine[EitherState]` around a loaded LPM of either kind."""

    def __init__(self, model: Lpm | OnlineLpm) -> None:
        self._model = EitherLpm(model)

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

    @property
    def listen_shape(self) -> tuple[int, ...]:
        return self.config.listen_mels, self.config.logmel.channels

    def loudness(self, cue: Cue) -> tuple[Loudness | None, Loudness | None]:
        start, config = self.config.left_context, self.config
        spoken = None if cue.speak is None else cue.speak[start : start + config.chunk_mels]
        heard = None if cue.listen is None else cue.listen[config.listen_context :]
        return _loudness(spoken, config), _loudness(heard, config)

    def init_state(self, slots: int) -> EitherState:
        return self._model.init_state(slots)

    def reset(self, state: EitherState, rows: Rows) -> EitherState:
        return self._model.reset(state, torch.from_numpy(rows))

    def step(
        self, state: EitherState, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], EitherState]:
        active = torch.tensor([cue is not None for cue in cues])
        with torch.inference_mode():
            motion, state = self._model.step(state, self._chunk(cues, noise), active)
        return [_motion_of(cue, frames) for cue, frames in zip(cues, motion.numpy(), strict=True)], state

    def join(self, states: Sequence[EitherState]) -> EitherState:
        return join_states(states)

    def split(self, state: EitherState) -> list[EitherState]:
        return split_state(state)

    def dump(self, state: EitherState) -> bytes:
        return dump_state(state)

    def load(self, data: bytes) -> EitherState:
        return load_state(data, self._model.init_state(1))

    def _chunk(self, cues: Sequence[Cue | None], noise: FloatArray) -> LpmChunk:
        speak = [None if cue is None else cue.speak for cue in cues]
        listen = [None if cue is None else cue.listen for cue in cues]
        items = [_encode(() if cue is None else cue.directions) for cue in cues]
        return LpmChunk(
            speak=_stack(speak, self.speak_shape),
            speaks=torch.tensor([window is not None for window in speak]),
            listen=_stack(listen, self.listen_shape),
            listens=torch.tensor([window is not None for window in listen]),
            concepts=torch.from_numpy(np.stack([concepts for concepts, _ in items])),
            strengths=torch.from_numpy(np.stack([strengths for _, strengths in items])),
            noise=torch.from_numpy(noise),
        )


# The texts in force stay the same for many chunks.
@lru_cache(maxsize=256)
def _encode(directions: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The concepts and strengths [8] of all texts together; every line is read on its own."""
    return encode_items(read_direction("\n".join(directions)).items)


def _stack(windows: Sequence[FloatArray | None], shape: tuple[int, ...]) -> torch.Tensor:
    """One window a row; none at all where no row has the stream, which the model need not listen for."""
    if all(window is None for window in windows):
        return torch.zeros(len(windows), 0, shape[-1])
    absent = np.zeros(shape, np.float32)
    return torch.from_numpy(np.stack([absent if window is None else window for window in windows]))


def _loudness(frames: FloatArray | None, config: LpmConfig) -> Loudness | None:
    """The loudest of log-mel frames [n, channels], by the two levels that follow the bands.

    The outermost frames hear a little of the neighbouring chunks, so they do not count.
    """
    if frames is None:
        return None
    frames = frames[1:-1]
    usual = frames[:, -1] * config.logmel.scale_db + config.logmel.level.prior_db
    relative = frames[:, -2] * config.logmel.scale_db - config.logmel.offset_db
    loudest = int(relative.argmax())
    return Loudness(
        full_scale_db=float(usual[loudest] + relative[loudest]), relative_db=float(relative[loudest])
    )


def _motion_of(cue: Cue | None, frames: FloatArray) -> Motion | None:
    return None if cue is None else Motion(sequence=cue.sequence, frames=frames[: cue.num_frames])

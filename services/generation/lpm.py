"""The lpm engine: the motion-space LPM answers cues with motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.lpm.config import LpmConfig
from models.lpm.direction import MAX_ITEMS, encode_items, read_direction
from models.lpm.intensity import NUM_PARTS, USUAL, IntensityConfig, asked_parts, intensify
from models.lpm.model import Lpm, LpmChunk
from models.lpm.online import OnlineLpm
from models.lpm.rows import dump_state, join_states, load_state, split_state
from models.lpm.streaming import EitherLpm, EitherState
from models.motion import CHUNK_FRAMES, NUM_MOTION
from services.generation.domain import Loudness
from services.generation.engine import Role, Rows
from services.kit.contracts import Cue, FloatArray, Motion

__all__ = ["LpmEngine", "LpmRows"]

_HELD: Final = np.dtype("<f4")


class LpmRows(NamedTuple):
    """The past of every session, and how far directions hold its motion intensity, float32 [slots, 2]."""

    past: EitherState
    held: torch.Tensor


# As many as there can be slots.
_MAX_ROWS: Final = 64
# Far beyond what a face can do.
_MAX_MOTION: Final = 10.0


class LpmEngine:
    """An `Engine[LpmRows]` around a loaded LPM of either kind."""

    def __init__(self, model: Lpm | OnlineLpm) -> None:
        self._model = EitherLpm(model)
        self._intensity = IntensityConfig()

    @property
    def config(self) -> LpmConfig:
        """What the cues of this engine must look like."""
        return self._model.config

    @property
    def lag(self) -> int:
        return 0

    @property
    def max_rows(self) -> int:
        return _MAX_ROWS

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return CHUNK_FRAMES, NUM_MOTION

    @property
    def speak_shape(self) -> tuple[int, ...]:
        """The shape of what a cue lets it hear of the character's own voice."""
        return self.config.window_mels, self.config.logmel.channels

    @property
    def listen_shape(self) -> tuple[int, ...]:
        """The shape of what a cue lets it hear of the other's voice."""
        return self.config.listen_mels, self.config.logmel.channels

    def check(self, cue: Cue) -> None:
        if cue.speak is not None and cue.speak.shape != self.speak_shape:
            raise ValueError(f"a cue speaks {cue.speak.shape}, expected {self.speak_shape}")
        if cue.listen is not None and cue.listen.shape != self.listen_shape:
            raise ValueError(f"a cue listens to {cue.listen.shape}, expected {self.listen_shape}")
        if cue.motion is not None and np.abs(cue.motion).max() > _MAX_MOTION:
            found = np.abs(cue.motion).max()
            raise ValueError(f"a cue moves by {found:.3g}, expected at most {_MAX_MOTION}")
        if cue.pictures:
            raise ValueError(f"a cue shows {len(cue.pictures)} pictures, expected streams or motion")
        if cue.waveform is not None:
            raise ValueError(f"a cue holds {cue.waveform.size} samples, expected streams or motion")

    def loudness(self, cue: Cue) -> tuple[Loudness | None, Loudness | None]:
        start, config = self.config.left_context, self.config
        spoken = None if cue.speak is None else cue.speak[start : start + config.chunk_mels]
        heard = None if cue.listen is None else cue.listen[config.listen_context :]
        return _loudness(spoken, config), _loudness(heard, config)

    def read_identity(self, bundle: bytes) -> Role[LpmRows]:
        # Here, so that its libraries load in the thread that needs them.
        from services.generation.rig import read_rig

        return read_rig(bundle)

    def init_state(self, slots: int) -> LpmRows:
        return LpmRows(self._model.init_state(slots), torch.zeros(slots, NUM_PARTS))

    def reset(self, state: LpmRows, rows: Rows) -> LpmRows:
        fresh = torch.from_numpy(rows)
        return LpmRows(self._model.reset(state.past, fresh), state.held.masked_fill(fresh[:, None], 0.0))

    def step(
        self, state: LpmRows, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], LpmRows]:
        active = torch.tensor([cue is not None for cue in cues])
        chunk = self._chunk(cues, noise)
        with torch.inference_mode():
            motion, past = self._model.step(state.past, chunk, active)
            asked = torch.tensor([asked_parts(row) for row in chunk.concepts.tolist()])
            motion, held = intensify(self._intensity, motion, _intensities(cues), asked, state.held)
            held = torch.where(active[:, None], held, state.held)
        motions = [_motion_of(cue, frames) for cue, frames in zip(cues, motion.numpy(), strict=True)]
        return motions, LpmRows(past, held)

    def join(self, states: Sequence[LpmRows]) -> LpmRows:
        past = join_states([state.past for state in states])
        return LpmRows(past, torch.cat([state.held for state in states]))

    def split(self, state: LpmRows) -> list[LpmRows]:
        rows = zip(split_state(state.past), torch.split(state.held, 1), strict=True)
        return [LpmRows(past, held) for past, held in rows]

    def dump(self, state: LpmRows) -> bytes:
        return state.held.numpy().astype(_HELD).tobytes() + dump_state(state.past)

    def load(self, data: bytes) -> LpmRows:
        size = NUM_PARTS * _HELD.itemsize
        past = load_state(data[size:], self._model.init_state(1))
        held = np.frombuffer(data[:size], _HELD).astype(np.float32)
        return LpmRows(past, torch.from_numpy(held)[None])

    def _chunk(self, cues: Sequence[Cue | None], noise: FloatArray) -> LpmChunk:
        speak = [None if cue is None else cue.speak for cue in cues]
        listen = [None if cue is None else cue.listen for cue in cues]
        items = [_encode(() if cue is None else cue.directions) for cue in cues]
        concepts, strengths = (np.stack(column) for column in zip(*items, strict=True))
        # Whom nothing is asked of need not be guided.
        told = MAX_ITEMS if concepts.any() else 0
        return LpmChunk(
            speak=_stack(speak, self.speak_shape),
            speaks=torch.tensor([window is not None for window in speak]),
            listen=_stack(listen, self.listen_shape),
            listens=torch.tensor([window is not None for window in listen]),
            concepts=torch.from_numpy(concepts[:, :told]),
            strengths=torch.from_numpy(strengths[:, :told]),
            noise=torch.from_numpy(noise),
        )


# The texts in force stay the same for many chunks.
@lru_cache(maxsize=256)
def _encode(directions: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The concepts and strengths [8] of all texts together; every line is read on its own."""
    return encode_items(read_direction("\n".join(directions)).items)


def _intensities(cues: Sequence[Cue | None]) -> torch.Tensor:
    """The motion intensity [slots, 2] of every row, the usual one where nobody asked for any."""
    asked = [None if cue is None else cue.intensity for cue in cues]
    return torch.tensor([(USUAL, USUAL) if each is None else (each.face, each.body) for each in asked])


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

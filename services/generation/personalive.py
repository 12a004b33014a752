"""The personalive engine: the pictures of a driver become pictures of the portrait that follows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from models.personalive.bundle import FramedPortrait, dump_portrait, load_portrait
from models.personalive.codec import Embedder
from models.personalive.identity import Identity
from models.personalive.keyframes import Choice
from models.personalive.model import Finished, PersonaLive, PersonaLiveChunk, PersonaLiveState, Seen
from models.personalive.saving import dump_session, load_session
from models.streaming.lanes import Lane, Pending, lane_on
from services.generation.domain import Loudness
from services.generation.engine import Coming, Decoder, Rows
from services.kit.contracts import Chunk, Cue, FloatArray, Pixels

__all__ = ["Lanes", "PersonaLiveEngine", "PortraitRole", "Row", "decoded"]


class Row(NamedTuple):
    """A session: its state, the latents [4, h, h] of its keyframes, and whom it shows once it is seated.

    Whether a frame of the chunk that was `finished` last is a keyframe, nobody has asked yet.
    """

    state: PersonaLiveState
    keyframes: tuple[Tensor, ...] = ()
    role: PortraitRole | None = None
    finished: Finished | None = None


# Rows are computed one by one: each looks at its own count of keyframes, and a window is 16 pictures already.
State = tuple[Row | None, ...]


class Lanes(NamedTuple):
    """Where drivers are looked at and pictures are decoded, beside the denoising."""

    seeing: Lane
    showing: Lane


class Entering(NamedTuple):
    """A row whose next cue is being looked at."""

    row: Row
    cue: Cue
    sighted: Pending[tuple[PersonaLiveChunk, Seen]]


class PersonaLiveEngine:
    """An `Engine[State]` around a loaded PersonaLive. A row that is None has not begun.

    On a GPU a step ends before its work does: the driver of the next is looked at, and the pictures of the
    one before are decoded, while a window is denoised.
    """

    def __init__(self, model: PersonaLive, embedder: Embedder, lanes: Lanes | None = None) -> None:
        self.model = model
        self._embedder = embedder
        self._lanes = lanes or Lanes(lane_on(model.device), lane_on(model.device))

    def warm_up(self) -> None:
        """Show a portrait of nobody: a device loads and chooses its kernels with the first step."""
        side, chunk_frames = self.model.config.picture, self._chunk_frames
        blank = FramedPortrait(pixels=np.full((side, side, 3), 128, np.uint8), size=side)
        row = self.read_identity(dump_portrait(blank)).seat(self.init_state(1))
        cue = Cue(sequence=self.lag, num_frames=chunk_frames, pictures=(b"",) * chunk_frames)
        (coming,), _ = self.step(row, [cue], np.zeros((1, *self.noise_shape), np.float32))
        assert coming is not None, "the cue says that frames leave"
        coming.fetch()

    @property
    def lag(self) -> int:
        return self.model.config.unet.chunks - 1

    @property
    def max_rows(self) -> int:
        return 1

    @property
    def noise_shape(self) -> tuple[int, ...]:
        unet, side = self.model.config.unet, self.model.config.latent
        return unet.frames, unet.latent_channels, side, side

    @property
    def _chunk_frames(self) -> int:
        return self.model.config.unet.chunk_frames

    def check(self, cue: Cue) -> None:
        if cue.speak is not None or cue.listen is not None or cue.motion is not None:
            raise ValueError("a cue has a stream or motion, expected the pictures of a driver")
        if len(cue.pictures) != self._chunk_frames:
            raise ValueError(f"a cue shows {len(cue.pictures)} pictures, expected {self._chunk_frames}")
        if (cue.num_frames > 0) != (cue.sequence >= self.lag) or cue.num_frames > self._chunk_frames:
            raise ValueError(f"{cue.num_frames} frames leave with cue {cue.sequence}, {self.lag} cues late")

    def loudness(self, cue: Cue) -> tuple[Loudness | None, Loudness | None]:  # noqa: ARG002  it hears nothing
        return None, None

    def read_identity(self, bundle: bytes) -> PortraitRole:
        framed = load_portrait(bundle)
        pixels = _resized(framed.pixels, self.model.config.picture)
        with torch.inference_mode():
            identity = self.model.prepare(self._to_device(pixels[None]), self._embedder)
        return PortraitRole(self.model, identity, framed.size)

    def init_state(self, slots: int) -> State:
        return (None,) * slots

    def reset(self, state: State, rows: Rows) -> State:
        return tuple(None if fresh else row for row, fresh in zip(state, rows, strict=True))

    def step(
        self, state: State, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[list[Coming | None], State]:
        with torch.inference_mode():
            entering = [
                None if cue is None else self._enter(row, cue, chance)
                for row, cue, chance in zip(state, cues, noise, strict=True)
            ]
            left = [
                (None, row) if enters is None else self._advance(enters)
                for row, enters in zip(state, entering, strict=True)
            ]
        return [answer for answer, _ in left], tuple(row for _, row in left)

    def join(self, states: Sequence[State]) -> State:
        return tuple(row for state in states for row in state)

    def split(self, state: State) -> list[State]:
        return [(row,) for row in state]

    def dump(self, state: State) -> bytes:
        (row,) = state
        assert row is not None, "a session that has not begun leaves nothing"
        return dump_session(row.state, (*row.keyframes, *_new_keyframe(row)))

    def load(self, data: bytes) -> State:
        with torch.inference_mode():
            saved = load_session(data, self.model.init_state(1))
        return (Row(saved.state, tuple(saved.keyframes)),)

    def _enter(self, row: Row | None, cue: Cue, chance: FloatArray) -> Entering:
        assert row is not None, "a session begins seated"
        assert row.role is not None, "a session begins seated"
        pictures, has_face = decoded(cue.pictures, self.model.config.picture)
        look = partial(self._look, pictures, has_face, chance, row.role.identity)
        return Entering(row, cue, self._lanes.seeing.start(look))

    def _look(
        self, pictures: Pixels, has_face: np.ndarray, chance: FloatArray, identity: Identity
    ) -> tuple[PersonaLiveChunk, Seen]:
        chunk = PersonaLiveChunk(
            pictures=self._to_device(pictures[None]),
            has_face=self._to_device(has_face[None]),
            noise=self._to_device(chance[None]),
            identity=identity,
        )
        return chunk, self.model.see(chunk)

    def _advance(self, entering: Entering) -> tuple[Coming | None, Row]:
        row, cue = _with_new_keyframe(entering.row), entering.cue
        assert row.role is not None, "a session begins seated"
        chunk, seen = entering.sighted.wait()
        active = torch.ones(1, dtype=torch.bool, device=self.model.device)
        done, state = self.model.advance_alike(row.state, chunk, seen, active, len(row.keyframes))
        following = row._replace(state=state, finished=done)
        if cue.num_frames == 0:
            return None, following
        shown = self._lanes.showing.follow(partial(self._show, done.latents, cue.num_frames))
        sequence = cue.sequence - self.lag
        return Coming(sequence=sequence, fetch=partial(_chunk, sequence, shown, row.role.size)), following

    def _show(self, latents: Tensor, frames: int) -> Tensor:
        """Return pictures [frames, H, W, 3], on their way to the CPU."""
        shown = self.model.decode(latents)[0, :frames]
        levels = (shown * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return levels.to("cpu", non_blocking=True)

    def _to_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.model.device)


class PortraitRole:
    """A `Role[State]`: a prepared portrait, shown in videos of `size` pixels a side."""

    def __init__(self, model: PersonaLive, identity: Identity, size: int) -> None:
        self._model = model
        self.identity = identity
        self.size = size

    def seat(self, row: State) -> State:
        """Let a row perform it; what is looked at of keyframes is made from their latents."""
        (begun,) = row
        with torch.inference_mode():
            seated = Row(self._model.init_state(1) if begun is None else begun.state, role=self)
            for latents in () if begun is None else begun.keyframes:
                seated = self.remember(seated, latents)
        return (seated,)

    def decoders(self, count: int) -> Sequence[Decoder]:  # noqa: ARG002  there is nothing to draw
        return ()

    def remember(self, row: Row, latents: Tensor) -> Row:
        """Make the picture of latents [4, h, h] the row's next keyframe."""
        yes = torch.ones(1, dtype=torch.bool, device=latents.device)
        finished = Finished(latents[None, None], Choice(yes, yes, latents.new_zeros(1)))
        state = self._model.remember(row.state, self.identity, finished)
        return row._replace(state=state, keyframes=(*row.keyframes, latents))


def decoded(pictures: Sequence[bytes], size: int) -> tuple[Pixels, np.ndarray]:
    """Pictures [F, size, size, 3] RGB, and which of them show a face [F]; one that is no picture does not."""
    frames = np.zeros((len(pictures), size, size, 3), np.uint8)
    has_face = np.zeros(len(pictures), np.bool_)
    for index, data in enumerate(pictures):
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if found is not None:
            pixels = np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
            frames[index], has_face[index] = _resized(pixels, size), True
    return frames, has_face


def _with_new_keyframe(row: Row) -> Row:
    """Return the row that looks at its newest keyframe, if the last chunk brought one."""
    settled = row._replace(finished=None)
    for latents in _new_keyframe(row):
        assert row.role is not None, "a session begins seated"
        settled = row.role.remember(settled, latents)
    return settled


def _new_keyframe(row: Row) -> tuple[Tensor, ...]:
    """Latents [4, h, h] of the frame that becomes a keyframe, if one does.

    To find out is the only moment at which a step waits for the device.
    """
    finished = row.finished
    return () if finished is None or not finished.choice.chosen.any() else (finished.latents[0, 0],)


def _chunk(sequence: int, shown: Pending[Tensor], size: int) -> Chunk:
    frames = np.stack([_resized(picture, size) for picture in shown.fetch().numpy()])
    return Chunk(sequence=sequence, frames=frames)


def _resized(picture: Pixels, size: int) -> Pixels:
    if picture.shape[:2] == (size, size):
        return np.ascontiguousarray(picture)
    method = cv2.INTER_AREA if size < min(picture.shape[:2]) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)

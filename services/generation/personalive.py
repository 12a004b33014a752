"""The personalive engine: the pictures of a driver become pictures of the portrait that follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from models.personalive.bundle import FramedPortrait, dump_portrait, load_portrait
from models.personalive.codec import Embedder
from models.personalive.model import PersonaLive, PersonaLiveChunk, Seen
from models.personalive.rows import joined, parted, widths
from models.personalive.saving import dump_session, load_session
from models.streaming.lanes import Lane, Pending, lane_on
from services.generation.domain import Loudness
from services.generation.engine import Coming, Rows
from services.generation.personalive_rows import (
    Entering,
    PortraitRole,
    Row,
    State,
    alike,
    batched,
    new_keyframe,
    settled,
)
from services.kit.contracts import Chunk, Cue, FloatArray, Pixels

__all__ = ["Lanes", "PersonaLiveEngine", "decoded"]


class Lanes(NamedTuple):
    """Where drivers are looked at and pictures are decoded, beside the denoising."""

    seeing: Lane
    showing: Lane


class Asked(NamedTuple):
    """A row and the cue that it is asked to answer, with the noise [n, 4, h, h] that is its chance."""

    place: int
    row: Row
    role: PortraitRole
    cue: Cue
    chance: FloatArray


class PersonaLiveEngine:
    """An `Engine[State]` around a loaded PersonaLive. A row that is None has not begun.

    Up to `rows` rows that have equally many keyframes are computed together; with more than one, the last
    bits of a row's pictures depend on how many they were. On a GPU a step ends before its work does: the
    drivers of the next are looked at, and the pictures of the one before are decoded, while a window is
    denoised.
    """

    def __init__(
        self, model: PersonaLive, embedder: Embedder, rows: int = 1, lanes: Lanes | None = None
    ) -> None:
        self.model = model
        self._embedder = embedder
        self._rows = rows
        self._lanes = lanes or Lanes(lane_on(model.device), lane_on(model.device))

    def warm_up(self) -> None:
        """Show portraits of nobody: a device loads and chooses its kernels with the first step."""
        side, chunk_frames = self.model.config.picture, self._chunk_frames
        blank = FramedPortrait(pixels=np.full((side, side, 3), 128, np.uint8), size=side)
        role = self.read_identity(dump_portrait(blank))
        cue = Cue(sequence=self.lag, num_frames=chunk_frames, pictures=(b"",) * chunk_frames)
        for width in widths(self._rows):
            rows = self.join([role.seat(self.init_state(1)) for _ in range(width)])
            coming, _ = self.step(rows, [cue] * width, np.zeros((width, *self.noise_shape), np.float32))
            for answer in coming:
                assert answer is not None, "the cue says that frames leave"
                answer.fetch()

    @property
    def lag(self) -> int:
        return self.model.config.unet.chunks - 1

    @property
    def max_rows(self) -> int:
        return self._rows

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
        asked = [
            _asked(place, row, cue, chance)
            for place, (row, cue, chance) in enumerate(zip(state, cues, noise, strict=True))
            if cue is not None
        ]
        answers, rows = list[Coming | None]([None] * len(state)), list(state)
        with torch.inference_mode():
            for group in alike(self._enter(asked), self._rows):
                for one, (answer, row) in zip(group, self._advance(group), strict=True):
                    answers[one.place], rows[one.place] = answer, row
        return answers, tuple(rows)

    def join(self, states: Sequence[State]) -> State:
        return tuple(row for state in states for row in state)

    def split(self, state: State) -> list[State]:
        return [(row,) for row in state]

    def dump(self, state: State) -> bytes:
        (row,) = state
        assert row is not None, "a session that has not begun leaves nothing"
        return dump_session(row.state, (*row.keyframes, *new_keyframe(row)))

    def load(self, data: bytes) -> State:
        with torch.inference_mode():
            saved = load_session(data, self.model.init_state(1))
        return (Row(saved.state, tuple(saved.keyframes)),)

    def _enter(self, asked: Sequence[Asked]) -> list[Entering]:
        """Look at the drivers, and meanwhile settle what is known of the rows."""
        looks = [self._start_looking(some) for some in batched(asked, self._rows)]
        rows = [settled(one.row) for one in asked]
        sights = [sighted for look in looks for sighted in parted(look.wait())]
        return [
            Entering(one.place, row, one.role, one.cue, sighted)
            for one, row, sighted in zip(asked, rows, sights, strict=True)
        ]

    def _start_looking(self, asked: Sequence[Asked]) -> Pending[tuple[PersonaLiveChunk, Seen]]:
        drivers = [decoded(one.cue.pictures, self.model.config.picture) for one in asked]
        return self._lanes.seeing.start(partial(self._look, asked, drivers))

    def _look(
        self, asked: Sequence[Asked], drivers: Sequence[tuple[Pixels, np.ndarray]]
    ) -> tuple[PersonaLiveChunk, Seen]:
        chunk = PersonaLiveChunk(
            pictures=self._to_device(np.stack([pictures for pictures, _ in drivers])),
            has_face=self._to_device(np.stack([has_face for _, has_face in drivers])),
            noise=self._to_device(np.stack([one.chance for one in asked])),
            identity=joined([one.role.identity for one in asked]),
        )
        return chunk, self.model.see(chunk)

    def _advance(self, group: Sequence[Entering]) -> Iterator[tuple[Coming | None, Row]]:
        """Yield the answer of each row, which have equally many keyframes, and what it becomes."""
        chunk, seen = joined([one.sighted for one in group])
        active = torch.ones(len(group), dtype=torch.bool, device=self.model.device)
        before, keyframes = joined([one.row.state for one in group]), len(group[0].row.keyframes)
        done, following = self.model.advance_alike(before, chunk, seen, active, keyframes)
        shown = None
        if any(one.cue.num_frames for one in group):
            shown = self._lanes.showing.follow(partial(self._show, done.latents))
        for place, (one, after, finished) in enumerate(
            zip(group, parted(following), parted(done), strict=True)
        ):
            # A step changes no keyframes: the row keeps its own, not those of all.
            state = after._replace(keyframes=one.row.state.keyframes)
            yield self._answer(one, shown, place), one.row._replace(state=state, finished=finished)

    def _answer(self, one: Entering, shown: Pending[Tensor] | None, place: int) -> Coming | None:
        sequence, frames = one.cue.sequence - self.lag, one.cue.num_frames
        if shown is None or frames == 0:
            return None
        return Coming(sequence=sequence, fetch=partial(_chunk, sequence, shown, place, frames, one.role.size))

    def _show(self, latents: Tensor) -> Tensor:
        """Return pictures [S, F, H, W, 3], on their way to the CPU."""
        levels = (self.model.decode(latents) * 255).round().to(torch.uint8)
        return levels.permute(0, 1, 3, 4, 2).to("cpu", non_blocking=True)

    def _to_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.model.device)


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


def _asked(place: int, row: Row | None, cue: Cue, chance: FloatArray) -> Asked:
    assert row is not None, "a session begins seated"
    assert row.role is not None, "a session begins seated"
    return Asked(place, row, row.role, cue, chance)


def _chunk(sequence: int, shown: Pending[Tensor], place: int, frames: int, size: int) -> Chunk:
    pictures = shown.fetch()[place, :frames].numpy()
    return Chunk(sequence=sequence, frames=np.stack([_resized(picture, size) for picture in pictures]))


def _resized(picture: Pixels, size: int) -> Pixels:
    if picture.shape[:2] == (size, size):
        return np.ascontiguousarray(picture)
    method = cv2.INTER_AREA if size < min(picture.shape[:2]) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)

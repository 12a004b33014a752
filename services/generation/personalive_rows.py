"""The rows of PersonaLive: what each session is, and which are computed together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from models.personalive.identity import Identity
from models.personalive.keyframes import Choice
from models.personalive.model import Finished, PersonaLive, PersonaLiveChunk, PersonaLiveState, Seen
from models.personalive.rows import widths
from services.generation.engine import Decoder
from services.kit.contracts import Cue

__all__ = ["Entering", "PortraitRole", "Row", "State", "alike", "batched", "new_keyframe", "settled"]

T = TypeVar("T")


class Row(NamedTuple):
    """A session: its state, the latents [4, h, h] of its keyframes, and whom it shows once it is seated.

    Whether a frame of the chunk that was `finished` last is a keyframe, nobody has asked yet.
    """

    state: PersonaLiveState
    keyframes: tuple[Tensor, ...] = ()
    role: PortraitRole | None = None
    finished: Finished | None = None


# Each row stands alone between steps: it looks at its own count of keyframes, with others or without.
State = tuple[Row | None, ...]


class Entering(NamedTuple):
    """A row, the cue that it is to answer, and what was seen of it; `place` is the row's in the state."""

    place: int
    row: Row
    role: PortraitRole
    cue: Cue
    sighted: tuple[PersonaLiveChunk, Seen]


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


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `items` in their order, up to `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def alike(entering: Sequence[Entering], rows: int) -> Iterator[Sequence[Entering]]:
    """Yield the rows of each pass: as many as one of `widths(rows)`, with equally many keyframes."""

    def count(one: Entering) -> int:
        return len(one.row.keyframes)

    for _, same in groupby(sorted(entering, key=count), count):
        rest = list(same)
        for width in widths(rows):
            while len(rest) >= width:
                yield rest[:width]
                rest = rest[width:]


def settled(row: Row) -> Row:
    """Return the row that looks at its newest keyframe, if the last chunk brought one."""
    following = row._replace(finished=None)
    for latents in new_keyframe(row):
        assert row.role is not None, "a session begins seated"
        following = row.role.remember(following, latents)
    return following


def new_keyframe(row: Row) -> tuple[Tensor, ...]:
    """Latents [4, h, h] of the frame that becomes a keyframe, if one does.

    To find out is the only moment at which a step waits for the device.
    """
    finished = row.finished
    return () if finished is None or not finished.choice.chosen.any() else (finished.latents[0, 0],)

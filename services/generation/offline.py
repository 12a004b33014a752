"""What an offline engine is: a model that performs a whole speech at once, span by span."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from services.generation.engine import Decoder
from services.kit.contracts import Cue, FloatArray, MotionIntensity, Pixels

__all__ = ["Film", "Offline", "OfflineEngine", "Screenplay", "Sitter", "Span", "mark_of"]

_MARK_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """Whose portrait RGB [S, S, 3] is performed, in videos of `size` pixels a side. It is a `Role`."""

    portrait: Pixels
    size: int

    def seat(self, row: None) -> None:
        """There is no row: nothing of a performance is held between its steps but its spans."""
        return row

    def decoders(self, count: int) -> Sequence[Decoder]:  # noqa: ARG002  there is nothing to draw
        """None: a film is shown in pictures."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenplay:
    """All that is to be performed: the speech [samples], mono at 16 kHz, and the texts that direct it.

    Equal screenplays of equal sitters make equal films.
    """

    speech: FloatArray
    directions: tuple[str, ...]
    intensity: MotionIntensity | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a film that is done, as the engine's own bytes.

    `shown` becomes pictures; `handed_on` is what the next span needs, beside the screenplay, to follow it.
    """

    shown: bytes
    handed_on: bytes


def mark_of(sitter: Sitter, screenplay: Screenplay) -> str:
    """A name that films share when they are equal, and no others do."""
    asked = (sitter.size, sitter.portrait.shape, screenplay.directions, screenplay.intensity, screenplay.seed)
    digest = sha256(repr(asked).encode())
    for pixels_or_samples in (sitter.portrait, screenplay.speech):
        digest.update(pixels_or_samples.tobytes())
    return digest.hexdigest()[:_MARK_DIGITS]


class Film(Protocol):
    """One performance of an offline engine; its methods block, and are called by one thread at a time."""

    @property
    def num_spans(self) -> int:
        """How many spans it has."""
        ...

    @property
    def span_steps(self) -> int:
        """The steps of a span."""
        ...

    def make(self, done: int, last: Span | None, on_step: Callable[[], None]) -> Iterator[Span]:
        """Make the spans that follow the first `done`, of which `last` is the last one.

        `on_step` is called before every step, and ends everything by raising. The spans do not depend on
        where it was begun. Raises ValueError for a span of another film; Unavailable when what makes them is
        lost, and may be asked again then.
        """
        ...

    def show(self, shown: bytes) -> Pixels:
        """The pictures [n, S, S, 3] of the next span, on the platform's frame clock.

        Spans are shown from the first one on, each once. The last one shows at least as much as is heard.
        Raises ValueError for what no span shows.
        """
        ...


class OfflineEngine(Protocol):
    """A model that knows the whole speech before it shows anything of it."""

    def check(self, cue: Cue) -> None:
        """Raise ValueError that says what of a cue the engine cannot answer."""
        ...

    def read_identity(self, bundle: bytes) -> Sitter:
        """Whose identity lies in a bundle. Raises ValueError for any other bytes."""
        ...

    def ignores_intensity(self) -> bool:
        """Whether it lacks what it takes to move more or less than usual."""
        ...

    def begin(self, sitter: Sitter, screenplay: Screenplay) -> Film:
        """Get ready to perform. Raises ValueError for what cannot be performed."""
        ...


def _nothing() -> None:
    """Most engines start nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """A loaded offline engine, told apart from one that streams; `close` ends what it has started."""

    engine: OfflineEngine
    close: Callable[[], None] = _nothing

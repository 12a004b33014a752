"""An offline engine of a few lines: its spans are counted, and its pictures are digests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Event

import numpy as np

from services.generation.offline import Offline, Screenplay, Sitter, Span
from services.kit import contracts
from services.kit.contracts import CHUNK_SAMPLES, Pixels
from services.kit.errors import Unavailable
from services.kit.messages import Cue, Direction, MotionIntensity
from tests.unit.services.generation.world import make_cues

SPANS, STEPS, FRAMES = 4, 3, 20


class DigestFilm:
    """A `Film` of four spans, each of which depends on the one before."""

    def __init__(self, engine: DigestEngine, sitter: Sitter, screenplay: Screenplay) -> None:
        self._engine = engine
        asked = (screenplay.seed, screenplay.directions, screenplay.intensity, sitter.size)
        self._seed = screenplay.speech.tobytes() + sitter.portrait.tobytes() + repr(asked).encode()

    @property
    def num_spans(self) -> int:
        return SPANS

    @property
    def span_steps(self) -> int:
        return STEPS

    def make(self, done: int, last: Span | None, on_step: Callable[[], None]) -> Iterator[Span]:
        before = self._seed if last is None else last.handed_on
        if before == b"damaged":
            raise ValueError("no span of this film")
        return self._spans(done, before, on_step)

    def _spans(self, done: int, before: bytes, on_step: Callable[[], None]) -> Iterator[Span]:
        for number in range(done + 1, SPANS + 1):
            for step in range(STEPS):
                on_step()
                self._engine.steps.append((number, step))
                if (number, step) in self._engine.losses:
                    self._engine.losses.remove((number, step))
                    raise Unavailable("one of 2 processes died")
                if self._engine.halts_at == (number, step):
                    self._engine.has_halted.set()
                    self._engine.may_go_on.wait(60)
            before = sha256(before + self._seed).digest()
            yield Span(shown=before, handed_on=before)

    def show(self, shown: bytes) -> Pixels:
        if shown == b"damaged":
            raise ValueError("no span of any film")
        digests = b"".join(sha256(shown + bytes([frame])).digest()[:12] for frame in range(FRAMES))
        return np.frombuffer(digests, np.uint8).reshape(FRAMES, 2, 2, 3)


class DigestEngine:
    """An `OfflineEngine` that lists its steps (span, step); at `halts_at` it waits for `may_go_on`.

    At each of its `losses` it is lost once.
    """

    def __init__(
        self, halts_at: tuple[int, int] | None = None, losses: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.losses = [*losses]
        self.steps: list[tuple[int, int]] = []
        self.screenplays: list[Screenplay] = []
        self.halts_at = halts_at
        self.has_halted, self.may_go_on = Event(), Event()

    def check(self, cue: contracts.Cue) -> None:
        if cue.waveform is None:
            raise ValueError("a cue has no waveform")

    def read_identity(self, bundle: bytes) -> Sitter:
        return Sitter(portrait=np.frombuffer(bundle, np.uint8), size=2)

    def ignores_intensity(self) -> bool:
        return True

    def begin(self, sitter: Sitter, screenplay: Screenplay) -> DigestFilm:
        self.screenplays.append(screenplay)
        return DigestFilm(self, sitter, screenplay)

    def offline(self) -> Offline:
        return Offline(engine=self)


def make_speech(
    session_id: str = "s",
    count: int = 15,
    texts: tuple[str, ...] = (),
    intensity: MotionIntensity | None = None,
) -> list[Cue]:
    """The cues of a speech for an engine with ears of its own; the last one shows three frames."""
    chance = np.random.default_rng([count, *session_id.encode()])
    directions = tuple(Direction(start_s=0.0, end_s=0.0, text=text) for text in texts)
    cues = make_cues(session_id, count)
    opening = cues[0].opening
    assert opening is not None
    cues[0] = replace(cues[0], opening=replace(opening, engine="film", motion_intensity=intensity))
    return [
        replace(
            cue,
            speak=None,
            directions=directions,
            waveform=chance.normal(size=1900 if cue.is_final else CHUNK_SAMPLES).astype(np.float32),
        )
        for cue in cues
    ]

"""The fantasytalking engine: a speech and a portrait become a film, span by span."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.fantasytalking.decoding import decode
from models.fantasytalking.geometry import speech_latents
from models.fantasytalking.long_video import Finished, plan_spans
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.performance import Encoders, Nature, Prompt, imagine
from models.fantasytalking.sampler import Guidance, Velocity, guide
from models.personalive.bundle import load_portrait
from services.generation.fantasytalking.clock import FrameClock
from services.generation.offline import Screenplay, Sitter, Span
from services.kit.contracts import Cue, MotionIntensity, Pixels

__all__ = ["FantasyTalkingEngine", "FantasyTalkingFilm"]

_USUAL_PROMPT: Final = "A person speaks to the camera."
_NEGATIVE: Final = ""
_MAX_PROMPTS: Final = 16
_LATENTS: Final = "latents"


class FantasyTalkingEngine:
    """An `OfflineEngine` around loaded networks; `read_text` embeds a prompt [1, text_length, text_dim]."""

    def __init__(
        self, network: FantasyTalking, encoders: Encoders, read_text: Callable[[str], Tensor]
    ) -> None:
        self._network = network
        self._encoders = encoders
        # Its encoder is larger than most, and is not kept.
        self._read_text = lru_cache(maxsize=_MAX_PROMPTS)(read_text)

    def check(self, cue: Cue) -> None:
        others = (cue.speak, cue.listen, cue.motion)
        if cue.waveform is None or cue.pictures or any(other is not None for other in others):
            raise ValueError("a cue has a stream, motion, pictures or nothing, expected a waveform")

    def read_identity(self, bundle: bytes) -> Sitter:
        framed = load_portrait(bundle)
        return Sitter(portrait=framed.pixels, size=framed.size)

    def ignores_intensity(self) -> bool:
        return self._network.config.intensity is None

    def begin(self, sitter: Sitter, screenplay: Screenplay) -> FantasyTalkingFilm:
        asked = ", ".join(screenplay.directions) or _USUAL_PROMPT
        prompt = Prompt(text=self._read_text(asked), negative=self._read_text(_NEGATIVE))
        return FantasyTalkingFilm(self._network, self._encoders, prompt, sitter, screenplay)


class FantasyTalkingFilm:
    """A `Film` of one sitter."""

    def __init__(
        self,
        network: FantasyTalking,
        encoders: Encoders,
        prompt: Prompt,
        sitter: Sitter,
        screenplay: Screenplay,
    ) -> None:
        self._network = network
        self._encoders = encoders
        self._prompt = prompt
        self._sitter = sitter
        self._screenplay = screenplay
        self._pieces: deque[Tensor] = deque()
        self._decoded = decode(encoders.autoencoder, self._take_pieces())
        self._clock = FrameClock(network.config.clip.frame_rate_hz)

    @property
    def num_spans(self) -> int:
        config = self._network.config
        duration_s = len(self._screenplay.speech) / config.clip.sample_rate_hz
        return len(plan_spans(speech_latents(duration_s, config.clip), config.span))

    @property
    def span_steps(self) -> int:
        return self._network.config.sampler.steps

    def make(self, done: int, last: Span | None, on_step: Callable[[], None]) -> Iterator[Span]:
        after = None if last is None else self._read(done, last)
        if done == self.num_spans:
            return iter(())
        intensity = None if self._network.config.intensity is None else self._screenplay.intensity
        finished = imagine(
            self._network,
            self._encoders,
            self._sitter.portrait,
            torch.from_numpy(self._screenplay.speech),
            self._prompt,
            torch.Generator().manual_seed(self._screenplay.seed),
            Nature(intensity=_coefficients(intensity, self._prompt.text.device)),
            _watched(on_step),
            after,
        )
        return (_written(each) for each in finished)

    def show(self, shown: bytes) -> Pixels:
        latents = _latents_of(shown)
        self._pieces.append(latents.to(self._prompt.text.device))
        # A latent frame is decoded at a time; asked for one more, the decoder would want another piece.
        decoded = [next(self._decoded) for _ in range(latents.shape[2])]
        pictures = [picture for piece in decoded for picture in _to_pixels(piece, self._sitter.size)]
        repeats = self._clock.repeats(len(pictures))
        return np.repeat(np.stack(pictures), repeats, axis=0)

    def _take_pieces(self) -> Iterator[Tensor]:
        while True:
            yield self._pieces.popleft()

    def _read(self, done: int, last: Span) -> Finished:
        """What the model goes on after. Raises ValueError for a span of another film."""
        latents, kept = _latents_of(last.shown), _read(last.handed_on)
        if done > self.num_spans or len(kept) != self.span_steps + 1:
            expected = f"one of {self.num_spans} with {self.span_steps} steps"
            raise ValueError(f"span {done} with {len(kept) - 1} steps, expected {expected}")
        device = self._prompt.text.device
        carried = tuple(kept[name].to(device) for name in sorted(kept))
        return Finished(done, latents.to(device), carried)


def _watched(on_step: Callable[[], None]) -> Guidance[Context]:
    """Guidance that tells before every step."""

    def watched(
        network: Callable[[Tensor, Tensor, Context], Tensor], weighted: list[tuple[float, Context]]
    ) -> Velocity:
        velocity = guide(network, weighted)

        def step(latents: Tensor, timestep: Tensor) -> Tensor:
            on_step()
            return velocity(latents, timestep)

        return step

    return watched


def _written(finished: Finished) -> Span:
    carried = {f"{level:06d}": latents.cpu() for level, latents in enumerate(finished.carried)}
    return Span(shown=save({_LATENTS: finished.latents.cpu().contiguous()}), handed_on=save(carried))


def _latents_of(shown: bytes) -> Tensor:
    """Latents [1, C, F, h, w]. Raises ValueError for any other bytes."""
    tensors = _read(shown)
    if list(tensors) != [_LATENTS]:
        raise ValueError(f"a damaged span: it holds {len(tensors)} tensors, expected {_LATENTS}")
    return tensors[_LATENTS]


def _read(data: bytes) -> dict[str, Tensor]:
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"a damaged span: {error}") from error


def _coefficients(intensity: MotionIntensity | None, device: torch.device) -> tuple[Tensor, Tensor] | None:
    if intensity is None:
        return None
    return torch.tensor([intensity.face], device=device), torch.tensor([intensity.body], device=device)


def _to_pixels(piece: Tensor, size: int) -> list[Pixels]:
    """Pictures [size, size, 3] of a decoded piece [1, 3, T, H, W] from -1 to 1."""
    levels = ((piece[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()
    return [_resized(np.ascontiguousarray(picture), size) for picture in levels]


def _resized(picture: Pixels, size: int) -> Pixels:
    if picture.shape[:2] == (size, size):
        return picture
    method = cv2.INTER_AREA if size < min(picture.shape[:2]) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)

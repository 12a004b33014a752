"""The fantasytalking engine: a speech and a portrait become a film, span by span."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor

from models.fantasytalking.config import FantasyTalkingConfig
from models.fantasytalking.decoding import decode
from models.fantasytalking.geometry import speech_latents
from models.fantasytalking.long_video import plan_spans
from models.personalive.bundle import load_portrait
from services.generation.fantasytalking.clock import FrameClock
from services.generation.fantasytalking.order import Order, Performers
from services.generation.fantasytalking.record import finished_of, latents_of
from services.generation.offline import Screenplay, Sitter, Span
from services.kit.contracts import Cue, Pixels

__all__ = ["FantasyTalkingEngine", "FantasyTalkingFilm"]

_USUAL_PROMPT: Final = "A person speaks to the camera."


class FantasyTalkingEngine:
    """An `OfflineEngine`: `performers` of the network of this `config` make spans, shown by `autoencoder`.

    What the text `negative` tells of is what no film shows.
    """

    def __init__(
        self,
        config: FantasyTalkingConfig,
        autoencoder: AutoencoderKLWan,
        performers: Performers,
        negative: str = "",
    ) -> None:
        self._config = config
        self._autoencoder = autoencoder
        self._performers = performers
        self._negative = negative

    def check(self, cue: Cue) -> None:
        others = (cue.speak, cue.listen, cue.motion)
        if cue.waveform is None or cue.pictures or any(other is not None for other in others):
            raise ValueError("a cue has a stream, motion, pictures or nothing, expected a waveform")

    def read_identity(self, bundle: bytes) -> Sitter:
        framed = load_portrait(bundle)
        return Sitter(portrait=framed.pixels, size=framed.size)

    def ignores_intensity(self) -> bool:
        return self._config.intensity is None

    def begin(self, sitter: Sitter, screenplay: Screenplay) -> FantasyTalkingFilm:
        order = Order(
            portrait=sitter.portrait,
            speech=screenplay.speech,
            prompt=", ".join(screenplay.directions) or _USUAL_PROMPT,
            negative=self._negative,
            seed=screenplay.seed,
            intensity=None if self.ignores_intensity() else screenplay.intensity,
        )
        return FantasyTalkingFilm(self._config, self._autoencoder, self._performers, order, sitter.size)


class FantasyTalkingFilm:
    """A `Film` of an order, in pictures of `size` pixels a side."""

    def __init__(
        self,
        config: FantasyTalkingConfig,
        autoencoder: AutoencoderKLWan,
        performers: Performers,
        order: Order,
        size: int,
    ) -> None:
        self._config = config
        self._device = next(autoencoder.parameters()).device
        self._performers = performers
        self._order = order
        self._size = size
        self._pieces: deque[Tensor] = deque()
        self._decoded = decode(autoencoder, self._take_pieces())
        self._clock = FrameClock(config.clip.frame_rate_hz)

    @property
    def num_spans(self) -> int:
        duration_s = len(self._order.speech) / self._config.clip.sample_rate_hz
        return len(plan_spans(speech_latents(duration_s, self._config.clip), self._config.span))

    @property
    def span_steps(self) -> int:
        return self._config.sampler.steps

    def make(self, done: int, last: Span | None, on_step: Callable[[], None]) -> Iterator[Span]:
        if done > self.num_spans:
            raise ValueError(f"span {done}, expected one of {self.num_spans}")
        if last is not None:
            finished_of(last, done, self._config.sampler, self._device)
        events = self._performers.perform(self._order, done, last) if done < self.num_spans else iter(())
        return _watched(events, on_step)

    def show(self, shown: bytes) -> Pixels:
        latents = latents_of(shown)
        self._pieces.append(latents.to(self._device))
        # A latent frame is decoded at a time; asked for one more, the decoder would want another piece.
        decoded = [next(self._decoded) for _ in range(latents.shape[2])]
        pictures = [picture for piece in decoded for picture in _to_pixels(piece, self._size)]
        repeats = self._clock.repeats(len(pictures))
        return np.repeat(np.stack(pictures), repeats, axis=0)

    def _take_pieces(self) -> Iterator[Tensor]:
        while True:
            yield self._pieces.popleft()


def _watched(events: Iterator[Span | None], on_step: Callable[[], None]) -> Iterator[Span]:
    for span in events:
        if span is None:
            on_step()
        else:
            yield span


def _to_pixels(piece: Tensor, size: int) -> list[Pixels]:
    """Pictures [size, size, 3] of a decoded piece [1, 3, T, H, W] from -1 to 1."""
    levels = ((piece[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()
    return [_resized(np.ascontiguousarray(picture), size) for picture in levels]


def _resized(picture: Pixels, size: int) -> Pixels:
    if picture.shape[:2] == (size, size):
        return picture
    method = cv2.INTER_AREA if size < min(picture.shape[:2]) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)

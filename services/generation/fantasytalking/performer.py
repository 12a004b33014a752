"""What one process does of a performance by FantasyTalking: all of it, or its share among others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from models.fantasytalking.config import FantasyTalkingConfig
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.parallel.launch import distribute
from models.fantasytalking.parallel.place import Place
from models.fantasytalking.performance import Encoders, Nature, Prompt, imagine
from models.fantasytalking.sampler import Guidance, guide
from models.fantasytalking.weights import load_network
from services.generation.fantasytalking.folders import load_encoders, read_prompts
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.order import Order
from services.generation.fantasytalking.record import finished_of, latents_of, span_of
from services.generation.offline import Span
from services.kit.contracts import MotionIntensity

__all__ = ["Performer", "ReadTexts", "fulfil", "join_performers", "open_performer"]

_MAX_TEXTS: Final = 16

# From a prompt and a negative prompt to embeddings [2, text_length, text_dim] on the device.
ReadTexts = Callable[[str, str], Tensor]


class Performer:
    """`Performers` in one process; where there are others, all are asked the same at the same time."""

    def __init__(
        self,
        network: FantasyTalking,
        encoders: Encoders,
        read_texts: ReadTexts,
        guidance: Guidance[Context] = guide,
    ) -> None:
        self._network = network
        self._encoders = encoders
        self._read_texts = read_texts
        self._guidance = guidance

    def perform(self, order: Order, done: int = 0, last: Span | None = None) -> Iterator[Span | None]:
        texts = self._read_texts(order.prompt, order.negative)
        after = None if last is None else finished_of(last, done, self._network.config.sampler, texts.device)
        events = imagine(
            self._network,
            self._encoders,
            order.portrait,
            # A copy, because what comes from another process may not be written to, which torch mistrusts.
            torch.tensor(order.speech),
            Prompt(text=texts[:1], negative=texts[1:]),
            torch.Generator().manual_seed(order.seed),
            Nature(intensity=_coefficients(order.intensity, texts.device)),
            self._guidance,
            after,
        )
        for finished in events:
            yield None if finished is None else span_of(finished)


def open_performer(
    folders: Folders, encoders: Encoders, dtype: torch.dtype, device: torch.device
) -> Performer:
    """Load a performer that is by itself, with encoders on its device.

    Raises ValueError or OSError when something is missing or does not fit, RuntimeError when there is no such
    device.
    """
    network = load_network(folders.network, dtype).to(device)
    return Performer(network, encoders, _kept(partial(_read_texts, folders, network.config, dtype, device)))


def join_performers(folders: Folders, dtype: torch.dtype, place: Place) -> Performer:
    """Load a performer among others, who all call this. Raises as `open_performer` does."""
    network = load_network(folders.network, dtype)
    return _join(network, folders, _read_together(folders, network.config, dtype, place), place)


def fulfil(order: Order, folders: Folders, dtype: torch.dtype, place: Place) -> Tensor | None:
    """Return the latents [1, C, F, h, w] of a whole video, on the CPU, to rank 0; None to every other.

    To be called in all processes, with equal arguments but for the place. Raises as `open_performer` and
    `Performers.perform` do.
    """
    network = load_network(folders.network, dtype)
    read_texts = _read_together(folders, network.config, dtype, place)
    # While the network is on no device yet, whose room their encoder may need.
    read_texts(order.prompt, order.negative)
    events = _join(network, folders, read_texts, place).perform(order)
    pieces = [latents_of(span.shown) for span in events if span is not None]
    return torch.cat(pieces, dim=2) if place.rank == 0 else None


def _join(network: FantasyTalking, folders: Folders, read_texts: ReadTexts, place: Place) -> Performer:
    guidance = distribute(network, place)
    return Performer(network, load_encoders(folders, place.device), read_texts, guidance)


def _kept(read_texts: ReadTexts) -> ReadTexts:
    """Remember what was read: the encoder of texts is larger than most, and is not kept."""
    return lru_cache(maxsize=_MAX_TEXTS)(read_texts)


def _read_together(
    folders: Folders, config: FantasyTalkingConfig, dtype: torch.dtype, place: Place
) -> ReadTexts:
    """Read texts in rank 0 alone: their encoder has 5.7 billion weights."""
    read = partial(_read_texts, folders, config, dtype, place.device)

    def read_together(prompt: str, negative: str) -> Tensor:
        shape = (2, config.backbone.text_length, config.backbone.text_dim)
        texts = read(prompt, negative) if place.rank == 0 else torch.empty(shape, device=place.device)
        dist.broadcast(texts, 0)
        return texts

    return _kept(read_together)


def _read_texts(
    folders: Folders,
    config: FantasyTalkingConfig,
    dtype: torch.dtype,
    device: torch.device,
    prompt: str,
    negative: str,
) -> Tensor:
    texts = read_prompts(folders, [prompt, negative], config.backbone.text_length, dtype, device)
    return texts.float().contiguous()


def _coefficients(intensity: MotionIntensity | None, device: torch.device) -> tuple[Tensor, Tensor] | None:
    if intensity is None:
        return None
    return torch.tensor([intensity.face], device=device), torch.tensor([intensity.body], device=device)

"""Half a minute of FantasyTalking, span by span: whether joins of spans are seen, and whether memory grows.

`python -m tests.bench.fantasytalking_long [SHEET.png]` draws a sheet of what is round the joins as well.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from models.fantasytalking.config import SamplerConfig, SpanConfig
from models.fantasytalking.decoding import decode
from models.fantasytalking.geometry import speech_latents
from models.fantasytalking.long_video import Finished, Span, plan_spans, span_waveform
from models.fantasytalking.performance import Prompt, imagine
from tests.bench.endless import resident_bytes
from tests.bench.fantasytalking_people import Studio, open_studio
from tests.bench.figures import report
from tests.unit.models.fantasytalking.scenes import make_network
from training.fantasytalking.config import tiny_run
from training.fantasytalking.tiny import tiny_frozen

BENCH: Final = "fantasytalking_long"
SECONDS: Final = 30.0
SEAM_BAR: Final = 1.0
MEMORY_BAR: Final = 0.01
_SHORT: Final = 1 / 3
_SEED: Final = 1111
# Pixels a side where memory is measured: pictures that were kept would be seen there beside the libraries.
_LARGE: Final = 64
_ROUND: Final = 4
_ENLARGED: Final = 8
_TENSORS: Final = (Tensor, nn.Parameter)
_QUANTILES: Final = {1.0: "largest seam", 0.95: "95th percentile of seams", 0.5: "median seam"}


class Steps(NamedTuple):
    """How far latent frames are from those before: where spans join, and where one span alone decides."""

    joins: Tensor
    inside: Tensor


def main(sheet: Path | None = None) -> None:
    """Print how large seams are beside the motion, fused and cut, and what memory grew."""
    torch.set_num_threads(1)
    # First, while there is little in memory that more would not be seen beside.
    _report_memory(SECONDS)
    with TemporaryDirectory() as folder:
        studio = open_studio(Path(folder), SECONDS)
    spans = spans_of(studio)
    fused = torch.cat([finished.latents for finished in film(studio)], dim=2)
    cut = torch.cat([*spans_alone(studio, spans)], dim=2)
    case = f"tiny, {SECONDS:g} s, {len(spans)} spans"
    ours, plain = measure(fused, spans), measure(cut, spans)
    for share, name in _QUANTILES.items():
        seam, plain_seam = (
            float(each.joins.quantile(share) / each.inside.quantile(share)) for each in (ours, plain)
        )
        report(BENCH, case, name, seam, "of the motion's own", bar=SEAM_BAR, baseline=plain_seam)
    if sheet is not None:
        draw_sheet(studio, [fused, cut], spans).save(sheet)


def spans_of(studio: Studio) -> list[Span]:
    """The spans of the whole film."""
    config = studio.network.config
    latents = speech_latents(len(studio.person.sound) / config.clip.sample_rate_hz, config.clip)
    return plan_spans(latents, config.span)


def film(studio: Studio) -> Iterator[Finished]:
    """The film as it is made."""
    waveform = torch.from_numpy(studio.person.sound)
    return _imagine(studio, waveform, torch.Generator().manual_seed(_SEED))


def spans_alone(studio: Studio, spans: list[Span]) -> Iterator[Tensor]:
    """Latents of the same spans without fusing: each is a film of its own, of which what is new is kept."""
    clip = studio.network.config.clip
    waveform, random = torch.from_numpy(studio.person.sound), torch.Generator().manual_seed(_SEED)
    for span in spans:
        # Half a frame less, lest a sample more make a span longer.
        frames = (span.length - 1) * clip.frames_per_latent - 0.5
        heard = span_waveform(waveform, span, clip)[: int(frames / clip.frame_rate_hz * clip.sample_rate_hz)]
        (finished,) = _imagine(studio, heard, random)
        yield finished.latents[:, :, span.shared : span.length]


def measure(latents: Tensor, spans: list[Span]) -> Steps:
    """Steps of latents [1, C, F, h, w]; a join is from the frame before a span to that behind its overlap."""
    steps = latents.diff(dim=2).square().mean(dim=(0, 1, 3, 4)).sqrt()
    is_join = torch.zeros(len(steps), dtype=torch.bool)
    for span in spans[1:]:
        is_join[span.start - 1 : span.start + span.shared] = True
    return Steps(joins=steps[is_join], inside=steps[~is_join])


def draw_sheet(studio: Studio, films: list[Tensor], spans: list[Span]) -> Image.Image:
    """A row for each join and film: the frames round the first new one, which is marked by a white line."""
    rows = []
    for span in spans[1:7]:
        first = span.start + span.shared
        for latents in films:
            pictures = studio.pictures(latents[:, :, first - _ROUND : first + _ROUND])
            pictures[_ROUND, :, 0] = 255
            rows.append(torch.cat([*pictures], dim=1))
    picture = Image.fromarray(torch.cat(rows).numpy())
    return picture.resize((picture.width * _ENLARGED, picture.height * _ENLARGED), Image.Resampling.NEAREST)


def _imagine(studio: Studio, waveform: Tensor, random: torch.Generator) -> Iterator[Finished]:
    portrait = studio.person.pictures[0]
    events = imagine(studio.network, studio.encoders, portrait, waveform, studio.prompt, random)
    return (finished for finished in events if finished is not None)


def _report_memory(seconds: float) -> None:
    """Perform a third of the time, then all of it, with random weights, and keep no pictures."""
    short, long = (_remembered(length) for length in (seconds * _SHORT, seconds))
    case = f"tiny, {_LARGE} px, {seconds:g} s"
    second, *_, last_but_one, _ = long.held
    report(BENCH, case, "tensors held, grown from the second span on", last_but_one - second, "bytes", bar=0)
    growth = long.peak / short.peak - 1
    report(BENCH, case, "resident at most", growth, f"over that of {seconds * _SHORT:g} s", bar=MEMORY_BAR)


class Remembered(NamedTuple):
    """Bytes: of all tensors at the end of each span but the first; resident at most, behind any picture."""

    held: list[int]
    peak: int


def _remembered(seconds: float) -> Remembered:
    config = tiny_run("frame").model
    clip = replace(config.clip, longest_edge=_LARGE)
    config = replace(config, clip=clip, sampler=SamplerConfig(steps=4), span=SpanConfig())
    frozen, random = tiny_frozen(tiny_run("frame")), torch.Generator().manual_seed(_SEED)
    prompt = Prompt(text=frozen.read_text([""]), negative=frozen.read_text([""]))
    portrait = torch.randint(256, (_LARGE, _LARGE, 3), dtype=torch.uint8, generator=random).numpy()
    waveform = torch.randn(round(seconds * clip.sample_rate_hz), generator=random)
    held: list[int] = []
    resident: list[int] = []

    def spans() -> Iterator[Tensor]:
        for made in imagine(make_network(config), frozen.encoders, portrait, waveform, prompt, random):
            if made is not None:
                held.append(_bytes_of_tensors())
                yield made.latents

    for pictures in decode(frozen.encoders.autoencoder, spans()):
        assert bool(pictures.isfinite().all())
        resident.append(resident_bytes())
    return Remembered(held[1:], max(resident))


def _bytes_of_tensors() -> int:
    gc.collect()
    storages = [thing.untyped_storage() for thing in gc.get_objects() if type(thing) in _TENSORS]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""Contact sheets of a conversation, to be judged by eye: `python -m tests.bench.sheets OUTPUT.png`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import numpy as np
from PIL import Image, ImageDraw

from models.motion import FRAME_RATE_HZ, INDEX
from models.rig.arrays import F32
from models.rig.render import RigRenderer
from models.rig.rig import Rig, prepare_rig
from services.kit.media.portrait import read_portrait
from tests.bench.behaviour import opening
from tests.bench.dialogues import Dialogue, of_tracks
from tests.bench.sound import read_sound
from tests.bench.streams import Timed, shipped_model, takes

_PORTRAIT: Final = Path(__file__).parents[2] / "examples" / "portrait.jpg"
_PER_SECOND: Final = 5
_DRAWN_SIZE: Final = 384
_SIZE: Final = 144  # of a head, in pixels
_HEAD_SHARE: Final = 1.6  # of the extent of its landmarks
_TEXT_WIDTH: Final = 150
_ROWS: Final = 12  # then a new column begins
_MOST: Final = 0.4  # of a second
_PAPER: Final = (24, 24, 24)
_INK: Final = {
    "speaks": (120, 220, 120),
    "listens": (120, 170, 255),
    "both": (255, 190, 90),
    "nobody": (150, 150, 150),
}


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--speak", type=click.Path(path_type=Path, exists=True), help="What the character says.")
@click.option("--listen", type=click.Path(path_type=Path, exists=True), help="What it hears.")
@click.option("--portrait", type=click.Path(path_type=Path, exists=True), default=_PORTRAIT)
@click.option("--direction", default="", help="In force all the time.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(
    output: Path, speak: Path | None, listen: Path | None, portrait: Path, direction: str, seed: int
) -> None:
    """Draw every second of a conversation as a row of five pictures, beside who sounds in it.

    A track that is not named is absent.
    """
    tracks = [None if path is None else read_sound(path) for path in (speak, listen)]
    if speak is None and listen is None:
        raise click.UsageError("name --speak, --listen or both")
    timeline = [Timed(start_s=0.0, end_s=float("inf"), text=direction)]
    dialogue = of_tracks(tracks[0], tracks[1], timeline)
    (motion,) = takes(shipped_model(), dialogue.scene, [seed])
    rig = prepare_rig(read_portrait(portrait), _DRAWN_SIZE)
    rows = [_row(rig, dialogue, motion, second) for second in range(len(motion) // FRAME_RATE_HZ)]
    sheet(rows).save(output)


def sheet(rows: list[Image.Image]) -> Image.Image:
    """Rows of one size below each other, in as many columns as needed."""
    width, height = rows[0].size
    columns = -(-len(rows) // _ROWS)
    paper = Image.new("RGB", (columns * width, min(len(rows), _ROWS) * height), _PAPER)
    for k, row in enumerate(rows):
        paper.paste(row, (k // _ROWS * width, k % _ROWS * height))
    return paper


def _row(rig: Rig, dialogue: Dialogue, motion: F32, second: int) -> Image.Image:
    """What is seen in one second, and what is heard in it."""
    renderer = RigRenderer(rig)
    row = Image.new("RGB", (_TEXT_WIDTH + _PER_SECOND * _SIZE, _SIZE), _PAPER)
    frames = range(second * FRAME_RATE_HZ, (second + 1) * FRAME_RATE_HZ)
    _write(ImageDraw.Draw(row), dialogue, motion, frames)
    for k, frame in enumerate(frames[:: FRAME_RATE_HZ // _PER_SECOND]):
        picture = Image.fromarray(renderer.render(motion[frame], frame / FRAME_RATE_HZ))
        head = picture.resize((_SIZE, _SIZE), box=_head_box(rig))
        row.paste(head, (_TEXT_WIDTH + k * _SIZE, 0))
    return row


def _head_box(rig: Rig) -> tuple[float, float, float, float]:
    """A square around the head of the portrait: left, top, right, bottom in pixels."""
    low, high = rig.points[:, :2].min(axis=0), rig.points[:, :2].max(axis=0)
    middle, half = (low + high) / 2, _HEAD_SHARE * (high - low).max() / 2
    left, top = np.maximum(middle - half, 0)
    right, bottom = np.minimum(middle + half, rig.size)
    return float(left), float(top), float(right), float(bottom)


def _write(draw: ImageDraw.ImageDraw, dialogue: Dialogue, motion: F32, frames: range) -> None:
    seen = slice(frames.start, frames.stop)
    own, other = dialogue.own[seen].mean(), dialogue.other[seen].mean()
    pitch = np.degrees(motion[seen, INDEX["headPitch"]])
    draw.text((6, 6), f"{frames.start / FRAME_RATE_HZ:.0f} s", fill=_INK["nobody"])
    draw.text((6, 26), _who(own, other), fill=_INK[_who(own, other)])
    lines = (
        f"own voice   {own:4.0%}",
        f"other voice {other:4.0%}",
        f"lips   {opening(motion[seen]).max():4.0%}",
        f"pitch {pitch.min():+.1f} to {pitch.max():+.1f}",
    )
    for k, line in enumerate(lines):
        draw.text((6, 50 + 18 * k), line, fill=_INK["nobody"])


def _who(own: float, other: float) -> str:
    """Who sounds in most of it."""
    if own > _MOST and other > _MOST:
        return "both"
    return "speaks" if own > _MOST else "listens" if other > _MOST else "nobody"


if __name__ == "__main__":
    main()

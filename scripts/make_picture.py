"""Makes docs/images/perform.jpg: frames of the demo video that differ most from one another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT: Final = Path(__file__).parents[1]
PICTURE: Final = ROOT / "docs" / "images" / "perform.jpg"
HEAD: Final = (slice(10, 310), slice(95, 395))  # rows and columns of the example's head at 512 x 512
FACE: Final = (slice(125, 280), slice(95, 240))  # brows to chin, within the head
COUNT: Final = 6
THUMB: Final = 72

U8 = NDArray[np.uint8]


def main(video: Path) -> int:
    """Write the picture from a video of the example portrait."""
    heads = read_heads(video)
    chosen = sorted(most_different(heads, COUNT))
    rows = [np.hstack([heads[k] for k in chosen[i : i + 3]]) for i in range(0, COUNT, 3)]
    PICTURE.parent.mkdir(exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(PICTURE, quality=90)
    return 0


def read_heads(video: Path) -> list[U8]:
    """The head in every frame, RGB [300, 300, 3]."""
    with av.open(video) as container:
        frames = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
        return [frame[HEAD].astype(np.uint8) for frame in frames]


def most_different(heads: list[U8], count: int) -> list[int]:
    """Indices of `count` pictures, the first one and then always the one least like those chosen."""
    thumbs = np.stack(
        [np.asarray(Image.fromarray(head).convert("L").resize((THUMB, THUMB))) for head in heads]
    )
    chosen = [0]
    nearest = np.full(len(heads), np.inf)
    while len(chosen) < count:
        distance = np.square(thumbs - thumbs[chosen[-1]]).mean(axis=(1, 2))
        nearest = np.minimum(nearest, distance)
        chosen.append(int(nearest.argmax()))
    return chosen


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

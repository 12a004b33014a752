from __future__ import annotations

import numpy as np
import pytest

from models.personalive.bundle import FramedPortrait, dump_portrait, load_portrait

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
DATA = dump_portrait(FramedPortrait(pixels=PIXELS, size=640))


def test_a_portrait_is_read_as_it_was_written() -> None:
    portrait = load_portrait(DATA)
    assert portrait.size == 640
    assert np.array_equal(portrait.pixels, PIXELS)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "not a framed portrait: 0 bytes"),
        (b"dramatis-rig" + DATA[12:], "not a framed portrait"),
        (DATA[:-1], "do not add up"),
        (DATA[:18] + b"\2" + DATA[19:], "version 2, expected 1"),
    ],
)
def test_anything_else_is_refused(data: bytes, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        load_portrait(data)

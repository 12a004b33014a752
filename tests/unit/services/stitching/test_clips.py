from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import av
import numpy as np
import pytest

from services.kit.errors import BadMessage
from services.stitching.clips import mux_clip

Encode = Callable[[int, int], list[bytes]]


def _times_and_levels(content: bytes) -> tuple[list[float], list[int]]:
    with av.open(BytesIO(content), "r", format="mp4") as container:
        frames = list(container.decode(video=0))
    return [frame.time or 0.0 for frame in frames], [int(frame.to_ndarray()[0, 0]) for frame in frames]


def test_a_clip_plays_by_itself_at_its_place_in_time(encode_clip: Encode) -> None:
    times, levels = _times_and_levels(mux_clip(encode_clip(50, 20), 50))
    assert times == pytest.approx([n / 25 for n in range(50, 70)])
    assert levels == list(range(66, 86))


def test_the_fragments_of_clips_can_be_appended_to_the_first(encode_clip: Encode) -> None:
    first, second = mux_clip(encode_clip(0, 50), 0), mux_clip(encode_clip(50, 7), 50)
    joined = first[: first.index(b"mfra") - 4] + second[second.index(b"moof") - 4 :]
    times, levels = _times_and_levels(joined)
    assert times == pytest.approx([n / 25 for n in range(57)])
    assert levels == list(range(16, 73))


def test_equal_frames_make_equal_clips(encode_clip: Encode) -> None:
    assert mux_clip(encode_clip(0, 5), 0) == mux_clip(encode_clip(0, 5), 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frames: [b"", *frames[1:]],
        lambda frames: [bytes(100), *frames[1:]],
        lambda frames: [np.random.default_rng(0).bytes(500) for _ in frames],
        lambda frames: frames[1:],
        lambda frames: [frames[0][:40], *frames[1:]],
    ],
    ids=["empty", "zeros", "noise", "no keyframe", "cut"],
)
def test_what_is_no_h264_is_a_bad_message(
    spoil: Callable[[list[bytes]], list[bytes]], encode_clip: Encode
) -> None:
    with pytest.raises(BadMessage):
        mux_clip(spoil(encode_clip(0, 10)), 0)

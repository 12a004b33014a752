from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from models.fantasytalking.windows import clip_window, frame_windows, gather_windows, window_ranges


def _numbered(count: int) -> torch.Tensor:
    return torch.arange(1.0, count + 1)[None, :, None]


def test_a_published_clip_has_windows_of_17_tokens() -> None:
    windows = frame_windows(_numbered(175), 81, expansion=4)

    assert windows.tokens.shape == (1, 21, 17, 1)
    assert windows.lengths[0].tolist() == [6, 14, *[17] * 18, 14]


def test_windows_begin_with_what_counts_and_end_with_zeros() -> None:
    windows = frame_windows(_numbered(175), 81, expansion=4)

    first = windows.tokens[0, 0, :, 0].tolist()

    assert first == [1, 2, 3, 4, 5, 6, *[0] * 11]


def test_neighbouring_windows_are_about_as_far_apart_as_latent_frames() -> None:
    centres = [(start + end) / 2 for start, end in window_ranges(175, 81)[1:]]

    steps = [late - early for early, late in pairwise(centres)]

    assert set(steps) == {8.0, 9.0}


def test_the_first_window_ends_where_the_second_begins() -> None:
    first, second, *_ = window_ranges(175, 81)

    assert first[1] == second[0]
    assert first[1] - first[0] == second[1] - second[0]


def test_windows_beyond_the_speech_are_empty() -> None:
    windows = gather_windows(_numbered(4), [(0, 2), (9, 11)], expansion=1)

    assert windows.lengths.tolist() == [[4, 0]]
    assert not windows.tokens[0, 1].any()


def test_one_picture_has_no_windows() -> None:
    with pytest.raises(ValueError, match="expected at least 5 frames, got 1"):
        window_ranges(4, 1)


def test_frames_that_share_no_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="one frame more than a multiple of 4, got 80"):
        window_ranges(175, 80)


def test_one_window_holds_the_whole_clip() -> None:
    windows = clip_window(_numbered(5).expand(2, 5, 1), torch.tensor([5, 3]))

    assert windows.tokens.shape == (2, 1, 5, 1)
    assert windows.lengths.tolist() == [[5], [3]]

from __future__ import annotations

import pytest
import torch

from models.fantasytalking.attention import Share, SpeechKeyValue, attend_share, attend_windows

FRAMES, PER_FRAME = 3, 4
TOTAL = FRAMES * PER_FRAME


def _speech(frames: int) -> SpeechKeyValue:
    random = torch.Generator().manual_seed(frames)
    key, value = torch.randn(2, 1, frames, 5, 2, 6, generator=random)
    return SpeechKeyValue(key, value, torch.tensor([[5, 0, 3][:frames]]))


@pytest.mark.parametrize("frames", [FRAMES, 1])
def test_a_share_hears_what_its_tokens_hear_in_the_whole(frames: int) -> None:
    query = torch.randn(1, TOTAL, 2, 6, generator=torch.Generator().manual_seed(0))
    whole = attend_windows(query, _speech(frames))

    for start in range(TOTAL):
        for end in range(start + 1, TOTAL + 1):
            share = Share(start=start, end=end, total=TOTAL)
            heard = attend_share(query[:, start:end], _speech(frames), share)
            torch.testing.assert_close(heard, whole[:, start:end])


def test_a_video_that_does_not_divide_into_windows_is_refused() -> None:
    query = torch.zeros(1, 5, 2, 6)

    with pytest.raises(ValueError, match="13 video tokens do not divide into 3 audio windows"):
        attend_share(query, _speech(FRAMES), Share(start=0, end=5, total=13))

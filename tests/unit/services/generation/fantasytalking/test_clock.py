from __future__ import annotations

import pytest

from services.generation.fantasytalking.clock import FrameClock, nearest
from services.kit.contracts import FRAME_RATE_HZ


@pytest.mark.parametrize("rate_hz", [1, 16, 23, 24, 25])
def test_what_is_shown_is_never_off_by_more_than_half_a_frame(rate_hz: int) -> None:
    for frame in range(3000):
        off_s = nearest(frame, rate_hz) / rate_hz - frame / FRAME_RATE_HZ
        assert abs(off_s) <= 0.5 / rate_hz + 1e-9


@pytest.mark.parametrize("rate_hz", [16, 23, 25])
def test_repeats_show_every_frame_where_it_is_nearest(rate_hz: int) -> None:
    clock = FrameClock(rate_hz)

    repeats = clock.repeats(7) + clock.repeats(100) + clock.repeats(1)

    shown = [frame for frame, count in enumerate(repeats) for _ in range(count)]
    assert shown == [nearest(frame, rate_hz) for frame in range(len(shown))]
    assert min(repeats) >= 1


def test_at_the_published_rate_two_frames_of_a_second_are_shown_twice() -> None:
    assert sorted(FrameClock(23).repeats(23)) == [1] * 21 + [2] * 2


@pytest.mark.parametrize("rate_hz", [0, 26])
def test_a_rate_of_which_frames_would_be_missing_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=f"{rate_hz} frames a second, expected 1 to 25"):
        FrameClock(rate_hz)

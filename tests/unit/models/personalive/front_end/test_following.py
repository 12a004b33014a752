"""How portraits follow their drivers."""

from __future__ import annotations

import torch
from torch import Tensor

from models.personalive.front_end.following import (
    Driven,
    Followed,
    Portrait,
    at_rest,
    follow_driver,
    unseen,
)
from models.personalive.front_end.motion_extractor import HeadMotion

FRAMES = 4
LEAD = 12


def sight(seed: int, *shape: int) -> Portrait:
    generator = torch.Generator().manual_seed(seed)

    def draw(*tail: int) -> Tensor:
        return torch.randn(*shape, *tail, generator=generator)

    return Portrait(HeadMotion(10 * draw(3), 0.1 * draw(3), 1 + 0.1 * draw(1), draw(5, 3)), draw(2, 3))


def following(
    portrait: Portrait, chunk: Portrait, visible: Tensor, before: Followed | None = None
) -> Followed:
    driver = unseen(1, torch.device("cpu")) if before is None else before.driver
    last = at_rest(portrait, 1) if before is None else before.chunk
    return follow_driver(portrait, driver, chunk, visible, last, lead=LEAD, share=0.5)


def seen(*frames: bool) -> Tensor:
    return torch.tensor([frames])


def test_the_approach_begins_at_the_portrait_and_ends_a_step_before_the_driver() -> None:
    portrait, chunk = sight(0, 1), sight(1, 1, FRAMES)
    followed = following(portrait, chunk, seen(True, True, True, True))
    torch.testing.assert_close(followed.approach.keypoints[:, 0], at_rest(portrait, 1).keypoints[:, 0])
    step = followed.chunk.motion[:, 0] - followed.approach.motion[:, -1]
    torch.testing.assert_close(step, (chunk.motion[:, 0] - portrait.motion) / LEAD)


def test_a_portrait_keeps_its_place_in_the_drivers_first_frame() -> None:
    portrait, chunk = sight(0, 1), sight(1, 1, FRAMES)
    turned = portrait._replace(head=portrait.head._replace(degrees=chunk.head.degrees[:, 0]))
    followed = following(portrait, chunk, seen(True, True, True, True))
    torch.testing.assert_close(followed.chunk.keypoints[:, 0], at_rest(turned, 1).keypoints[:, 0])


def test_a_lost_face_keeps_its_last_motion_and_pose() -> None:
    portrait, chunk = sight(0, 1), sight(1, 1, FRAMES)
    followed = following(portrait, chunk, seen(True, True, False, False))
    for part in followed.chunk:
        assert torch.equal(part[:, 2], part[:, 1])
        assert torch.equal(part[:, 3], part[:, 1])


def test_a_face_that_stays_lost_changes_nothing() -> None:
    portrait = sight(0, 1)
    before = following(portrait, sight(1, 1, FRAMES), seen(True, True, True, True))
    followed = following(portrait, sight(2, 1, FRAMES), seen(False, False, False, False), before)
    assert torch.equal(followed.chunk.motion, before.chunk.motion[:, -1:].expand(-1, FRAMES, -1, -1))
    assert torch.equal(followed.driver.start, before.driver.start)


def test_numbers_of_an_invisible_frame_do_not_spread() -> None:
    portrait, chunk = sight(0, 1), sight(1, 1, FRAMES)
    broken = chunk._replace(motion=chunk.motion.clone())
    broken.motion[:, 1] = torch.nan
    followed = following(portrait, broken, seen(True, False, True, True))
    assert followed.chunk.motion.isfinite().all()


def test_a_portrait_is_at_rest_until_its_driver_is_seen() -> None:
    portrait = sight(0, 1)
    followed = following(portrait, sight(1, 1, FRAMES), seen(False, False, False, False))
    rest: Driven = at_rest(portrait, FRAMES)
    assert torch.equal(followed.chunk.keypoints, rest.keypoints)
    assert not followed.begins.any()


def test_frames_before_a_driver_is_first_seen_show_the_same_as_it() -> None:
    portrait, chunk = sight(0, 1), sight(1, 1, FRAMES)
    followed = following(portrait, chunk, seen(False, False, True, True))
    assert followed.begins.all()
    assert torch.equal(followed.driver.start, chunk.head.translation[:, 2])
    assert torch.equal(followed.chunk.motion[:, 0], chunk.motion[:, 2])

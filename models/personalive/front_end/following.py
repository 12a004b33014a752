"""Lets portraits follow their drivers: from which moment, by what way, and where a driver's face is lost."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.personalive.front_end.keypoints import Placement, approach, blend, follow, place
from models.personalive.front_end.motion_extractor import HeadMotion
from models.personalive.rows import where_rows

# Shapes: S slots, F frames of a chunk, n frames before them, K keypoints, T motion tokens, D their width.


class Portrait(NamedTuple):
    """The head [S, ...] and the motion [S, T, D] of the portraits themselves."""

    head: HeadMotion
    motion: Tensor


class Driven(NamedTuple):
    """What drives the portraits in some frames: keypoints [S, n, K, 3] and motion [S, n, T, D]."""

    keypoints: Tensor
    motion: Tensor


class Driver(NamedTuple):
    """Whether a driver was seen [S], and where it was when it was first [S, 3]."""

    seen: Tensor
    start: Tensor


class Followed(NamedTuple):
    """A chunk, the `approach` to it for rows whose driver is seen for the first time (`begins` [S])."""

    chunk: Driven
    approach: Driven
    begins: Tensor
    driver: Driver


def unseen(slots: int, device: torch.device) -> Driver:
    """Return the drivers of fresh sessions."""
    seen = torch.zeros(slots, dtype=torch.bool, device=device)
    return Driver(seen, torch.zeros(slots, 3, device=device))


def at_rest(portrait: Portrait, frames: int) -> Driven:
    """Return `frames` frames in which the portraits are as they are."""
    placement = Placement(portrait.head.degrees, portrait.head.translation, portrait.head.scale)
    keypoints = place(portrait.head.canonical, placement)
    return Driven(*(_repeated(part, frames) for part in (keypoints, portrait.motion)))


def follow_driver(
    portrait: Portrait,
    driver: Driver,
    sight: Portrait,
    visible: Tensor,
    last: Driven,
    *,
    lead: int,
    share: float,
) -> Followed:
    """Follow the heads and motions `sight` [S, F, ...] of a chunk, where they are `visible` [S, F].

    A frame without a face keeps what was before it, at first `last` [S, 1, ...]. When a driver is seen for
    the first time, the portrait is led to it in `lead` frames, and frames of the chunk before it show the
    same as it. The head goes `share` of the driver's way.
    """
    begins = visible.any(dim=1) & ~driver.seen
    index = visible.int().argmax(dim=1)
    first = Portrait(HeadMotion(*(_at(part, index) for part in sight.head)), _at(sight.motion, index))
    start = where_rows(begins, first.head.translation, driver.start)
    head = HeadMotion(*(part.unsqueeze(1) for part in portrait.head))
    placements = follow(head, sight.head, start.unsqueeze(1), share)
    here = Driven(place(head.canonical, placements), sight.motion)
    before = Driven(
        *(where_rows(begins, _at(new, index), old[:, -1]) for new, old in zip(here, last, strict=True))
    )
    chunk = Driven(*(_held(part, visible, old) for part, old in zip(here, before, strict=True)))
    way = approach(portrait.head, Placement(*(_at(part, index) for part in placements)), lead)
    led = Driven(place(head.canonical, way), blend(portrait.motion, first.motion, lead))
    return Followed(chunk, led, begins, Driver(driver.seen | begins, start))


def _held(values: Tensor, visible: Tensor, before: Tensor) -> Tensor:
    """Return values [S, F, ...], those which are not visible replaced by the ones before them."""
    kept = []
    for value, there in zip(values.unbind(1), visible.unbind(1), strict=True):
        before = where_rows(there, value, before)
        kept.append(before)
    return torch.stack(kept, dim=1)


def _at(values: Tensor, index: Tensor) -> Tensor:
    """Return the values [S, ...] at frame `index` [S] of `values` [S, F, ...]."""
    return values[torch.arange(values.shape[0], device=values.device), index]


def _repeated(values: Tensor, frames: int) -> Tensor:
    return values.unsqueeze(1).expand(-1, frames, *(-1 for _ in values.shape[1:]))

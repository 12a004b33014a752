"""Lips; one-sided shapes are the subject's left, the right is their mirror image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from models.rig import topology as t
from models.rig.plate import Handles
from models.rig.shapes.clay import NOSE, UPPER_OVAL, Clay, Shape

Lip = tuple[tuple[int, ...], tuple[int, ...]]
Share = Callable[[int], float]

_STILL: Final = (*NOSE, 152, 175, *UPPER_OVAL, 280, 50, 361, 132, 397, 172)
_UPPER: Final[Lip] = (t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP)
_LOWER: Final[Lip] = (t.OUTER_LOWER_LIP, t.INNER_LOWER_LIP)


def round_lips(clay: Clay, inward: float, upper: float, lower: float, forward: float) -> Shape:
    """Draw the corners in, the lips apart by upper and lower in their middle, and all of it forward."""
    handles: Handles = {}
    for v in _rows(t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP, *t.MIDDLE_UPPER_LIP):
        across = clay.across(v)
        handles[v] = np.array([-inward * across, -upper * (1 - across**2), -forward * (1 - 0.5 * across**2)])
    for v in _rows(t.OUTER_LOWER_LIP[1:-1], t.INNER_LOWER_LIP[1:-1], *t.MIDDLE_LOWER_LIP):
        across = clay.across(v)
        handles[v] = np.array([-inward * across, lower * (1 - across**2), -forward * (1 - 0.5 * across**2)])
    return clay.spread(handles, _STILL)


def funnel(clay: Clay) -> Shape:
    return round_lips(clay, 0.08, 0.0225, 0.03, 0.06)


def pucker(clay: Clay) -> Shape:
    shape = round_lips(clay, 0.12, -0.025, -0.025, 0.08)
    thicken = {v: np.array([0, -0.018, 0]) for v in t.OUTER_UPPER_LIP[3:8]}
    thicken |= {v: np.array([0, 0.022, 0]) for v in t.OUTER_LOWER_LIP[3:8]}
    inner = (*t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP)
    return shape + clay.spread(thicken, (*inner, *_STILL))


def mouth_aside(clay: Clay, shift: float) -> Shape:
    """Move both lips sideways, to the viewer's right where shift is positive."""
    rows = _rows(t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP, t.OUTER_LOWER_LIP, t.INNER_LOWER_LIP)
    return clay.spread(dict.fromkeys(rows, np.array([shift, 0, 0])), (1, 4, 168, 152, *UPPER_OVAL))


def pull_corner(clay: Clay, x: float, y: float, z: float, cheek: float = 0.0) -> Shape:
    """Pull the left corner of the mouth by (x, y, z) and lift the cheek beside it."""
    handles: Handles = dict.fromkeys((291, 306, 292, 308), np.array([x, y, z]))
    for v, share in ((270, 0.2), (269, 0.06), (321, 0.3), (405, 0.1), (409, 0.62), (375, 0.66)):
        handles[v] = share * np.array([x, y, z])
    for v, share in ((310, 0.25), (311, 0.08), (318, 0.3), (402, 0.1), (415, 0.7), (324, 0.7)):
        handles[v] = share * np.array([x, y, z])
    handles |= dict.fromkeys((425, 411, 280), np.array([0.01, -cheek, -cheek * 0.6]))
    still = (0, 13, 14, 17, 61, 78, 37, 84, 82, 87, 152, 263, 362, 374, 361, *NOSE, *UPPER_OVAL)
    return clay.spread(handles, still)


def smile(clay: Clay) -> Shape:
    return pull_corner(clay, 0.095, -0.085, 0.05, cheek=0.035)


def frown(clay: Clay) -> Shape:
    return pull_corner(clay, 0.015, 0.075, 0.01)


def dimple(clay: Clay) -> Shape:
    return pull_corner(clay, 0.055, -0.005, 0.05)


def stretch(clay: Clay) -> Shape:
    return pull_corner(clay, 0.085, 0.035, 0.035)


def lip_rows(clay: Clay, rows: Iterable[tuple[tuple[int, ...], float]], share: Share) -> Handles:
    """Vertical handles for rows of lip vertices with an amount each, fading towards the corners."""
    handles: Handles = {}
    for row, amount in rows:
        for v in row:
            fade = max(0.0, 1 - abs(clay.across(v)) ** 3)
            handles[v] = np.array([0, amount * fade * share(v), 0])
    return handles


def lower_down(clay: Clay) -> Shape:
    rows = [(t.INNER_LOWER_LIP[1:-1], 0.085), (t.OUTER_LOWER_LIP[1:-1], 0.075)]
    rows += [(row, 0.08) for row in t.MIDDLE_LOWER_LIP]
    still = (*t.INNER_UPPER_LIP, *t.LIP_CORNERS, 152, *NOSE)
    return clay.spread(lip_rows(clay, rows, _left(clay)), still)


def upper_up(clay: Clay) -> Shape:
    rows = [(t.INNER_UPPER_LIP[1:-1], -0.07), (t.OUTER_UPPER_LIP[1:-1], -0.06)]
    rows += [(row, -0.065) for row in t.MIDDLE_UPPER_LIP]
    still = (*t.INNER_LOWER_LIP, *t.LIP_CORNERS, 1, 4, 280, 50)
    return clay.spread(lip_rows(clay, rows, _left(clay)), still)


def squeeze(clay: Clay, amount: float, lips: tuple[Lip, ...], share: Share) -> Shape:
    """Draw the lips' outer edges towards the seam by an amount of the lips' thickness."""
    handles: Handles = {}
    for outer, inner in lips:
        for v, seam in zip(outer[1:-1], inner[1:-1], strict=True):
            handles[v] = amount * share(v) * (clay.points[seam] - clay.points[v])
    seam_row = (*t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP, *t.LIP_CORNERS)
    return clay.spread(handles, (*seam_row, *NOSE, 152, 175))


def press(clay: Clay) -> Shape:
    return squeeze(clay, 0.3, (_UPPER, _LOWER), _left(clay))


def roll_lower(clay: Clay) -> Shape:
    return squeeze(clay, 0.62, (_LOWER,), _whole)


def roll_upper(clay: Clay) -> Shape:
    return squeeze(clay, 0.62, (_UPPER,), _whole)


def shrug_lower(clay: Clay) -> Shape:
    rows: list[tuple[tuple[int, ...], float]] = [((18, 200, 199, 175), -0.05)]
    rows += [(t.INNER_LOWER_LIP[1:-1], -0.045), (t.OUTER_LOWER_LIP[1:-1], -0.06)]
    rows += [(t.INNER_UPPER_LIP[1:-1], -0.03), (t.OUTER_UPPER_LIP[1:-1], -0.02)]
    return clay.spread(lip_rows(clay, rows, _whole), (*t.LIP_CORNERS, *NOSE, *UPPER_OVAL))


def shrug_upper(clay: Clay) -> Shape:
    rows = [(t.INNER_UPPER_LIP[1:-1], -0.03), (t.OUTER_UPPER_LIP[1:-1], -0.045)]
    return clay.spread(lip_rows(clay, rows, _whole), (*t.LIP_CORNERS, *t.INNER_LOWER_LIP, 1, 4))


def _left(clay: Clay) -> Share:
    """Share of a vertex that belongs to the left half of the mouth, smooth over the middle."""
    return lambda vertex: float(np.clip(0.5 + 0.9 * clay.across(vertex), 0, 1))


def _whole(_vertex: int) -> float:
    """Share of a vertex where both sides move alike."""
    return 1.0


def _rows(*rows: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(v for row in rows for v in row)

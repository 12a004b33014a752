"""A face that follows directions: what each concept adds to motion that speaks, listens or idles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch

from models.lpm.direction import CONCEPTS
from models.motion import INDEX, NUM_BLENDSHAPES
from training.lpm_motion.lips import lip_opening
from training.worlds.direction.eyes import (
    SIDES,
    Gaze,
    blink_often,
    blink_rarely,
    line_of_sight,
    point_eyes,
    set_lids,
    shut_lids,
    winks,
)
from training.worlds.direction.gaze import aim_at, glance
from training.worlds.direction.gestures import POSTURES, Attitude, enliven, nods, posture, settle, shakes
from training.worlds.direction.holding import CHUNK_S, Hold, Span, hold, level_of
from training.worlds.direction.looks import LOOKS, Look, coefficients, opposed
from training.worlds.direction.plan import Directed
from training.worlds.speech.curves import Curve, wander

_LIPS: Final = (
    "mouthPress",
    "mouthRoll",
    "mouthPucker",
    "mouthFunnel",
    "mouthShrug",
    "mouthUpperUp",
    "cheekPuff",
)
_LIPS_SPEAKING: Final = 0.2  # what shapes the lips themselves leaves them to speech
_CORNERS_SPEAKING: Final = 0.7
_SIGHT_FOLLOWS: Final = 0.35  # how far the line of sight goes with a turned head
_LIMITS_RAD: Final[Mapping[str, float]] = {
    "headPitch": np.radians(20.0),
    "headYaw": np.radians(28.0),
    "headRoll": np.radians(22.0),
}


def act(rng: np.random.Generator, motion: Curve, plan: Sequence[Directed], speaking: Curve) -> Curve:
    """Return motion [F, 58] with a plan played on it.

    `speaking` [F] in 0..1 tells when speech needs the mouth; what shapes the lips then leaves them to it.
    Lips that touch still touch. The coefficients of the result lie in 0..1.
    """
    acted = motion.copy()
    acted[:, :NUM_BLENDSHAPES] = acted[:, :NUM_BLENDSHAPES].clip(0.0, 1.0)
    held = _holds(rng, plan, len(motion))
    if not held:
        return acted
    sight = line_of_sight(acted)
    shut = {side: shut_lids(acted, side) for side in SIDES}
    enliven(rng, acted, _liveliness(held))
    lowered = _show_looks(rng, acted, held, _room_for_speech(speaking))
    sight = _move_head(rng, acted, held, sight)
    for name, look in LOOKS.items():
        if name in held and look.glance is not None:
            sight = glance(rng, acted, sight, look.glance, held[name])
    sight = aim_at(rng, acted, sight, held)
    for name, limit_rad in _LIMITS_RAD.items():
        acted[:, INDEX[name]] = settle(acted[:, INDEX[name]], limit_rad)
    point_eyes(acted, sight)
    _move_lids(rng, acted, held, shut, lowered)
    acted[:, :NUM_BLENDSHAPES] = acted[:, :NUM_BLENDSHAPES].clip(0.0, 1.0)
    _seal_lips(acted, motion)
    return acted


def _holds(rng: np.random.Generator, plan: Sequence[Directed], num_frames: int) -> dict[str, Hold]:
    spans: dict[str, list[Span]] = {}
    for directed in plan:
        for item in directed.items:
            span = Span(directed.first_chunk * CHUNK_S, directed.end_chunk * CHUNK_S, level_of(item.strength))
            spans.setdefault(CONCEPTS[item.concept - 1].name, []).append(span)
    return {name: hold(rng, kept, num_frames) for name, kept in spans.items()}


def _liveliness(held: Mapping[str, Hold]) -> Curve:
    amount = np.zeros_like(next(iter(held.values())).level)
    for name, each in held.items():
        share = {"lively": 1.0, "calm": -1.0}.get(name)
        if share is None:
            share = LOOKS[name].liveliness if name in LOOKS else 0.0
        amount += share * each.level
    return amount.clip(-1.0, 1.0)


def _room_for_speech(speaking: Curve) -> Curve:
    """What is left of each coefficient while the mouth speaks [F, 58]."""
    least = np.ones(len(INDEX))
    for name, column in INDEX.items():
        if name.startswith(_LIPS):
            least[column] = _LIPS_SPEAKING
        elif name.startswith(("mouth", "jaw")):
            least[column] = _CORNERS_SPEAKING
    return np.asarray(1.0 - (1.0 - least) * speaking.clip(0.0, 1.0)[:, None])


def _show_looks(rng: np.random.Generator, acted: Curve, held: Mapping[str, Hold], room: Curve) -> Curve:
    """Add the coefficients of expressions and emotions in place; return how far they lower the lids [F]."""
    lowered = np.zeros(len(acted))
    for name, look in LOOKS.items():
        if name not in held:
            continue
        level = held[name].level * (1.0 + 0.08 * wander(rng, len(acted), 0.6)).clip(0.8, 1.2)
        frame = coefficients(look.shapes)
        own = rng.uniform(0.85, 1.15, size=len(frame))
        shown = (level[:, None] * room * (frame * own)).clip(0.0, 1.0)
        acted *= 1.0 - room * level[:, None].clip(0.0, 1.0) * opposed(frame)
        acted += shown * (1.0 - acted)
        lowered = 1.0 - (1.0 - lowered) * (1.0 - _lid_lowering(look, level))
    return lowered


def _lid_lowering(look: Look, level: Curve) -> Curve:
    """Eyes that are to be shut are nearly so at the usual strength."""
    return np.asarray((look.lids * level * (1.2 if look.lids == 1.0 else 1.0)).clip(0.0, 0.98))


def _move_head(rng: np.random.Generator, acted: Curve, held: Mapping[str, Hold], sight: Gaze) -> Gaze:
    """Add gestures and attitudes to the pose in place; return the line of sight that goes along with them."""
    attitudes = dict(POSTURES)
    for name, look in LOOKS.items():
        attitudes[name] = Attitude(pitch=look.pitch, yaw=look.yaw, roll=look.roll, away=look.away)
    for name, attitude in attitudes.items():
        if name not in held or not any(attitude):
            continue
        added = posture(rng, attitude, held[name].level)
        for column, course in added.items():
            acted[:, INDEX[column]] += course
        acted[:, INDEX["headX"]] += 0.25 * added["headYaw"]
        acted[:, INDEX["headY"]] += 0.2 * added["headPitch"]
        sight = Gaze(
            x=sight.x + _SIGHT_FOLLOWS * added["headYaw"], y=sight.y + _SIGHT_FOLLOWS * added["headPitch"]
        )
    if "nod" in held:
        nodding = nods(rng, held["nod"])
        acted[:, INDEX["headPitch"]] += nodding
        acted[:, INDEX["headY"]] += 0.2 * nodding
    if "shake" in held:
        shaking = shakes(rng, held["shake"])
        acted[:, INDEX["headYaw"]] += shaking
        acted[:, INDEX["headX"]] += 0.25 * shaking
    return sight


def _move_lids(
    rng: np.random.Generator,
    acted: Curve,
    held: Mapping[str, Hold],
    shut: Mapping[str, Curve],
    lowered: Curve,
) -> None:
    chance = int(rng.integers(2**32))
    for side in SIDES:
        lids = shut[side]
        if "blink_often" in held:
            lids = blink_often(np.random.default_rng(chance), lids, held["blink_often"])
        if "blink_rarely" in held:
            lids = blink_rarely(np.random.default_rng(chance), lids, held["blink_rarely"])
        if side == "Left" and "wink" in held:
            winking = winks(rng, held["wink"])
            lids = np.maximum(lids, winking)
            for name, share in (("cheekSquintLeft", 0.7), ("mouthSmileLeft", 0.35), ("browDownLeft", 0.3)):
                acted[:, INDEX[name]] += share * winking * (1.0 - acted[:, INDEX[name]])
        set_lids(acted, side, lids, lowered)


def _seal_lips(acted: Curve, motion: Curve) -> None:
    """Take back what expressions part the lips, so that only speech opens them."""
    before, after = (lip_opening(torch.from_numpy(each)).numpy() for each in (motion, acted))
    closing = acted[:, INDEX["mouthClose"]]
    closing += (after - before).clip(0.0, 1.0 - closing)

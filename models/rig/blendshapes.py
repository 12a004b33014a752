"""The 52 ARKit blendshapes as displacements of any face's own vertices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from models.motion import INDEX, NUM_BLENDSHAPES
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.shapes import brows, eyes, jaw, lips
from models.rig.shapes.clay import Clay, Shape

_LEFT: Final[Mapping[str, Callable[[Clay], Shape]]] = MappingProxyType(
    {
        "eyeBlink": eyes.blink,
        "eyeLookDown": eyes.look_down,
        "eyeLookUp": eyes.look_up,
        "eyeSquint": eyes.squint,
        "eyeWide": eyes.wide,
        "mouthSmile": lips.smile,
        "mouthFrown": lips.frown,
        "mouthDimple": lips.dimple,
        "mouthStretch": lips.stretch,
        "mouthPress": lips.press,
        "mouthLowerDown": lips.lower_down,
        "mouthUpperUp": lips.upper_up,
        "browDown": brows.brow_down,
        "browOuterUp": brows.brow_outer_up,
        "cheekSquint": brows.cheek_squint,
        "noseSneer": brows.nose_sneer,
    }
)
_WHOLE: Final[Mapping[str, Callable[[Clay], Shape]]] = MappingProxyType(
    {
        "mouthFunnel": lips.funnel,
        "mouthPucker": lips.pucker,
        "mouthRollLower": lips.roll_lower,
        "mouthRollUpper": lips.roll_upper,
        "mouthShrugLower": lips.shrug_lower,
        "mouthShrugUpper": lips.shrug_upper,
        "browInnerUp": brows.brow_inner_up,
        "cheekPuff": brows.cheek_puff,
    }
)
_JAW_FORWARD: Final = np.array([0, -0.01, -0.07])
_JAW_ASIDE: Final = np.array([0.12, 0, 0])
_MOUTH_ASIDE: Final = 0.1


def displacements(neutral: F32) -> F32:
    """Displacement of every vertex at coefficient one, float32 [52, 468, 3].

    neutral: float32 [478, 3], the face without pose and with lips closed, in mean-face units (outer eye
    corners one apart). Few handles are moved by hand-set vectors and the rest of the skin follows as a thin
    plate (bi-Laplacian of the mesh), so lids meet lids and lips meet lips on every face. Gaze and tongue
    move no skin by themselves, but for the lids that follow a gaze up or down.
    """
    clay = Clay(neutral)
    found = {name: model(clay) for name, model in _WHOLE.items()} | _jaw_shapes(clay)
    for name, model in _LEFT.items():
        found[f"{name}Left"] = model(clay)
        found[f"{name}Right"] = clay.mirrored(found[f"{name}Left"])
    shapes = np.zeros((NUM_BLENDSHAPES, t.NUM_VERTICES, 3), np.float32)
    for name, shape in found.items():
        shapes[INDEX[name]] = shape
    return shapes


def _jaw_shapes(clay: Clay) -> dict[str, Shape]:
    weights = jaw.jaw_weights(clay)
    opened = jaw.jaw_open(clay, weights)
    return {
        "jawOpen": opened,
        "jawForward": weights * _JAW_FORWARD,
        "jawLeft": weights * _JAW_ASIDE,
        "jawRight": -weights * _JAW_ASIDE,
        "mouthClose": jaw.mouth_close(clay, opened),
        "mouthLeft": lips.mouth_aside(clay, _MOUTH_ASIDE),
        "mouthRight": lips.mouth_aside(clay, -_MOUTH_ASIDE),
    }

"""Motion intensity: how much the face and the body of a character move, as gains around rest.

The gains act on finished motion and not on what the model remembers of it, so that speech, blinks and gaze
stay what they are without them. What a direction asks for is not changed either: there the gains are held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.lpm.lexicon import CONCEPTS
from models.lpm.model import valid_range
from models.motion import CHUNK_FRAMES, MOTION_NAMES, POSE

__all__ = ["NUM_PARTS", "USUAL", "IntensityConfig", "asked_parts", "intensify"]

# Shapes: S slots, F frames of a chunk, P parts: face, then body.

NUM_PARTS: Final = 2
USUAL: Final = 0.5
# What shows a mood and takes no part in lips that close, open or round.
_FACE_PREFIXES: Final = (
    *("brow", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer"),
    *("mouthSmile", "mouthFrown", "mouthDimple"),
)
_ASKING: Final = (
    frozenset({"expression", "emotion", "energy"}),
    frozenset({"emotion", "gesture", "gaze", "energy"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityConfig:
    """The gains of face and body at an intensity of 0 (`least`) and 1 (`most`); at 0.5 each is 1.

    After a direction they come back within `release_chunks` chunks, while its effect fades.
    """

    least: tuple[float, float] = (0.2, 0.1)
    most: tuple[float, float] = (4.0, 2.5)
    release_chunks: int = 5


def asked_parts(concepts: Iterable[int]) -> tuple[bool, bool]:
    """Return whether concepts, by their ids, ask for something of the face, and of the body; 0 is none."""
    kinds = {CONCEPTS[concept - 1].kind for concept in concepts if concept}
    face, body = (bool(kinds & asking) for asking in _ASKING)
    return face, body


def intensify(
    config: IntensityConfig, motion: Tensor, intensity: Tensor, asked: Tensor, held: Tensor
) -> tuple[Tensor, Tensor]:
    """Return motion [S, F, 58] at an intensity [S, P] from 0 to 1, and how far gains are held after it.

    `asked`, boolean [S, P], tells what a direction asks for; `held` [S, P] is 0 in a fresh session. An
    intensity of 0.5 changes no bit. What grows approaches the end of its valid range and does not pass it.
    """
    after = torch.where(asked, 1.0, (held - 1.0 / config.release_chunks).clamp(min=0.0))
    ramp = torch.arange(1, CHUNK_FRAMES + 1)[:, None] / CHUNK_FRAMES
    free = 1.0 - torch.lerp(held[:, None], after[:, None], ramp)
    gain = _of_columns(1.0 + (_gains(config, intensity) - 1.0)[:, None] * free)
    reach = motion.abs() / valid_range()[1]
    return motion * gain / (1.0 + (gain - 1.0).clamp(min=0.0) * reach), after


def _gains(config: IntensityConfig, intensity: Tensor) -> Tensor:
    """The gains [S, P]: linear from least to 1, and from 1 to most."""
    least, most = torch.tensor(config.least), torch.tensor(config.most)
    above = (intensity - USUAL) / USUAL
    return 1.0 - (1.0 - least) * (-above).clamp(min=0.0) + (most - 1.0) * above.clamp(min=0.0)


def _of_columns(gain: Tensor) -> Tensor:
    """The gain [S, F, 58] of every number, from those of the parts [S, F, P]."""
    face = torch.tensor([name.startswith(_FACE_PREFIXES) for name in MOTION_NAMES])
    body = torch.tensor([name in POSE for name in MOTION_NAMES])
    return torch.where(face, gain[..., :1], torch.where(body, gain[..., 1:], 1.0))

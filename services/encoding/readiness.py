"""Whether portraits can be encoded on this machine."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

__all__ = ["check_face_models"]

_BLANK_SIDE = 64


def check_face_models() -> tuple[bool, str]:
    """Look for a face in a blank picture: whether MediaPipe and its models run, and a line about it."""
    try:
        from models.rig.landmarks import find_faces

        find_faces(np.zeros((_BLANK_SIDE, _BLANK_SIDE, 3), np.uint8))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return False, f"its face models do not run: {error}"
    return True, f"{version('mediapipe')}, its face models run"

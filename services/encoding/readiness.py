"""Whether portraits can be encoded on this machine."""

from __future__ import annotations

import numpy as np

__all__ = ["check_face_models"]

_BLANK_SIDE = 64


def check_face_models() -> tuple[bool, str]:
    """Look for a face in a blank picture: whether the face models run, and what was found out."""
    try:
        from models.rig.landmarks import find_faces

        find_faces(np.zeros((_BLANK_SIDE, _BLANK_SIDE, 3), np.uint8))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return False, f"MediaPipe's bundled models do not run: {error}"
    return True, "MediaPipe's bundled models run"

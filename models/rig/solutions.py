"""MediaPipe's solutions."""

from __future__ import annotations

from mediapipe.python.solutions import face_detection, face_mesh, selfie_segmentation

__all__ = ["face_detection", "face_mesh", "selfie_segmentation"]

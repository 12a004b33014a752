"""A portrait becomes an identity: the rig of the face that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from models.rig.landmarks import find_faces
from models.rig.rig import Rig, prepare_rig
from services.encoding.faults import Fault
from services.kit.contracts import Pixels

__all__ = ["Identity", "encode_portrait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The rig of one face, and how many faces the portrait shows."""

    rig: Rig
    num_faces: int


def encode_portrait(portrait: Pixels, size: int, face: int | None) -> Identity:
    """Build the rig of `portrait` [H, W, 3] for pictures of `size` pixels a side.

    `face` counts from 1, the largest first; None takes the largest. Raises Fault when there is no such
    face.
    """
    faces = find_faces(portrait)
    if not faces:
        raise Fault("no_face", "portrait shows no face that can be found, expected one")
    if face is not None and face > len(faces):
        shown = _counted(len(faces))
        raise Fault("no_such_face", f"face {face} was asked for, but the portrait shows {shown}")
    rig = prepare_rig(portrait, size, faces[0 if face is None else face - 1])
    return Identity(rig=rig, num_faces=len(faces))


def _counted(num_faces: int) -> str:
    return "1 face" if num_faces == 1 else f"{num_faces} faces"

"""A portrait becomes an identity: the rig of the face that was asked for, or the picture around it."""

from __future__ import annotations

from dataclasses import dataclass

from models.personalive.bundle import FramedPortrait
from models.rig.framing import frame_portrait
from models.rig.landmarks import Face, find_faces
from models.rig.rig import Rig, prepare_rig
from services.encoding.faults import Fault
from services.kit.contracts import Pixels

__all__ = ["FramedIdentity", "Identity", "encode_framed", "encode_portrait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The rig of one face, and how many faces the portrait shows."""

    rig: Rig
    num_faces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedIdentity:
    """The picture around one face, and how many faces the portrait shows."""

    portrait: FramedPortrait
    num_faces: int


def encode_portrait(portrait: Pixels, size: int, face: int | None) -> Identity:
    """Build the rig of `portrait` [H, W, 3] for pictures of `size` pixels a side.

    `face` counts from 1, the largest first; None takes the largest. Raises Fault when there is no such
    face.
    """
    faces = _faces_of(portrait, face)
    rig = prepare_rig(portrait, size, faces[0 if face is None else face - 1])
    return Identity(rig=rig, num_faces=len(faces))


def encode_framed(portrait: Pixels, side: int, size: int, face: int | None) -> FramedIdentity:
    """Cut the picture of `side` pixels around a face, for videos of `size` pixels. Raises as above."""
    faces = _faces_of(portrait, face)
    pixels, _ = frame_portrait(portrait, faces[0 if face is None else face - 1], side)
    return FramedIdentity(portrait=FramedPortrait(pixels=pixels, size=size), num_faces=len(faces))


def _faces_of(portrait: Pixels, face: int | None) -> tuple[Face, ...]:
    """The faces of a portrait, among them the one that was asked for."""
    faces = find_faces(portrait)
    if not faces:
        raise Fault("no_face", "portrait shows no face that can be found, expected one")
    if face is not None and face > len(faces):
        shown = _counted(len(faces))
        raise Fault("no_such_face", f"face {face} was asked for, but the portrait shows {shown}")
    return faces


def _counted(num_faces: int) -> str:
    return "1 face" if num_faces == 1 else f"{num_faces} faces"

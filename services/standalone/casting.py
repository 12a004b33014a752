"""From the portrait of a command to the decoder that shows motion on it."""

from __future__ import annotations

from services.generation.engine import Decoder
from services.kit.contracts import Pixels
from services.standalone.terminal import Terminal

__all__ = ["cast_portrait"]


def cast_portrait(portrait: Pixels, size: int, face: int | None, terminal: Terminal) -> Decoder:
    """Prepare a portrait; when it shows several faces and none was asked for, say which one is used."""
    from services.encoding.identity import encode_portrait
    from services.generation.rig import RigDecoder

    identity = encode_portrait(portrait, size, face)
    if identity.num_faces > 1 and face is None:
        terminal.note(
            f"the portrait shows {identity.num_faces} faces, the largest is used "
            f"(--face 1 to {identity.num_faces} picks one, largest first)"
        )
    return RigDecoder(identity.rig)

"""Loading a portrait: any JPEG, PNG or WebP becomes upright 8-bit sRGB pixels."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from struct import error as StructError
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageOps

from services.kit.contracts import Pixels
from services.kit.errors import BadInput
from services.kit.media.files import require_file

__all__ = ["decode_portrait", "measure_portrait", "read_portrait"]

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_MAX_PIXELS: Final = 100_000_000
_MIN_SIDE: Final = 64
# A larger picture is reduced: no face in it needs more, and memory stays bounded.
_MAX_SIDE: Final = 4096
_BACKGROUND: Final = (192, 192, 192)
_DAMAGE: Final = (OSError, SyntaxError, ValueError, EOFError, StructError)


def read_portrait(path: Path) -> Pixels:
    """Return [H, W, 3] RGB: EXIF orientation applied, alpha composited over light grey.

    Raises BadInput for anything that is not a sound picture of a sensible size; the size is checked
    before a pixel is decoded.
    """
    require_file(path, "portrait")
    return _read_quietly(path, f"portrait {path}")


def decode_portrait(data: bytes) -> Pixels:
    """What `read_portrait` returns, of a picture in memory."""
    return _read_quietly(io.BytesIO(data), "portrait")


def measure_portrait(data: bytes) -> tuple[int, int]:
    """Width and height of a picture in memory, of which no pixel is decoded. Raises BadInput."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _open(io.BytesIO(data), "portrait") as image:
            return image.size


def _read_quietly(source: Path | io.BytesIO, what: str) -> Pixels:
    with warnings.catch_warnings():
        # Pillow's remarks about odd metadata are not for the user: what matters is raised.
        warnings.simplefilter("ignore")
        return _read(source, what)


def _open(source: Path | io.BytesIO, what: str) -> Image.Image:
    try:
        return Image.open(source, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise BadInput(f"{what} has too many pixels, expected at most {_MAX_PIXELS}") from error
    except _DAMAGE as error:
        raise BadInput(f"{what} is not a readable picture, expected JPEG, PNG or WebP") from error


def _read(source: Path | io.BytesIO, what: str) -> Pixels:
    with _open(source, what) as image:
        _check_size(image, what)
        try:
            return _to_pixels(image)
        except _DAMAGE as error:
            raise BadInput(f"{what} is truncated or damaged") from error


def _check_size(image: Image.Image, what: str) -> None:
    width, height = image.size
    if width * height > _MAX_PIXELS:
        raise BadInput(f"{what} is {width}x{height}, expected at most {_MAX_PIXELS} pixels")
    if min(width, height) < _MIN_SIDE:
        raise BadInput(f"{what} is {width}x{height}, expected at least {_MIN_SIDE} pixels a side")


def _to_pixels(image: Image.Image) -> Pixels:
    image.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
    image.load()
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((_MAX_SIDE, _MAX_SIDE), reducing_gap=2.0)
    return np.array(_to_srgb(_to_rgb(upright), upright.mode, profile), np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_16_bit(image).convert("RGB")
    if image.has_transparency_data:
        backdrop = Image.new("RGBA", image.size, (*_BACKGROUND, 255))
        return Image.alpha_composite(backdrop, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Pillow would clip 16-bit grey at 255 instead of scaling it."""
    values = np.asarray(image, np.int64).clip(0, 65535)
    return Image.fromarray((values // 257).astype(np.uint8))


def _to_srgb(image: Image.Image, source_mode: str, profile: bytes | None) -> Image.Image:
    """Convert an RGB picture with an embedded profile (phones write Display P3); others pass through."""
    if not profile or source_mode not in ("RGB", "RGBA", "P"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        # A broken profile says nothing about the pixels.
        return image
    return image if converted is None else converted

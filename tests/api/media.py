"""Files that are enough to be taken for what they claim; whoever opens them finds nothing."""

from __future__ import annotations

from typing import Final

__all__ = ["JPEG", "MP4", "WAV"]

JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)
MP4: Final = b"\x00\x00\x00 ftypisom" + bytes(100)
WAV: Final = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(100)

"""What a file is, by its first bytes: names and declared types are only claims."""

from __future__ import annotations

from typing import Final

__all__ = ["HEAD_BYTES", "PICTURE_TYPES", "SOUND_TYPES", "VIDEO_TYPES", "media_type_of"]

# Enough for every signature below.
HEAD_BYTES: Final = 16

PICTURE_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
# MP4, WebM and Ogg hold sound as well as video; a speech may come in a film.
_CONTAINERS: Final = frozenset({"video/mp4", "video/webm", "application/ogg", "video/x-msvideo"})
SOUND_TYPES: Final = _CONTAINERS | {
    "audio/wav",
    "audio/mpeg",
    "audio/flac",
    "audio/aac",
    "audio/aiff",
    "audio/x-caf",
}
VIDEO_TYPES: Final = _CONTAINERS | {"video/mpeg", "video/mp2t"}

_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "application/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"caff", "audio/x-caf"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
)
_FORMS: Final = {
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RF64", b"WAVE"): "audio/wav",
    (b"RIFF", b"AVI "): "video/x-msvideo",
    (b"RIFF", b"WEBP"): "image/webp",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
}
_STILL_BRANDS: Final = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})


def media_type_of(head: bytes) -> str | None:
    """The media type of a file that begins with these bytes; None when it is none we know."""
    for start, media_type in _STARTS:
        if head.startswith(start):
            return media_type
    if form := _FORMS.get((head[:4], head[8:12])):
        return form
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILL_BRANDS else "video/mp4"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # The sync word of MPEG audio; layer 0 is ADTS, which only AAC has.
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"
    return "video/mp2t" if head[:1] == b"G" and len(head) == HEAD_BYTES else None

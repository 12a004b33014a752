"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.gateway.api.media_types import PICTURE_TYPES, SOUND_TYPES, media_type_of


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\xff\xfb\x90\x44", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypavif", None),
        (b"%PDF-1.7", None),
        (b"<!DOCTYPE html>", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_what_a_file_is(head: bytes, media_type: str | None) -> None:
    assert media_type_of(head) == media_type


def test_the_examples_are_what_they_seem(example_portrait: Path, example_speech: Path) -> None:
    assert media_type_of(example_portrait.read_bytes()[:16]) in PICTURE_TYPES
    assert media_type_of(example_speech.read_bytes()[:16]) in SOUND_TYPES

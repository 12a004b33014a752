"""Opening a user's media file safely: local containers only, and every foreign error in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer

from services.kit.errors import BadInput

__all__ = ["open_media", "require_file"]

# Containers that hold sound or moving pictures. Playlists and image sequences stay out: they would
# let one file make us read others.
_CONTAINERS: Final = (
    "3gp,aac,ac3,aiff,amr,asf,au,avi,caf,dsf,eac3,flac,flv,m4a,matroska,mov,mp3,mp4,mpeg,mpegts,ogg,"
    "rm,tta,w64,wav,webm,wv"
)
_OPTIONS: Final = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}


def require_file(path: Path, what: str) -> None:
    """Raise BadInput unless `path` is a readable, non-empty regular file; `what` names it in the message."""
    try:
        if path.is_dir():
            raise BadInput(f"{what} {path} is a directory, expected a file")
        if not path.exists():
            raise BadInput(f"{what} {path} does not exist")
        if not path.is_file():
            raise BadInput(f"{what} {path} is not a regular file")
        with path.open("rb") as file:
            if not file.read(1):
                raise BadInput(f"{what} {path} is empty")
    except OSError as error:
        raise BadInput(f"{what} {path} cannot be read: {error.strerror}") from error


@contextmanager
def open_media(path: Path, what: str) -> Iterator[InputContainer]:
    """Open a media file; anything FFmpeg dislikes while it is open is raised as BadInput."""
    require_file(path, what)
    try:
        container = av.open(str(path.absolute()), "r", container_options=_OPTIONS)
    except (av.FFmpegError, UnicodeError) as error:
        raise BadInput(f"{what} {path} is not a sound or video file that can be read") from error
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            detail = (error.strerror or type(error).__name__).lower()
            raise BadInput(f"{what} {path} cannot be decoded: {detail}") from error

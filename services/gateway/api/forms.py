"""Multipart forms: fields in memory, files on disk while the request lasts, all bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from services.gateway.api.bodies import read_chunks, set_digest
from services.gateway.api.media_types import HEAD_BYTES
from services.gateway.problems import INVALID_REQUEST, MALFORMED_REQUEST, PAYLOAD_TOO_LARGE, Problem
from services.gateway.settings import BodySettings

__all__ = ["MULTIPART", "Form", "Upload", "read_form"]

MULTIPART: Final = "multipart/form-data"
_MAX_PARTS: Final = 32
_MAX_FIELD_BYTES: Final = 256 << 10
# What the fields and the headers of all parts may add to the files.
_OVERHEAD_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a form; `path` goes when the request ends."""

    name: str
    path: Path
    size_bytes: int
    sha256: str
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The parts of a form by name: texts, and files."""

    fields: Mapping[str, str]
    uploads: Mapping[str, Upload]


@asynccontextmanager
async def read_form(request: Request, *choices: Mapping[str, int]) -> AsyncIterator[Form]:
    """Read a form, which may have the files of one of the `choices`: their names, and the bytes of each.

    The content of the parts becomes the request's digest, whatever separates them.
    """
    settings: BodySettings = request.app.state.gateway.settings.bodies
    folder = await asyncio.to_thread(TemporaryDirectory, dir=settings.folder)
    try:
        limit_bytes = max(sum(choice.values()) for choice in choices) + _OVERHEAD_BYTES
        reader = _Reader(_boundary(request), Path(folder.name), choices)
        try:
            async for chunk in read_chunks(request, limit_bytes, settings):
                await asyncio.to_thread(reader.feed, chunk)
            form = reader.finish()
        finally:
            reader.close()
        set_digest(request, reader.digest())
        yield form
    finally:
        await asyncio.to_thread(folder.cleanup)


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise Problem(MALFORMED_REQUEST, "the content type names no boundary")
    return boundary


class _Reader:
    """Turns the bytes of a form into its parts; runs on worker threads, one call at a time."""

    def __init__(self, boundary: bytes, folder: Path, choices: Sequence[Mapping[str, int]]) -> None:
        self._folder = folder
        self._choices = choices
        self._fields: dict[str, str] = {}
        self._uploads: dict[str, Upload] = {}
        self._digests: list[tuple[str, str]] = []
        self._part = _Part()
        self._num_parts = 0
        self._is_complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_begin": self._begin_header,
                    "on_header_field": self._read_header_name,
                    "on_header_value": self._read_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._read_data,
                    "on_part_end": self._end,
                    "on_end": self._complete,
                },
            )
        except FormParserError as error:
            raise Problem(MALFORMED_REQUEST, "the boundary of the form is too long") from error

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Problem(MALFORMED_REQUEST, "the body is not the form its content type announces") from error

    def finish(self) -> Form:
        if not self._is_complete:
            raise Problem(MALFORMED_REQUEST, "the form ends before its last boundary")
        return Form(fields=self._fields, uploads=self._uploads)

    def digest(self) -> str:
        return sha256(repr(sorted(self._digests)).encode()).hexdigest()

    def close(self) -> None:
        if self._part.file is not None:
            self._part.file.close()

    def _begin(self) -> None:
        self._num_parts += 1
        if self._num_parts > _MAX_PARTS:
            raise Problem(PAYLOAD_TOO_LARGE, f"the form has more than {_MAX_PARTS} parts")
        self._part = _Part()

    def _begin_header(self) -> None:
        self._part.header_name, self._part.header_value = b"", b""

    def _read_header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _read_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _end_header(self) -> None:
        if self._part.header_name.lower() == b"content-disposition":
            self._part.disposition = self._part.header_value

    def _open(self) -> None:
        _, options = parse_options_header(self._part.disposition)
        part = self._part
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if part.name in self._fields or part.name in self._uploads:
            raise Problem(INVALID_REQUEST, f"body.{part.name}: the part comes twice")
        if any(part.name in choice for choice in self._choices):
            part.limit_bytes = self._limit_bytes(part.name)
            part.path = self._folder / f"upload-{part.name}"
            part.file = part.path.open("wb")

    def _limit_bytes(self, name: str) -> int:
        """How large a file may be beside those that came before it. Raises Problem when it may not be."""
        for choice in self._choices:
            if {name, *self._uploads} <= choice.keys():
                return choice[name]
        others = ", ".join(self._uploads)
        raise Problem(INVALID_REQUEST, f"body.{name}: the file cannot come beside {others}")

    def _read_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        piece = data[start:end]
        part.size_bytes += len(piece)
        if part.size_bytes > part.limit_bytes:
            raise Problem(
                PAYLOAD_TOO_LARGE, f"body.{part.name}: at most {part.limit_bytes} bytes are allowed"
            )
        part.hash.update(piece)
        if part.file is None:
            part.text += piece
            return
        part.head = (part.head + piece[:HEAD_BYTES])[:HEAD_BYTES]
        part.file.write(piece)

    def _end(self) -> None:
        part = self._part
        self._digests.append((part.name, part.hash.hexdigest()))
        if part.file is None:
            self._fields[part.name] = _text_of(part)
            return
        part.file.close()
        self._uploads[part.name] = Upload(
            name=part.name,
            path=part.path,
            size_bytes=part.size_bytes,
            sha256=part.hash.hexdigest(),
            head=part.head,
        )

    def _complete(self) -> None:
        self._is_complete = True


class _Part:
    """The part of the form that is being read."""

    def __init__(self) -> None:
        self.header_name = b""
        self.header_value = b""
        self.disposition = b""
        self.name = ""
        self.text = bytearray()
        self.path = Path()
        self.file: BinaryIO | None = None
        self.limit_bytes = _MAX_FIELD_BYTES
        self.size_bytes = 0
        self.hash = sha256()
        self.head = b""


def _text_of(part: _Part) -> str:
    try:
        return part.text.decode()
    except UnicodeDecodeError as error:
        raise Problem(INVALID_REQUEST, f"body.{part.name}: the text is not UTF-8") from error

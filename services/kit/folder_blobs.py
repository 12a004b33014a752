"""The embedded blob store: a folder of files."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final

from services.kit.blob_keys import check_key, check_prefix
from services.kit.blobs import BlobInfo
from services.kit.errors import BlobMissing, Unavailable

__all__ = ["FolderBlobs", "open_folder_blobs"]

# Beside the tenants' folders; no key begins with a dot.
_INCOMING: Final = ".incoming"
_ABANDONED_AFTER_S: Final = 24 * 3600.0
_READ_BYTES: Final = 1 << 20


@asynccontextmanager
async def open_folder_blobs(folder: Path) -> AsyncIterator[FolderBlobs]:
    """A store in a folder, which is made; what a crash left half written long ago is swept out."""
    await asyncio.to_thread(_prepare, folder)
    yield FolderBlobs(folder)


class FolderBlobs:
    """`Blobs` as files under `folder`, at the paths that their keys spell.

    A file is written beside the others, forced to the disk by `force` (of a file descriptor), and
    renamed into its place. A key may not lie below another blob's key.
    """

    def __init__(self, folder: Path, *, force: Callable[[int], None] = os.fsync) -> None:
        self._folder = folder
        self._force = force

    async def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002  a path tells
        path = self._path(key)
        await asyncio.to_thread(self._write, path, data)

    async def put_stream(
        self,
        key: str,
        parts: AsyncIterable[bytes],
        content_type: str,  # noqa: ARG002  a path tells
    ) -> int:
        path = self._path(key)
        incoming = await asyncio.to_thread(_Incoming, self._folder, self._force)
        size_bytes = 0
        try:
            async for part in parts:
                await asyncio.to_thread(incoming.write, part)
                size_bytes += len(part)
            await asyncio.to_thread(incoming.finish, path)
        finally:
            incoming.discard()
        return size_bytes

    async def put_file(self, key: str, path: Path, content_type: str) -> None:  # noqa: ARG002  a path tells
        target = self._path(key)
        await asyncio.to_thread(self._copy_in, path, target)

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        return await asyncio.to_thread(_read, key, path)

    async def get_file(self, key: str, path: Path) -> None:
        source = self._path(key)
        await asyncio.to_thread(_copy_out, key, source, path)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._path(key)
        file = await asyncio.to_thread(_open, key, path)
        try:
            left = await asyncio.to_thread(_seek, file, start, end)
            while left > 0 and (part := await asyncio.to_thread(_read_part, file, left)):
                left -= len(part)
                yield part
        finally:
            file.close()

    async def info(self, key: str) -> BlobInfo | None:
        path = self._path(key)
        return await asyncio.to_thread(_info, path)

    async def delete(self, prefix: str) -> int:
        check_prefix(prefix)
        return await asyncio.to_thread(_delete, self._folder, prefix)

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _write(self, path: Path, data: bytes) -> None:
        incoming = _Incoming(self._folder, self._force)
        try:
            incoming.write(data)
            incoming.finish(path)
        finally:
            incoming.discard()

    def _copy_in(self, source: Path, path: Path) -> None:
        # Opened first: a source that is not there is the caller's mistake, not the store's outage.
        with source.open("rb") as original:
            incoming = _Incoming(self._folder, self._force)
            try:
                incoming.copy(original)
                incoming.finish(path)
            finally:
                incoming.discard()


class _Incoming:
    """A file that is being written and is no blob yet."""

    def __init__(self, folder: Path, force: Callable[[int], None]) -> None:
        self._force = force
        with _translated():
            inbox = folder / _INCOMING
            inbox.mkdir(parents=True, exist_ok=True)
            descriptor, name = mkstemp(dir=inbox)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> None:
        with _translated():
            self._file.write(data)

    def copy(self, source: BinaryIO) -> None:
        with _translated():
            shutil.copyfileobj(source, self._file, _READ_BYTES)

    def finish(self, path: Path) -> None:
        """Make it the blob at `path`."""
        with _translated():
            self._file.flush()
            self._force(self._file.fileno())
            self._file.close()
            while self._path.exists():
                # Again, when a deletion took the empty folder away in between.
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self._path.replace(path)
                except FileNotFoundError:
                    continue
                except FileExistsError as error:
                    if _is_in_the_way(error.filename):
                        raise
                    continue
                return
        raise Unavailable("the blob folder lost a file that was being written")

    def discard(self) -> None:
        """Remove what is no blob; after `finish` this does nothing."""
        # Closing tries once more to write what a full disk did not take.
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise ValueError("the key lies below another blob, or is the beginning of one") from error
    except OSError as error:
        raise Unavailable(f"the blob folder failed: {error.strerror}") from error


def _is_in_the_way(name: str) -> bool:
    """Whether something that is no folder lies at `name`; a folder that was deleted since does not."""
    try:
        return not stat.S_ISDIR(os.lstat(name).st_mode)
    except FileNotFoundError:
        return False


def _open(key: str, path: Path) -> BinaryIO:
    with _translated():
        try:
            return path.open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise BlobMissing(f"there is no blob {key}") from error


def _read(key: str, path: Path) -> bytes:
    with _translated(), _open(key, path) as file:
        return file.read()


def _copy_out(key: str, source: Path, path: Path) -> None:
    with _open(key, source) as file, path.open("wb") as copy:
        shutil.copyfileobj(file, copy, _READ_BYTES)


def _seek(file: BinaryIO, start: int, end: int | None) -> int:
    """Go to `start`, and return how many bytes there are from there to `end`."""
    with _translated():
        size_bytes = os.fstat(file.fileno()).st_size
        file.seek(start)
    return min(size_bytes, size_bytes if end is None else end) - start


def _read_part(file: BinaryIO, left: int) -> bytes:
    with _translated():
        return file.read(min(_READ_BYTES, left))


def _info(path: Path) -> BlobInfo | None:
    with _translated():
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
    if not path.is_file():
        return None
    # Each writing makes a new file, so that its number and time name the content.
    etag = f"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"
    return BlobInfo(size_bytes=found.st_size, etag=etag)


def _delete(folder: Path, prefix: str) -> int:
    above, _, beginning = prefix.rpartition("/")
    parent = folder / above
    with _translated():
        try:
            paths = list(parent.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return 0
        num_deleted = sum(_delete_tree(path) for path in paths if path.name.startswith(beginning))
        _remove_empty(parent, folder)
    return num_deleted


def _delete_tree(path: Path) -> int:
    num_deleted = 0
    for above, _, names in os.walk(path, topdown=False):
        for name in names:
            (Path(above) / name).unlink(missing_ok=True)
            num_deleted += 1
        _remove_if_empty(Path(above))
    if path.is_file():
        path.unlink(missing_ok=True)
        num_deleted += 1
    return num_deleted


def _remove_empty(path: Path, folder: Path) -> None:
    while path != folder and _remove_if_empty(path):
        path = path.parent


def _remove_if_empty(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        # Something was written into it meanwhile.
        return False
    return True


def _prepare(folder: Path) -> None:
    with _translated():
        inbox = folder / _INCOMING
        inbox.mkdir(parents=True, exist_ok=True)
        for path in inbox.iterdir():
            # Others who use the folder finish what they write meanwhile, and sweep too.
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                    path.unlink()

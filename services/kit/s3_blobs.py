"""The blob store of a cluster: a bucket of an S3 server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from minio import Minio
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from services.kit.blob_keys import check_key, check_prefix
from services.kit.blobs import BlobInfo
from services.kit.errors import BlobMissing, Unavailable

__all__ = ["S3Blobs", "open_s3_blobs"]

T = TypeVar("T")

# What one request carries, so that each ends in time however large the blob is.
_PART_BYTES: Final = 8 << 20
_NUM_THREADS: Final = 16
_DELETED_AT_ONCE: Final = 200
_CONNECT_TIMEOUT_S: Final = 3.0


@asynccontextmanager
async def open_s3_blobs(
    *,
    endpoint: str,
    bucket: str,
    access_key: str,
    secret_key: str,
    region: str = "",
    secure: bool = True,
    timeout_s: float = 10.0,
) -> AsyncIterator[S3Blobs]:
    """A store in a bucket of the server at `endpoint` (host:port); the bucket is made when it is missing.

    Raises Unavailable when the server does not answer. An upload that a crash cut off stays invisible
    until the server's own rule for incomplete uploads removes it.
    """
    client = Minio(
        endpoint=endpoint,
        access_key=access_key or None,
        secret_key=secret_key or None,
        region=region or None,
        secure=secure,
        # Whoever calls knows whether to try again.
        http_client=PoolManager(
            maxsize=_NUM_THREADS,
            retries=False,
            timeout=Timeout(connect=min(_CONNECT_TIMEOUT_S, timeout_s), read=timeout_s),
        ),
    )
    pool = ThreadPoolExecutor(_NUM_THREADS, thread_name_prefix="s3")
    blobs = S3Blobs(client, bucket, pool, timeout_s=timeout_s)
    try:
        await blobs.ensure_bucket()
        yield blobs
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class S3Blobs:
    """`Blobs` as objects of a bucket. The blocking client runs in `pool`; each request takes `timeout_s`."""

    def __init__(self, client: Minio, bucket: str, pool: ThreadPoolExecutor, *, timeout_s: float) -> None:
        self._client = client
        self._bucket = bucket
        self._pool = pool
        self._timeout_s = timeout_s

    async def ensure_bucket(self) -> None:
        """Make the bucket when there is none."""
        await self._call(self._bucket, self._make_bucket)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        await self.put_stream(key, _whole(data), content_type)

    async def put_stream(self, key: str, parts: AsyncIterable[bytes], content_type: str) -> int:
        upload = _Upload(self, check_key(key), content_type)
        try:
            async for part in parts:
                await upload.write(part)
            return await upload.finish()
        except BaseException:
            await upload.abort()
            raise

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await self.put_stream(key, _file_parts(path), content_type)

    async def get(self, key: str) -> bytes:
        return b"".join([part async for part in self.stream(key)])

    async def get_file(self, key: str, path: Path) -> None:
        parts = self.stream(key)
        # The first part comes before the file, so that a missing blob leaves none.
        first = await anext(parts, b"")
        with path.open("wb") as file:
            await asyncio.to_thread(file.write, first)
            async for part in parts:
                await asyncio.to_thread(file.write, part)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        etag = ""
        while True:
            stop = start + _PART_BYTES if end is None else min(start + _PART_BYTES, end)
            if stop <= start:
                return
            piece = await self._call(key, partial(self._fetch, key, start, stop, etag))
            if piece.data:
                yield piece.data
            start += len(piece.data)
            if start >= piece.size_bytes:
                return
            etag = piece.etag

    async def info(self, key: str) -> BlobInfo | None:
        check_key(key)
        try:
            found = await self._call(
                key, partial(self._client.stat_object, bucket_name=self._bucket, object_name=key)
            )
        except BlobMissing:
            return None
        return BlobInfo(size_bytes=found.size or 0, etag=(found.etag or "").strip('"'))

    async def delete(self, prefix: str) -> int:
        check_prefix(prefix)
        num_deleted = 0
        while deleted := await self._call(prefix, partial(self._delete_some, prefix)):
            num_deleted += deleted
        return num_deleted

    async def put_small(self, key: str, data: bytes, content_type: str) -> None:
        """Store what fits into one request."""
        put = partial(self._client.put_object, bucket_name=self._bucket, object_name=key)
        await self._call(key, partial(put, data=BytesIO(data), length=len(data), content_type=content_type))

    # The client's public methods hold a thread for as long as a sender takes; a few slow senders would
    # stop every other blob. Its steps of an upload are therefore called one by one.

    async def begin_upload(self, key: str, content_type: str) -> str:
        """The id of an upload in parts."""
        begin = partial(self._client._create_multipart_upload, bucket_name=self._bucket, object_name=key)
        return await self._call(key, partial(begin, headers={"Content-Type": content_type}))

    async def send_part(self, key: str, upload_id: str, number: int, data: bytes) -> Part:
        """Add a part; numbers count from 1."""
        send = partial(self._client._upload_part, bucket_name=self._bucket, object_name=key)
        etag = await self._call(
            key, partial(send, data=data, headers=None, upload_id=upload_id, part_number=number)
        )
        return Part(part_number=number, etag=etag)

    async def complete_upload(self, key: str, upload_id: str, parts: list[Part]) -> None:
        """Make the parts a blob."""
        complete = partial(self._client._complete_multipart_upload, bucket_name=self._bucket, object_name=key)
        await self._call(key, partial(complete, upload_id=upload_id, parts=parts))

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop the parts."""
        abort = partial(self._client._abort_multipart_upload, bucket_name=self._bucket, object_name=key)
        await self._call(key, partial(abort, upload_id=upload_id))

    async def _call(self, key: str, run: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise BlobMissing(f"there is no blob {key}") from error
            raise Unavailable(f"the blob store refused a request: {error.code}") from error
        except (MinioException, HTTPError, OSError) as error:
            raise Unavailable(f"the blob store does not answer: {type(error).__name__}") from error

    def _make_bucket(self) -> None:
        if self._client.bucket_exists(bucket_name=self._bucket):
            return
        try:
            self._client.make_bucket(bucket_name=self._bucket)
        except S3Error as error:
            # Another service was quicker.
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def _fetch(self, key: str, start: int, stop: int, etag: str) -> _Piece:
        headers: dict[str, str | list[str] | tuple[str]] = {"If-Match": f'"{etag}"'} if etag else {}
        try:
            answer = self._client.get_object(
                bucket_name=self._bucket,
                object_name=key,
                offset=start,
                length=stop - start,
                request_headers=headers,
            )
        except S3Error as error:
            if error.code == "InvalidRange":
                return _Piece(b"", 0, "")
            raise
        try:
            size_bytes = int(answer.headers.get("Content-Range", "/0").rpartition("/")[2])
            return _Piece(answer.data, size_bytes, answer.headers.get("ETag", "").strip('"'))
        finally:
            answer.close()
            answer.release_conn()

    def _delete_some(self, prefix: str) -> int:
        found = self._client.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=True)
        names = [item.object_name for item in islice(found, _DELETED_AT_ONCE) if item.object_name]
        doomed = [DeleteObject(name=name) for name in names]
        failed = list(self._client.remove_objects(bucket_name=self._bucket, delete_object_list=doomed))
        if failed:
            raise OSError(f"{len(failed)} of {len(names)} blobs could not be deleted: {failed[0].code}")
        return len(names)


class _Piece(NamedTuple):
    """Some bytes of a blob, and what the blob is as a whole."""

    data: bytes
    size_bytes: int
    etag: str


class _Upload:
    """A blob on its way: in one request when it is small, else in parts as they fill up."""

    def __init__(self, blobs: S3Blobs, key: str, content_type: str) -> None:
        self._blobs = blobs
        self._key = key
        self._content_type = content_type
        self._waiting = bytearray()
        self._upload_id: str | None = None
        self._parts: list[Part] = []
        self._size_bytes = 0

    async def write(self, data: bytes) -> None:
        self._size_bytes += len(data)
        for start in range(0, len(data), _PART_BYTES):
            self._waiting += data[start : start + _PART_BYTES]
            if len(self._waiting) > _PART_BYTES:
                await self._send(_PART_BYTES)

    async def finish(self) -> int:
        if self._upload_id is None:
            await self._blobs.put_small(self._key, bytes(self._waiting), self._content_type)
        else:
            await self._send(len(self._waiting))
            await self._blobs.complete_upload(self._key, self._upload_id, self._parts)
        return self._size_bytes

    async def abort(self) -> None:
        if self._upload_id is not None:
            with suppress(Unavailable):
                await self._blobs.abort_upload(self._key, self._upload_id)

    async def _send(self, num_bytes: int) -> None:
        if self._upload_id is None:
            self._upload_id = await self._blobs.begin_upload(self._key, self._content_type)
        data = bytes(self._waiting[:num_bytes])
        del self._waiting[:num_bytes]
        number = len(self._parts) + 1
        self._parts.append(await self._blobs.send_part(self._key, self._upload_id, number, data))


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _file_parts(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while part := await asyncio.to_thread(file.read, _PART_BYTES):
            yield part

"""Requests to addresses that users name, without becoming their way into our own network."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import httpx

from services.kit.addresses import Address, read_address, read_literal
from services.kit.destinations import EgressPolicy, EgressRefused, check_address, check_form, host_of, port_of
from services.kit.errors import BadInput, Unavailable

__all__ = [
    "Answer",
    "Download",
    "Egress",
    "EgressPolicy",
    "EgressRefused",
    "TooLarge",
    "UnusableAnswer",
    "check_form",
    "resolve_by_system",
]

Resolve = Callable[[str], Awaitable[Sequence[str]]]
Sink = Callable[[bytes], Awaitable[None]]

_MAX_ADDRESSES: Final = 4
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_TRY_LATER: Final = (408, 425, 429)
_HEADERS: Final = {"User-Agent": "Dramatis", "Accept": "*/*", "Accept-Encoding": "identity"}
# The whole exchange has its own deadline; these bound its silent parts.
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0).as_dict()


class UnusableAnswer(BadInput):
    """The server answered, but not with the file."""


class TooLarge(BadInput):
    """The file is larger than allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a POST: header names in lower case, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What was fetched."""

    size_bytes: int
    content_type: str


async def resolve_by_system(host: str) -> Sequence[str]:
    """The addresses of a name, as the operating system finds them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Egress:
    """Sends requests to user-given URLs.

    A name is resolved once; if every one of its addresses may be reached, the connection goes to those
    very addresses, while Host and the TLS name stay those of the URL. No proxy, no cookies, no
    decompression, one connection a request.
    """

    def __init__(self, policy: EgressPolicy, resolve: Resolve = resolve_by_system) -> None:
        self._policy = policy
        self._resolve = resolve

    async def check(self, url: str) -> None:
        """Raise what a request would raise before it connects."""
        await self._addresses_of(check_form(url, self._policy))

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        max_answer_bytes: int = 4096,
    ) -> Answer:
        """Post bytes; a redirect is not followed but answered.

        Raises EgressRefused, and Unavailable when there is no answer in time.
        """
        target = check_form(url, self._policy)
        async with (
            _within(timeout_s, target),
            self._exchange("POST", target, body, headers) as response,
        ):
            start = bytearray()
            async for part in response.aiter_raw():
                start += part[: max_answer_bytes - len(start)]
                if len(start) >= max_answer_bytes:
                    break
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, headers=names, body=bytes(start))

    async def download(self, url: str, sink: Sink, *, max_bytes: int, timeout_s: float) -> Download:
        """Give the parts of a file to `sink`; each redirect is checked like the URL itself.

        Raises EgressRefused, UnusableAnswer, TooLarge, and Unavailable for what may be better later.
        """
        target = check_form(url, self._policy)
        async with _within(timeout_s, target):
            for _ in range(self._policy.max_redirects + 1):
                async with self._exchange("GET", target, b"", {}) as response:
                    following = self._following(target, response)
                    if following is None:
                        return await _receive(response, sink, max_bytes)
                    target = following
        raise EgressRefused(f"URL redirects more than {self._policy.max_redirects} times")

    def _following(self, target: httpx.URL, response: httpx.Response) -> httpx.URL | None:
        location = response.headers.get("location")
        if response.status_code not in _REDIRECTS or location is None:
            return None
        try:
            following = check_form(str(target.join(location)), self._policy)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise EgressRefused(f"{target.host} redirects to what is no URL") from error
        if target.scheme == "https" and following.scheme != "https":
            raise EgressRefused(f"{target.host} redirects from https to {following.scheme}")
        return following

    @asynccontextmanager
    async def _exchange(
        self, method: str, target: httpx.URL, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        addresses = await self._addresses_of(target)
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=0)
        async with transport:
            try:
                request = httpx.Request(method, target, headers={**_HEADERS, **headers}, content=body)
                response = await _send_to_first(transport, request, addresses)
                try:
                    yield response
                finally:
                    await response.aclose()
            except httpx.TransportError as error:
                raise Unavailable(f"{target.host} cannot be reached: {type(error).__name__}") from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context(trust_env=False)
        if self._policy.ca_file is not None:
            context.load_verify_locations(self._policy.ca_file)
        return context

    async def _addresses_of(self, target: httpx.URL) -> list[Address]:
        """The addresses of a host, all of which may be reached."""
        host = host_of(target)
        addresses = await self._find_addresses(host)
        for address in addresses:
            check_address(host, address, port_of(target), self._policy)
        return addresses[:_MAX_ADDRESSES]

    async def _find_addresses(self, host: str) -> list[Address]:
        try:
            literal = read_literal(host)
        except ValueError as error:
            raise EgressRefused(f"{host[:64]} is no proper address") from error
        if literal is not None:
            return [literal]
        try:
            found = [read_address(text) for text in await self._resolve(host)]
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{host} cannot be resolved") from error
        except ValueError as error:
            raise EgressRefused(f"{host} resolves to what is no proper address") from error
        if not found:
            raise Unavailable(f"{host} has no address")
        return list(dict.fromkeys(found))


@asynccontextmanager
async def _within(timeout_s: float, target: httpx.URL) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{target.host} took more than {timeout_s:g} s") from error


async def _send_to_first(
    transport: httpx.AsyncHTTPTransport, request: httpx.Request, addresses: Sequence[Address]
) -> httpx.Response:
    """The answer of the first address that takes a connection."""
    name = host_of(request.url)
    for address in addresses:
        request.url = request.url.copy_with(host=str(address))
        request.extensions = {"sni_hostname": name, "timeout": _TIMEOUT}
        try:
            return await transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if address == addresses[-1]:
                raise
    raise AssertionError("there is at least one address")


async def _receive(response: httpx.Response, sink: Sink, max_bytes: int) -> Download:
    _check_answer(response, max_bytes)
    size_bytes = 0
    async for part in response.aiter_raw():
        size_bytes += len(part)
        if size_bytes > max_bytes:
            raise TooLarge(f"the file at the URL has more than {max_bytes} bytes")
        await sink(part)
    return Download(size_bytes=size_bytes, content_type=response.headers.get("content-type", ""))


def _check_answer(response: httpx.Response, max_bytes: int) -> None:
    status = response.status_code
    if status >= 500 or status in _TRY_LATER:
        raise Unavailable(f"the URL answered {status}, expected 200")
    if status != 200:
        raise UnusableAnswer(f"the URL answered {status}, expected 200")
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnusableAnswer(f"the URL answered with the content encoding {encoding[:16]!r}, expected none")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise TooLarge(f"the file at the URL has {length} bytes, expected at most {max_bytes}")

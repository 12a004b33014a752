from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.kit.egress import Answer, Egress, EgressPolicy, EgressRefused
from services.kit.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    key: Path
    certificate: Path


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A key and a certificate for hook.example."""
    folder = tmp_path_factory.mktemp("tls")
    made = Identity(key=folder / "key.pem", certificate=folder / "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-keyout", str(made.key), "-out", str(made.certificate)]
        + ["-subj", "/CN=hook.example", "-addext", "subjectAltName=DNS:hook.example"],
        check=True,
        capture_output=True,
    )
    return made


class TlsServer:
    """An HTTPS server on loopback that remembers the TLS names and the heads it was sent."""

    def __init__(self, identity: Identity, answer: bytes = b"HTTP/1.1 204 No Content\r\n") -> None:
        self.names: list[str | None] = []
        self.heads: list[bytes] = []
        self._head = answer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.certificate, identity.key)
        self._context.sni_callback = self._note

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Serve, and yield the port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._context)
        async with server:
            yield server.sockets[0].getsockname()[1]

    def _note(self, _socket: object, name: str | None, _context: object) -> None:
        self.names.append(name)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._head + b"Connection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def to_loopback(_host: str) -> Sequence[str]:
    return ["127.0.0.1"]


async def post(host: str, server: TlsServer, ca_file: Path | None) -> Answer:
    policy = EgressPolicy(https_only=True, allowed_networks=(ip_network("127.0.0.1/32"),), ca_file=ca_file)
    async with server.running() as port:
        return await Egress(policy, to_loopback).post(f"https://{host}:{port}/", b"{}", {}, timeout_s=60.0)


def test_the_pinned_connection_keeps_the_name_for_tls_and_host(identity: Identity) -> None:
    server = TlsServer(identity)
    answer = asyncio.run(post("hook.example", server, identity.certificate))
    assert answer.status == 204
    assert server.names == ["hook.example"]
    assert b"\r\nHost: hook.example:" in server.heads[0]


def test_a_certificate_of_another_name_is_not_accepted(identity: Identity) -> None:
    server = TlsServer(identity)
    with pytest.raises(Unavailable, match="cannot be reached"):
        asyncio.run(post("other.example", server, identity.certificate))
    assert server.heads == []


def test_a_certificate_of_nobody_we_know_is_not_accepted(identity: Identity) -> None:
    server = TlsServer(identity)
    with pytest.raises(Unavailable, match="cannot be reached"):
        asyncio.run(post("hook.example", server, None))
    assert server.heads == []


def test_a_download_is_not_led_from_https_to_http(identity: Identity) -> None:
    server = TlsServer(identity, b"HTTP/1.1 302 Found\r\nLocation: http://hook.example/\r\n")
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.1/32"),), ca_file=identity.certificate)

    async def scenario() -> None:
        async with server.running() as port:
            url = f"https://hook.example:{port}/"
            await Egress(policy, to_loopback).download(url, drop, max_bytes=10, timeout_s=60.0)

    with pytest.raises(EgressRefused, match="from https to http"):
        asyncio.run(scenario())


async def drop(_part: bytes) -> None:
    """Nothing may arrive."""
    raise AssertionError("a part arrived")

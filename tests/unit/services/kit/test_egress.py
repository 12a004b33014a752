from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.egress import (
    Answer,
    Egress,
    EgressPolicy,
    EgressRefused,
    TooLarge,
    UnusableAnswer,
    check_form,
)
from services.kit.errors import Unavailable

LOCAL = EgressPolicy(allowed_networks=(ip_network("127.0.0.1/32"),))
Reply = Callable[[bytes], Awaitable[bytes]]


class Names:
    """A name server that answers a name's first question, its second one, and so on."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(rounds) for name, rounds in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            raise OSError("no such name")
        rounds = self._answers[host]
        return rounds.pop(0) if len(rounds) > 1 else rounds[0]


class Server:
    """An HTTP server on loopback that remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.port = 0

    @asynccontextmanager
    async def running(self, *replies: bytes, pause_s: float = 0.0) -> AsyncIterator[Server]:
        waiting = list(replies)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if b"content-length:" in self.requests[-1].lower():
                self.requests[-1] += await reader.read(65536)
            reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            writer.write(reply.replace(b"PORT", str(self.port).encode()))
            try:
                await writer.drain()
                await asyncio.sleep(pause_s)
            finally:
                writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def fetch(
    egress: Egress, url: str, max_bytes: int = 1000, timeout_s: float = 60.0
) -> tuple[bytes, int, str]:
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    found = await egress.download(url, keep, max_bytes=max_bytes, timeout_s=timeout_s)
    return b"".join(parts), found.size_bytes, found.content_type


def run(scenario: Awaitable[object]) -> None:
    async def main() -> None:
        await scenario

    asyncio.run(main())


def test_a_file_arrives_with_its_size_and_type() -> None:
    async def scenario() -> None:
        async with Server().running(reply(b"sound", "Content-Type: audio/wav")) as server:
            egress = Egress(LOCAL, Names(media_example=[["127.0.0.1"]]).resolve)
            assert await fetch(egress, f"http://media.example:{server.port}/a?b=c#d") == (
                b"sound",
                5,
                "audio/wav",
            )
            assert server.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
            assert f"Host: media.example:{server.port}".encode() in server.requests[0]

    run(scenario())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "[fd00:ec2::254]", "0.0.0.0"],
)
def test_an_internal_address_is_refused(host: str) -> None:
    with pytest.raises(EgressRefused, match="not public"):
        run(fetch(Egress(EgressPolicy()), f"http://{host}/"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_an_address_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(EgressRefused):
        run(fetch(Egress(EgressPolicy()), f"http://{host}/"))


def test_a_name_with_one_internal_address_is_refused() -> None:
    names = Names(a_example=[["93.184.216.34", "10.0.0.1"]])
    with pytest.raises(EgressRefused, match="not public"):
        run(fetch(Egress(EgressPolicy(), names.resolve), "http://a.example/"))


def test_an_error_does_not_tell_the_internal_address() -> None:
    names = Names(a_example=[["10.11.12.13"]])
    with pytest.raises(EgressRefused) as caught:
        run(fetch(Egress(EgressPolicy(), names.resolve), "http://a.example/"))
    assert "10.11.12.13" not in str(caught.value)


def test_a_name_is_asked_once_and_the_checked_address_is_the_one_connected_to() -> None:
    async def scenario() -> None:
        # The second answer would be a host where nothing listens, and which is not allowed.
        names = Names(a_example=[["127.0.0.1"], ["127.0.0.2"]])
        async with Server().running(reply(b"ok")) as server:
            body, *_ = await fetch(Egress(LOCAL, names.resolve), f"http://a.example:{server.port}/")
        assert body == b"ok"
        assert names.asked == ["a.example"]

    run(scenario())


def test_a_name_that_turns_internal_between_two_hops_is_refused() -> None:
    async def scenario() -> None:
        names = Names(a_example=[["127.0.0.1"], ["127.0.0.2"]])
        again = reply(b"", "Location: /again", status="302 Found")
        async with Server().running(again, reply(b"secret")) as server:
            with pytest.raises(EgressRefused, match="not public"):
                await fetch(Egress(LOCAL, names.resolve), f"http://a.example:{server.port}/")
            assert len(server.requests) == 1

    run(scenario())


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "not public"),
        ("http://inside.example/", "not public"),
        ("file:///etc/passwd", "begins with 'file'"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "begins with 'gopher'"),
        ("http://user:word@127.0.0.1:PORT/", "credentials"),
        ("http://[broken/", "no proper host"),
    ],
)
def test_a_redirect_is_checked_like_the_url_itself(location: str, reason: str) -> None:
    async def scenario() -> None:
        names = Names(a_example=[["127.0.0.1"]], inside_example=[["192.168.0.1"]])
        away = reply(b"", f"Location: {location}", status="307 Temporary Redirect")
        async with Server().running(away) as server:
            with pytest.raises(EgressRefused, match=reason):
                await fetch(Egress(LOCAL, names.resolve), f"http://a.example:{server.port}/")

    run(scenario())


def test_a_redirect_is_followed() -> None:
    async def scenario() -> None:
        names = Names(a_example=[["127.0.0.1"]], b_example=[["127.0.0.1"]])
        away = reply(b"moved", "Location: http://b.example:PORT/x", status="301 Moved Permanently")
        async with Server().running(away, reply(b"there")) as server:
            body, *_ = await fetch(Egress(LOCAL, names.resolve), f"http://a.example:{server.port}/")
            assert body == b"there"
            assert b"Host: b.example:" in server.requests[1]

    run(scenario())


def test_redirects_end_some_time() -> None:
    async def scenario() -> None:
        round_and_round = reply(b"", "Location: /", status="302 Found")
        async with Server().running(round_and_round) as server:
            with pytest.raises(EgressRefused, match="more than 3 times"):
                await fetch(Egress(LOCAL), f"http://127.0.0.1:{server.port}/")
            assert len(server.requests) == 4

    run(scenario())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "//a.example/",
        "a.example",
        "",
        "http://",
        "http:///path",
        "http://./",
        "http://user@a.example/",
        "http://:word@a.example/",
        "http://a.example/ b",
        "http://a.example/\r\nX: y",
        "http://a.example/\x00",
        "http://a.example:99999/",
        "http://a.example:0/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://a%2eexample/",
        "http://" + "a" * 2050,
        "http://\u2460\u2461\u2466.0.0.1/",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(EgressRefused):
        check_form(url, EgressPolicy())


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://{text}/", f"http://a.example/{text}"):
        with suppress(EgressRefused):
            assert check_form(url, EgressPolicy()).scheme in {"http", "https"}


def test_plain_http_is_refused_where_https_is_required() -> None:
    with pytest.raises(EgressRefused, match="expected https"):
        check_form("http://a.example/", EgressPolicy(https_only=True))


def test_a_strange_port_is_refused() -> None:
    names = Names(a_example=[["93.184.216.34"]])
    with pytest.raises(EgressRefused, match="port 6379"):
        run(Egress(EgressPolicy(), names.resolve).check("http://a.example:6379/"))


def test_an_operator_can_refuse_networks() -> None:
    policy = EgressPolicy(refused_networks=(ip_network("93.184.216.0/24"),))
    names = Names(a_example=[["93.184.216.34"]])
    with pytest.raises(EgressRefused, match="is refused"):
        run(Egress(policy, names.resolve).check("http://a.example/"))


def test_a_public_name_passes_the_check() -> None:
    names = Names(a_example=[["93.184.216.34", "2606:4700:4700::1111"]])
    run(Egress(EgressPolicy(), names.resolve).check("https://a.example/hook"))
    assert names.asked == ["a.example"]


def test_an_international_name_is_asked_in_its_ascii_form() -> None:
    names = Names(**{"xn--bcher-kva_example": [["93.184.216.34"]]})
    run(Egress(EgressPolicy(), names.resolve).check("https://bücher.example/"))
    assert names.asked == ["xn--bcher-kva.example"]


def test_a_name_that_nobody_knows_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot be resolved"):
        run(fetch(Egress(EgressPolicy(), Names().resolve), "http://a.example/"))


def test_a_closed_port_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        run(fetch(Egress(LOCAL), "http://127.0.0.1:1/"))


def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    async def scenario() -> None:
        names = Names(a_example=[["127.0.0.9", "127.0.0.1"]])
        policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
        async with Server().running(reply(b"ok")) as server:
            body, *_ = await fetch(Egress(policy, names.resolve), f"http://a.example:{server.port}/")
        assert body == b"ok"

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(b"x" * 1001, "Content-Length: 1001"), TooLarge),
        (reply(b"x" * 1001), TooLarge),
        (reply(gzip.compress(bytes(10_000)), "Content-Encoding: gzip"), UnusableAnswer),
        (reply(b"", status="404 Not Found"), UnusableAnswer),
        (reply(b"", status="204 No Content"), UnusableAnswer),
        (reply(b"", status="302 Found"), UnusableAnswer),
        (reply(b"", status="503 Service Unavailable"), Unavailable),
        (reply(b"", status="429 Too Many Requests"), Unavailable),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Unavailable),
        (reply(b"x", "Content-Length: 100"), Unavailable),
        (b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 200_000 + b"\r\n\r\n", Unavailable),
    ],
)
def test_an_answer_without_the_file_is_an_error(answer: bytes, error: type[Exception]) -> None:
    async def scenario() -> None:
        async with Server().running(answer) as server:
            with pytest.raises(error):
                await fetch(Egress(LOCAL), f"http://127.0.0.1:{server.port}/")

    run(scenario())


def test_a_server_that_dawdles_is_given_up() -> None:
    async def scenario() -> None:
        slow = reply(b"x", "Content-Length: 2")
        async with Server().running(slow, pause_s=0.5) as server:
            with pytest.raises(Unavailable, match=r"more than 0\.2 s"):
                await fetch(Egress(LOCAL), f"http://127.0.0.1:{server.port}/", timeout_s=0.2)

    run(scenario())


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def scenario() -> None:
        async with Server().running(reply(b"ok")) as server:
            assert (await fetch(Egress(LOCAL), f"http://127.0.0.1:{server.port}/"))[0] == b"ok"

    run(scenario())


async def post(server: Server, policy: EgressPolicy = LOCAL) -> Answer:
    url = f"http://127.0.0.1:{server.port}/hook"
    headers = {"webhook-id": "evt_1"}
    return await Egress(policy).post(url, b"{}", headers, timeout_s=60.0, max_answer_bytes=8)


def test_a_post_carries_body_and_headers_and_returns_the_start_of_the_answer() -> None:
    async def scenario() -> None:
        async with Server().running(reply(b"0123456789", "Retry-After: 7", status="429 Slow")) as server:
            answer = await post(server)
            assert (answer.status, answer.body, answer.headers["retry-after"]) == (429, b"01234567", "7")
            assert server.requests[0].endswith(b"{}")
            assert b"webhook-id: evt_1" in server.requests[0]

    run(scenario())


def test_a_post_follows_no_redirect() -> None:
    async def scenario() -> None:
        away = reply(b"", "Location: http://169.254.169.254/", status="307 Temporary Redirect")
        async with Server().running(away) as server:
            assert (await post(server)).status == 307
            assert len(server.requests) == 1

    run(scenario())


def test_a_post_to_an_internal_address_is_refused() -> None:
    async def scenario() -> None:
        async with Server().running(reply(b"ok")) as server:
            with pytest.raises(EgressRefused):
                await post(server, EgressPolicy())
            assert server.requests == []

    run(scenario())

"""A real HTTP server that receives webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Receiver", "Request", "open_receiver"]

_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A webhook as it came."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def message_id(self) -> str:
        """By what receivers know what they have had."""
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Receiver:
    """What came in, and what is answered: a status and headers."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, number: int, timeout_s: float = _TIMEOUT_S) -> list[Request]:
        """Everything that came in, once there are so many."""
        end_s = time.monotonic() + timeout_s
        while len(self.requests) < number:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{len(self.requests)} webhooks came, expected {number}")
            time.sleep(0.02)
        return list(self.requests)


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback interface."""
    receiver = Receiver()
    receiver.may_answer.set()
    with _Server(("127.0.0.1", 0), _handler_of(receiver)) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.may_answer.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Connections that wait to be taken: beyond the five of the library the system lets them wait for seconds.
    request_queue_size = 128


def _handler_of(receiver: Receiver) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Request(path=self.path, headers=headers, body=body))
            receiver.may_answer.wait(_TIMEOUT_S)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    return Handler

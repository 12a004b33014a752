"""One server for several test workers: the process that starts them keeps it, they ask for its address."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Final, TypeVar

from tests.servers.processes import ServerError, scratch

T = TypeVar("T")
Opener = Callable[[Path], AbstractContextManager[object]]

_STOP: Final = "stop"


@contextmanager
def keeping(openers: Mapping[str, Opener]) -> Iterator[Path]:
    """Answer `ask` at the yielded socket; a server starts when first asked for and ends with the block.

    One thread does it all: a server is told to die when the thread that began it ends.
    """
    with scratch() as folder:
        address = folder / "socket"
        with Listener(str(address), family="AF_UNIX", authkey=_key(address)) as listener:
            keeper = threading.Thread(target=_keep, args=(listener, openers, folder), daemon=True)
            keeper.start()
            try:
                yield address
            finally:
                _say(address, _STOP)
                keeper.join()


def ask(address: Path, name: str, kind: type[T]) -> T:
    """What the opener of that name gave; raises ServerError when the server did not start."""
    answer = _say(address, name)
    if isinstance(answer, ServerError):
        raise answer
    assert isinstance(answer, kind)
    return answer


def _say(address: Path, word: str) -> object:
    with Client(str(address), family="AF_UNIX", authkey=_key(address)) as connection:
        connection.send(word)
        answer: object = connection.recv()
        return answer


def _keep(listener: Listener, openers: Mapping[str, Opener], folder: Path) -> None:
    opened: dict[str, object] = {}
    with ExitStack() as stack:
        word = ""
        while word != _STOP:
            # A worker may be killed while it asks.
            with suppress(EOFError, OSError, AuthenticationError), listener.accept() as connection:
                word = connection.recv()
                if word != _STOP and word not in opened:
                    opened[word] = _open(openers[word], folder, stack)
                connection.send(opened.get(word))


def _open(opener: Opener, folder: Path, stack: ExitStack) -> object:
    try:
        return stack.enter_context(opener(folder))
    except ServerError as error:
        return error


def _key(address: Path) -> bytes:
    return f"{os.getuid()} {address}".encode()

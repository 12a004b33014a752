"""Child processes that end with us: out of reach of Ctrl-C, ended by their pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

LOOPBACK: Final = "127.0.0.1"
# Below those that the system gives to whoever connects, or asks for any port.
_PORTS: Final = range(20_000, 30_000)
_PREFIX: Final = "dramatis-servers-"
_GRACE_S: Final = 60.0
_LAST_WORDS: Final = 2000


class ServerError(RuntimeError):
    """A server is not installed, or does not start."""


def require(package: str, *programs: str) -> None:
    """Raise ServerError, naming the Debian package, when one of the programs is not on the path."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise ServerError(
            f"{', '.join(missing)} not found: apt-get install --no-install-recommends {package} "
            "(scripts/setup-servers.sh does)"
        )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, and that is named to nobody else.

    It stays ours until this process ends: a server may come late, or go and come back, and meanwhile no
    connection of anybody is given it by chance.
    """
    for port in _PORTS:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0dramatis-test-port-{port}")
            with socket.socket() as listener:
                listener.bind((LOOPBACK, port))
        except OSError:
            claim.close()
        else:
            # Never closed: the name is taken for as long as this process lives.
            claim.detach()
            return port
    raise ServerError(f"no port of {_PORTS.start} to {_PORTS.stop - 1} is free")


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=10.0):
            return True
    except OSError:
        return False


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that lives as long as the servers that write to it."""
    _sweep()
    folder = Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    # The data of a server that runs as somebody else lies below.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of those who were killed before they could do so."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: str = "KILL",
) -> subprocess.Popen[bytes]:
    """Start a process that gets `death_signal` when the calling thread ends, however it ends.

    It does not see the Ctrl-C that its user means for us.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            _wrapped(command, user, death_signal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=log.parent,
            process_group=0,
        )


def end(process: subprocess.Popen[bytes], grace_s: float = _GRACE_S) -> None:
    """Ask a process to end, and end it."""
    process.terminate()
    wait(process, grace_s)


def wait(process: subprocess.Popen[bytes], grace_s: float = _GRACE_S) -> None:
    """Give a process that was asked to end its time, then end it."""
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    is_up: Callable[[], bool],
    *,
    user: str | None = None,
    death_signal: str = "KILL",
    timeout_s: float = 180.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from the moment it is up until the block ends."""
    process = spawn(command, log, user=user, death_signal=death_signal)
    try:
        wait_until(lambda: process.poll() is not None or is_up(), timeout_s, f"{command[0]} to start", log)
        if process.poll() is not None:
            raise ServerError(f"{command[0]} ended with {process.returncode}: {last_words(log)}")
        yield process
    finally:
        end(process)


def wait_until(
    is_so: Callable[[], bool], timeout_s: float, what: str, log: Path | None = None, pause_s: float = 0.05
) -> None:
    """Look again and again; raise ServerError with the end of the log when time is over."""
    end_s = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > end_s:
            said = f": {last_words(log)}" if log else ""
            raise ServerError(f"waited {timeout_s:g} s for {what}{said}")
        time.sleep(pause_s)


def call(command: Sequence[str | Path], *, user: str | None = None, timeout_s: float = 300.0) -> str:
    """Run a command to its end and return what it printed; raise ServerError when it fails or never ends."""
    try:
        done = subprocess.run(
            _wrapped(command, user, "KILL"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"{command[0]} did not end within {timeout_s:g} s") from error
    if done.returncode:
        raise ServerError(f"{command[0]} ended with {done.returncode}: {done.stderr[-_LAST_WORDS:]}")
    return done.stdout


def last_words(log: Path) -> str:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:] if log.exists() else ""


def _wrapped(command: Sequence[str | Path], user: str | None, death_signal: str) -> list[str]:
    identity = ("--reuid", user, "--regid", user, "--init-groups") if user else ()
    return ["setpriv", *identity, "--pdeathsig", death_signal, *map(str, command)]

"""Keeping the start-up chatter of native libraries off the user's terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO

__all__ = ["chatter_silenced", "imports_silenced"]


@contextmanager
def imports_silenced() -> Iterator[None]:
    """Import what chatters while it is imported: MediaPipe reports a protobuf call it then does without."""
    with chatter_silenced(), redirect_stderr(StringIO()):
        yield


@contextmanager
def chatter_silenced() -> Iterator[None]:
    """Send what C++ libraries write to descriptor 2 nowhere; Python's stderr still reaches the user.

    MediaPipe and TensorFlow Lite log start-up chatter there before any of their own switches apply.
    """
    sys.stderr.flush()
    visible = os.dup(2)
    with os.fdopen(visible, "w", encoding="utf-8", errors="backslashreplace", buffering=1) as stderr:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            with redirect_stderr(stderr):
                yield
        finally:
            os.dup2(visible, 2)

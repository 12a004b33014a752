"""Answers leave at once."""

from __future__ import annotations

import socket

from services.kit.http import _bind


def test_the_listener_names_its_protocol_so_that_no_answer_waits_for_nagle() -> None:
    with _bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP

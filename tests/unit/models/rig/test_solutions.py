"""Facts about starting MediaPipe's networks."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from models.rig.solutions import chatter_dropped, start_face_mesh, start_selfie_segmentation


def fail_quietly() -> None:
    with chatter_dropped():
        os.write(2, b"why it went wrong\n")
        raise ValueError("wrong")


def test_starting_a_network_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with start_selfie_segmentation(landscape=False) as network:
        network.process(np.zeros((32, 32, 3), np.uint8))
    assert capfd.readouterr().err == ""


def test_a_mesh_of_no_face_is_empty(capfd: pytest.CaptureFixture[str]) -> None:
    with start_face_mesh(video=False) as network:
        assert not network.process(np.zeros((32, 32, 3), np.uint8)).multi_face_landmarks
    assert capfd.readouterr().err == ""


def test_what_is_not_chatter_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with chatter_dropped():
        os.write(
            2, b"W0000 00:00:1.5 7 inference.cc:1] nothing of note\nE0000 00:00:1.5 7 graph.cc:1] broken\n"
        )
        sys.stderr.write("a warning of our own\n")
    assert capfd.readouterr().err == "a warning of our own\nE0000 00:00:1.5 7 graph.cc:1] broken\n"


def test_standard_error_is_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="wrong"):
        fail_quietly()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "why it went wrong\nafterwards\n"

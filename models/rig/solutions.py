"""MediaPipe's networks, started without their chatter on the standard error stream."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from threading import Lock
from typing import Final, Generic, Protocol, Self, TypeVar

import numpy as np

from models.rig.arrays import F32, U8

# What is known to be harmless: information and warnings of the C++ logger, and a protobuf call that
# MediaPipe 0.10.21 misses in protobuf 6 and does without. Everything else is passed on.
_CHATTER: Final = re.compile(
    r"[IW]\d{4} |INFO: |WARNING: All log messages before absl::InitializeLog"
    r"|AttributeError: 'MessageFactory' object has no attribute 'GetPrototype'"
)
_STDERR: Final = Lock()  # descriptor 2 belongs to the whole process: one thread at a time may turn it aside
_BLANK_SIDE: Final = 64


_ResultT = TypeVar("_ResultT")
_ResultT_co = TypeVar("_ResultT_co", covariant=True)


class Solution(Protocol[_ResultT_co]):
    """A running network; process takes RGB uint8 [H, W, 3]."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def process(self, image: U8) -> _ResultT_co: ...

    def close(self) -> None: ...


class Box(Protocol):
    """In shares of the picture's width and height."""

    xmin: float
    ymin: float
    width: float
    height: float


class Location(Protocol):
    """Where a detected face is."""

    relative_bounding_box: Box


class Detection(Protocol):
    """A detected face; its confidence is the only score."""

    location_data: Location
    score: Sequence[float]


class Detections(Protocol):
    """What the face detector saw."""

    detections: Sequence[Detection] | None


class Landmark(Protocol):
    """x and z in shares of the picture's width, y in shares of its height."""

    x: float
    y: float
    z: float


class LandmarkList(Protocol):
    """The 478 landmarks of a face."""

    landmark: Sequence[Landmark]


class Meshes(Protocol):
    """What the landmark network saw."""

    multi_face_landmarks: Sequence[LandmarkList] | None


class Joint(Protocol):
    """x in shares of the picture's width, y of its height; the likelihood that it is seen."""

    x: float
    y: float
    visibility: float


class JointList(Protocol):
    """The 33 joints of a body."""

    landmark: Sequence[Joint]


class Poses(Protocol):
    """What the pose network saw."""

    pose_landmarks: JointList | None


class Segmentation(Protocol):
    """The likelihood of a person, float32 [H, W]."""

    segmentation_mask: F32


def start_face_detection(*, far: bool, min_confidence: float) -> Solution[Detections]:
    """The face detector for faces within 2 m of the camera, or for those that are up to 5 m away."""
    with chatter_dropped():
        from mediapipe.python.solutions.face_detection import FaceDetection

    return _start(lambda: FaceDetection(model_selection=int(far), min_detection_confidence=min_confidence))


def start_face_mesh(
    *, video: bool, min_detection: float = 0.5, min_tracking: float = 0.5
) -> Solution[Meshes]:
    """The landmark network with irises for one face, afresh for every picture or following a video."""
    with chatter_dropped():
        from mediapipe.python.solutions.face_mesh import FaceMesh

    mesh: Solution[Meshes] = _start(
        lambda: FaceMesh(
            static_image_mode=not video,
            max_num_faces=1,
            refine_landmarks=True,
            min_detection_confidence=min_detection,
            min_tracking_confidence=min_tracking,
        )
    )
    return _Quiet(mesh, lambda seen: bool(seen.multi_face_landmarks))


def start_pose() -> Solution[Poses]:
    """The pose network for one body, following a video: the size whose weights are in the wheel."""
    with chatter_dropped():
        from mediapipe.python.solutions.pose import Pose

    pose: Solution[Poses] = _start(lambda: Pose(model_complexity=1))
    return _Quiet(pose, lambda seen: seen.pose_landmarks is not None)


def start_selfie_segmentation(*, landscape: bool) -> Solution[Segmentation]:
    """The segmentation of persons, square (256 x 256) or landscape (256 wide, 144 high)."""
    with chatter_dropped():
        from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    return _start(lambda: SelfieSegmentation(model_selection=int(landscape)))


class _Quiet(Generic[_ResultT]):
    """A landmark network that is kept quiet until it has seen something, because the first time it warns."""

    def __init__(self, solution: Solution[_ResultT], has_seen: Callable[[_ResultT], bool]) -> None:
        self._solution = solution
        self._has_seen = has_seen
        self._is_quiet = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def process(self, image: U8) -> _ResultT:
        if self._is_quiet:
            return self._solution.process(image)
        with chatter_dropped():
            result = self._solution.process(image)
        self._is_quiet = self._has_seen(result)
        return result

    def close(self) -> None:
        self._solution.close()


def _start(make: Callable[[], Solution[_ResultT_co]]) -> Solution[_ResultT_co]:
    """Make a solution and show it a blank picture, because its threads log until the first one is done."""
    with chatter_dropped():
        solution = make()
        solution.process(np.zeros((_BLANK_SIDE, _BLANK_SIDE, 3), np.uint8))
    return solution


@contextmanager
def chatter_dropped() -> Iterator[None]:
    """Hold back what Python and native code write to standard error, then pass on all but the chatter."""
    with _STDERR, tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as native:
        said = StringIO()
        sys.stderr.flush()
        visible = os.dup(2)
        os.dup2(native.fileno(), 2)
        try:
            with redirect_stderr(said):
                yield
        finally:
            os.dup2(visible, 2)
            os.close(visible)
            native.seek(0)
            for line in (said.getvalue() + native.read()).splitlines(keepends=True):
                if not _CHATTER.match(line):
                    sys.stderr.write(line)

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def reenactment(
    performance: tuple[Path, subprocess.CompletedProcess[str]],
    dramatis: Run,
    example_portrait: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The example portrait moving as a performance of its own does."""
    output = tmp_path_factory.mktemp("reenactment") / "out.mp4"
    driver = performance[0]
    return output, dramatis(
        *("reenact", example_portrait, "--driver", driver, "--output", output, "--size", "256"),
        *("--motion", output.with_suffix(".json")),
    )


def test_one_command_makes_the_video_and_says_so_in_one_line(
    reenactment: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    output, result = reenactment
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{output}: 1.92 s of video in ")
    assert sorted(path.name for path in output.parent.iterdir()) == ["out.json", "out.mp4"]


def test_the_motion_is_what_was_read_from_the_driver(
    reenactment: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    motion = json.loads(reenactment[0].with_suffix(".json").read_text())
    jaw = [frame[motion["names"].index("jawOpen")] for frame in motion["frames"]]
    assert len(jaw) == 48
    assert max(jaw) - min(jaw) > 0.05


def test_length_and_sound_are_the_drivers(
    reenactment: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    with av.open(str(reenactment[0])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.frames, video.codec_context.width) == (48, 256)
        assert audio.duration is not None
        assert audio.time_base is not None
        assert float(audio.duration * audio.time_base) == pytest.approx(1.9, abs=0.07)


def test_a_driver_without_a_face_is_refused(dramatis: Run, example_portrait: Path, tmp_path: Path) -> None:
    driver = tmp_path / "faceless.mp4"
    with av.open(str(driver), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 128, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(128, 128, "yuv420p")))
        container.mux(stream.encode(None))
    result = dramatis("reenact", example_portrait, "--driver", driver, "--output", tmp_path / "out.mp4")
    assert result.returncode == 2
    assert result.stderr.startswith(f"dramatis: error: driver {driver} cannot be used")
    assert len(result.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["faceless.mp4"]

"""The dramatis command: its options, and how errors reach the terminal."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from services.kit.errors import DramatisError, Rejected
from services.standalone.database import database
from services.standalone.keys import keys
from services.standalone.models import models
from services.standalone.parity import parity
from services.standalone.redrive import redrive
from services.standalone.serve import serve
from services.standalone.tenants import tenants

__all__ = ["command", "main"]

_EXIT_FAILED: Final = 1
_EXIT_BAD_INPUT: Final = 2
_EXIT_INTERRUPTED: Final = 130
_MIN_SIZE: Final = 64
_MAX_SIZE: Final = 2048


def main() -> NoReturn:
    """Run the command: 0 done, 1 failed, 2 the input cannot be used, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    _bound_inner_threads()
    try:
        result = command.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(_EXIT_BAD_INPUT)
    except click.ClickException as error:
        _complain(error.format_message())
        sys.exit(_EXIT_BAD_INPUT)
    except DramatisError as error:
        _complain(str(error))
        sys.exit(_EXIT_BAD_INPUT if isinstance(error, Rejected) else _EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        sys.exit(_EXIT_INTERRUPTED)
    sys.exit(result if isinstance(result, int) else 0)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    """End on SIGTERM as on Ctrl-C, so that nothing half-written stays behind."""
    # An event loop that runs takes Ctrl-C into its own hands.
    handle = signal.getsignal(signal.SIGINT)
    if not callable(handle):
        raise KeyboardInterrupt
    handle(signal.SIGINT, frame)


def _bound_inner_threads() -> None:
    """One thread inside each numeric call, read when the libraries load: the steps overlap already."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(variable, "1")


def _complain(text: str) -> None:
    click.echo(f"dramatis: error: {' '.join(text.split())}", err=True)


def _even_size(_context: click.Context, _option: click.Parameter, value: int) -> int:
    if value % 2 or not _MIN_SIZE <= value <= _MAX_SIZE:
        raise click.BadParameter(f"{value} is not an even number from {_MIN_SIZE} to {_MAX_SIZE}.")
    return value


_FILE = click.Path(path_type=Path)
_DIRECTION = click.option("--direction", help="How to act, such as 'smiles and nods' (docs/direction.md).")
_TIMELINE = click.option("--timeline", type=_FILE, help="JSON file of directions and their times.")
_FACE_INTENSITY = click.option(
    "--motion-intensity-face", type=float, help="How much the face moves, 0 to 1; 0.5 is usual."
)
_BODY_INTENSITY = click.option(
    "--motion-intensity-body", type=float, help="How much head and shoulders move, 0 to 1; 0.5 is usual."
)
_MOTION = click.option("--motion", type=_FILE, help="File of the motion to write as well: .csv or .json.")
_SIZE = click.option(
    "--size", type=int, default=512, show_default=True, callback=_even_size, help="Pixels a side."
)
_SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="One take of many."
)
_FACE = click.option(
    "--face", type=click.IntRange(min=1), help="Which face of PORTRAIT, 1 being the largest."
)
_ENGINE = click.option(
    "--engine", type=click.Choice(["lpm"]), default="lpm", show_default=True, help="Model to use."
)
_PERFORMER = click.option(
    "--engine",
    type=click.Choice(["lpm", "fantasytalking"]),
    default="lpm",
    show_default=True,
    help="Model to use; fantasytalking needs weights (dramatis models).",
)
_FOLLOWER = click.option(
    "--engine",
    type=click.Choice(["lpm", "personalive", "personalive_early"]),
    default="lpm",
    show_default=True,
    help="Model to use; others than lpm need weights (dramatis models).",
)
_OUTPUT = click.option("--output", type=_FILE, required=True, help="MP4 to write.")
_QUIET = click.option("--quiet", is_flag=True, help="No progress bar, no summary.")


@click.group(no_args_is_help=True)
@click.version_option(package_name="dramatis", message="dramatis %(version)s")
def command() -> None:
    """One portrait becomes a character that speaks and listens."""


@command.command()
@click.argument("portrait", type=_FILE)
@click.option("--speech", type=_FILE, required=True, help="What to say: any audio or video file.")
@_OUTPUT
@_DIRECTION
@_TIMELINE
@_FACE_INTENSITY
@_BODY_INTENSITY
@_MOTION
@_SIZE
@_SEED
@_FACE
@_PERFORMER
@_QUIET
def perform(
    portrait: Path,
    speech: Path,
    output: Path,
    direction: str | None,
    timeline: Path | None,
    motion_intensity_face: float | None,
    motion_intensity_body: float | None,
    motion: Path | None,
    size: int,
    seed: int,
    face: int | None,
    engine: str,
    quiet: bool,
) -> None:
    """Make the person of PORTRAIT (JPEG, PNG, WebP) speak a recording."""
    start_s = time.monotonic()
    from services.standalone.directing import DirectionRequest, read_intensity
    from services.standalone.perform import PerformRequest, perform_speech
    from services.standalone.terminal import Terminal

    request = PerformRequest(
        portrait=portrait,
        speech=speech,
        output=output,
        size=size,
        seed=seed,
        face=face,
        engine=engine,
        direction=DirectionRequest(text=direction, timeline=timeline),
        intensity=read_intensity(motion_intensity_face, motion_intensity_body),
        motion=motion,
    )
    terminal = Terminal(quiet=quiet, start_s=start_s)
    terminal.summarise(perform_speech(request, terminal), output)


@command.command()
@click.argument("portrait", type=_FILE)
@click.option("--speak", type=_FILE, help="What the person says: any audio or video file.")
@click.option("--listen", type=_FILE, help="What is said to the person, on the same clock.")
@_OUTPUT
@_DIRECTION
@_TIMELINE
@_FACE_INTENSITY
@_BODY_INTENSITY
@_MOTION
@_SIZE
@_SEED
@_FACE
@_ENGINE
@_QUIET
def converse(
    portrait: Path,
    speak: Path | None,
    listen: Path | None,
    output: Path,
    direction: str | None,
    timeline: Path | None,
    motion_intensity_face: float | None,
    motion_intensity_body: float | None,
    motion: Path | None,
    size: int,
    seed: int,
    face: int | None,
    engine: str,
    quiet: bool,
) -> None:
    """Make the person of PORTRAIT (JPEG, PNG, WebP) speak and listen; either track may be left out."""
    start_s = time.monotonic()
    from services.standalone.converse import ConverseRequest, converse_tracks
    from services.standalone.directing import DirectionRequest, read_intensity
    from services.standalone.terminal import Terminal

    request = ConverseRequest(
        portrait=portrait,
        speak=speak,
        listen=listen,
        output=output,
        size=size,
        seed=seed,
        face=face,
        engine=engine,
        direction=DirectionRequest(text=direction, timeline=timeline),
        intensity=read_intensity(motion_intensity_face, motion_intensity_body),
        motion=motion,
    )
    terminal = Terminal(quiet=quiet, start_s=start_s)
    terminal.summarise(converse_tracks(request, terminal), output)


@command.command()
@click.argument("portrait", type=_FILE)
@click.option("--driver", type=_FILE, required=True, help="Video whose face moves the portrait.")
@_OUTPUT
@_MOTION
@_SIZE
@_FACE
@_FOLLOWER
@_QUIET
def reenact(
    portrait: Path,
    driver: Path,
    output: Path,
    motion: Path | None,
    size: int,
    face: int | None,
    engine: str,
    quiet: bool,
) -> None:
    """Move the person of PORTRAIT (JPEG, PNG, WebP) as the face of a video moves."""
    start_s = time.monotonic()
    from services.standalone.reenact import ReenactRequest, reenact_driver
    from services.standalone.terminal import Terminal

    request = ReenactRequest(
        portrait=portrait,
        driver=driver,
        output=output,
        size=size,
        face=face,
        motion=motion,
        engine=engine,
    )
    terminal = Terminal(quiet=quiet, start_s=start_s)
    terminal.summarise(reenact_driver(request, terminal), output)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> int:
    """Say what is present, what is missing and the command that mends it."""
    from services.standalone.doctor import diagnose, is_healthy, render_json, render_text

    findings = diagnose()
    click.echo(render_json(findings) if as_json else render_text(findings))
    return 0 if is_healthy(findings) else _EXIT_FAILED


for part in (serve, keys, tenants, database, redrive, models, parity):
    command.add_command(part)


if __name__ == "__main__":
    main()

"""Prepare clips: python -m training.personalive.prepare --videos DIR --output DIR [--variant V]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from training.personalive.clips import save_clip
from training.personalive.config import RUNS
from training.personalive.footage import FootageConfig, read_clips

SUFFIXES: Final = (".avi", ".mkv", ".mov", ".mp4", ".webm")


def main() -> None:
    """Parse the command line, prepare, and print a line of JSON for every video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, required=True, help="folder of videos, its folders included")
    parser.add_argument("--output", type=Path, required=True, help="folder for clips")
    parser.add_argument("--variant", choices=sorted(RUNS), default="published")
    arguments = parser.parse_args()
    config = FootageConfig(size=RUNS[arguments.variant]("sliding", None).model.picture)
    for path in find_videos(arguments.videos):
        frames = prepare(path, arguments.output, config)
        sys.stdout.write(json.dumps({"video": path.name, "clips": len(frames), "frames": sum(frames)}) + "\n")


def find_videos(folder: Path) -> list[Path]:
    """Return all videos in a folder. Raises ValueError when there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"{folder} holds no videos: expected files ending in {', '.join(SUFFIXES)}")
    return found


def prepare(path: Path, output: Path, config: FootageConfig) -> list[int]:
    """Write the clips of a video; return how many frames each has."""
    frames = []
    for index, clip in enumerate(read_clips(path, config)):
        save_clip(output / f"{path.stem}-{index:04d}.npz", clip)
        frames.append(len(clip))
    return frames


if __name__ == "__main__":
    main()

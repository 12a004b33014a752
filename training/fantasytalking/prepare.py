"""Prepare clips: python -m training.fantasytalking.prepare --videos DIR --output DIR [--variant V]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from training.fantasytalking.clips import Points, save_clip
from training.fantasytalking.config import RUNS
from training.fantasytalking.footage import FootageConfig, read_clips
from training.fantasytalking.intensity import measure
from training.personalive.prepare import find_videos


def main() -> None:
    """Parse the command line, prepare, and print a line of JSON for every clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, required=True, help="folder of videos, its folders included")
    parser.add_argument("--output", type=Path, required=True, help="folder for clips")
    parser.add_argument("--variant", choices=sorted(RUNS), default="whole")
    arguments = parser.parse_args()
    run = RUNS[arguments.variant]("clip")
    config = FootageConfig(clip=run.model.clip, shortest=run.frames)
    for path in find_videos(arguments.videos):
        prepare(path, arguments.output, config)


def prepare(path: Path, output: Path, config: FootageConfig) -> int:
    """Write the clips of a video, print how long each is and how much it moves; return how many there are."""
    count = 0
    for count, clip in enumerate(read_clips(path, config), 1):
        name = f"{path.stem}-{count:04d}"
        save_clip(output / f"{name}.npz", clip)
        activity = measure(Points(clip.landmarks, clip.joints))._asdict()
        sys.stdout.write(json.dumps({"clip": name, "frames": len(clip), **activity}) + "\n")
    return count


if __name__ == "__main__":
    main()

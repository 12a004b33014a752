from __future__ import annotations

import asyncio
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.kit.contracts import Pixels
from services.kit.media.portrait import read_portrait
from services.moderation.adapters.faces import RigFaces

REJECT = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from services.kit import messages as m
from services.kit.clock import SystemClock
from services.kit.folder_blobs import FolderBlobs
from services.kit.memory_bus import MemoryBus
from services.kit.topics import VERDICTS
from services.moderation.handler import Moderation
from services.moderation.judges import load_judges
from services.moderation.settings import JudgeSettings

class Bus(MemoryBus):
    async def publish(self, records):
        print(*(reason.code for reason in VERDICTS.decode(records[0].value).reasons))

def peak_kib():
    # Not what getrusage says: that begins with the peak of the process that began this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

now = datetime.now(UTC)
consent = m.Consent(kind=m.ConsentKind.SELF, granted_by="Ada", granted_at=now)
character = m.Character(
    tenant="ten_a", character_id="chr_a", portrait_uri="ten_a/portrait", face=0, consent=consent,
    created_at=now
)
blobs = FolderBlobs(Path(sys.argv[1]))
court = Moderation(bus=Bus(), blobs=blobs, clock=SystemClock(), judges=load_judges(JudgeSettings()))
before_kib = peak_kib()
asyncio.run(court.judge_character(character))
print((peak_kib() - before_kib) // 1024)
"""


def png_of_a_gigapixel() -> bytes:
    """32768 x 32768 grey pixels, whole and valid: a megabyte that unfolds to one gigabyte."""
    rows = zlib.compressobj(9)
    row = bytes(1 + 32_768)
    data = b"".join(rows.compress(row * 256) for _ in range(128)) + rows.flush()
    header = struct.pack(">IIBBBBB", 32_768, 32_768, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    )


def jpeg_of_64_megapixels() -> bytes:
    file = io.BytesIO()
    Image.new("L", (8_000, 8_000)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("portrait", "code"),
    [(png_of_a_gigapixel, "portrait_unreadable"), (jpeg_of_64_megapixels, "portrait_too_large")],
)
def test_a_gigantic_picture_is_rejected_in_little_memory(portrait: object, code: str, tmp_path: Path) -> None:
    assert callable(portrait)
    (tmp_path / "ten_a").mkdir()
    (tmp_path / "ten_a" / "portrait").write_bytes(portrait())
    done = subprocess.run(
        [sys.executable, "-c", REJECT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=240
    )
    found, grown_mib = done.stdout.splitlines()[-2:]
    assert found == code
    assert int(grown_mib) < 32


def find(picture: Pixels) -> list[float]:
    return list(asyncio.run(RigFaces().find(picture)))


def test_one_face_is_found_in_a_portrait(example_portrait: Path) -> None:
    picture = read_portrait(example_portrait)
    [side] = find(picture)
    assert 0.1 * min(picture.shape[:2]) < side < min(picture.shape[:2])


def test_two_faces_are_found_the_larger_first(example_portrait: Path) -> None:
    picture = read_portrait(example_portrait)
    height, width = picture.shape[:2]
    small = np.array(Image.fromarray(picture).resize((width // 2, height // 2)))
    both = np.full((height, width + width // 2, 3), 200, np.uint8)
    both[:, :width], both[: height // 2, width : width + width // 2] = picture, small
    sides = find(both)
    assert len(sides) == 2
    assert sides[0] == pytest.approx(2 * sides[1], rel=0.15)


def test_no_face_is_found_where_there_is_none() -> None:
    assert find(np.full((300, 300, 3), 128, np.uint8)) == []

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from services.kit.errors import BadInput
from services.kit.media.portrait import decode_portrait, read_portrait

RED = (200, 30, 40)


def _save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]  # Pillow's options differ by format
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_every_format_gives_rgb(name: str, tmp_path: Path) -> None:
    pixels = read_portrait(_save(tmp_path / name, Image.new("RGB", (80, 64), RED)))
    assert pixels.shape == (64, 80, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - RED).max() <= 4


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 70))
    image.paste(RED, (0, 0, 100, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read_portrait(_save(tmp_path / "a.png", image, exif=exif))
    assert pixels.shape == (100, 70, 3)
    assert tuple(pixels[50, 65]) == RED


def test_transparency_lies_over_light_grey(tmp_path: Path) -> None:
    pixels = read_portrait(_save(tmp_path / "a.png", Image.new("RGBA", (64, 64), (255, 0, 0, 0))))
    assert tuple(pixels[0, 0]) == (192, 192, 192)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LA", "I;16"])
def test_every_colour_mode_keeps_its_brightness(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((64, 64), 65535, np.uint16))
    else:
        image = Image.new("RGB", (64, 64), "white").convert("L" if mode == "LA" else mode)
        image = image.convert(mode)
    name = "a.jpg" if mode in {"CMYK", "YCbCr"} else "a.png"
    assert read_portrait(_save(tmp_path / name, image)).min() >= 250


def test_sixteen_bit_grey_is_scaled(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", Image.fromarray(np.full((64, 64), 257 * 77, np.uint16)))
    assert tuple(read_portrait(path)[0, 0]) == (77, 77, 77)


def test_an_embedded_profile_is_honoured(tmp_path: Path) -> None:
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = read_portrait(_save(tmp_path / "a.png", Image.new("RGB", (64, 64), RED), icc_profile=lab_like))
    assert np.abs(pixels[0, 0].astype(int) - RED).max() <= 1


def test_a_broken_profile_is_ignored(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", Image.new("RGB", (64, 64), RED), icc_profile=b"nonsense" * 40)
    assert tuple(read_portrait(path)[0, 0]) == RED


@pytest.mark.filterwarnings("error")
def test_odd_metadata_is_passed_over_in_silence(tmp_path: Path) -> None:
    broken = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\xff\xff"
    path = _save(tmp_path / "a.jpg", Image.new("RGB", (64, 64), RED), exif=broken)
    assert read_portrait(path).shape == (64, 64, 3)


def test_a_huge_picture_is_reduced(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.jpg", Image.new("RGB", (4608, 2304), RED))
    assert read_portrait(path).shape == (2048, 4096, 3)


def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="pixels"):
        read_portrait(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_truncated_picture_is_refused(name: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, format={"jpg": "JPEG"}.get(name[2:], name[2:].upper()))
    path = tmp_path / name
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(BadInput, match="portrait"):
        read_portrait(path)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBP"]
)
def test_what_is_no_picture_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="portrait"):
        read_portrait(path)


def test_a_picture_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected JPEG, PNG or WebP"):
        read_portrait(_save(tmp_path / "a.gif", Image.new("RGB", (64, 64))))


def test_a_tiny_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 64"):
        read_portrait(_save(tmp_path / "a.png", Image.new("RGB", (63, 200))))


def test_a_portrait_in_memory_gives_the_pixels_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "portrait.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 70, 3), np.uint8)).save(path)
    assert np.array_equal(decode_portrait(path.read_bytes()), read_portrait(path))


def test_a_damaged_portrait_in_memory_is_refused_without_a_path() -> None:
    with pytest.raises(BadInput, match=r"^portrait is not a readable picture"):
        decode_portrait(b"no picture")

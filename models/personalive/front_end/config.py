"""The configuration of the front end: what is read from a picture, and how it is drawn and cropped."""

from __future__ import annotations

from dataclasses import dataclass, field

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionEncoderConfig:
    """The network that reads a face of `picture` pixels square as `tokens` motion tokens.

    `channels` are those after the first block and after the third. `patches` are the sides of the squares, in
    pixels of its own map, that each attention stage looks at.
    """

    picture: int = 224
    stem: int = 64
    channels: tuple[int, int] = (128, 256)
    hourglass_depth: int = 4
    attention_width: int = 1024
    attention_heads: int = 8
    norm_groups: int = 32
    patches: tuple[int, int, int] = (4, 2, 2)
    landmarks: int = 68
    tokens: int = 32
    token_width: int = 16

    def __post_init__(self) -> None:
        grids = {
            (self.picture // 2) // self.patches[0],
            *((self.picture // 4) // p for p in self.patches[1:]),
        }
        if self.picture % 8 or grids != {self.grid}:
            raise ValueError(
                f"patches {self.patches} of a {self.picture} px face must all make {self.grid} rows"
            )
        if self.picture // 4 < 2**self.hourglass_depth:
            raise ValueError(f"{self.picture} px do not halve {self.hourglass_depth + 2} times")
        if self.attention_width % (4 * self.attention_heads):
            raise ValueError(f"{self.attention_width} does not divide into {self.attention_heads} heads")
        if any(channels % self.norm_groups for channels in self.channels):
            raise ValueError(f"channels {self.channels} do not divide into {self.norm_groups} groups")

    @property
    def grid(self) -> int:
        """Rows, and columns, of the patches and of the last map."""
        return self.picture // 8

    @property
    def width(self) -> int:
        """Numbers in the motion of one frame."""
        return self.tokens * self.token_width


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionExtractorConfig:
    """The network that reads head pose and canonical keypoints from a picture of `picture` pixels square.

    Each angle is the expectation over `bins` of `bin_degrees`, the first of which stands for `first_degrees`.
    """

    picture: int = 256
    widths: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    keypoints: int = 21
    bins: int = 66
    bin_degrees: float = 3.0
    first_degrees: float = -97.5

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.depths):
            raise ValueError(f"{len(self.widths)} widths and {len(self.depths)} depths, expected as many")
        if self.picture % (2 ** (len(self.widths) + 1)):
            raise ValueError(f"{self.picture} px do not halve {len(self.widths) + 1} times")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingConfig:
    """The keypoints that are drawn as discs, their colours (RGB) and the discs' radius in pixels."""

    points: tuple[int, ...] = (1, 2, 3, 4, 12, 15, 20)
    colours: tuple[Colour, ...] = (
        (255, 0, 0),
        (255, 255, 0),
        (0, 255, 0),
        (0, 255, 255),
        (0, 0, 255),
        (255, 0, 255),
        (255, 0, 85),
    )
    radius: int = 4

    def __post_init__(self) -> None:
        if len(self.points) != len(self.colours):
            raise ValueError(f"{len(self.points)} points and {len(self.colours)} colours, expected as many")


@dataclass(frozen=True, slots=True, kw_only=True)
class CropConfig:
    """The square around the drawn points: `reach` times as long as they rise above their centre.

    The centre divides it, from left to right and from top to bottom, in `before` and `after`. A part of it
    in the picture that is smaller than `smallest`, of the picture's side, is no face.
    """

    reach: float = 3.4
    before: float = 0.475
    after: float = 0.525
    smallest: float = 1 / 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEndConfig:
    """All of the front end. `follow` is how much of the driver's way from its first place the head goes."""

    encoder: MotionEncoderConfig = field(default_factory=MotionEncoderConfig)
    extractor: MotionExtractorConfig = field(default_factory=MotionExtractorConfig)
    guider_channels: tuple[int, ...] = (16, 32, 96, 256)
    drawing: DrawingConfig = field(default_factory=DrawingConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    follow: float = 0.5

    def __post_init__(self) -> None:
        if max(self.drawing.points) >= self.extractor.keypoints:
            raise ValueError(f"points {self.drawing.points} of {self.extractor.keypoints} keypoints")


def published() -> FrontEndConfig:
    """The size of the published files."""
    return FrontEndConfig()


def tiny() -> FrontEndConfig:
    """A size for tests."""
    return FrontEndConfig(
        encoder=MotionEncoderConfig(
            picture=32,
            stem=8,
            channels=(8, 16),
            hourglass_depth=2,
            attention_width=32,
            attention_heads=2,
            norm_groups=4,
            landmarks=4,
            tokens=4,
            token_width=8,
        ),
        extractor=MotionExtractorConfig(picture=32, widths=(8, 8, 16, 16), depths=(1, 1, 1, 1)),
        guider_channels=(4, 4, 8, 8),
    )

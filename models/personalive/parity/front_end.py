"""The parity cases of the front end and of the mechanics of streaming."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import torch
from einops import rearrange
from torch import Tensor

from models.parity.fixtures import Tensors
from models.personalive.filling import fill
from models.personalive.front_end.config import FrontEndConfig
from models.personalive.front_end.drawing import draw, drawn_points
from models.personalive.front_end.face_crop import crop_faces, face_boxes
from models.personalive.front_end.following import (
    Driven,
    Driver,
    Followed,
    Portrait,
    at_rest,
    follow_driver,
    unseen,
)
from models.personalive.front_end.front_end import FrontEnd, Sight
from models.personalive.front_end.keypoints import driver_keypoints
from models.personalive.front_end.motion_encoder import MotionEncoder
from models.personalive.front_end.motion_extractor import HeadMotion, MotionExtractor, Readings
from models.personalive.front_end.pictures import shrink, to_numbers
from models.personalive.front_end.pose_guider import PoseGuider
from models.personalive.parity.fixtures import Case, Replay, weights
from models.personalive.scheduler import DdimScheduler, ScheduleConfig

CONFIG: Final = FrontEndConfig()
POSE_WIDTH: Final = 320
CHUNK_FRAMES: Final = 4
LEAD_FRAMES: Final = 12
SIZES: Final = (512, 128)
# How recorded outputs were thinned: every n-th channel, row and column.
STAGE_STRIDES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"conv2": (16, 8), "att_1": (16, 8), "att_2": (16, 8), "m0": (16, 8), "att_3": (16, 8), "conv6": (1, 1)}
)
CROP_STRIDE: Final = 8
POSE_STRIDES: Final[Mapping[int, tuple[int, int]]] = MappingProxyType({512: (10, 4), 128: (5, 1)})
DRIVEN_STRIDES: Final = (10, 8)


def replay_motion_encoder(case: Case) -> Tensors:
    """Give faces to the motion encoder; what its stages say comes out too."""
    with torch.device("meta"):
        encoder = MotionEncoder(CONFIG.encoder)
    fill(case.name, encoder, weights(case)["motion_encoder"], str)
    stages: dict[str, Tensor] = {}
    for name in STAGE_STRIDES:
        encoder.model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: stages.update({name: output})
        )
    with torch.inference_mode():
        outputs = {"motion": encoder(to_numbers(case.inputs["pictures"]))}
    return outputs | {
        f"stage.{name}": _thinned(output, *STAGE_STRIDES[name]) for name, output in stages.items()
    }


def replay_motion_extractor(case: Case) -> Tensors:
    """Give pictures to the motion extractor."""
    with torch.device("meta"):
        extractor = MotionExtractor(CONFIG.extractor)
    fill(case.name, extractor, weights(case)["motion_extractor"], str)
    with torch.inference_mode():
        readings = extractor.detector(to_numbers(case.inputs["pictures"]) / 2 + 0.5)
        head = extractor.interpret(readings)
    return {
        "pitch": readings.pitch,
        "yaw": readings.yaw,
        "roll": readings.roll,
        "t": readings.translation,
        "scale": readings.scale,
        "kp": readings.canonical.flatten(1),
        "degrees": head.degrees,
        "keypoints": driver_keypoints(head),
    }


def replay_keypoints(case: Case) -> Tensors:
    """Let a portrait follow a driver for two chunks; only heads are recorded, not motion."""
    reference, first, following = (_head(case, name) for name in ("ref", "first", "next"))
    portrait = Portrait(reference, reference.translation)
    frames, driver, last = [], unseen(1, reference.scale.device), at_rest(portrait, 1)
    for head in (first, following):
        sight = Portrait(HeadMotion(*(part.unsqueeze(0) for part in head)), head.translation.unsqueeze(0))
        followed = _follow(portrait, driver, sight, last)
        driver, last = followed.driver, followed.chunk
        frames += [followed.approach.keypoints[0], followed.chunk.keypoints[0]]
    approach, here, _, there = frames
    return {
        "first.keypoints": torch.cat([approach, here]),
        "first.driver": driver_keypoints(first),
        "next.keypoints": there,
        "next.driver": driver_keypoints(following),
        "ref.keypoints": at_rest(portrait, 1).keypoints[0],
        "first.degrees": first.degrees,
        "ref.degrees": reference.degrees,
    }


def replay_pose_image(case: Case) -> Tensors:
    """Draw keypoints at two sizes, and read the first drawings with the pose guider."""
    with torch.device("meta"):
        guider = PoseGuider(CONFIG.guider_channels, POSE_WIDTH)
    fill(case.name, guider, weights(case)["pose_guider"], str)
    outputs: dict[str, Tensor] = {}
    for size in SIZES:
        points = drawn_points(CONFIG.drawing, case.inputs["keypoints"], size)
        images = draw(CONFIG.drawing, points, size)
        frames = case.outputs[f"features_{size}"].shape[0]
        with torch.inference_mode():
            features = guider(images[:frames])
        outputs |= {
            f"image_{size}": (images * 255).round(),
            f"points_{size}": points,
            f"features_{size}": _thinned(features, *POSE_STRIDES[size]),
        }
    return outputs


def replay_face_crop(case: Case) -> Tensors:
    """Find boxes at two sizes, and cut some of them from one picture."""
    boxes = {
        size: face_boxes(CONFIG.crop, drawn_points(CONFIG.drawing, case.inputs["keypoints"], size), size)
        for size in SIZES
    }
    chosen = boxes[SIZES[0]][case.inputs["crop_rows"]]
    pictures = to_numbers(case.inputs["picture"]).expand(len(chosen), -1, -1, -1)
    crops = crop_faces(pictures, chosen, CONFIG.encoder.picture)
    return {f"boxes_{size}": found for size, found in boxes.items()} | {
        "crops": _thinned(crops, 1, CROP_STRIDE)
    }


def replay_front_end(case: Case) -> Tensors:
    """Look at a portrait and at two chunks of a driver, and let the one follow the other."""
    front_end = front_end_of(case, weights(case), POSE_WIDTH)
    pictures = to_numbers(case.inputs["frames"])
    size = pictures.shape[-1]
    with torch.inference_mode():
        seen = portrait_sight(case, front_end)
        sight = front_end.see(pictures)
        keypoints = follow_all(Portrait(seen.head, seen.motion), sight).keypoints
        features = torch.cat([front_end.guide(frame[None], size) for frame in keypoints])
    small = shrink(pictures, CONFIG.extractor.picture) * 2 - 1
    return {
        "resized": _thinned(small, 1, CROP_STRIDE),
        "keypoints": keypoints,
        "points": drawn_points(CONFIG.drawing, keypoints, size),
        "ref_box": seen.boxes[0],
        "boxes": sight.boxes,
        "motion_ref": seen.motion[0],
        "motion": sight.motion,
        "pose_features": _thinned(features, *DRIVEN_STRIDES),
    }


def replay_ddim(case: Case) -> Tensors:
    """Take frames at their own levels one level lower, and add noise."""
    scheduler = DdimScheduler(ScheduleConfig())
    sample, noise = case.inputs["sample"], case.inputs["eps"]
    plain = scheduler.step(sample, noise, case.inputs["timesteps"])
    mixed = scheduler.step(sample, noise, case.inputs["timesteps_mixed"])
    levels = torch.tensor(ScheduleConfig().levels)
    return {
        "alphas_cumprod": scheduler.alpha_bars,
        "prev": plain.lower,
        "x0": plain.clean,
        "prev_mixed": mixed.lower,
        "x0_mixed": mixed.clean,
        "noised": scheduler.add_noise(case.inputs["clean"], case.inputs["noise"], levels),
    }


REPLAYS: Final[Mapping[str, Replay]] = MappingProxyType(
    {
        "motion_encoder": replay_motion_encoder,
        "motion_extractor": replay_motion_extractor,
        "keypoints": replay_keypoints,
        "pose_image": replay_pose_image,
        "face_crop": replay_face_crop,
        "front_end": replay_front_end,
        "ddim": replay_ddim,
    }
)


def front_end_of(case: Case, drawn: Mapping[str, Mapping[str, Tensor]], pose_width: int) -> FrontEnd:
    """Build a front end that holds the drawn tensors of its three files."""
    with torch.device("meta"):
        front_end = FrontEnd(
            CONFIG,
            MotionEncoder(CONFIG.encoder),
            MotionExtractor(CONFIG.extractor),
            PoseGuider(CONFIG.guider_channels, pose_width),
        )
    for name in ("motion_encoder", "motion_extractor", "pose_guider"):
        fill(f"{case.name} {name}", front_end.get_submodule(name), drawn[name], str)
    return front_end.eval()


def portrait_sight(case: Case, front_end: FrontEnd) -> Sight:
    """Look at the portrait of a case, whose small version is recorded."""
    large, small = (to_numbers(case.inputs[name]).unsqueeze(0) for name in ("ref_image", "ref_image_256"))
    return front_end.see_both(large, small / 2 + 0.5)


def follow_all(portrait: Portrait, sight: Sight) -> Driven:
    """Follow all frames of a session, four at a time; the approach, then every frame, [n, ...] each."""
    driver, last = unseen(1, sight.motion.device), at_rest(portrait, 1)
    chunks: list[Driven] = []
    for index in range(0, len(sight.motion), CHUNK_FRAMES):
        here = slice(index, index + CHUNK_FRAMES)
        head = HeadMotion(*(part[here].unsqueeze(0) for part in sight.head))
        chunk = Portrait(head, sight.motion[here].unsqueeze(0))
        followed = _follow(portrait, driver, chunk, last)
        driver, last = followed.driver, followed.chunk
        chunks += [followed.chunk] if chunks else [followed.approach, followed.chunk]
    return Driven(*(torch.cat([part[0] for part in parts]) for parts in zip(*chunks, strict=True)))


def _follow(portrait: Portrait, driver: Driver, sight: Portrait, last: Driven) -> Followed:
    visible = torch.ones(sight.motion.shape[:2], dtype=torch.bool)
    return follow_driver(portrait, driver, sight, visible, last, lead=LEAD_FRAMES, share=CONFIG.follow)


def _head(case: Case, name: str) -> HeadMotion:
    """Read the recorded output of the extractor's heads."""
    parts = {part: case.inputs[f"{name}.{part}"] for part in ("pitch", "yaw", "roll", "t", "scale", "kp")}
    readings = Readings(
        pitch=parts["pitch"],
        yaw=parts["yaw"],
        roll=parts["roll"],
        translation=parts["t"],
        scale=parts["scale"],
        canonical=rearrange(parts["kp"], "n (k xyz) -> n k xyz", xyz=3),
    )
    return MotionExtractor(CONFIG.extractor).interpret(readings)


def _thinned(maps: Tensor, channels: int, pixels: int) -> Tensor:
    """Return every n-th channel, row and column of [N, C, H, W]."""
    return maps[:, ::channels, ::pixels, ::pixels]

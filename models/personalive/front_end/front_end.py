"""The front end as a whole: what a picture shows of a head, and the features of a pose."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from models.personalive.front_end.config import FrontEndConfig
from models.personalive.front_end.drawing import draw, drawn_points
from models.personalive.front_end.face_crop import crop_faces, face_boxes, shows_face
from models.personalive.front_end.keypoints import driver_keypoints
from models.personalive.front_end.motion_encoder import MotionEncoder
from models.personalive.front_end.motion_extractor import HeadMotion, MotionExtractor
from models.personalive.front_end.pictures import shrink
from models.personalive.front_end.pose_guider import PoseGuider

# Shapes: N pictures, H = W rows and columns, K keypoints, T motion tokens, D their width.


class Sight(NamedTuple):
    """What pictures show: the head, the box [N, 4] of its face and whether it can be one [N].

    `motion` [N, T, D] is that of the face.
    """

    head: HeadMotion
    boxes: Tensor
    visible: Tensor
    motion: Tensor


class FrontEnd(nn.Module):
    """The three networks that look at pictures. Each may have a dtype of its own.

    The extractor should be float32: its numbers become whole pixels.
    """

    def __init__(
        self, config: FrontEndConfig, encoder: MotionEncoder, extractor: MotionExtractor, guider: PoseGuider
    ) -> None:
        super().__init__()
        self.config = config
        self.motion_encoder = encoder
        self.motion_extractor = extractor
        self.pose_guider = guider

    def see(self, pictures: Tensor) -> Sight:
        """Look at frames [N, 3, H, W] in -1..1."""
        return self.see_both(pictures, shrink(pictures, self.config.extractor.picture))

    def see_both(self, pictures: Tensor, small: Tensor) -> Sight:
        """Look at pictures [N, 3, H, W] in -1..1, and at the same ones in 0..1 at the extractor's size."""
        size = pictures.shape[-1]
        head = cast(HeadMotion, self.motion_extractor(small.to(self.motion_extractor.detector.fc_t.weight)))
        points = drawn_points(self.config.drawing, driver_keypoints(head), size)
        boxes = face_boxes(self.config.crop, points, size)
        faces = crop_faces(pictures, boxes, self.config.encoder.picture)
        motion = self.motion_encoder(faces.to(self.motion_encoder.final_proj.weight)).float()
        told = torch.stack([points.flatten(1).isfinite().all(dim=1), motion.flatten(1).isfinite().all(dim=1)])
        visible = shows_face(self.config.crop, boxes, size) & told.all(dim=0)
        return Sight(head, boxes, visible, motion)

    def guide(self, keypoints: Tensor, size: int) -> Tensor:
        """Return features [N, C, H / 8, W / 8] of poses, given as keypoints [N, K, 3], for `size` pixels."""
        pictures = draw(self.config.drawing, drawn_points(self.config.drawing, keypoints, size), size)
        return cast(Tensor, self.pose_guider(pictures.to(self.pose_guider.conv_in.weight)))

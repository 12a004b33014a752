"""Which landmark is what: index sets of the 478-point face, named from the subject's own left and right."""

from __future__ import annotations

from typing import Final

NUM_VERTICES: Final = 468  # the landmarks after these are the two irises

LEFT_EYE_OUTER: Final = 263
RIGHT_EYE_OUTER: Final = 33

# Eyes: upper and lower lid from the outer to the inner corner, corners included.
LEFT_UPPER_LID: Final = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_LOWER_LID: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362)
RIGHT_UPPER_LID: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_LOWER_LID: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133)
# The fold above each upper lid, same order, corners included.
LEFT_CREASE: Final = (263, 467, 260, 259, 257, 258, 286, 414, 362)
RIGHT_CREASE: Final = (33, 247, 30, 29, 27, 28, 56, 190, 133)
LEFT_IRIS: Final = (473, 474, 475, 476, 477)  # the centre first
RIGHT_IRIS: Final = (468, 469, 470, 471, 472)

# Brows from the inner to the outer end, lower and upper edge.
LEFT_BROW_LOWER: Final = (285, 295, 282, 283, 276)
LEFT_BROW_UPPER: Final = (336, 296, 334, 293, 300)

# Lips from the subject's right corner (viewer's left) to the left corner.
OUTER_UPPER_LIP: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER_LIP: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER_LIP: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER_LIP: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# The two rows of vertices between the outer and inner contours, same order, corners left out.
MIDDLE_UPPER_LIP: Final = (
    (184, 74, 73, 72, 11, 302, 303, 304, 408),
    (183, 42, 41, 38, 12, 268, 271, 272, 407),
)
MIDDLE_LOWER_LIP: Final = (
    (77, 90, 180, 85, 16, 315, 404, 320, 307),
    (96, 89, 179, 86, 15, 316, 403, 319, 325),
)
LIP_CORNERS: Final = (61, 76, 62, 78, 291, 306, 292, 308)

NOSE_TIP: Final = 1
CHIN: Final = 152
FOREHEAD: Final = 10
# The face's outline, clockwise for the viewer from the top of the forehead.
FACE_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

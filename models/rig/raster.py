"""The inner loops of drawing: triangles to a texture map, and maps to pixels. Compiled on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

from models.rig.arrays import F32, I32, U8

_FAR = np.float32(3.0e38)


@njit(cache=True, nogil=True, fastmath=True)
def rasterise(points: F32, uv: F32, triangles: I32, texture_map: F32, depth: F32) -> None:
    """Write the texture coordinates of the nearest triangle at every pixel.

    points [V, 3] in pixels (x, y, depth), uv [V, 2] in texture pixels, triangles [T, 3], texture_map
    [H, W, 2] and depth [H, W] are written where a triangle covers the pixel's centre and is nearer.
    """
    height, width = depth.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay, bx, by, cx, cy = (
            points[a, 0],
            points[a, 1],
            points[b, 0],
            points[b, 1],
            points[c, 0],
            points[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-6:
            continue
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        inverse = 1.0 / area
        # Barycentric weights are linear in x; their steps per pixel are constant along a row.
        step_b = (cy - ay) * inverse
        step_c = -(by - ay) * inverse
        for y in range(top, bottom + 1):
            weight_b = ((left - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse
            weight_c = ((bx - ax) * (y - ay) - (left - ax) * (by - ay)) * inverse
            for x in range(left, right + 1):
                weight_a = 1.0 - weight_b - weight_c
                if weight_a >= -1e-4 and weight_b >= -1e-4 and weight_c >= -1e-4:
                    z = weight_a * points[a, 2] + weight_b * points[b, 2] + weight_c * points[c, 2]
                    if z < depth[y, x]:
                        depth[y, x] = z
                        texture_map[y, x, 0] = weight_a * uv[a, 0] + weight_b * uv[b, 0] + weight_c * uv[c, 0]
                        texture_map[y, x, 1] = weight_a * uv[a, 1] + weight_b * uv[b, 1] + weight_c * uv[c, 1]
                weight_b += step_b
                weight_c += step_c


@njit(cache=True, nogil=True, fastmath=True)
def shade(texture_map: F32, depth: F32, texture: U8, canvas: U8) -> None:
    """Sample an RGBA texture [h, w, 4] bilinearly onto the canvas [H, W, 3] wherever depth was written."""
    height, width = depth.shape
    last_x, last_y = texture.shape[1] - 1.001, texture.shape[0] - 1.001
    for y in range(height):
        for x in range(width):
            if depth[y, x] >= _FAR:
                continue
            u = min(max(texture_map[y, x, 0], np.float32(0.0)), np.float32(last_x))
            v = min(max(texture_map[y, x, 1], np.float32(0.0)), np.float32(last_y))
            i, j = int(u), int(v)
            fx, fy = int((u - i) * 256), int((v - j) * 256)
            w00, w01, w10, w11 = (256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy
            p00, p01, p10, p11 = texture[j, i], texture[j, i + 1], texture[j + 1, i], texture[j + 1, i + 1]
            alpha = (p00[3] * w00 + p01[3] * w01 + p10[3] * w10 + p11[3] * w11 + 32768) >> 16
            if alpha == 0:
                continue
            for c in range(3):
                value = (p00[c] * w00 + p01[c] * w01 + p10[c] * w10 + p11[c] * w11 + 32768) >> 16
                if alpha < 255:
                    value = (value * alpha + canvas[y, x, c] * (255 - alpha) + 127) // 255
                canvas[y, x, c] = value


@njit(cache=True, nogil=True)
def blend(canvas: U8, layer: U8, mask: U8, left: int, top: int) -> None:
    """Lay a layer [h, w, 3] over the canvas at (left, top), weighted by its mask [h, w]."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            weight = int(mask[y, x])
            if weight == 0:
                continue
            for c in range(3):
                under = int(canvas[top + y, left + x, c])
                canvas[top + y, left + x, c] = (
                    int(layer[y, x, c]) * weight + under * (255 - weight) + 127
                ) // 255


@njit(cache=True, nogil=True, fastmath=True)
def soften(canvas: U8, depth: F32, step: float) -> None:
    """Smooth the stairs where a nearer surface ends before a farther one, more than step pixels behind."""
    height, width = depth.shape
    for y in range(height - 1):
        for x in range(width - 1):
            here, right, below = depth[y, x], depth[y, x + 1], depth[y + 1, x]
            if here >= _FAR or right >= _FAR or below >= _FAR:
                continue
            if abs(here - right) > step:
                for c in range(3):
                    a, b = int(canvas[y, x, c]), int(canvas[y, x + 1, c])
                    canvas[y, x, c], canvas[y, x + 1, c] = (3 * a + b + 2) >> 2, (a + 3 * b + 2) >> 2
            if abs(here - below) > step:
                for c in range(3):
                    a, b = int(canvas[y, x, c]), int(canvas[y + 1, x, c])
                    canvas[y, x, c], canvas[y + 1, x, c] = (3 * a + b + 2) >> 2, (a + 3 * b + 2) >> 2

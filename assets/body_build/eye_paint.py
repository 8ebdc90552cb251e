"""The eye's texture: pupil, iris, limbal ring and white, painted around the middle."""

from __future__ import annotations

import numpy as np

from .atlas import jpeg, noise
from .source import Array

SIZE = 512
PUPIL, IRIS = np.radians([10.0, 26.0])
_FRONT = np.radians(34.0)  # half of the texture is for what lies within
_INNER = np.array([0.44, 0.285, 0.16])
_OUTER = np.array([0.27, 0.165, 0.09])
_WHITE = np.array([0.945, 0.93, 0.915])


def eye_places(unit: Array) -> Array:
    """(n, 2) texture places of directions (n, 3) from the eye's middle, +Z ahead, +Y up."""
    polar = np.arccos(np.clip(unit[:, 2], -1, 1))
    reach = np.where(polar < _FRONT, 0.32 * polar / _FRONT, 0.32 + 0.18 * (polar - _FRONT) / (np.pi - _FRONT))
    flat = np.linalg.norm(unit[:, :2], axis=1, keepdims=True)
    return np.asarray(0.5 + reach[:, None] * unit[:, :2] / np.maximum(flat, 1e-9))


def eye_texture() -> bytes:
    """An eye with brown irises, sRGB. The lids' shade is in it: eyes turn, but hardly roll."""
    line = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    x, y = np.meshgrid(line, -line)
    reach = np.hypot(x, y)
    polar = np.where(reach < 0.32, reach / 0.32 * _FRONT, _FRONT + (reach - 0.32) / 0.18 * (np.pi - _FRONT))
    turn = np.arctan2(y, x)
    around = np.stack([np.cos(turn), np.sin(turn)], axis=-1).reshape(-1, 2)
    depth = ((polar - PUPIL) / (IRIS - PUPIL)).reshape(-1)
    fibre = noise(np.column_stack([around * 5.0, depth * 0.7]), 0.16, 21) + 0.6 * noise(
        np.column_stack([around * 9.0, depth]), 0.16, 22
    )
    collar = np.exp(-(((depth - 0.28 - 0.06 * noise(around, 0.2, 23)) / 0.14) ** 2))
    t = np.clip(depth, 0, 1)[:, None]
    iris = _INNER + (_OUTER - _INNER) * t**0.8
    iris = iris * (1 + 0.30 * fibre[:, None]) * (1 + 0.20 * collar[:, None])
    down = np.clip(0.5 - 0.5 * around[:, 1], 0, 1)[:, None]
    iris = iris * (0.62 + 0.62 * down)  # light falls in from above and comes out below
    iris = iris * (1 - 0.75 * np.clip((t - 0.74) / 0.26, 0, 1) ** 1.5)
    pupil = np.clip((depth + 0.05) / 0.09, 0, 1)[:, None]
    iris = 0.012 + iris * pupil
    far = np.clip((polar.reshape(-1) - IRIS) / np.radians(44), 0, 1)
    veins = np.clip(noise(np.column_stack([around * 3.0, polar.reshape(-1) * 1.2]), 0.14, 24) * 2.6 - 1.3, 0, 1) * far
    white = _WHITE - far[:, None] ** 1.5 * [0.10, 0.20, 0.21] - 0.22 * veins[:, None] * [0.3, 1.0, 1.0]
    limbus = np.clip((polar.reshape(-1) - IRIS + np.radians(1.2)) / np.radians(2.8), 0, 1)[:, None]
    limbus = limbus * limbus * (3 - 2 * limbus)
    eye = iris + limbus * (white - iris)
    up = np.sin(polar.reshape(-1)) * around[:, 1]
    eye = eye * (1 - 0.42 * np.clip((up - 0.02) / 0.36, 0, 1)[:, None] ** 1.3 * [0.9, 1.0, 1.0])
    return jpeg(eye.reshape(SIZE, SIZE, 3), 88)

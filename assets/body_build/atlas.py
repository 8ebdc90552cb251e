"""Painting on a surface: which place of the mesh each texel shows, and pictures made of colours so found."""

from __future__ import annotations

import dataclasses
import io

import numpy as np

from .source import Array

_BLEED = 12  # texels that colours run on beyond their island, for mipmaps


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """A texture whose texels know their place on a triangle mesh."""

    size: tuple[int, int]  # width, height
    texels: Array  # (n,) row-major indices, from the upper left
    triangles: Array  # (n,) of the mesh
    shares: Array  # (n, 3) barycentric

    @classmethod
    def over(cls, corner_uvs: Array, size: tuple[int, int]) -> Atlas:
        """The texels inside each triangle; ``corner_uvs`` (F, 3, 2), v up."""
        width, height = size
        owner = np.full(width * height, -1, np.int64)
        shares = np.zeros((width * height, 3))
        corners = corner_uvs * [width, -height] + [-0.5, height - 0.5]
        for index, (a, b, c) in enumerate(corners):
            low = np.maximum(np.floor(np.minimum(np.minimum(a, b), c)).astype(int), 0)
            high = np.minimum(np.ceil(np.maximum(np.maximum(a, b), c)).astype(int), [width - 1, height - 1])
            area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
            if abs(area) < 1e-9 or (high < low).any():
                continue
            x, y = np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)[:, None]
            second = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
            third = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
            inside = (second >= -1e-6) & (third >= -1e-6) & (second + third <= 1 + 1e-6)
            at = (y * width + x)[inside]
            owner[at] = index
            shares[at] = np.stack([1 - second - third, second, third], axis=-1)[inside]
        texels = np.flatnonzero(owner >= 0)
        return cls(size=size, texels=texels, triangles=owner[texels], shares=shares[texels])

    def carried(self, values: Array, triangles: Array) -> Array:
        """(n, ...) values of the mesh's vertices at each texel."""
        return np.asarray(np.einsum("nk,nk...->n...", self.shares, values[triangles[self.triangles]]))

    def carried_corners(self, values: Array) -> Array:
        """(n, ...) values of the triangles' corners (F, 3, ...) at each texel."""
        return np.asarray(np.einsum("nk,nk...->n...", self.shares, values[self.triangles]))

    def jpeg(self, colours: Array, quality: int) -> bytes:
        """A picture of ``colours`` (n, 3), sRGB in 0..1, that run on past the islands' edges."""
        width, height = self.size
        picture = np.zeros((height * width, 3))
        known = np.zeros(height * width, dtype=bool)
        picture[self.texels], known[self.texels] = np.clip(colours, 0, 1), True
        picture, known = picture.reshape(height, width, 3), known.reshape(height, width)
        for _ in range(_BLEED):
            picture, known = _grown(picture, known)
        picture[~known] = picture[known].mean(axis=0)
        return jpeg(picture, quality)


def _grown(picture: Array, known: Array) -> tuple[Array, Array]:
    total, count = np.zeros_like(picture), np.zeros(known.shape)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        total += np.roll(picture * known[..., None], step, axis=axis)
        count += np.roll(known, step, axis=axis)
    fresh = ~known & (count > 0)
    result = picture.copy()
    result[fresh] = total[fresh] / count[fresh, None]
    return result, known | fresh


def jpeg(picture: Array, quality: int) -> bytes:
    """``picture`` (h, w, 3), sRGB in 0..1, as a JPEG."""
    from PIL import Image

    stream = io.BytesIO()
    pixels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0 if quality > 85 else 2, optimize=True)
    return stream.getvalue()


def noise(points: Array, size: float, seed: int) -> Array:
    """(n,) smooth value noise in -1..1 at ``points`` (n, d), with lumps about ``size`` across."""
    places = points / size
    cell = np.floor(places).astype(np.int64)
    t = places - cell
    t = t * t * (3 - 2 * t)
    total = np.zeros(len(points))
    for corner in np.ndindex(*[2] * points.shape[1]):
        share = np.prod(np.where(np.array(corner) == 1, t, 1 - t), axis=1)
        total += share * _hashed(cell + np.array(corner), seed)
    return total


def _hashed(cells: Array, seed: int) -> Array:
    """(n,) in -1..1 for integer ``cells`` (n, d): an integer hash, the same everywhere."""
    state = np.full(len(cells), np.uint64(seed * 2654435761 + 12345), np.uint64)
    with np.errstate(over="ignore"):
        for column in cells.T:
            state = (state ^ (column.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(
                0xBF58476D1CE4E5B9
            )
            state ^= state >> np.uint64(29)
    return np.asarray((state >> np.uint64(11)).astype(float) / 2**52 - 1)

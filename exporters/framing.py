"""What the preview's cameras look at: the whole figure, the upper body, the face. numpy alone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rotations
from ..core.kinematics import forward
from .character import Character, Performance

Array = NDArray[Any]
_TRAVEL_M = 0.5  # a character that walks farther than this is followed


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A camera's picture: ``centre`` (T, 3) m, Y up, in its middle at each frame, ``width`` m across there."""

    centre: Array
    width: float
    pixels: tuple[int, int]
    turn: float  # rad, of the camera about the vertical; at 0 it looks along -Z
    tilt: float = 0.0  # rad, downwards
    distance: float = 4.0  # m

    def axes(self) -> Array:
        """(3, 3) rows: right, up and towards the eye."""
        sine, cosine, low, level = math.sin(self.turn), math.cos(self.turn), math.sin(self.tilt), math.cos(self.tilt)
        towards = np.array([sine * level, low, cosine * level])
        right = np.array([cosine, 0.0, -sine])
        return np.stack([right, np.cross(towards, right), towards])

    def eye(self, frame: int) -> Array:
        """(3,) m."""
        return np.asarray(self.centre[frame] + self.distance * self.axes()[2])

    def project(self, points: Array, frame: int) -> Array:
        """(n, 2) pixels from the upper left, of ``points`` (n, 3)."""
        right, up, towards = ((points - self.centre[frame]) @ self.axes().T).T
        scale = self.pixels[0] / self.width / (1 - towards / self.distance)
        return np.stack([self.pixels[0] / 2 + right * scale, self.pixels[1] / 2 - up * scale], axis=1)


class Framing:
    """Where the character is in its performance, and views of it."""

    def __init__(self, character: Character, performance: Performance) -> None:
        matrices = rotations.quaternion_to_matrix(performance.quaternions)
        world, self._places = forward(character.joints.astype(np.float32), matrices, performance.trans)
        self._names = character.joint_names
        self._fps = performance.fps
        rest = np.concatenate([part.vertices for part in character.parts])
        low, high = float(rest[:, 1].min()), float(rest[:, 1].max())
        self._height = high - low
        feet = self._places[:, self._joints("left_foot", "right_foot"), 1].min(axis=1)
        self._floor = float(np.median(feet)) - (float(character.joints[self._joints("left_foot"), 1][0]) - low)
        self._crown = high - float(character.joints[self._joints("head"), 1][0])  # above the head's joint
        ahead = world[:, 0, :, 2].mean(axis=0)
        self._facing = math.atan2(ahead[0], ahead[2])

    def figure(self, pixels: tuple[int, int]) -> View:
        """From head to feet with all that the hands reach, and room for a line of text beneath."""
        top = float(self._places[:, self._joints("head"), 1].max()) + self._crown
        low = self._floor - 0.12 * self._height
        return self._standing(low, max(top, self._reach()), pixels, 0.04, turn=0.22, tilt=0.06)

    def upper_body(self, pixels: tuple[int, int]) -> View:
        """From the thighs up."""
        hips = float(np.median(self._places[:, 0, 1]))
        top = float(np.median(self._places[:, self._joints("head"), 1])) + self._crown
        return self._standing(hips - 0.14 * self._height, max(top, self._reach()), pixels, 0.08, turn=0.16, tilt=0.02)

    def face(self, pixels: tuple[int, int]) -> View:
        """The face, followed softly."""
        head = _smooth(self._places[:, self._joints("head")[0]], 0.4 * self._fps)
        tall = 0.235 * self._height
        turn = self._facing + 0.1
        centre = head + np.array([0.0, 0.3 * self._crown, 0.0]) + 0.03 * np.array([math.sin(turn), 0, math.cos(turn)])
        return View(centre=centre, width=tall * pixels[0] / pixels[1], pixels=pixels, turn=turn, tilt=0.0, distance=2.5)

    def shadows(self, view: View, frame: int) -> list[list[float]]:
        """[x, y, half width, half height, darkness 0..1] in pixels of the shadow under each foot in ``view``."""
        shadows = []
        for side in ("left", "right"):
            foot = self._places[frame, self._joints(f"{side}_ankle", f"{side}_foot")].mean(axis=0)
            rise = max(0.0, float(foot[1]) - self._floor - 0.06 * self._height)
            ground = np.array([foot[0], self._floor, foot[2]])
            (x, y), (edge, _) = view.project(np.stack([ground, ground + 0.13 * view.axes()[0]]), frame)
            wide = float(edge - x)
            shadows.append([float(x), float(y), wide, 0.34 * wide, 1 / (1 + 12 * rise)])
        return shadows

    def _standing(
        self, low: float, high: float, pixels: tuple[int, int], margin: float, *, turn: float, tilt: float
    ) -> View:
        turned = self._facing + turn
        ground = self._places[:, 0] * np.array([1.0, 0.0, 1.0])
        walks = float(np.ptp(ground, axis=0).max()) > _TRAVEL_M
        middle = _smooth(ground, 0.7 * self._fps) if walks else np.broadcast_to(ground.mean(axis=0), ground.shape)
        right = np.array([math.cos(turned), 0.0, -math.sin(turned)])
        aside = ((self._places - middle[:, None]) @ right).astype(np.float64)
        left_edge, right_edge = float(aside.min()) - 0.1, float(aside.max()) + 0.1
        tall = (high - low) * (1 + 2 * margin)
        wide = (right_edge - left_edge) * (1 + margin)
        width = max(wide, tall * pixels[0] / pixels[1])
        if not walks:
            # Half way from the pelvis to the middle of all reaches: balanced, and the hands stay in.
            shift = (left_edge + right_edge) / 2
            middle = middle + right * (
                shift if wide >= width else np.clip(shift / 2, -(width - wide) / 2, (width - wide) / 2)
            )
        centre = middle + np.array([0.0, (low + high) / 2, 0.0])
        return View(centre=centre, width=width, pixels=pixels, turn=turned, tilt=tilt, distance=max(4.0, 3 * width))

    def _reach(self) -> float:
        return float(self._places[..., 1].max()) + 0.06

    def _joints(self, *names: str) -> list[int]:
        return [self._names.index(name) for name in names]


def _smooth(track: Array, sigma: float) -> Array:
    """(T, 3) by a Gaussian of ``sigma`` frames, ends held."""
    reach = max(1, int(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    padded = np.pad(track.astype(np.float64), ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, axis], kernel / kernel.sum(), mode="valid") for axis in range(3)], axis=1)

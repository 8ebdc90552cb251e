"""What motion is like, in numbers: speeds, strokes, sync with the voice, feet, pops, stillness.

Everything here takes plain arrays of a clip that has been posed once (``trace``), so that tests can feed it known motion.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rotations
from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT

Array = NDArray[Any]

STILL_SPEED = 0.05  # m/s; a wrist under it rests
SHAKE_FROM = 6.0  # Hz
STROKE_LENGTH = 0.08  # m
SYNC_SIGMA = 0.05  # s
SHIFTS = 8
STOPPED, SLOWED = 0.2, 0.5  # shares of a wrist's peak speed
_CONTACT = 0.5
_WRISTS = (JOINT["left_wrist"], JOINT["right_wrist"])
_SOLES = (JOINT["left_ankle"], JOINT["left_foot"], JOINT["right_ankle"], JOINT["right_foot"])


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """A clip's joints in the world."""

    fps: float
    positions: Array  # (T, 55, 3) m
    rotations: Array  # (T, 55, 3, 3)

    @property
    def wrists(self) -> Array:
        """(T, 2, 3) m, left and right."""
        return self.positions[:, _WRISTS]


def trace(clip: MotionClip, body: Body) -> Trace:
    """Forward kinematics of the whole clip."""
    world, positions = body.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas, expressions=None)
    return Trace(fps=clip.fps, positions=positions.astype(np.float64), rotations=world.astype(np.float64))


def speeds(points: Array, fps: float) -> Array:
    """Speed (T - 1, N), m/s, of points (T, N, 3) between a frame and the next."""
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps)


def shake(points: Array, fps: float) -> float:
    """Share, 0..1, of the power of the points' (T, N, 3) velocity above 6 Hz; Hann window, mean velocity included."""
    if len(points) < 4:
        return 0.0
    velocity = np.diff(points, axis=0) * np.hanning(len(points) + 1)[1:-1, None, None]
    power = (np.abs(np.fft.rfft(velocity, axis=0)) ** 2).sum(axis=(1, 2))
    power[1:] *= 2.0  # each stands for its negative frequency too
    fast = np.fft.rfftfreq(len(velocity), 1.0 / fps) > SHAKE_FROM
    total = float(power.sum())
    return float(power[fast].sum()) / total if total > 1e-18 else 0.0


def turn_rates(matrices: Array, fps: float) -> Array:
    """Angular speed (T - 1, ...), rad/s, of rotations (T, ..., 3, 3) between a frame and the next."""
    quaternion = rotations.matrix_to_quaternion(matrices)
    turned = rotations.multiply(rotations.conjugate(quaternion[:-1]), quaternion[1:])
    return np.asarray(np.linalg.norm(rotations.quaternion_to_axis_angle(turned), axis=-1) * fps)


def jerk(points: Array, fps: float) -> Array:
    """Magnitude (T - 3, N), m/s^3, of the third derivative of points (T, N, 3)."""
    return np.asarray(np.linalg.norm(np.diff(points, n=3, axis=0), axis=-1) * fps**3)


def apexes(point: Array, fps: float, *, length: float = STROKE_LENGTH) -> Array:
    """Frames at which one wrist's (T, 3) strokes of at least ``length`` m end.

    The first frame after a peak of speed at which the wrist moves on with under 20 % of it, or the slowest frame before
    the next peak where that is under 50 %; only for strokes along which it travelled ``length`` or more since the last one.
    """
    speed = speeds(point[:, None], fps)[:, 0]
    padded = np.concatenate([[-1.0], speed, [-1.0]])
    peaks = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]) & (speed > STILL_SPEED))
    path = np.concatenate([[0.0], np.cumsum(speed) / fps])
    found: list[int] = []
    travelled_from, top = 0, 0.0
    for peak, following in zip(peaks.tolist(), [*peaks[1:].tolist(), len(speed)]):
        top = max(top, float(speed[peak]))
        between = speed[peak + 1 : following]
        stopped = np.flatnonzero(between < STOPPED * top)
        if len(stopped):
            end = peak + 1 + int(stopped[0])
        elif len(between) and float(between.min()) < SLOWED * top:
            end = peak + 1 + int(between.argmin())
        else:
            continue  # the same stroke goes on
        if path[end] - path[travelled_from] >= length:
            found.append(end)
        travelled_from, top = end, 0.0
    return np.array(found, dtype=np.int64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrokeSync:
    """How much nearer to syllable nuclei the strokes end than chance would have it."""

    score: float  # ``hit`` minus ``chance``
    hit: float  # mean over apexes of exp(-dt^2 / (2 (0.05 s)^2)), dt to the nearest nucleus
    chance: float  # the same, mean over eight circular shifts of the voice
    count: int  # apexes


def stroke_sync(apex_times: Sequence[float] | Array, nuclei: Sequence[float] | Array, duration: float) -> StrokeSync | None:
    """The sync of strokes that end at ``apex_times``, s, with syllable nuclei, s; None without either."""
    ends, peaks = np.asarray(apex_times, dtype=np.float64), np.sort(np.asarray(nuclei, dtype=np.float64))
    if not len(ends) or not len(peaks) or duration <= 0:
        return None
    hit = _nearness(ends, peaks)
    offsets = np.arange(1, SHIFTS + 1) * duration / (SHIFTS + 1)
    chance = float(np.mean([_nearness(ends, np.sort((peaks + offset) % duration)) for offset in offsets]))
    return StrokeSync(score=hit - chance, hit=hit, chance=chance, count=len(ends))


def _nearness(ends: Array, peaks: Array) -> float:
    bounded = np.concatenate([[-np.inf], peaks, [np.inf]])
    after = np.searchsorted(bounded, ends)
    distance = np.minimum(np.abs(bounded[after] - ends), np.abs(ends - bounded[after - 1]))
    return float(np.exp(-(distance**2) / (2 * SYNC_SIGMA**2)).mean())


def foot_slide(positions: Array, contacts: Array) -> Array:
    """Metres (T - 1, 4) that each planted point moves over the ground from a frame to the next; 0 where it is lifted.

    ``positions`` (T, 55, 3), m; ``contacts`` (T, 4): left heel, left toe, right heel, right toe. Ankles stand for heels.
    """
    planted = (contacts[1:] > _CONTACT) & (contacts[:-1] > _CONTACT)
    step = np.diff(positions[:, _SOLES][..., [0, 2]], axis=0)
    return np.asarray(np.where(planted, np.linalg.norm(step, axis=-1), 0.0))


def pops(quaternions: Array) -> Array:
    """How far each frame's rotation (T, N, 4) lies from what the two frames on either side foretell, (T, N), rad.

    The foretold one is the cubic through them, (4 (q_-1 + q_+1) - q_-2 - q_+2) / 6. Smooth motion, however fast, gives
    little; a frame that sticks out gives its whole angle, a step that stays gives half of it.
    """
    result = np.zeros(quaternions.shape[:2])
    if len(quaternions) < 5:
        return result
    q = rotations.continuous(quaternions)
    foretold = rotations.normalised((4.0 * (q[1:-3] + q[3:-1]) - q[:-4] - q[4:]) / 6.0)
    away = rotations.multiply(rotations.conjugate(foretold), q[2:-2])
    result[2:-2] = np.linalg.norm(rotations.quaternion_to_axis_angle(away), axis=-1)
    return result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stillness:
    """How much both wrists rest at once."""

    share: float  # of the steps between frames
    longest: float  # s
    start: float  # s, of the longest


def stillness(wrist_speeds: Array, fps: float) -> Stillness:
    """``wrist_speeds`` (T - 1, 2), m/s."""
    still = (wrist_speeds < STILL_SPEED).all(axis=1)
    if not len(still):
        return Stillness(share=1.0, longest=0.0, start=0.0)
    edges = np.flatnonzero(np.diff(still.astype(np.int8), prepend=0, append=0))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return Stillness(share=0.0, longest=0.0, start=0.0)
    longest = int((ends - begins).argmax())
    return Stillness(
        share=float(still.mean()),
        longest=float(ends[longest] - begins[longest]) / fps,
        start=float(begins[longest]) / fps,
    )

"""MotionClip: the one data type for motion over time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import rotations
from .errors import ClipError
from .face import ARKIT, CHANNEL_SHAPES, MIRROR_SHAPES
from .skeleton import CHANNEL_JOINTS, JOINT_COUNT, MIRROR, Channel
from .timeline import Timeline

FORMAT_VERSION = 1
Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BodyRef:
    """The body that a clip was made for; without it ``trans``, ``betas`` and ``expressions`` mean nothing."""

    id: str
    sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class GeneratorRef:
    """One generator's part in a clip."""

    id: str
    version: str
    channels: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a clip comes from: enough to make it again."""

    generators: tuple[GeneratorRef, ...] = ()
    declaim_version: str = ""
    seed: int = 0
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    audio_sha256: str = ""
    licence: str = ""
    warnings: tuple[str, ...] = ()


def _empty(*shape: int) -> Array:
    return np.zeros(shape, dtype=np.float32)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class MotionClip:
    """Motion at a fixed frame rate. Frame ``i`` is the pose at ``i / fps`` seconds of the voice."""

    fps: float
    body: BodyRef
    poses: Array  # (T, 55, 3) float32, axis-angle, rad, SMPL-X order, each relative to its parent
    trans: Array  # (T, 3) float32, m
    blendshapes: Array  # (T, 52) float32, ARKit weights in 0..1, core.face.ARKIT order
    expressions: Array = dataclasses.field(default_factory=lambda: _empty(0, 0))  # (T, E) float32, the body's basis
    betas: Array = dataclasses.field(default_factory=lambda: _empty(10))  # (B,) float32, the body's shape basis
    contacts: Array = dataclasses.field(
        default_factory=lambda: _empty(0, 4)
    )  # (T, 4) left heel, left toe, right heel, right toe; 0..1
    timeline: Timeline = dataclasses.field(default_factory=Timeline)
    provenance: Provenance = Provenance()
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        frames = len(np.asarray(self.poses))
        for name in ("poses", "trans", "blendshapes", "expressions", "betas", "contacts"):
            given = np.asarray(getattr(self, name))
            array = np.ascontiguousarray(given, dtype=np.float32)
            if array.flags.writeable and np.may_share_memory(array, given):
                array = array.copy()  # the maker may go on writing to its own
            if frames and name in ("expressions", "contacts") and not len(array):
                array = _empty(frames, array.shape[1] if array.ndim == 2 else 0)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        problem = self.problems()
        if problem:
            raise ClipError(problem[0], hint="The generator or the file that made this clip is at fault.")

    @classmethod
    def still(
        cls, *, frames: int, fps: float, body: BodyRef, expressions: int = 0, betas: ArrayLike | None = None
    ) -> MotionClip:
        """``frames`` frames of the rest pose."""
        return cls(
            fps=fps,
            body=body,
            poses=_empty(frames, JOINT_COUNT, 3),
            trans=_empty(frames, 3),
            blendshapes=_empty(frames, len(ARKIT)),
            expressions=_empty(frames, expressions),
            betas=_empty(10) if betas is None else np.asarray(betas, dtype=np.float32),
            contacts=np.ones((frames, 4), dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    def replace(self, **changes: Any) -> MotionClip:
        return dataclasses.replace(self, **changes)

    def problems(self) -> list[str]:
        """Each breach of the format in one sentence; empty when the clip is sound."""
        found = []
        frames = len(self.poses)
        shapes = {
            "poses": (frames, JOINT_COUNT, 3),
            "trans": (frames, 3),
            "blendshapes": (frames, len(ARKIT)),
            "contacts": (frames, 4),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                found.append(f"The clip's {name} have the shape {getattr(self, name).shape}, not {shape}.")
        if self.expressions.ndim != 2 or len(self.expressions) != frames:
            found.append(f"The clip's expressions have the shape {self.expressions.shape}, not ({frames}, E).")
        if self.betas.ndim != 1:
            found.append(f"The clip's betas have the shape {self.betas.shape}, not (B,).")
        if not (np.isfinite(self.fps) and self.fps > 0):
            found.append(f"The clip's frame rate is {self.fps}.")
        if not frames:
            found.append("The clip has no frames.")
        for name in ("poses", "trans", "blendshapes", "expressions", "betas", "contacts"):
            array = getattr(self, name)
            if not np.isfinite(array).all():
                frame = int(np.argwhere(~np.isfinite(array))[0][0])
                found.append(f"The clip's {name} hold a value that is not a number at frame {frame}.")
        for name in ("blendshapes", "contacts"):
            array = getattr(self, name)
            if array.size and (array.min() < -1e-4 or array.max() > 1 + 1e-4):
                found.append(f"The clip's {name} leave the range 0..1.")
        return found + self.timeline.problems()

    def quaternions(self) -> Array:
        """(T, 55, 4) w first, signs continuous over the frames."""
        return rotations.continuous(rotations.axis_angle_to_quaternion(self.poses))

    def matrices(self) -> Array:
        """(T, 55, 3, 3)."""
        return rotations.axis_angle_to_matrix(self.poses)

    def sliced(self, start: float, end: float) -> MotionClip:
        """The frames in [start, end) seconds; time 0 becomes ``start``."""
        first = max(0, round(start * self.fps))
        last = min(len(self), max(first + 1, round(end * self.fps)))
        if first >= len(self):
            raise ClipError(f"The range {start:.2f}-{end:.2f} s lies outside the clip of {self.duration:.2f} s.")
        begin = first / self.fps
        timeline = self.timeline.between(begin, last / self.fps).map_times(lambda time: time - begin)
        changes = {name: getattr(self, name)[first:last] for name in _PER_FRAME}
        return self.replace(**changes, timeline=timeline)

    def resampled(self, fps: float) -> MotionClip:
        """The same motion at another frame rate: rotations by slerp, the rest linearly.

        Apexes and lip closures are snapped to frames again: the frame nearest to one takes its exact value.
        """
        if fps == self.fps:
            return self
        if not (np.isfinite(fps) and fps > 0):
            raise ClipError(f"A frame rate of {fps} is not possible.", hint="Choose one between 1 and 240.")
        line = self.timeline
        apexes = self._moments(fps, [stroke.apex for stroke in line.strokes] + [pose.apex for pose in line.key_poses])
        # The mouth keeps its own times: to shift a whole body for each P would make a fast arm stutter.
        closures = self._moments(fps, [viseme.peak for viseme in line.visemes if viseme.name in _CLOSED])
        whole, mouth = self._sampled_at(apexes), self._sampled_at(closures)
        return whole.layered(mouth, channels=["mouth"]).replace(fps=fps)

    def _moments(self, fps: float, kept: Sequence[float]) -> Array:
        """(n,) the time, s, at which to sample each frame at ``fps``.

        For each time in ``kept``, our frame nearest to it comes out whole in the new frame nearest to it; its neighbours
        are held at it where they would otherwise run past it.
        """
        count = max(1, round(len(self) * fps / self.fps))
        moments = np.sort(np.asarray(kept, dtype=np.float64))
        exact = np.clip(np.round(moments * self.fps), 0, len(self) - 1) / self.fps
        places = np.clip(np.round(moments * fps), 0, count - 1).astype(np.int64)
        earliest, latest = np.full(count, -np.inf), np.full(count, np.inf)
        earliest[places] = latest[places] = exact
        earliest = np.maximum.accumulate(earliest)
        latest = np.minimum.accumulate(latest[::-1])[::-1]
        return np.asarray(np.clip(np.arange(count) / fps, earliest, latest))

    def _sampled_at(self, times: Array) -> MotionClip:
        position = np.clip(times * self.fps, 0, len(self) - 1)
        low = np.minimum(position.astype(np.int64), max(0, len(self) - 2))
        high = np.minimum(low + 1, len(self) - 1)
        weight = position - low
        quaternion = rotations.axis_angle_to_quaternion(self.poses.astype(np.float64))
        turned = rotations.slerp(quaternion[low], quaternion[high], np.repeat(weight[:, None], JOINT_COUNT, axis=1))
        linear = {
            name: (1 - weight)[:, None] * getattr(self, name)[low] + weight[:, None] * getattr(self, name)[high]
            for name in _PER_FRAME
            if name != "poses"
        }
        return self.replace(poses=rotations.quaternion_to_axis_angle(turned), **linear)

    def mirrored(self) -> MotionClip:
        """Left and right swapped across the plane x = 0. Expressions stay: their basis is the body's to mirror."""
        poses = self.poses[:, MIRROR] * np.array([1, -1, -1], dtype=np.float32)
        return self.replace(
            poses=poses,
            trans=self.trans * np.array([-1, 1, 1], dtype=np.float32),
            blendshapes=self.blendshapes[:, MIRROR_SHAPES],
            contacts=self.contacts[:, [2, 3, 0, 1]],
            timeline=self.timeline.mirrored(),
        )

    def joined(self, other: MotionClip) -> MotionClip:
        """This clip followed by ``other``, which must share the body, the frame rate and the betas."""
        if self.body != other.body or self.fps != other.fps or not np.array_equal(self.betas, other.betas):
            raise ClipError(
                "The clips differ in body, frame rate or shape.", hint="Resample one, or perform both on one body."
            )
        if self.expressions.shape[1] != other.expressions.shape[1]:
            raise ClipError("The clips differ in their number of expressions.", hint="Perform both on one body.")
        changes = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _PER_FRAME}
        later = other.timeline.map_times(lambda time: time + self.duration)
        return self.replace(**changes, timeline=self.timeline.joined(later))

    def layered(self, other: MotionClip, *, channels: Sequence[Channel], weight: ArrayLike = 1.0) -> MotionClip:
        """``other`` over this clip in ``channels``, with ``weight`` 0..1, one number or one a frame (T,).

        Rotations blend by slerp. Both must have the same frame rate and length. The timeline stays this clip's.
        """
        if self.fps != other.fps or len(self) != len(other):
            raise ClipError(
                "Layered clips must have the same frame rate and length.", hint="Resample or slice one of them."
            )
        weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), (len(self),))
        joints = np.array([joint for channel in channels for joint in CHANNEL_JOINTS[channel]], dtype=np.intp)
        shapes = [shape for channel in channels for shape in CHANNEL_SHAPES[channel]]
        poses, trans, blendshapes = self.poses.copy(), self.trans, self.blendshapes.copy()
        expressions, contacts = self.expressions, self.contacts
        column = weights[:, None].astype(np.float32)
        if len(joints):
            whole, partly = weights == 1, (weights > 0) & (weights < 1)
            poses[np.ix_(whole, joints)] = other.poses[np.ix_(whole, joints)]
            ours, theirs = (
                rotations.axis_angle_to_quaternion(c.poses[np.ix_(partly, joints)].astype(np.float64))
                for c in (self, other)
            )
            mixed = rotations.slerp(ours, theirs, np.repeat(weights[partly, None], len(joints), axis=1))
            poses[np.ix_(partly, joints)] = rotations.quaternion_to_axis_angle(mixed)
        if shapes:
            blendshapes[:, shapes] = _mixed(blendshapes[:, shapes], other.blendshapes[:, shapes], column)
        if "body" in channels:
            trans = _mixed(trans, other.trans, column)
            contacts = _mixed(contacts, other.contacts, column)
        if "mouth" in channels:
            width = max(expressions.shape[1], other.expressions.shape[1])
            expressions = _mixed(_widened(expressions, width), _widened(other.expressions, width), column)
        return self.replace(poses=poses, trans=trans, blendshapes=blendshapes, expressions=expressions, contacts=contacts)


_PER_FRAME = ("poses", "trans", "blendshapes", "expressions", "contacts")
_CLOSED = ("PP", "FF")  # visemes whose peak is a closure


def _widened(values: Array, width: int) -> Array:
    """(T, n) with columns of zeros added up to ``width``."""
    return np.pad(values, ((0, 0), (0, width - values.shape[1])))


def _mixed(ours: Array, theirs: Array, weights: Array) -> Array:
    """``theirs`` over ``ours``; exactly the one or the other at weights of one and zero."""
    return np.asarray((1 - weights) * ours + weights * theirs)

"""From one face encoding to the other: ARKit weights to SMPL-X expressions with jaw and eyes, and back.

The bridge is the 51 face landmarks. Where the built-in body's blend shapes move its landmarks is known; the expressions
and the jaw of the body at hand move its own. Both are linear (the jaw to first order), so the one is solved from the other
by least squares, in units of each body's distance between the eyes.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body import Body, builtin_body
from .face import ARKIT, ARKIT_INDEX, CHANNEL_SHAPES
from .rotations import axis_angle_to_matrix, matrix_to_axis_angle
from .skeleton import JOINT

Array = NDArray[Any]
_JAW, _EYES = JOINT["jaw"], (JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"])
_JAW_STEP = 0.25  # rad: the jaw is linearised over the range that speech uses
_MOST_JAW = 0.6  # rad
_RIDGE = 1e-3  # of the mean square of a column: keeps directions that landmarks hardly see from running away
_STEPS = 400  # of projected gradient descent; 1e-4 of a weight at the end
# Speech is judged by the lips, and by whether they meet: the outer lip counts twice, the inner one four times.
_EMPHASIS = np.repeat(np.concatenate([np.ones(31), np.full(12, 2.0), np.full(8, 4.0)]), 3)  # (153,) of the 51 landmarks
_SOLVED = tuple(i for channel in ("upper_face", "mouth") for i in CHANNEL_SHAPES[channel])  # type: ignore[index]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Basis:
    """How a body's face moves its landmarks, in distances between the eyes times emphasis; columns are directions."""

    expressions: Array  # (153, E)
    jaw: Array  # (153,) a radian about x, at _JAW_STEP


def blendshapes_to_expressions(body: Body, blendshapes: Array) -> tuple[Array, Array, Array]:
    """Expressions (T, E), jaw (T, 3) and eyes (T, 2, 3) of ``body``, axis-angle in rad, for ARKit weights (T, 52).

    Ridge least squares on the landmarks. The jaw only opens: where it would close beyond rest it stays, and the expressions
    are solved for the rest.
    """
    target = np.asarray(blendshapes, dtype=np.float64)[:, _SOLVED] @ _shape_columns()[:, _SOLVED].T  # (T, 153)
    basis = _basis(body)
    both = np.column_stack([basis.expressions, basis.jaw])
    jaw = np.clip((target @ _solver(both).T)[:, -1], 0.0, _MOST_JAW)
    expressions = (target - jaw[:, None] * basis.jaw) @ _solver(basis.expressions).T
    rotations = np.zeros((len(target), 3))
    rotations[:, 0] = jaw
    return expressions.astype(np.float32), rotations.astype(np.float32), _eyes(blendshapes).astype(np.float32)


def blendshapes_to_bones(blendshapes: Array) -> tuple[Array, Array]:
    """Jaw (T, 3) and eyes (T, 2, 3), axis-angle in rad, that come nearest to ARKit weights (T, 52) with no shapes to help.

    For rigs whose face has bones alone. The jaw is the least-squares fit of the built-in body's to the landmarks: it stays
    shut where the lips close over an open jaw.
    """
    basis = _basis(builtin_body()).jaw
    target = np.asarray(blendshapes, dtype=np.float64)[:, _SOLVED] @ _shape_columns()[:, _SOLVED].T
    jaw = np.zeros((len(target), 3))
    jaw[:, 0] = np.clip(target @ basis / (basis @ basis), 0.0, _MOST_JAW)
    return jaw.astype(np.float32), _eyes(blendshapes).astype(np.float32)


def expressions_to_blendshapes(body: Body, expressions: Array, jaw: Array, eyes: Array) -> Array:
    """ARKit weights (T, 52) in 0..1 for expressions (T, E), jaw (T, 3) and eyes (T, 2, 3) of ``body``.

    Least squares on the landmarks within the bounds 0..1, by accelerated projected gradient descent (Nesterov 1983).
    """
    basis = _basis(body)
    directions = basis.expressions[:, : expressions.shape[1]]
    target = np.asarray(expressions, dtype=np.float64) @ directions.T + np.asarray(jaw)[:, :1] * basis.jaw
    columns = _shape_columns()[:, _SOLVED]
    gram = columns.T @ columns
    gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    pull = target @ columns
    step = 1.0 / np.linalg.eigvalsh(gram)[-1]
    weights = np.zeros_like(pull)
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        moved = np.clip(ahead - step * (ahead @ gram - pull), 0.0, 1.0)
        further = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / further * (moved - weights)
        weights, momentum = moved, further
    result = np.zeros((len(target), len(ARKIT)), dtype=np.float32)
    result[:, _SOLVED] = weights
    _look(result, np.asarray(eyes))
    return result


def _solver(columns: Array) -> Array:
    """(n, 153) such that ``solver @ target`` is the ridge solution of ``columns @ x = target``."""
    gram = columns.T @ columns
    gram += _RIDGE * np.trace(gram) / max(1, len(gram)) * np.eye(len(gram))
    return np.asarray(np.linalg.solve(gram, columns.T))


@functools.cache
def _shape_columns() -> Array:
    """(153, 52) where each blend shape of the built-in body moves its landmarks."""
    body = builtin_body()
    return np.column_stack([_moved(body, _dense(body, name)) for name in ARKIT])


@functools.lru_cache(maxsize=4)
def _basis(body: Body) -> _Basis:
    expressions = [_moved(body, body.expression_dirs[..., i]) for i in range(body.expression_dirs.shape[-1])]
    hinge = body.rest_joints()[_JAW]
    turned = (body.template - hinge) @ axis_angle_to_matrix([_JAW_STEP, 0.0, 0.0]).T + hinge
    swing = body.weights[:, _JAW, None] * (turned - body.template) / _JAW_STEP
    columns = np.column_stack(expressions) if expressions else np.zeros((153, 0))
    return _Basis(expressions=columns, jaw=_moved(body, swing))


def _moved(body: Body, deltas: Array) -> Array:
    """(153,) where the landmarks go when the vertices move by ``deltas`` (V, 3), times their emphasis."""
    joints = body.rest_joints()
    between = np.linalg.norm(joints[_EYES[0]] - joints[_EYES[1]])
    return np.asarray(_EMPHASIS * body.landmarks(deltas[None])[0].reshape(-1) / between, dtype=np.float64)


def _dense(body: Body, name: str) -> Array:
    shape = body.blendshapes[ARKIT_INDEX[name]]
    deltas = np.zeros_like(body.template)
    deltas[shape.indices] = shape.deltas
    return deltas


@functools.cache
def look_angles() -> dict[str, float]:
    """How far the eyeball turns at weight one of each ``eyeLook`` shape, rad: measured on the built-in body."""
    body = builtin_body()
    joints = body.rest_joints()
    angles = {}
    for side, eye in (("Left", _EYES[0]), ("Right", _EYES[1])):
        ball = body.weights[:, eye] > 0.9
        before = (body.template - joints[eye])[ball]
        for way in ("Up", "Down", "In", "Out"):
            name = f"eyeLook{way}{side}"
            after = before + _dense(body, name)[ball]
            u, _, vt = np.linalg.svd(before.T @ after)  # the rotation that fits best (Kabsch 1976)
            flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))])
            angles[name] = float(np.linalg.norm(matrix_to_axis_angle(vt.T @ flip @ u.T)))
    return angles


def _eyes(blendshapes: Array) -> Array:
    """(T, 2, 3) eye joints, left then right, for the ``eyeLook`` weights. Down and the character's left are positive."""
    angles = look_angles()

    def turn(name: str) -> Array:
        return np.asarray(blendshapes[:, ARKIT_INDEX[name]] * angles[name])

    eyes = np.zeros((len(blendshapes), 2, 3))
    for row, (side, leftward, rightward) in enumerate((("Left", "Out", "In"), ("Right", "In", "Out"))):
        eyes[:, row, 0] = turn(f"eyeLookDown{side}") - turn(f"eyeLookUp{side}")
        eyes[:, row, 1] = turn(f"eyeLook{leftward}{side}") - turn(f"eyeLook{rightward}{side}")
    return eyes


def _look(weights: Array, eyes: Array) -> None:
    """The inverse of ``_eyes``, written into ``weights`` (T, 52)."""
    angles = look_angles()
    for row, (side, leftward, rightward) in enumerate((("Left", "Out", "In"), ("Right", "In", "Out"))):
        for axis, positive, negative in ((0, "Down", "Up"), (1, leftward, rightward)):
            for way, turn in ((positive, eyes[:, row, axis]), (negative, -eyes[:, row, axis])):
                name = f"eyeLook{way}{side}"
                weights[:, ARKIT_INDEX[name]] = np.clip(turn / angles[name], 0.0, 1.0)

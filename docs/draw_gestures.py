"""Draws docs/images/gestures/*.jpg, every unit of the lexicon on the built-in body, and writes the table of docs/gestures.md.

    python docs/draw_gestures.py [UNIT ...]

A picture shows a gesture's apex and the way of the hands to it and on. Blender takes the pictures.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip, Provenance
from declaim.core.kinematics import forward
from declaim.core.lexicon import Lexicon, Unit, read_lexicon
from declaim.core.report import SilentReport
from declaim.core.rotations import axis_angle_to_matrix
from declaim.core.skeleton import JOINT
from declaim.exporters.blender_job import Task, save_tasks
from declaim.exporters.blender_process import find_blender, run_job
from declaim.exporters.character import Character, Performance
from declaim.exporters.character_file import save
from declaim.exporters.framing import Framing
from declaim.exporters.pictures import ACCENT, composed
from declaim.plugins.gesture import paths
from declaim.plugins.gesture.curves import Move, Track
from declaim.plugins.gesture.limbs import Limbs
from declaim.plugins.gesture.planning import Side
from declaim.plugins.gesture.steadying import chest_course

Array = NDArray[Any]
HERE = Path(__file__).resolve().parent
PICTURES, PAGE = HERE / "images" / "gestures", HERE / "gestures.md"
BEGIN, END = "<!-- written by draw_gestures.py -->", "<!-- end -->"
SIDES: tuple[Side, Side] = ("left", "right")
FPS = 60.0
LEAD, STROKE, TURN, AFTER = 0.5, 0.45, 0.3, 0.6  # s: still at first, the stroke, each turning point, still at last
CELL = (400, 420)  # pixels, as the contact sheet's
WINDOWS = ((64, 18, 328, 282), (44, 12, 352, 320))  # of a cell: near, and for what goes farther
TURNED = 0.30  # rad that the figure turns away from the camera, which is to the left of it
SIZE = 240  # pixels
HAND = 15  # pixels of a cell, from the middle of a hand to where it ends
_HEAD = {"nod": (0.10, 0.0, 0.0), "tilt": (0.02, 0.05, 0.13), "shake": (0.02, 0.22, 0.0), "none": (0.0, 0.0, 0.0)}
_GAZE = {"listener": (0.0, 0.0), "hands": (0.22, -0.08), "aside": (0.02, -0.30), "up": (-0.20, 0.12)}  # rad: down, left


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A unit as it is performed by itself."""

    unit: Unit
    poses: Array  # (T, 55, 3) axis-angle, rad
    start: int  # frames: the stroke begins
    apex: int
    last: int  # the last turning point

    @property
    def sides(self) -> tuple[Side, ...]:
        return ("left",) if self.unit.hands == "left" else SIDES if self.unit.hands == "two" else ("right",)


def show(unit: Unit, lexicon: Lexicon, body: Body) -> Shown:
    """The unit performed, from its ``before`` to its end."""
    apex = LEAD + STROKE
    last = apex + TURN * len(unit.then)
    frames = round((last + AFTER) * FPS)
    times = np.arange(frames) / FPS
    poses = np.zeros((frames, 55, 3))
    risen = np.clip((times - LEAD) / STROKE, 0, 1)
    risen = (risen * risen * (3 - 2 * risen))[:, None]
    tilt, gaze = np.array(_HEAD[unit.head]), _GAZE[unit.gaze]
    poses[:, JOINT["spine2"]] = poses[:, JOINT["spine3"]] = risen * np.array([0.03, 0.03, 0.0])
    poses[:, JOINT["neck"]] = poses[:, JOINT["head"]] = risen * (0.5 * tilt + 0.3 * np.array([*gaze, 0.0]))
    for eye in ("left_eye_smplhf", "right_eye_smplhf"):
        poses[:, JOINT[eye]] = risen * 0.5 * np.array([*gaze, 0.0])
    rest = np.asarray(body.rest_joints(None), dtype=np.float64)
    limbs = Limbs(body, np.zeros(10), rest, (), lexicon, seed=3, seated=False)
    shown = Shown(unit=unit, poses=poses, start=round(LEAD * FPS), apex=round(apex * FPS), last=round(last * FPS))
    for side in shown.sides:
        points = unit.points(second=unit.hands == "two" and side == "left")
        before, *rest_of = (paths.coordinates_of(posture) for posture in points)
        via, after, then = rest_of[: len(unit.via)], rest_of[len(unit.via)], rest_of[len(unit.via) + 1 :]
        moves = [Move(start=LEAD, end=apex, target=after, via=tuple(via), crisp=True)]
        moves += [Move(start=apex + TURN * n, end=apex + TURN * (n + 1), target=turn) for n, turn in enumerate(then)]
        limbs.tracks[side] = Track(before, moves)
    raised = np.concatenate([0.34 * unit.shoulders * risen, np.zeros((frames, 1))], axis=1)
    course = chest_course(poses, np.zeros((frames, 3)), rest, FPS)
    still = np.zeros(frames)
    moved, _ = limbs.poses(times, poses, course=course, frames=np.arange(frames), shoulders=raised, tension=still)
    for joint, values in moved.items():
        poses[:, joint] = values
    return shown


def photograph(
    shown: Sequence[Shown], frames: Sequence[int], body: Body, wanted: Sequence[int]
) -> tuple[dict[int, Any], Framing]:
    """The gestures with the numbers ``wanted``, each at its frame of ``frames``: pictures of CELL by number.

    With them, how they were framed: for all of ``shown`` alike, number n as frame n.
    """
    poses = np.stack([item.poses[frame] for item, frame in zip(shown, frames)]).astype(np.float32)
    # The camera follows where the figure faces on the whole; as many moments turned the other way keep it where it is.
    poses = np.concatenate([poses, poses])
    poses[:, 0, 1] = np.repeat([-TURNED, TURNED], len(frames))
    face = np.zeros((len(poses), 52))
    clip = MotionClip(
        fps=30.0,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=poses,
        trans=np.zeros((len(poses), 3)),
        blendshapes=face,
        betas=np.zeros(10),
        contacts=np.ones((len(poses), 4)),
        provenance=Provenance(),
    )
    character, performance = Character.of(body, clip), Performance.of(clip, body, "gestures")
    pictures: dict[int, Any] = {}
    with tempfile.TemporaryDirectory(prefix="declaim-") as name:
        folder = Path(name)
        save(character, performance, folder / "take.npz")
        task = Task(format="png", place=folder / "0", title="the gestures", frames=tuple(wanted))
        save_tasks([task], folder)

        def hear(message: dict[str, Any]) -> None:
            path = Path(message["pictures"][0])
            pictures[message["frame"]] = composed(path, *CELL).convert("RGB")
            path.unlink()

        run_job(find_blender(), folder, SilentReport(), hear)
    return pictures, Framing(character, performance)


def hand_paths(item: Shown, body: Body) -> dict[Side, Array]:
    """(T, 3) m, the middle of each hand that moves, from the stroke's beginning to its last point."""
    rest = np.asarray(body.rest_joints(None), dtype=np.float32)
    poses = item.poses[item.start : item.last + 1].astype(np.float32)
    poses[:, 0, 1] = -TURNED
    _, places = forward(rest, axis_angle_to_matrix(poses), np.zeros((len(poses), 3), np.float32))
    return {side: places[:, JOINT[f"{side}_middle1"]] for side in item.sides}


def draw_way(picture: Any, points: Array, apex: int) -> Any:
    """The picture with the way (T, 2) pixels of a hand: growing up to the apex, thin after it, and clear of the hand there."""
    from PIL import Image, ImageDraw

    scale = 3
    layer = Image.new("RGBA", (picture.width * scale, picture.height * scale))
    pen = ImageDraw.Draw(layer)
    far = np.linalg.norm(points - points[apex], axis=1)
    arrived = next((n for n in range(apex, -1, -1) if far[n] > HAND), 0)
    for number in range(len(points) - 1):
        before = number < arrived
        if before or (number >= apex and far[number] > HAND):
            grown = number / max(arrived, 1) if before else 0.0
            ink = (*ACCENT, round(50 + 180 * grown) if before else 150)
            pen.line([tuple(p * scale) for p in points[number : number + 2]], ink, round(scale * (1.2 + 2.2 * grown)))
    back = next((n for n in range(arrived, -1, -1) if np.linalg.norm(points[arrived] - points[n]) > 5), None)
    if back is not None:
        along = points[arrived] - points[back]
        along /= np.linalg.norm(along)
        aside, tip = np.array([-along[1], along[0]]), points[arrived] + 7 * along
        corners = [tip, tip - 10 * along + 5 * aside, tip - 10 * along - 5 * aside]
        pen.polygon([tuple(corner * scale) for corner in corners], (*ACCENT, 235))
    layer = layer.resize(picture.size, Image.Resampling.LANCZOS)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def draw(lexicon: Lexicon, names: Sequence[str]) -> None:
    """The pictures of the units ``names``."""
    from PIL import Image

    body = builtin_body()
    shown = [show(unit, lexicon, body) for unit in lexicon.units.values()]
    wanted = [number for number, item in enumerate(shown) if item.unit.id in names]
    pictures, framing = photograph(shown, [item.apex for item in shown], body, wanted)
    view = framing.upper_body(CELL)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.jpg"):
        if old.stem not in lexicon.units:
            old.unlink()
    for number in wanted:
        item, picture = shown[number], pictures[number]
        ways = [view.project(way, number) for way in hand_paths(item, body).values()]
        for way in ways:
            picture = draw_way(picture, way, item.apex - item.start)
        low, high = np.min([way.min(axis=0) for way in ways], axis=0), np.max([way.max(axis=0) for way in ways], axis=0)
        near = all(low - 2 * HAND >= WINDOWS[0][:2]) and all(high + 2 * HAND <= WINDOWS[0][2:])
        small = picture.crop(WINDOWS[0 if near else 1]).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        small.save(PICTURES / f"{item.unit.id}.jpg", quality=86, optimize=True)


def write_table(lexicon: Lexicon) -> None:
    """The table of docs/gestures.md, between its marks."""
    rows = ["| | gesture | words | also as | hands |", "| --- | --- | --- | --- | --- |"]
    for unit in lexicon.units.values():
        roles = [role for role in unit.roles if role != "beat"] + (["rhythm"] if unit.beat else [])
        hands = {"two": "both", "any": "one or both"}.get(unit.hands, unit.hands)
        picture = f'<img src="images/gestures/{unit.id}.jpg" width="160" alt="{unit.title}">'
        rows.append(
            f"| {picture} | **{unit.title}**<br>`{unit.id}` | {', '.join(unit.words)} | {', '.join(roles)} | {hands} |"
        )
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + "\n".join([BEGIN, "", *rows, "", END]) + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    shipped = read_lexicon()
    draw(shipped, sys.argv[1:] or list(shipped.units))
    write_table(shipped)

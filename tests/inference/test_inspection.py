"""``inspect_clip``: what it finds, where it sends the eye, and what programs read."""

from __future__ import annotations

import io
import json

import numpy as np

from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.face import ARKIT_INDEX
from declaim.core.skeleton import JOINT
from declaim.core.speech import Speech
from declaim.core.timeline import Timeline, Viseme, Word
from declaim.inference.findings import Finding
from declaim.inference.inspection import Inspection, inspect_clip


def clip_of(frames: int = 90, fps: float = 30.0) -> MotionClip:
    body = builtin_body()
    return MotionClip.still(frames=frames, fps=fps, body=BodyRef(id=body.id, sha256=body.sha256))


def finding(inspection: Inspection, key: str) -> Finding:
    return next(found for found in inspection.findings if found.key == key)


def text_of(inspection: Inspection) -> str:
    from rich.console import Console

    console = Console(width=160, file=io.StringIO())
    with console.capture() as captured:
        console.print(inspection.table())
    return captured.get()


def test_a_calm_clip_has_nothing_to_look_at() -> None:
    inspection = inspect_clip(clip_of(), builtin_body())
    assert inspection.attention == ()
    assert inspection.frames == 90 and inspection.duration == 3.0
    assert json.loads(json.dumps(inspection.to_dict(), allow_nan=False))["attention"] == []


def test_one_frame_is_a_clip_too() -> None:
    assert inspect_clip(clip_of(1), builtin_body()).attention == ()


def test_another_programs_clip_is_measured_without_its_shape() -> None:
    clip = clip_of(30).replace(body=BodyRef(id="unknown", sha256=""), betas=np.ones(300), contacts=np.zeros((30, 4)))
    inspection = inspect_clip(clip.replace(expressions=np.ones((30, 100))), builtin_body())
    assert inspection.attention == () and inspection.generators == ()
    assert "another program" in text_of(inspection)


def test_faults_are_found_at_their_frames() -> None:
    clip = clip_of()
    poses, trans, shapes = clip.poses.copy(), clip.trans.copy(), clip.blendshapes.copy()
    poses[40, JOINT["spine2"], 2] = 0.5  # a pop of one frame
    poses[60:, JOINT["left_elbow"], 1] = np.linspace(0.0, 0.8, 30)  # an elbow that bends backwards
    trans[70:, 0] += 0.01  # planted feet that jump
    shapes[20, ARKIT_INDEX["jawOpen"]] = 0.9  # a jaw that snaps
    shapes[50:53, ARKIT_INDEX["jawOpen"]] = 0.2  # and lips open on an M
    timeline = Timeline(
        words=(Word(text="hm", start=0.0, end=3.0),),
        visemes=(Viseme(name="PP", start=51 / 30, peak=51 / 30, end=52 / 30),),
    )
    clip = clip.replace(poses=poses, trans=trans, blendshapes=shapes, timeline=timeline)
    inspection = inspect_clip(clip, builtin_body())
    places = {found.key: found.frame for found in inspection.attention}
    assert places["pop"] == 40 and places["joint_limits"] == 89
    assert places["foot_slide"] == 69 and places["jaw_speed"] in (19, 20) and places["lip_closure"] in (50, 51, 52)
    assert "left elbow" in finding(inspection, "joint_limits").text
    shown = text_of(inspection)
    assert "frame 69" in shown and "things to look at" in shown and "Lips on P, B and M" in shown


def test_with_a_voice_strokes_are_held_against_its_syllables() -> None:
    clip = clip_of(300)
    poses = clip.poses.copy()
    times = np.arange(300) / 30
    ends = np.arange(1.0, 9.0, 1.0) + 0.13 * np.sin(np.arange(8) * 5)
    for number, end in enumerate(ends):
        x = np.clip((times - (end - 0.3)) / 0.3, 0, 1)
        step = 10 * x**3 - 15 * x**4 + 6 * x**5
        poses[:, JOINT["left_shoulder"], 1] += (0.5 if number % 2 else -0.5) * step
    clip = clip.replace(poses=poses)
    hops = np.arange(1000) * 0.01
    energy = (-60 + 40 * np.exp(-((hops[:, None] - ends) ** 2).min(axis=1) / (2 * 0.04**2))).astype(np.float32)
    voice = Speech(audio_sha256="", duration=10.0, energy=energy)
    sync = finding(inspect_clip(clip, builtin_body(), voice), "stroke_sync")
    assert sync.verdict == "ok" and sync.value > 0.25
    assert all(found.key != "stroke_sync" for found in inspect_clip(clip, builtin_body()).findings)

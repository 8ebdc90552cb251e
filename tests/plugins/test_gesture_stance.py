"""The body below the arms: feet that step and stand, weight, spine, and the seat."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_speech import babble

from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.lexicon import read_lexicon
from declaim.core.skeleton import JOINT
from declaim.core.speech import Pause, Speech
from declaim.inference.joint_limits import joint_angles
from declaim.plugins.contracts import Direction
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.footwork import Footwork, plan_footwork
from declaim.plugins.gesture.phrases import Phrase, find_phrases
from declaim.plugins.gesture.planning import PlannedStroke, sketch_strokes
from declaim.plugins.gesture.stance import Stance, stand
from declaim.plugins.gesture.style import StyleSheet, style_sheet
from declaim.plugins.gesture.timing import timed

BODIES = {
    "mean": np.zeros(10),
    "woman": np.r_[2.5, np.zeros(9)],
    "man": np.r_[-2.0, np.zeros(9)],
    "heavy": np.r_[0, 0, 3.0, np.zeros(7)],
}
LIVELY: dict[str, Any] = {"energy": 1.0, "steps": 3.0, "rate": 45.0}
SIDES = (("left", 1.0), ("right", -1.0))
BELOW = ("pelvis", "spine1", "spine2", "spine3")


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What the trunk is told of a line."""

    speech: Speech
    phrases: list[Phrase]
    strokes: list[PlannedStroke]
    styles: StyleSheet
    seed: int


def planned(speech: Speech, seed: int = 1, **parameters: Any) -> Plan:
    phrases, styles = find_phrases(speech, find_accents(speech)), style_sheet(parameters, ())
    warnings: list[str] = []
    sketches = sketch_strokes(
        speech,
        phrases,
        lexicon=read_lexicon(),
        direction=Direction(),
        styles=styles,
        seed=seed,
        latest_apex=speech.duration - 0.2,
        warn=warnings.append,
    )
    nuclei = np.array([nucleus.time for nucleus in speech.nuclei or ()])
    strokes = timed(sketches, nuclei=nuclei, fps=30.0, frames=int(speech.duration * 30), warn=warnings.append)
    return Plan(speech=speech, phrases=phrases, strokes=strokes, styles=styles, seed=seed)


def performed(body: Body, plan: Plan, times: np.ndarray | None = None, betas: np.ndarray = BODIES["mean"]) -> Stance:
    rest, vertices = body.rest_joints(betas).astype(float), body.shaped(betas).astype(float)
    moments = np.arange(int(plan.speech.duration * 30)) / 30 if times is None else times
    return stand(rest, vertices, moments, plan.speech, plan.phrases, plan.strokes, plan.styles, plan.seed)


def clip_of(body: Body, made: Stance, betas: np.ndarray = BODIES["mean"]) -> MotionClip:
    still = MotionClip.still(
        frames=len(made.trans), fps=30.0, body=BodyRef(id=body.id, sha256=body.sha256), betas=betas.astype(np.float32)
    )
    poses = still.poses.copy()
    for name, values in made.poses.items():
        poses[:, JOINT[name]] = values
    return still.replace(poses=poses, trans=made.trans, contacts=made.contacts)


def joints_of(body: Body, made: Stance, betas: np.ndarray = BODIES["mean"]) -> np.ndarray:
    return body.pose_clip(clip_of(body, made, betas))[1].astype(float)


def swings(plan: Plan, body: Body) -> Footwork:
    scale = 1.0
    return plan_footwork(plan.speech, plan.strokes, plan.styles, plan.seed, scale=scale, hips=0.1, steps=True)


# --- feet ---


@pytest.mark.parametrize("shape", BODIES)
def test_planted_feet_are_rigid_on_the_floor_and_swinging_ones_clear_it(body: Body, shape: str) -> None:
    betas = BODIES[shape]
    made = performed(body, planned(babble(30.0), **LIVELY), betas=betas)
    clip, rest = clip_of(body, made, betas), body.shaped(betas)
    floor = rest[:, 1].min()
    assert (made.contacts < 0.5).any(), "somebody steps"
    for foot, (side, _) in enumerate(SIDES):
        ankle, toes = (body.weights[:, JOINT[f"{side}_{name}"]] for name in ("ankle", "foot"))
        sole = np.flatnonzero((ankle + toes > 0.999) & (rest[:, 1] < floor + 0.02))
        points = np.concatenate([vertices[:, sole] for _, vertices in body.clip_vertices(clip)]).astype(float)
        moved = np.linalg.norm(np.diff(points, axis=0), axis=2)
        contact = made.contacts[:, 2 * foot : 2 * foot + 2]
        flat = (contact > 0.9).all(axis=1)
        assert moved[flat[1:] & flat[:-1]].max() < 5e-4
        assert np.abs(points[flat][..., 1].min(axis=1)).max() < 1e-3
        on_toes = contact[:, 1] > 0.9
        assert moved[on_toes[1:] & on_toes[:-1]][:, toes[sole] > 0.999].max() < 5e-4
        assert points[..., 1].min() > -3e-3, "never through the floor"
        lowest = points[..., 1].min(axis=1)
        edges = np.flatnonzero(np.diff((contact < 0.1).all(axis=1).astype(int), prepend=0, append=0))
        for begin, end in zip(edges[::2], edges[1::2]):
            assert 0.012 < lowest[begin:end].max() < 0.05, "the toes clear the ground, a little"


def test_steps_are_small_come_back_and_never_cross_in_ten_minutes(body: Body) -> None:
    for seed in range(3):
        work = swings(planned(babble(600.0), seed, **LIVELY), body)
        feet = dict(work.first)
        assert all(np.diff([step.start for step in work.steps]) > 0.4), "one foot at a time"
        for step in work.steps:
            assert 0.45 <= step.length <= 0.7 and step.distance <= 0.2
            assert np.array_equal(feet[step.side], step.origin)
            feet[step.side] = step.target
            apart = feet["left"][:2] - feet["right"][:2]
            assert apart[0] > 0.14 and abs(apart[1]) < 0.16
            assert np.abs((feet["left"] + feet["right"])[:2] / 2).max() < 0.175
            assert np.degrees(np.ptp([foot[2] for foot in feet.values()])) < 45
        per_minute = np.histogram([step.start for step in work.steps], bins=10, range=(0, 600))[0]
        assert per_minute.min() >= 4 and per_minute[-2:].sum() > 0.5 * per_minute[:2].sum()


def test_a_small_step_is_lifted_little_and_a_long_one_more(body: Body) -> None:
    rest = body.shaped(BODIES["mean"])
    hips = abs(float(body.rest_joints(BODIES["mean"])[JOINT["left_hip"], 0]))
    ways, clear, bends = [], [], []
    for seed in (1, 2):
        plan = planned(babble(60.0), seed, energy=0.6, steps=2.5)
        clip = clip_of(body, performed(body, plan))
        work = plan_footwork(plan.speech, plan.strokes, plan.styles, seed, scale=1.0, hips=hips, steps=True)
        knees = {angle.name: angle.degrees for angle in joint_angles(clip, body.rest_joints())}
        for step in work.steps:
            span = slice(int(step.start * 30) + 1, int(step.end * 30))
            ankle, toes = (body.weights[:, JOINT[f"{step.side}_{name}"]] for name in ("ankle", "foot"))
            sole = np.flatnonzero((ankle + toes > 0.999) & (rest[:, 1] < rest[:, 1].min() + 0.02))
            lowest = body.vertices(poses=clip.poses[span], trans=clip.trans[span])[:, sole, 1].min(axis=1)
            ways.append(step.distance)
            clear.append(float(lowest.max()))
            bends.append(float(knees[f"{step.side} knee bend"][span].max()))
    assert len(ways) > 15 and np.ptp(ways) > 0.08
    assert min(clear) > 0.009 and max(clear) < 0.032 and np.corrcoef(ways, clear)[0, 1] > 0.8
    assert np.mean(np.array(bends)[np.array(ways) < 0.06]) < 44, "the knee stays low for a small one"


def test_slumped_people_stand_narrow_and_upright_ones_broad(body: Body) -> None:
    rows = {}
    for posture in (-1.0, -0.6, 0.0, 0.6):
        works = [swings(planned(babble(30.0), seed, posture=posture, steps=2.0), body) for seed in range(4)]
        places = [work.first for work in works] + [{s.side: s.target} for work in works for s in work.steps]
        toes = [sign * place[side][2] for place in places for side, sign in SIDES if side in place]
        apart = [float(work.first["left"][0] - work.first["right"][0]) for work in works]
        rows[posture] = float(np.mean(apart)), float(np.degrees(np.mean(toes)))
    assert 0.8 < rows[-0.6][0] / rows[0.0][0] < 0.9 and rows[0.6][0] > 1.05 * rows[0.0][0]
    assert rows[-1.0][1] < 2 < rows[-0.6][1] + 1 < rows[0.0][1] - 3 < rows[0.6][1]
    assert rows[-1.0][0] > 0.14, "the feet keep off each other"


def test_knees_are_not_locked_nor_the_hips_pushed_forward(body: Body) -> None:
    made = performed(body, planned(babble(60.0), 3, steps=0.0))
    joints = joints_of(body, made)
    knees = np.stack([a.degrees for a in joint_angles(clip_of(body, made), body.rest_joints()) if "knee bend" in a.name])
    assert 8 < np.median(knees.min(axis=0)) < 14, "the leg that bears is soft"
    hips, ankles, shoulders = (
        (joints[:, JOINT[f"left_{name}"], 2] + joints[:, JOINT[f"right_{name}"], 2]) / 2
        for name in ("hip", "ankle", "shoulder")
    )
    assert 0.0 < (hips - ankles).mean() < 0.03 < (shoulders - ankles).mean() < 0.08


def test_the_weight_is_on_the_other_foot_before_one_is_lifted(body: Body) -> None:
    plan = planned(babble(60.0), 2, **LIVELY)
    made = performed(body, plan)
    joints = joints_of(body, made)
    lifted = np.stack([(made.contacts[:, 2 * foot : 2 * foot + 2] < 0.9).any(axis=1) for foot in (0, 1)], axis=1)
    assert not lifted.all(axis=1).any()
    ankles = joints[:, [JOINT["left_ankle"], JOINT["right_ankle"]], 0]
    share = (joints[:, 0, 0] - ankles.mean(axis=1)) / (ankles[:, 0] - ankles[:, 1]) * 2  # 1 over the left foot
    for foot, sign in ((0, -1.0), (1, 1.0)):
        begins = np.flatnonzero(np.diff(lifted[:, foot].astype(int)) > 0)
        assert len(begins) and (sign * share[begins] > 0.3).all()


def test_feet_swing_and_weight_shifts_between_the_holds_of_strokes(body: Body) -> None:
    swinging, shifting = [], []
    for seed in range(6):
        plan = planned(babble(90.0), seed, energy=0.7, steps=2.0)
        holds = np.array([(stroke.apex, stroke.hold_end) for stroke in plan.strokes])

        def shared(start: float, end: float, holds: np.ndarray = holds) -> float:
            return float(np.maximum(np.minimum(holds[:, 1], end) - np.maximum(holds[:, 0], start), 0.0).sum())

        work = swings(plan, body)
        swinging += [shared(step.start, step.end) for step in work.steps]
        middles = [(m.start + 0.3, m.end - 0.3) for m in work.weight.moves if abs(m.end - m.start - 1.15) < 1e-6]
        shifting += [shared(*middle) for middle in middles]
    for over in (swinging, shifting):
        assert len(over) > 30
        assert np.mean(over) < 0.04 and np.mean(np.array(over) > 0.12) < 0.1, "where strokes leave any room, it is used"


def test_a_short_line_a_silent_one_and_no_pauses_stand_on_their_feet(body: Body) -> None:
    for duration in (0.1, 1.0, 4.0):
        for pauses in ((), (Pause(start=0.0, end=duration),)):
            speech = Speech(audio_sha256="", duration=duration, gain=0.0, nuclei=(), pauses=pauses)
            made = performed(body, Plan(speech=speech, phrases=[], strokes=[], styles=style_sheet({}, ()), seed=3))
            assert np.isfinite(made.trans).all() and (made.contacts == 1).all()


# --- weight and spine ---


def test_contrapposto_reads(body: Body) -> None:
    """The bearing hip is high and out, the shoulders slope the other way, the free knee gives."""
    made = performed(body, planned(babble(60.0), 3, steps=0.0))
    joints = joints_of(body, made)
    place = joints[:, 0, 0] - joints[:, [JOINT["left_ankle"], JOINT["right_ankle"]], 0].mean(axis=1)
    assert 0.06 < np.ptp(place) < 0.14, "three to six centimetres to either side"

    def slope(name: str) -> np.ndarray:
        return np.asarray(joints[:, JOINT[f"left_{name}"], 1] - joints[:, JOINT[f"right_{name}"], 1])

    on_left, on_right = place > 0.025, place < -0.025
    assert on_left.any() and on_right.any()
    assert slope("hip")[on_left].min() > 0.004 and slope("hip")[on_right].max() < -0.004
    assert slope("shoulder")[on_left].mean() < -0.003 and slope("shoulder")[on_right].mean() > 0.003
    knees = {a.name: a.degrees for a in joint_angles(clip_of(body, made), body.rest_joints())}
    give = knees["right knee bend"] - knees["left knee bend"]
    assert give[on_left].mean() > 5 and give[on_right].mean() < -5


def test_strokes_pull_the_trunk_pelvis_first(body: Body) -> None:
    plan = planned(babble(30.0), 2, energy=0.8)
    still = performed(body, dataclasses.replace(plan, strokes=[]))
    turns, lags = [], []
    for stroke in plan.strokes:
        made = performed(body, dataclasses.replace(plan, strokes=[stroke]))
        pulled = [made.poses[name][:, 1] - still.poses[name][:, 1] for name in BELOW]
        turns.append(float(np.abs(np.sum(pulled, axis=0)).max()))
        pelvis, chest = (int((np.abs(bend) > 0.5 * np.abs(bend).max()).argmax()) for bend in (pulled[0], pulled[3]))
        lags.append(chest - pelvis)
    assert np.degrees(np.max(turns)) > 3
    assert 0.05 < np.median(lags) / 30 < 0.2, "a tenth of a second before the chest"


def test_each_phrase_has_its_attitude_and_seeds_differ(body: Body) -> None:
    trunks = [performed(body, planned(babble(30.0), seed)).trunk for seed in (1, 2)]
    assert all(np.degrees(np.ptp(trunk, axis=0)).min() > 3 for trunk in trunks)
    assert np.degrees(np.abs(trunks[0] - trunks[1]).mean()) > 1


def test_posture_bends_the_chest_and_brings_the_shoulders_along(body: Body) -> None:
    slumped, upright = (performed(body, planned(babble(30.0), posture=p)) for p in (-1.0, 1.0))
    assert np.degrees((slumped.trunk - upright.trunk)[:, 0].mean()) > 12
    assert (slumped.shoulders - upright.shoulders)[:, 1].mean() > 0.4, "forward and in"
    heads = [joints_of(body, made)[:, JOINT["neck"], 1].mean() for made in (slumped, upright)]
    assert heads[1] - heads[0] > 0.01


@pytest.mark.parametrize("shape", BODIES)
def test_hips_knees_ankles_and_spine_keep_to_the_human_range(body: Body, shape: str) -> None:
    ours = ("knee", "hip", "ankle", "toe", "spine", "trunk", "back")
    betas, checked = BODIES[shape], set()
    for style in (LIVELY, {"posture": -1.0, "lean": 0.15}, {"seated": 1.0, "posture": -1.0, "lean": 0.2, "energy": 1.0}):
        made = performed(body, planned(babble(20.0), 2, **style), betas=betas)
        for angle in joint_angles(clip_of(body, made, betas), body.rest_joints(betas)):
            if any(word in angle.name for word in ours):
                checked.add(angle.name)
                assert angle.excess.max() == 0, (style, angle.name)
    assert len(checked) > 6


# --- the seat ---


@pytest.mark.parametrize("shape", BODIES)
def test_a_seated_body_sits(body: Body, shape: str) -> None:
    betas = BODIES[shape]
    made = performed(body, planned(babble(30.0), 4, seated=1.0, steps=3.0, energy=0.8), betas=betas)
    assert made.seated and (made.contacts == 1).all()
    joints = joints_of(body, made, betas)
    for side, _ in SIDES:
        hip, knee, ankle = (joints[:, JOINT[f"{side}_{name}"]] for name in ("hip", "knee", "ankle"))
        thigh, shin = knee - hip, ankle - knee
        assert np.degrees(np.abs(np.arctan2(thigh[:, 1], thigh[:, 2]))).max() < 10, "thighs about level"
        assert np.degrees(np.arccos(-shin[:, 1] / np.linalg.norm(shin, axis=1))).max() < 18, "shins about upright"
        assert np.ptp(ankle, axis=0).max() < 1e-4
    pelvis = joints[:, 0]
    assert 0.004 < np.ptp(pelvis[:, 0]) < 0.05 and np.ptp(pelvis[:, 1]) < 0.02, "it shifts, and stays on the seat"
    back = np.degrees(made.poses["pelvis"][:, 0])
    assert back.max() < 8 and back.mean() < -3, "the pelvis leans back"
    assert np.degrees(np.abs(made.trunk[:, 0].mean())) < 15, "the chest does not"
    assert np.degrees(np.ptp(made.trunk, axis=0)).min() > 3, "and lives"


# --- time ---


def moved(plan: Plan, phrase: Phrase, shift: float) -> Plan:
    """The plan with one phrase, and the strokes in it, later by ``shift``, s."""

    def later(stroke: PlannedStroke) -> PlannedStroke:
        releases = {
            side: dataclasses.replace(r, hold_end=r.hold_end + shift, end=r.end + shift)
            for side, r in stroke.releases.items()
        }
        times = {name: getattr(stroke, name) + shift for name in ("prepare", "ready", "start", "apex")}
        return dataclasses.replace(stroke, releases=releases, **times)

    strokes = [later(s) if phrase.start <= s.apex <= phrase.end else s for s in plan.strokes]
    shifted = dataclasses.replace(phrase, start=phrase.start + shift / 2, end=phrase.end + shift / 2)
    return dataclasses.replace(plan, strokes=strokes, phrases=[shifted if p is phrase else p for p in plan.phrases])


def everything(made: Stance) -> np.ndarray:
    return np.concatenate([made.trans, made.contacts, made.shoulders, made.breath[:, None], *made.poses.values()], axis=1)


@pytest.mark.parametrize("style", [LIVELY, {"seated": 1.0}], ids=["standing", "seated"])
def test_a_phrase_that_moves_changes_nothing_two_seconds_away(body: Body, style: dict[str, Any]) -> None:
    times = np.arange(1200) / 30
    changed = 0
    for seed in (1, 2):
        plan = planned(babble(40.0), seed, **style)
        before = everything(performed(body, plan, times))
        for phrase in plan.phrases:
            after = everything(performed(body, moved(plan, phrase, 0.12), times))
            at = times[(after != before).any(axis=1)]
            changed += len(at)
            assert not len(at) or (at.min() > phrase.start - 2 and at.max() < phrase.end + 2)
    assert changed


def test_each_moment_stands_for_itself_at_any_rate(body: Body) -> None:
    plan = planned(babble(30.0), 1, **LIVELY)
    times = np.arange(1500) / 50
    whole = everything(performed(body, plan, times))
    assert np.array_equal(whole, everything(performed(body, plan, times)))
    assert np.abs(whole[::5] - everything(performed(body, plan, times[::5]))).max() < 1e-9


def test_the_last_minute_lives_as_the_first(body: Body) -> None:
    plan = planned(babble(600.0), 1)
    times: Sequence[np.ndarray] = [np.arange(1800) / 30 + start for start in (0.0, 540.0)]
    travels = []
    for minute in times:
        made = performed(body, plan, minute)
        travels.append([np.abs(np.diff(values, axis=0)).sum() for values in (made.trans, made.trunk)])
    ratio = np.array(travels[1]) / travels[0]
    assert (ratio > 0.6).all() and (ratio < 1.7).all()

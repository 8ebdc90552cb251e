"""The default generator: a planned, rule-based performance of body, hands, head and upper face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clip import BodyRef, GeneratorRef, MotionClip, Provenance
from ...core.lexicon import Lexicon, read_lexicon, shipped_lexicon
from ...core.report import Report
from ...core.skeleton import JOINT, JOINT_COUNT
from ...core.speech import Speech
from ...core.timeline import Stroke, Timeline
from ..contracts import Brief, frame_count
from . import gaze, head, lids, stance, upper_face
from .accents import find_accents
from .echoes import Echoes
from .eyes import aim
from .limbs import Limbs
from .phrases import Phrase, find_phrases
from .planning import SIDES, PlannedStroke, sketch_strokes
from .roles import find_roles
from .steadying import ChestCourse, chest_course
from .stopping import Lateness, corrected
from .style import StyleSheet, read_styles, style_sheet
from .timing import LAST_HOLD, timed

Array = NDArray[Any]
_ID, _VERSION = "gesture", "1"
_CHANNELS = ("body", "hands", "head_gaze", "upper_face")
_CORRECTIONS = (1.0, 0.5, 0.25)  # gains at which strokes that do not stop on their frame are moved anew, again and again
_BLOCK = 4096  # frames of arm movement worked out at once: about 60 MB


class GestureGenerator:
    """Strokes on stressed syllables, planned by phrase; idle life around them. No weights, any body, any frame rate."""

    def load(self, device: str) -> None:
        """Read the lexicon. Runs on the CPU whatever ``device`` says."""
        shipped_lexicon()

    def generate(self, speech: Speech, briefs: Sequence[Brief], report: Report) -> list[MotionClip]:
        """One clip a brief. Silence makes a calm idle clip; without words the nuclei give the rhythm."""
        report.stage("Listening for phrases and accents")
        phrases = find_phrases(speech, find_accents(speech))
        clips = []
        for number, brief in enumerate(briefs):
            report.stage("Planning and performing the gestures", number / len(briefs))
            warn = report.warn if number == 0 else _unheard
            lexicon, styles = _lexicon(brief, warn), _styles(brief, warn)
            for name in sorted(set(styles.base.favours) - set(lexicon.units)):
                warn(f'The style favours "{name}", a gesture that there is not.')
            clips.append(_perform(speech, phrases, brief, lexicon, styles, report))
        return clips

    def close(self) -> None:
        return None


def _unheard(sentence: str) -> None:
    """What the first take was told, the others need not hear again."""


def _lexicon(brief: Brief, warn: Callable[[str], None]) -> Lexicon:
    own = brief.parameters.get("lexicon")
    return shipped_lexicon().under(read_lexicon(Path(own), warn=warn)) if own else shipped_lexicon()


def _styles(brief: Brief, warn: Callable[[str], None]) -> StyleSheet:
    own = brief.parameters.get("style_file")
    return style_sheet(brief.parameters, brief.direction.styles, read_styles(Path(own) if own else None, warn))


def _perform(
    speech: Speech, phrases: Sequence[Phrase], brief: Brief, lexicon: Lexicon, styles: StyleSheet, report: Report
) -> MotionClip:
    frames = frame_count(speech.duration, brief.fps)
    times = np.arange(frames) / brief.fps
    sketches = sketch_strokes(
        speech,
        phrases,
        lexicon=lexicon,
        direction=brief.direction,
        styles=styles,
        seed=brief.seed,
        latest_apex=(frames - 1) / brief.fps - LAST_HOLD,
        warn=report.warn,
    )
    nuclei = np.array([nucleus.time for nucleus in speech.nuclei or ()])
    strokes = timed(sketches, nuclei=nuclei, fps=brief.fps, frames=frames, warn=report.warn)
    rest = np.asarray(brief.body.rest_joints(brief.betas), dtype=np.float64)
    vertices = np.asarray(brief.body.shaped(brief.betas), dtype=np.float64)
    body = stance.stand(rest, vertices, times, speech, phrases, strokes, styles, brief.seed)
    named = dict(body.poses)
    parts = find_roles(speech, phrases)
    sounds = speech.sounds or ()
    looks = gaze.plan_looks(speech.duration, phrases, strokes, sounds, rest, styles, brief.seed)
    turn = head.head_turn(times, speech, phrases, strokes, parts, looks, styles, brief.seed)
    named |= head.neck_and_head(turn, body.trunk)
    track, shifts = gaze.gaze_track(times, speech.duration, looks, brief.seed)
    eyes = aim(track, named, body.trans, rest, sole=float(vertices[:, 1].min()), seated=body.seated)
    named |= eyes.poses()
    poses = np.zeros((frames, JOINT_COUNT, 3), dtype=np.float32)
    for name, values in named.items():
        poses[:, JOINT[name]] = values
    accents = [accent for phrase in phrases for accent in phrase.accents]
    echoes = {side: Echoes(accents, strokes, side, styles, brief.seed) for side in SIDES}
    limbs = Limbs(brief.body, brief.betas, rest, strokes, lexicon, seed=brief.seed, seated=body.seated, echoes=echoes)
    course = chest_course(poses, body.trans, rest, brief.fps)
    _move_arms(poses, times, limbs, course, body.shoulders, styles.curve("tension", times), report)
    blinks = lids.plan_blinks(speech.duration, phrases, shifts, sounds, styles, brief.seed)
    weights = upper_face.upper_face(
        times, brief.fps, speech, phrases, strokes, parts, blinks, eyes.down, styles, brief.seed
    )
    return MotionClip(
        fps=brief.fps,
        body=BodyRef(id=brief.body.id, sha256=brief.body.sha256),
        poses=poses,
        trans=body.trans,
        blendshapes=upper_face.shape_rows(eyes.weights() | weights, frames),
        betas=brief.betas,
        contacts=body.contacts,
        timeline=Timeline(strokes=tuple(sorted(map(_stroke, strokes), key=lambda s: s.start))),
        provenance=_provenance(speech, brief),
    )


def _move_arms(
    poses: Array, times: Array, limbs: Limbs, course: ChestCourse, shoulders: Array, tension: Array, report: Report
) -> None:
    """Fills in arms and hands; strokes that do not stop on their frame are moved anew, a little sooner or later."""
    frames = len(times)
    wrists = np.empty((frames, len(SIDES), 3))

    def move(some: Array, stage: str) -> None:
        for first in range(0, len(some), _BLOCK):
            report.stage(stage, first / len(some))
            block = some[first : first + _BLOCK]
            moved, wrists[block] = limbs.poses(
                times[block],
                poses[block],
                course=course,
                frames=block,
                shoulders=shoulders[block],
                tension=tension[block],
            )
            for joint, values in moved.items():
                poses[block, joint] = values

    move(np.arange(frames), "Moving arms and hands")
    late: Lateness | None = None
    for gain in _CORRECTIONS:
        correction = corrected(limbs.strokes, wrists, course.fps, late, gain)
        if correction is None:
            break
        late = correction.late
        limbs.put_off(late)
        move(correction.frames, "Stopping the strokes on their frames")


def _stroke(plan: PlannedStroke) -> Stroke:
    return Stroke(
        hand=plan.hand,
        start=plan.prepare,
        apex=plan.apex,
        hold_end=plan.hold_end,
        end=plan.end,
        unit=plan.unit.id,
        word=plan.accent.word,
        confidence=plan.accent.strength,
    )


def _provenance(speech: Speech, brief: Brief) -> Provenance:
    return Provenance(
        generators=(GeneratorRef(id=_ID, version=_VERSION, channels=_CHANNELS),),
        seed=brief.seed,
        parameters=dict(brief.parameters),
        audio_sha256=speech.audio_sha256,
    )

"""What is found in the hands: how they move, rest, strike on the voice, and keep clear of the body."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.speech import Speech
from . import beats, metrics
from .findings import Finding, judged, place, told, where
from .penetration import Penetration
from .stroke_targets import StrokeTarget

Array = NDArray[Any]

# What published and captured performances show, and what an animator would want to look at.
SHAKE = 0.01  # share of power
HOLD = 3.0  # s
PER_MINUTE = (10.0, 90.0)  # strokes, both hands
ON_TARGET = 1.0  # frames
DEEPEST = 0.005  # m
_MEAN_SPEED, _FAST = (0.10, 0.40), (0.4, 1.6)  # m/s, neutral style
_RESTING = (0.05, 0.35)  # of the frames


def motion(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
    """Speed, shake, jerk and rest of the wrists."""
    fps = clip.fps
    speed = metrics.speeds(traced.wrists, fps)
    shake = metrics.shake(traced.wrists, fps)
    jerk = metrics.jerk(traced.wrists, fps)
    still = metrics.stillness(speed, fps)
    some = bool(len(speed))
    return [
        told(
            "wrist_speed_mean",
            "Hands, mean speed",
            float(speed.mean()) if some else 0.0,
            "m/s",
            text="A neutral speaker's.",
            limit=f"{_MEAN_SPEED[0]:g} to {_MEAN_SPEED[1]:g}",
        ),
        told(
            "wrist_speed_p95",
            "Hands, fast moments",
            float(np.percentile(speed, 95)) if some else 0.0,
            "m/s",
            text="19 of 20 frames are slower.",
            limit=f"{_FAST[0]:g} to {_FAST[1]:g}",
            at=where(speed.max(axis=1), fps) if some else None,
        ),
        judged(
            "wrist_shake",
            "Hands, shaking",
            100 * shake,
            "%",
            shake <= SHAKE,
            "Of the wrists' motion, over 6 times a second.",
            limit=f"at most {100 * SHAKE:g}",
            at=where(jerk.max(axis=1), fps, offset=1) if len(jerk) and shake > SHAKE else None,
        ),
        told(
            "wrist_jerk_p95",
            "Hands, jerk",
            float(np.percentile(jerk, 95)) if len(jerk) else 0.0,
            "m/s³",
            text="The frame is the most abrupt.",
            at=where(jerk.max(axis=1), fps, offset=1) if len(jerk) else None,
        ),
        judged(
            "still_longest",
            "Hands, longest hold",
            still.longest,
            "s",
            still.longest <= HOLD or not clip.timeline.words,
            "While speaking, hands should not freeze.",
            limit=f"at most {HOLD:g}",
            at=place(round(still.start * fps), fps) if still.longest else None,
        ),
        told(
            "still_share",
            "Hands at rest",
            100 * still.share,
            "% of frames",
            text="Both wrists under 0.05 m/s.",
            limit=f"{100 * _RESTING[0]:g} to {100 * _RESTING[1]:g}",
        ),
    ]


def on_the_voice(
    clip: MotionClip, traced: metrics.Trace, targets: tuple[StrokeTarget, ...], speech: Speech | None
) -> list[Finding]:
    """How often the hands strike, and whether on the voice."""
    fps = clip.fps
    ends = [metrics.apexes(traced.wrists[:, hand], fps) for hand in (0, 1)]
    rate = 60 * sum(map(len, ends)) / clip.duration
    found = [
        told(
            "strokes_per_minute",
            "Strokes, both hands",
            rate,
            "a minute",
            text="Those of 8 cm or more.",
            limit=f"{PER_MINUTE[0]:g} to {PER_MINUTE[1]:g}",
        )
    ]
    if targets:
        found.append(_targets(targets, fps))
    if speech is None:
        return found
    sync = _sync(np.concatenate(ends) / fps, speech)
    if sync is not None:
        found.append(
            judged(
                "stroke_sync",
                "Strokes on syllables",
                sync.score,
                "over chance",
                sync.score > 0,
                f"{sync.count} strokes: {sync.hit:.2f} on syllable peaks, {sync.chance:.2f} with the voice shifted: chance.",
                limit="over 0",
                chance=sync.chance,
            )
        )
    if speech.samples is not None:
        consistent = beats.beat_consistency(beats.motion_beats(traced), beats.onsets(speech.samples), speech.duration)
        if consistent is not None:
            found.append(
                told(
                    "beat_consistency",
                    "Motion beats on onsets",
                    consistent.score,
                    "",
                    text=f"{consistent.chance:.2f} with the voice shifted: chance. Dense onsets leave little between the two.",
                    chance=consistent.chance,
                )
            )
    return found


def _targets(targets: tuple[StrokeTarget, ...], fps: float) -> Finding:
    moved = [target for target in targets if target.moves]
    late = [abs(target.off) * fps if target.off is not None else np.inf for target in moved]
    hit = sum(off <= ON_TARGET + 1e-6 for off in late)
    worst = moved[int(np.argmax(late))] if moved else None
    aimed = any(target.target is not None for target in moved)
    text = f"{hit} of {len(moved)} stop within a frame of " + ("their word's loudest moment" if aimed else "their apex")
    if worst is not None and hit < len(moved):
        text += f'; farthest off is "{worst.word}" ({worst.unit})'
    return judged(
        "stroke_targets",
        "Strokes on their words",
        100 * hit / len(moved) if moved else 100.0,
        "%",
        hit == len(moved),
        text + ".",
        limit="100",
        at=place(round(worst.planned * fps), fps) if worst is not None and hit < len(moved) else None,
    )


def _sync(ends: Array, speech: Speech) -> metrics.StrokeSync | None:
    nuclei = speech.nuclei
    if nuclei is None:
        if speech.energy is None:
            return None
        from .prosody import nuclei as find_nuclei

        nuclei = find_nuclei(speech.energy)
    return metrics.stroke_sync(ends, [nucleus.time for nucleus in nuclei], speech.duration)


def clearance(clip: MotionClip, body: Body, found: Penetration) -> Finding:
    """Whether hands and arms pass through the body."""
    depth = float(found.depth.max()) if len(found.depth) else 0.0
    row = int(found.depth.argmax()) if len(found.depth) else 0
    share = 100 * float((found.depth > DEEPEST).mean()) if len(found.depth) else 0.0
    return judged(
        "penetration",
        "Hands and arms through the body",
        1000 * depth,
        "mm deep",
        depth <= DEEPEST,
        f"The {found.pairs[row]}; too deep in {share:.1f} % of the frames measured."
        if depth > DEEPEST
        else "They keep clear.",
        limit=f"at most {1000 * DEEPEST:g}",
        at=place(found.frames[row], clip.fps) if depth > 0 else None,
    )

"""What is found in the mouth: closures, tucked lips, open vowels, and a jaw that follows the voice."""

from __future__ import annotations

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.speech import Speech
from . import jaw, lips
from .findings import Finding, judged, place, told, where

_JAW_SPEED = 9.0  # jawOpen a second: a third of the whole opening in a film frame
_RATIO, _FOLLOWS = 2.0, 0.3
_FEWEST = 30  # frames of open vowels for a correlation to be worth telling


def mouth(clip: MotionClip, body: Body, speech: Speech | None) -> list[Finding]:
    """``speech`` (its energy) adds how the jaw follows the loudness."""
    return [*_closures(clip, body), *_tucks(clip, body), *_vowels(clip, body), *_jaw(clip, speech)]


def _closures(clip: MotionClip, body: Body) -> list[Finding]:
    closures = lips.lip_closures(clip, body)
    if not closures:
        return []
    worst = max(closures, key=lambda closure: closure.gap)
    closed = sum(closure.gap <= lips.SHUT_GAP for closure in closures)
    return [
        judged(
            "lip_closure",
            "Lips on P, B and M",
            1000 * max(worst.gap, 0.0),
            "mm",
            closed == len(closures),
            f"{closed} of {len(closures)} closed within a frame; this is the widest.",
            limit=f"at most {1000 * lips.SHUT_GAP:g}",
            at=place(worst.frame, clip.fps),
        )
    ]


def _tucks(clip: MotionClip, body: Body) -> list[Finding]:
    tucked = lips.labiodentals(clip, body)
    if not tucked:
        return []
    least = min(tucked, key=lambda sound: sound.tuck)
    reaching = sum(sound.tuck >= 0 and sound.gap > 0 for sound in tucked)
    return [
        told(
            "lip_to_teeth",
            "Lower lip on the teeth for F and V",
            100 * reaching / len(tucked),
            "%",
            text=f"{reaching} of {len(tucked)} touch; the frame has the lowest lip.",
            at=place(least.frame, clip.fps),
        )
    ]


def _vowels(clip: MotionClip, body: Body) -> list[Finding]:
    if not any(viseme.name in lips.OPEN_VOWELS for viseme in clip.timeline.visemes):
        return []
    shut = lips.shut_vowels(clip, body if body.blendshapes else None)
    return [
        judged(
            "shut_vowels",
            "Open vowels with a shut mouth",
            float(len(shut)),
            "",
            not shut,
            "The frame is in the first of them." if shut else "Every one is open.",
            limit="0",
            at=place(round(shut[0] * clip.fps), clip.fps) if shut else None,
        )
    ]


def _jaw(clip: MotionClip, speech: Speech | None) -> list[Finding]:
    speed = jaw.jaw_speed(clip)
    if not len(speed) or not speed.any():
        return []
    fastest = float(speed.max())
    found = [
        judged(
            "jaw_speed",
            "Jaw, fastest",
            fastest,
            "openings/s",
            fastest <= _JAW_SPEED,
            "Whole openings a second.",
            limit=f"at most {_JAW_SPEED:g}",
            at=where(speed, clip.fps),
        )
    ]
    ratio = jaw.opening_ratio(clip)
    if ratio is not None:
        found.append(
            told(
                "jaw_ratio",
                "Jaw, open vowels against IY, UW and S",
                ratio,
                "times",
                text="How much farther it opens.",
                limit=f"at least {_RATIO:g}",
            )
        )
    if speech is None or speech.energy is None:
        return found
    follows = jaw.jaw_loudness(clip, speech.energy)
    if follows.open_vowels is not None and follows.frames >= _FEWEST:
        overall = "" if follows.overall is None else f" Over all speech {follows.overall:.2f}."
        found.append(
            told(
                "jaw_loudness",
                "Jaw with the loudness, in open vowels",
                follows.open_vowels,
                "correlation",
                text=f"1 is in step, 0 is unrelated.{overall}",
                limit=f"at least {_FOLLOWS:g}",
            )
        )
    return found

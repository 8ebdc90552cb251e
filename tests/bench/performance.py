"""The default performance, measured: every row of "Figures to reach", on real recordings and on synthesised speech.

Each line is heard once, with its script, and performed by SEEDS seeds. Lines under 4 s are left out of stroke sync, where a
stroke or two decide the score. Meshes are posed on every third frame and on all frames about the deepest ones.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from declaim.core.body import Body, load_body
from declaim.core.clip import MotionClip
from declaim.core.report import SilentReport
from declaim.core.speech import HOP, Speech
from declaim.core.wire import PerformRequest
from declaim.inference import comparison, hand_findings, jaw, lips, metrics, soles
from declaim.inference.casting import cast
from declaim.inference.inspection import inspect_clip
from declaim.inference.joint_limits import joint_angles
from declaim.inference.penetration import sampled_penetration
from declaim.inference.pipeline import Pipeline
from declaim.inference.stroke_targets import stroke_targets

from .figure import Figure
from .voices import RATE, recordings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

QUICK = bool(os.environ.get("DECLAIM_BENCH_QUICK"))
SEEDS = 2 if QUICK else 5
MANY_SEEDS = 4 if QUICK else 20
RATES = (24.0, 25.0, 30.0, 60.0)
LONG_S = 120.0 if QUICK else 600.0
_SYNC_FROM = 4.0  # s
_MOVED = 0.08  # s that a word is moved
_MOVED_AT = (0.3, 0.7) if QUICK else (0.15, 0.35, 0.5, 0.65, 0.85)  # of the line
_LOCAL_S = 30.0
_LOOKS = 2.0  # s beyond its phrases in which that may tell
_FLITE = ("flite_rms", "flite_slt")
_SPOKEN = (
    "Most people have never seen the whole valley at once. First you climb, then you rest, and then you look down.",
    "Why would anyone build a bridge here? Because my father promised it, and because nobody believed him.",
    "Please stop for a moment. The big machines are over there, the small ones are right behind you.",
)


def performances(folder: Path) -> list[Figure]:
    """All rows, on as many cores as there are."""
    lines = _lines(folder)
    if not lines:
        return [Figure(what="the default performance", seen="skipped: no recordings", reach="", met=None)]
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # a process a core: each of the pool's starts with these
        os.environ[name] = "1"
    with ProcessPoolExecutor(max_workers=min(len(lines), os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(_line, *line) for line in lines]
        halves = np.array_split(np.arange(MANY_SEEDS), 2)
        many = [pool.submit(_seeds, *lines[_longest(lines)], half.tolist()) for half in halves]
        moved = pool.submit(_locality, lines[:4])
        long = pool.submit(_long, lines[: 2 if QUICK else 10])
        rows = [job.result() for job in pending]
        takes = [job.result() for job in many]
        return [*_of_lines(rows), *long.result()[:1], *_of_seeds(takes), *moved.result(), *long.result()[1:]]


def _longest(lines: Sequence[tuple[Path, str]]) -> int:
    return int(np.argmax([soundfile.info(path).duration for path, _ in lines[: 2 if QUICK else 3]]))


def _lines(folder: Path) -> list[tuple[Path, str]]:
    """(voice, script): real recordings first, then flite's voices in the repository and espeak-ng."""
    found: list[tuple[Path, str]] = []

    def add(name: str, samples: Array, rate: int, script: str) -> None:
        path = folder / f"{name}.wav"
        soundfile.write(path, samples, rate)
        found.append((path, script))

    for number, (samples, script) in enumerate(recordings()):
        add(f"recorded_{number}", samples, RATE, script)
    if QUICK:
        return found[:3]
    kept = Path(__file__).parents[1] / "data" / "speech"
    for name in _FLITE:
        samples, rate = soundfile.read(kept / f"{name}.flac", dtype="float32")
        add(name, samples, rate, json.loads((kept / f"{name}.json").read_text("utf-8"))["script"])
    try:
        from tests.plugins.espeak_voice import EspeakVoice

        espeak = EspeakVoice()
    except (ImportError, OSError, RuntimeError):
        return found
    for number, script in enumerate(_SPOKEN):
        spoken = espeak.speak(script, words_per_minute=155, pitch=(45, 60, 35)[number])
        add(f"espeak_{number}", spoken.samples, spoken.rate, script)
    return found


# --- one line, in a process of its own ---


def _performed(speech: Speech, pipeline: Pipeline, seeds: Sequence[int], fps: float) -> list[MotionClip]:
    request = PerformRequest(script=speech.script, seeds=tuple(seeds), fps=fps)
    return pipeline.act(speech, request, cast(request), load_body(None), SilentReport())


def _heard(voice: Path, script: str, pipeline: Pipeline) -> Speech:
    request = PerformRequest(script=script)
    needs = cast(request)
    return dataclasses.replace(pipeline.hear(voice, request, SilentReport(), castings=needs), script=script)


def _line(voice: Path, script: str) -> dict[str, Any]:
    pipeline, body = Pipeline(), load_body(None)
    speech = _heard(voice, script, pipeline)
    seen: dict[str, Any] = {"name": voice.stem, "duration": speech.duration, "rates": {}, "takes": []}
    for fps in RATES:
        clips = _performed(speech, pipeline, range(SEEDS), fps)
        seen["rates"][fps] = _at_rate(clips, body, speech)
        if fps == 30.0:
            seen["takes"] = [{"line": voice.stem, **_take(clip, body, speech)} for clip in clips]
            seen["jaw_ratio"] = jaw.opening_ratio(*clips)
            seen["jaw_sounds"] = [dict(jaw.openings(clip)) for clip in clips]
    pipeline.close()
    return seen


def _at_rate(clips: Sequence[MotionClip], body: Body, speech: Speech) -> dict[str, Any]:
    offs: list[float] = []
    gaps: list[float] = []
    shut = 0
    for clip in clips:
        for target in stroke_targets(clip, metrics.trace(clip, body), speech):
            if target.moves:
                offs.append(math.inf if target.off is None else target.off * clip.fps)
        gaps += [closure.gap for closure in lips.lip_closures(clip, body)]
        shut += len(lips.shut_vowels(clip, body))
    return {"offs": offs, "gaps": gaps, "shut": shut}


def _take(clip: MotionClip, body: Body, speech: Speech) -> dict[str, Any]:
    traced = metrics.trace(clip, body)
    speed = metrics.speeds(traced.wrists, clip.fps)
    still = metrics.stillness(speed, clip.fps)
    ends = np.concatenate([metrics.apexes(traced.wrists[:, hand], clip.fps) for hand in (0, 1)]) / clip.fps
    sync = metrics.stroke_sync(ends, [nucleus.time for nucleus in speech.nuclei or ()], speech.duration)
    follows = None if speech.energy is None else jaw.jaw_loudness(clip, speech.energy)
    through = sampled_penetration(clip, body, every=3)
    slip = soles.slides(clip, body, traced)
    outside = np.max([angle.excess for angle in joint_angles(clip, body.rest_joints(clip.betas))], axis=0)
    worst = max(joint_angles(clip, body.rest_joints(clip.betas)), key=lambda angle: float(angle.excess.max()))
    deepest = int(through.depth.argmax())
    return {
        "sync": None if sync is None else sync.score,
        "apexes": len(ends),
        "speed": float(speed.mean()),
        "fast": float(np.percentile(speed, 95)),
        "shake": metrics.shake(traced.wrists, clip.fps),
        "still": still.share,
        "hold": _hold_while_speaking(speed, clip),
        "slip": float(slip.max()) if len(slip) else 0.0,
        "depth": float(through.depth[deepest]),
        "pair": f"{through.pairs[deepest]} at {through.frames[deepest] / clip.fps:.2f} s",
        "deep": float((through.depth > hand_findings.DEEPEST).mean()),
        "inside": float((outside == 0).mean()),
        "joint": f"{worst.name} {worst.excess.max():.0f}°" if worst.excess.max() > 0 else "",
        "jaw_open": None if follows is None else (follows.open_vowels, follows.frames),
        "jaw_overall": None if follows is None else follows.overall,
        "seed": clip.provenance.seed,
    }


def _hold_while_speaking(speed: Array, clip: MotionClip) -> float:
    words = clip.timeline.words
    if not words:
        return 0.0
    first, last = round(words[0].start * clip.fps), round(words[-1].end * clip.fps)
    return metrics.stillness(speed[first:last], clip.fps).longest


# --- the rows of lines ---


def _of_lines(rows: Sequence[dict[str, Any]]) -> list[Figure]:
    takes = [take for row in rows for take in row["takes"]]
    voices = f"{len(rows)} lines x {SEEDS} seeds"
    return [
        _sync(rows),
        *(_targets(rows, fps) for fps in RATES),
        *(_closures(rows, fps) for fps in RATES),
        *_jaws(rows, takes),
        *_hands(takes, voices),
        *_bodies(rows, takes),
    ]


def _sync(rows: Sequence[dict[str, Any]]) -> Figure:
    long = [row for row in rows if row["duration"] >= _SYNC_FROM]
    scores = [np.mean([take["sync"] for take in row["takes"] if take["sync"] is not None] or [0.0]) for row in long]
    rates = [60 * np.mean([take["apexes"] for take in row["takes"]]) / row["duration"] for row in long]
    mean = float(np.mean(scores))
    return Figure(
        what="stroke sync over chance",
        seen=f"{mean:.2f} over {len(long)} lines ({min(scores):.2f} to {max(scores):.2f}); "
        f"{min(rates):.0f} to {max(rates):.0f} apexes a minute",
        reach=">= 0.30, 10-90 a minute",
        met=mean >= 0.30 and min(rates) >= 10 and max(rates) <= 90,
    )


def _targets(rows: Sequence[dict[str, Any]], fps: float) -> Figure:
    offs = np.array([off for row in rows for off in row["rates"][fps]["offs"]])
    seen = offs[np.isfinite(offs)]
    hit = np.abs(offs) <= hand_findings.ON_TARGET + 1e-6
    lost = len(offs) - len(seen)
    return Figure(
        what=f"stroke apex to its target in the word, {fps:g} fps",
        seen=f"{100 * hit.mean():.1f} % of {len(offs)} within 1 frame; {np.median(seen):+.1f} in the middle, "
        f"{seen.min():+.1f} to {seen.max():+.1f}" + (f", {lost} never stop" if lost else ""),
        reach="all",
        met=bool(hit.all()),
    )


def _closures(rows: Sequence[dict[str, Any]], fps: float) -> Figure:
    gaps = np.array([gap for row in rows for gap in row["rates"][fps]["gaps"]])
    closed = float((gaps <= lips.SHUT_GAP).mean())
    shut = sum(row["rates"][fps]["shut"] for row in rows)
    return Figure(
        what=f"lips closed within 1 frame of P, B, M, {fps:g} fps",
        seen=f"{100 * closed:.1f} % of {len(gaps)}, widest {1000 * max(float(gaps.max()), 0.0):.1f} mm; "
        f"{shut} open vowels shut",
        reach=">= 98 %, 1.5 mm, none shut",
        met=closed >= 0.98 and shut == 0,
    )


def _jaws(rows: Sequence[dict[str, Any]], takes: Sequence[dict[str, Any]]) -> list[Figure]:
    sums: dict[str, list[float]] = {}
    for row in rows:
        for sounds in row["jaw_sounds"]:
            for symbol, (mean, count) in sounds.items():
                kind = "open" if symbol in jaw.OPEN_VOWELS else symbol
                total = sums.setdefault(kind, [0.0, 0.0])
                total[0] += mean * count
                total[1] += count
    means = {kind: total / count for kind, (total, count) in sums.items()}
    ratio = means["open"] / max(means[symbol] for symbol in jaw.CLOSE_SOUNDS if symbol in means)
    inside = [
        (value, frames) for value, frames in (take["jaw_open"] for take in takes if take["jaw_open"]) if value is not None
    ]
    weights = np.array([frames for _, frames in inside], dtype=float)
    follows = float(np.average([value for value, _ in inside], weights=weights))
    overall = float(np.mean([take["jaw_overall"] for take in takes if take["jaw_overall"] is not None]))
    return [
        Figure(what="jaw, open vowels against IY, UW and S", seen=f"{ratio:.2f} times", reach=">= 2", met=ratio >= 2),
        Figure(
            what="jaw with loudness inside open vowels",
            seen=f"correlation {follows:.2f} (overall {overall:.2f})",
            reach=">= 0.3",
            met=follows >= 0.3,
        ),
    ]


def _hands(takes: Sequence[dict[str, Any]], voices: str) -> list[Figure]:
    speed, fast = float(np.mean([take["speed"] for take in takes])), float(np.mean([take["fast"] for take in takes]))
    shakes = [take["shake"] for take in takes]
    shakiest = max(takes, key=lambda take: take["shake"])
    still, holds = [take["still"] for take in takes], [take["hold"] for take in takes]
    mean_still = float(np.mean(still))
    deepest = max(takes, key=lambda take: take["depth"])
    clean = float(np.mean([take["depth"] <= hand_findings.DEEPEST for take in takes]))
    return [
        Figure(
            what=f"wrist speed, mean / 95th percentile, {voices}",
            seen=f"{speed:.2f} / {fast:.2f} m/s",
            reach="0.10-0.40 / 0.4-1.6",
            met=0.10 <= speed <= 0.40 and 0.4 <= fast <= 1.6,
        ),
        Figure(
            what="shake: wrist-velocity power above 6 Hz",
            seen=f"{100 * np.mean(shakes):.2f} %, at most {100 * max(shakes):.2f} % ({shakiest['line']}, seed {shakiest['seed']})",
            reach="<= 1 %",
            met=max(shakes) <= hand_findings.SHAKE,
        ),
        Figure(
            what="both wrists at rest; longest hold while speaking",
            seen=f"{100 * mean_still:.0f} % ({100 * min(still):.0f} to {100 * max(still):.0f}); {max(holds):.1f} s",
            reach="5-35 %, <= 3 s",
            met=0.05 <= mean_still <= 0.35 and max(holds) <= hand_findings.HOLD,
        ),
        Figure(
            what="hands and arms through the body",
            seen=f"{1000 * deepest['depth']:.1f} mm"
            + (f" ({deepest['pair']}, {deepest['line']}, seed {deepest['seed']})" if deepest["depth"] > 0 else "")
            + f"; {100 * clean:.0f} % of takes clean",
            reach="<= 5 mm",
            met=deepest["depth"] <= hand_findings.DEEPEST,
        ),
    ]


def _bodies(rows: Sequence[dict[str, Any]], takes: Sequence[dict[str, Any]]) -> list[Figure]:
    slip = max(take["slip"] for take in takes)
    inside = float(np.mean([take["inside"] for take in takes]))
    joints = sorted({take["joint"] for take in takes if take["joint"]})
    return [
        Figure(
            what="planted foot, largest slip", seen=f"{1000 * slip:.3f} mm a frame", reach="< 0.5 mm", met=slip < 0.0005
        ),
        Figure(
            what="joints in their range of motion",
            seen=f"{100 * inside:.2f} % of frames" + (f" ({', '.join(joints[:3])})" if joints else ""),
            reach="100 %",
            met=inside == 1.0,
        ),
    ]


# --- many seeds, a moved word, a long line ---


def _seeds(voice: Path, script: str, seeds: Sequence[int]) -> dict[str, Any]:
    pipeline, body = Pipeline(), load_body(None)
    speech = _heard(voice, script, pipeline)
    traces, failed = [], []
    for clip in _performed(speech, pipeline, seeds, 30.0):
        traces.append(metrics.trace(clip, body))
        failed.append([finding.key for finding in inspect_clip(clip, body, speech).attention])
    words = speech.words or ()
    return {"traces": traces, "failed": failed, "spoken": (words[0].start, words[-1].end)}


def _of_seeds(halves: Sequence[dict[str, Any]]) -> list[Figure]:
    traces = [trace for half in halves for trace in half["traces"]]
    failed = [keys for half in halves for keys in half["failed"]]
    times = np.arange(len(traces[0].positions)) / traces[0].fps
    start, end = halves[0]["spoken"]
    apart = comparison.wrist_distances(traces, (times >= start) & (times <= end))
    least, bad = float(apart.min()), [keys for keys in failed if keys]
    why = ", ".join(sorted(set(itertools.chain(*bad))))
    return [
        Figure(
            what=f"{len(traces)} seeds of one line: wrists of any two takes",
            seen=f"{100 * least:.1f} cm apart at least, {100 * apart.mean():.1f} on average; "
            f"multimodality {100 * (comparison.multimodality(traces) or 0):.1f} cm",
            reach=">= 5 cm",
            met=least >= 0.05,
        ),
        Figure(
            what=f"{len(traces)} seeds of one line: checks of declaim inspect",
            seen=f"{len(failed) - len(bad)} of {len(failed)} takes pass all" + (f" ({why})" if why else ""),
            reach="all",
            met=not bad,
        ),
    ]


def _locality(lines: Sequence[tuple[Path, str]]) -> list[Figure]:
    from declaim.plugins.gesture.accents import find_accents
    from declaim.plugins.gesture.phrases import find_phrases

    pipeline = Pipeline()
    speech = _joined([_heard(voice, script, pipeline) for voice, script in lines], _LOCAL_S)
    words = speech.words or ()
    before = _performed(speech, pipeline, (0, 1), 30.0)
    changed = outside = tried = moving = 0
    free = [i for i in range(1, len(words) - 1) if _has_room(words, i)]
    for index in (free[round(share * (len(free) - 1))] for share in _MOVED_AT):
        for by in (-_MOVED, _MOVED):
            other = _with_moved_word(speech, index, by)
            times = np.arange(len(before[0])) / 30.0
            near = np.zeros(len(times), dtype=bool)
            for heard in (speech, other):
                spot = words[index]
                for phrase in find_phrases(heard, find_accents(heard)):
                    if phrase.start <= spot.end + abs(by) and phrase.end >= spot.start - abs(by):
                        near |= (times >= phrase.start - _LOOKS) & (times <= phrase.end + _LOOKS)
            for one, two in zip(before, _performed(other, pipeline, (0, 1), 30.0)):
                differs = np.zeros(len(times), dtype=bool)
                for name in ("poses", "trans", "blendshapes", "expressions", "contacts"):
                    a, b = getattr(one, name), getattr(two, name)
                    differs |= (a.reshape(len(a), -1) != b.reshape(len(b), -1)).any(axis=1)
                changed += int((differs & ~near).sum())
                outside += int((~near).sum())
                moving += int(differs.any())
                tried += 1
    return [
        Figure(
            what="a word moved by 80 ms: frames changed beyond its phrase and 2 s",
            seen=f"{changed} of {outside} ({moving} of {tried} moves changed the take)",
            reach="0",
            met=changed == 0 and outside > 0 and moving > 0,
        )
    ]


def _has_room(words: Sequence[Any], index: int) -> bool:
    """Whether a word can be moved by _MOVED either way and keep its place among the others."""
    starts = [words[index + step].start for step in (-1, 0, 1)]
    return starts[0] + _MOVED < starts[1] and starts[1] + _MOVED < starts[2]


def _with_moved_word(speech: Speech, index: int, by: float) -> Speech:
    """Speech whose word ``index``, with its phones, lies ``by`` s later; its neighbours keep their order."""
    words, phones = list(speech.words or ()), speech.phones or ()
    word = words[index]
    words[index] = dataclasses.replace(word, start=word.start + by, end=word.end + by)
    moved = tuple(
        dataclasses.replace(phone, start=phone.start + by, end=phone.end + by) if phone.word == index else phone
        for phone in phones
    )
    return dataclasses.replace(
        speech,
        words=tuple(words),
        phones=tuple(sorted(moved, key=lambda phone: phone.start)),
    )


def _long(lines: Sequence[tuple[Path, str]]) -> list[Figure]:
    pipeline, body = Pipeline(), load_body(None)
    speech = _joined([_heard(voice, script, pipeline) for voice, script in lines], LONG_S)
    ratios, times = [], []
    for seed in range(1 if QUICK else 3):
        began = time.process_time()
        (clip,) = _performed(speech, pipeline, (seed,), 30.0)
        times.append(speech.duration / (time.process_time() - began))
        minute = round(min(60.0, LONG_S / 3) * clip.fps)
        first, last = (
            comparison.diversity(metrics.trace(_cut(clip, span), body)) for span in (slice(0, minute), slice(-minute, None))
        )
        ratios.append((last or 0.0) / max(first or 0.0, 1e-9))
    return [
        Figure(
            what=f"{speech.duration / 60:.0f} min of speech: diversity of the last minute",
            seen=f"{min(ratios):.2f} of the first at least, over {len(ratios)} seeds",
            reach=">= 0.9",
            met=min(ratios) >= 0.9,
        ),
        Figure(
            what=f"{speech.duration / 60:.0f} min of speech performed",
            seen=f"{float(np.median(times)):.0f} x real time, by CPU time",
            reach=">= 100 x",
            met=float(np.median(times)) >= 100,
        ),
    ]


def _cut(clip: MotionClip, span: slice) -> MotionClip:
    names = ("poses", "trans", "blendshapes", "expressions", "contacts")
    return clip.replace(**{name: getattr(clip, name)[span] for name in names})


def _joined(pieces: Sequence[Speech], duration: float) -> Speech:
    """One Speech of at least ``duration`` s: what was heard in ``pieces``, over and over, each in its turn."""
    at, script = 0.0, []
    words: list[Any] = []
    tracks: dict[str, list[Array]] = {"energy": [], "pitch": []}
    items: dict[str, list[Any]] = {"phones": [], "nuclei": [], "pauses": [], "sounds": []}
    for piece in itertools.cycle(pieces):
        if at >= duration:
            break
        shift: Callable[[Any], Any] = lambda item, at=at: dataclasses.replace(  # noqa: E731
            item, **{field: getattr(item, field) + at for field in ("start", "end", "time") if hasattr(item, field)}
        )
        first = len(words)
        words += [shift(word) for word in piece.words or ()]
        for name, found in items.items():
            for item in getattr(piece, name) or ():
                later = shift(item)
                if name == "phones" and later.word >= 0:
                    later = dataclasses.replace(later, word=later.word + first)
                found.append(later)
        for name, track in tracks.items():
            values = getattr(piece, name)
            if values is not None:
                track.append(values)
        script.append(piece.script or "")
        at = round(at / HOP + len(piece.energy if piece.energy is not None else ())) * HOP
    return Speech(
        audio_sha256="",
        duration=at,
        script="\n".join(script),
        words=tuple(words),
        **{name: np.concatenate(track) if track else None for name, track in tracks.items()},
        **{name: tuple(found) for name, found in items.items()},
    )

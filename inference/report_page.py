"""One self-contained page about a clip: preview, timeline, checks with their frames, lips, and metrics explained."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.speech import HOP, Speech
from . import lips, metrics
from .findings import Finding
from .inspection import Inspection
from .report_style import CSS, SCRIPT
from .report_timeline import LEFT, scale_of, timeline

if TYPE_CHECKING:
    from ..exporters.report_pictures import ReportPictures, View

Array = NDArray[Any]

_METRICS = {
    "stroke_sync": "How much nearer to syllables the hands stop than chance would have it. Over 0.25 hands clearly move with "
    "the words; random motion scores about 0.",
    "beat_consistency": "EMAGE's BC: whether sounds set in where joints pause. Speech has so many onsets that chance is high.",
    "diversity": "How far apart any two stretches of the clip are. Near 0 the motion repeats or freezes.",
    "multimodality": "How far apart takes of the same line are. Near 0 another seed gives the same performance.",
    "takes_apart": "The two takes that are most alike.",
    "l1": "How far joints are from the reference's, on average.",
    "pck": "How many joints are close to the reference's.",
    "jaw_loudness": "Whether the jaw opens wider where the voice is louder, within open vowels.",
    "jaw_ratio": "Whether open vowels look open beside close sounds.",
}
_CHANCE = ("stroke_sync", "beat_consistency")
_MOST_CLOSURES = 30  # shown at once


def stills_wanted(inspection: Inspection) -> list[int]:
    """The frames that the page shows, in order."""
    return sorted({found.frame for found in inspection.attention if found.frame is not None})


def page(
    name: str,
    clip: MotionClip,
    body: Body,
    inspection: Inspection,
    *,
    speech: Speech | None,
    pictures: ReportPictures | None,
    unseen: str = "",
) -> str:
    """The report as HTML. ``clip`` on ``body``; ``unseen``: the sentence that tells why there are no ``pictures``."""
    traced = metrics.trace(clip, body)
    step = metrics.speeds(traced.wrists, clip.fps)
    speeds = np.concatenate([step, step[-1:]]) if len(step) else np.zeros((len(clip), 2))
    closures = lips.lip_closures(clip, body)
    loudness = None if speech is None else speech.energy
    drawn = timeline(clip, speeds, loudness, closures, inspection.findings, HOP)
    body_html = [
        _heading(name, inspection),
        _preview(pictures, unseen),
        "<h2>Along the line</h2>",
        '<p class="soft lead">Hover to read, click to go there. The hands should slow down where a stroke\'s solid bar begins, '
        "and that should be on the word's loud middle.</p>",
        f'<div class="timeline"><div class="scroll">{drawn}</div><div class="readout"></div></div>',
        _key(loudness is not None),
        _checks(inspection),
        _numbers(inspection),
        _lips(clip, closures),
        f"<footer>Declaim · {escape(inspection.body)} · {escape(_makers(inspection))} · "
        "limits and measures are explained in docs/inspect.md</footer>",
    ]
    if inspection.attention:
        body_html.insert(2, _attention(inspection.attention, {} if pictures is None else pictures.stills))
    data = _data(clip, speeds)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)} · Declaim</title><style>{CSS}</style></head><body><main>\n"
        + "\n".join(body_html)
        + f'\n</main><script type="application/json" id="data">{data}</script><script>{SCRIPT}</script></body></html>\n'
    )


def _heading(name: str, inspection: Inspection) -> str:
    count = len(inspection.attention)
    if count:
        verdict = f'<p class="verdict bad">{count} {"thing" if count == 1 else "things"} to look at</p>'
    else:
        judged = sum(found.verdict == "ok" for found in inspection.findings)
        verdict = f'<p class="verdict good">All {judged} checks pass. Nothing stands out.</p>'
    facts = (
        f"{inspection.duration:.2f} s · {inspection.frames} frames at {inspection.fps:g} a second · {inspection.words} words · "
        f"{inspection.strokes} strokes · {inspection.visemes} mouth shapes · made by {escape(_makers(inspection))}, "
        f"seed {inspection.seed}"
    )
    return f'<h1>{escape(name)}</h1><p class="soft">{facts}</p>{verdict}'


def _makers(inspection: Inspection) -> str:
    return ", ".join(inspection.generators) or "another program"


def _preview(pictures: ReportPictures | None, unseen: str) -> str:
    if pictures is not None and pictures.film:
        source = _inline("video/mp4", pictures.film)
        return f'<div class="preview"><video controls playsinline preload="auto" src="{source}"></video></div>'
    if pictures is not None and pictures.sheet:
        return f'<div class="preview"><img alt="Twelve moments of the clip" src="{_inline("image/jpeg", pictures.sheet)}"></div>'
    return f'<p class="soft preview">{escape(unseen)}</p>' if unseen else ""


def _inline(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _attention(findings: Sequence[Finding], stills: Mapping[int, Mapping[View, bytes]]) -> str:
    cards = []
    for found in findings:
        picture = stills.get(-1 if found.frame is None else found.frame, {}).get(_view(found))
        shown = f'<img alt="Frame {found.frame}" src="{_inline("image/jpeg", picture)}">' if picture else ""
        cards.append(
            f'<div class="card">{shown}<div><h3>{escape(found.title)}</h3>'
            f'<p><span class="big attention">{escape(found.shown)}</span> <span class="soft">should be {escape(found.limit)}</span></p>'
            f"<p>{escape(found.text)}</p><p>{_go(found)}</p></div></div>"
        )
    return f'<h2>To look at</h2><div class="cards">{"".join(cards)}</div>'


def _view(found: Finding) -> View:
    if found.key in ("foot_slide", "joint_limits", "pop"):
        return "figure"
    return "face" if found.key.startswith(("lip", "shut", "jaw", "eyes")) else "upper body"


def _go(found: Finding) -> str:
    if found.frame is None or found.time is None:
        return ""
    return f'<button class="go" data-time="{found.time:.4f}">frame {found.frame} · {found.time:.2f} s</button>'


def _key(voice: bool) -> str:
    items = [("left", "left hand"), ("right", "right hand"), ("jaw", "jaw")]
    if voice:
        items.append(("voice", "loudness of the voice"))
    spans = "".join(f'<span><i style="background:var(--{colour})"></i>{text}</span>' for colour, text in items)
    return (
        f'<div class="key">{spans}<span>A stroke: pale while it prepares and lets go, a line at its apex, solid while it holds.'
        " Ticks under the jaw: P, B and M, green where the lips close.</span></div>"
    )


def _checks(inspection: Inspection) -> str:
    words = {"ok": "✓ good", "attention": "! look", "info": ""}
    order = {"attention": 0, "ok": 1, "info": 2}
    rows = []
    for found in sorted(inspection.findings, key=lambda found: order[found.verdict]):
        if found.key in _METRICS and found.verdict == "info":
            continue
        rows.append(
            f'<tr><td class="{found.verdict}">{words[found.verdict]}</td><td>{escape(found.title)}</td>'
            f'<td class="n">{escape(found.shown)}</td><td class="n limit soft">{escape(found.limit)}</td>'
            f'<td class="n">{_go(found)}</td><td class="text">{escape(found.text)}</td></tr>'
        )
    return (
        '<h2>Checks</h2><table class="checks"><thead><tr><th></th><th>measured</th><th class="n">value</th>'
        '<th class="n">should be</th><th class="n">look at</th><th>meaning</th></tr></thead><tbody>'
        + "".join(rows)
        + "</tbody></table>"
    )


def _numbers(inspection: Inspection) -> str:
    found = {item.key: item for item in inspection.findings if item.key in _METRICS}
    if not found:
        return ""
    meters = "".join(_meter(found[key]) for key in _CHANCE if key in found and found[key].chance is not None)
    rows = "".join(
        f'<tr><td>{escape(item.title)}</td><td class="n">{escape(item.shown)}</td><td>{escape(_METRICS[key])} '
        f'<span class="soft">{escape(item.text)}</span></td></tr>'
        for key, item in found.items()
    )
    explained = (
        '<p class="soft lead">The bar is the score, the upright line is what the same motion scores when the voice is shifted '
        "by one to eight ninths of its length: chance. Only what reaches beyond the line means anything.</p>"
    )
    chart = f'{explained}<div class="chance">{meters}</div>' if meters else ""
    return f"<h2>Metrics</h2>{chart}<table><tbody>{rows}</tbody></table>"


def _meter(found: Finding) -> str:
    chance = found.chance or 0.0
    hit = found.value + chance if found.key == "stroke_sync" else found.value
    label = f"{hit:.2f}, chance {chance:.2f}"
    return (
        f"<div>{escape(found.title)}<br><span class='soft'>{label}</span></div>"
        f'<div class="meter" role="img" aria-label="{label}"><b style="width:{100 * min(max(hit, 0.0), 1.0):.1f}%"></b>'
        f'<u style="left:{100 * min(max(chance, 0.0), 1.0):.1f}%"></u></div>'
    )


def _lips(clip: MotionClip, closures: Sequence[lips.LipClosure]) -> str:
    if not closures:
        return ""
    rows = []
    for closure in closures:
        shut = closure.gap <= lips.SHUT_GAP
        word = next((w.text for w in clip.timeline.words if w.start - 0.05 <= closure.time <= w.end + 0.05), "")
        phone = next(
            (p.symbol for p in clip.timeline.phones if p.symbol in ("P", "B", "M") and p.start <= closure.time <= p.end), ""
        )
        gap = f"{1000 * closure.gap:.1f} mm" if closure.gap > 0 else "pressed"
        rows.append(
            f'<tr><td class="{"ok" if shut else "attention"}">{"✓ closed" if shut else "! open"}</td>'
            f'<td class="n">{closure.time:.2f} s</td><td class="n"><button class="go" data-time="{closure.frame / clip.fps:.4f}">'
            f'frame {closure.frame}</button></td><td>{escape(phone)}</td><td>{escape(word)}</td><td class="n">{gap}</td></tr>'
        )
    table = (
        '<table><thead><tr><th></th><th class="n">time</th><th class="n">frame</th><th>sound</th><th>word</th>'
        f'<th class="n">gap</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    if len(rows) > _MOST_CLOSURES:
        table = f"<details><summary>All {len(rows)} closures</summary>{table}</details>"
    return (
        '<h2>Lips on P, B and M</h2><p class="soft lead">The gap between the lips on the mesh, at the best frame within one of '
        f"the sound. Up to {1000 * lips.SHUT_GAP:g} mm counts as closed.</p>{table}"
    )


def _data(clip: MotionClip, speeds: Array) -> str:
    scale = scale_of(clip)
    data = {
        "fps": clip.fps,
        "frames": len(clip),
        "duration": clip.duration,
        "left": LEFT,
        "scale": scale.a_second,
        "width": scale.width,
        "speeds": [np.round(speeds[:, hand], 2).tolist() for hand in (0, 1)],
        "words": [[round(word.start, 3), round(word.end, 3), word.text] for word in clip.timeline.words],
    }
    # Nothing in a word may end the script element.
    return json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")

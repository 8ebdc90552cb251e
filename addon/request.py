"""From the settings to what is asked: of the engine (a request), of the landing, and of a take made again (an order)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import bpy

from ..core.errors import InputError
from . import character, engine, landing, sliders, voices
from .properties import SETTINGS

_BODY_CHANNELS = ("body", "hands", "head_gaze", "upper_face")


def settings_of(scene: bpy.types.Scene, given: Mapping[str, Any]) -> SimpleNamespace:
    """The settings of a performance: what is ``given``, and for the rest the scene's own."""
    panel = scene.declaim
    values = {name: getattr(panel, name) for name in (*SETTINGS, "generator", "mouth", "transcriber")}
    values["script"] = panel.script_text.as_string() if panel.script_text else panel.script
    values["character"] = panel.character.name if panel.character else ""
    values["parameters"] = sliders.values(scene)
    for source, name in (("FILE", "voice"), ("STRIP", "strip"), ("FOLDER", "folder")):
        if given.get(name) and "voice_source" not in given:
            values["voice_source"] = source
    values |= given
    return SimpleNamespace(**values)


def frame_rate(scene: bpy.types.Scene) -> float:
    return float(scene.render.fps / scene.render.fps_base)


def request_of(settings: SimpleNamespace, voice: voices.Voice, rig: bpy.types.Object, fps: float) -> dict[str, Any]:
    """The fields of ``core.wire.PerformRequest``."""
    return {
        "script": voice.script or None,
        "language": settings.language,
        "transcriber": settings.transcriber,
        "generators": _generators(settings),
        "seeds": tuple(range(settings.seed, settings.seed + settings.takes)),
        "fps": fps,
        "betas": character.betas(rig),
        "parameters": _parameters(settings),
    }


def landing_options(settings: SimpleNamespace, name: str, frame: int, fps: float, rig: bpy.types.Object) -> landing.Landing:
    switches = {
        "body": settings.use_body,
        "hands": settings.use_hands,
        "face": settings.use_face,
        "root": settings.use_root,
    }
    if not any(switches.values()):
        raise InputError("Nothing of the character is switched on.", hint="Switch on body, hands, face or root.")
    return landing.Landing(
        name=name,
        start_frame=frame,
        fps=fps,
        channels=frozenset(part for part, used in switches.items() if used),
        layer=settings.layer,
        use_nla=settings.use_nla or settings.voice_source == "FOLDER",
        blend_in=settings.blend_in,
        blend_out=settings.blend_out,
        keys=settings.keys,
        tolerance=settings.tolerance,
        interpolation=settings.interpolation,
        mouth_strength=rig.declaim.mouth_strength,
    )


def order_of(settings: SimpleNamespace, voice: voices.Voice, seed: int) -> str:
    """What made a take, to make it again with another seed."""
    kept = {name: value for name, value in vars(settings).items() if name not in {"seed", "takes", "character"}}
    if settings.voice_source == "FOLDER":
        kept |= {"voice_source": "FILE", "voice": str(voice.original), "use_nla": True}
    return json.dumps({**kept, "script": voice.script or "", "seed": seed})


def start_frame(scene: bpy.types.Scene, settings: SimpleNamespace, voice: voices.Voice) -> int:
    if settings.start_at == "STRIP" and voice.start_frame is not None:
        return round(voice.start_frame)
    return {"FIRST": scene.frame_start, "FRAME": settings.frame}.get(settings.start_at, scene.frame_current)


def fit_range(scene: bpy.types.Scene, start: int, frames: float, *, first: bool) -> None:
    end = start + max(1, int(frames))
    scene.frame_start = min(start, scene.frame_start) if not first else start
    scene.frame_end = end if first else max(end, scene.frame_end)
    scene.use_preview_range = False


def _generators(settings: SimpleNamespace) -> dict[str, str]:
    """A generator for each channel: the one chosen for what it makes, the chosen lips for the mouth."""
    for what in ("generator", "mouth", "transcriber"):
        if not getattr(settings, what):  # a file made with a plugin that is not here
            raise InputError(f"The {what} that this file asks for is not here.", hint="Choose another, or add its plugin.")
    chosen = dict.fromkeys(_BODY_CHANNELS, settings.generator) | {"mouth": settings.mouth}
    rows = {row["id"]: row for row in engine.plugins()}
    made = rows.get(settings.generator, {}).get("channels", _BODY_CHANNELS)
    return {channel: name for channel, name in chosen.items() if channel == "mouth" or channel in made}


def _parameters(settings: SimpleNamespace) -> dict[str, dict[str, Any]]:
    """The sliders' values of the generators that take part; a script's ``style`` and ``parameters`` go first."""
    taking_part = {settings.generator, settings.mouth, settings.transcriber}
    found = {name: dict(values) for name, values in settings.parameters.items() if name in taking_part}
    if style := getattr(settings, "style", ""):
        takers = [
            row["id"]
            for row in engine.plugins()
            if row["id"] in taking_part and "style" in row["parameters"].get("properties", {})
        ]
        if not takers:
            raise InputError(f'"{settings.generator}" has no styles.', hint="Leave the style empty.")
        for name in takers:
            found.setdefault(name, {})["style"] = style
    return found

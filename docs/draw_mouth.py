"""Draws docs/images/mouth.jpg, the mouth's main shapes on the built-in body from the front and the side.

    python docs/draw_mouth.py

It takes a Python with Blender's module (bpy); each shape is a frame of a spoken word, as the generator makes it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.report import SilentReport
from declaim.core.speech import Speech
from declaim.core.timeline import Phone
from declaim.exporters.blender_stage import studio, take_pictures
from declaim.exporters.character import Character, Performance
from declaim.exporters.framing import View
from declaim.exporters.pictures import INK, PAPER, composed, font
from declaim.plugins import registry
from declaim.plugins.contracts import Brief
from declaim.plugins.parameters import complete

PICTURE = Path(__file__).resolve().parent / "images" / "mouth.jpg"
SHOWN = (  # caption, sounds with their milliseconds, and which of them is shown
    ("at rest", "SIL:300 AA:150", 0),
    ("P, B, M", "T:80 P:100 AA:150", 1),
    ("F, V", "F:110 AY:180", 0),
    ("father", "P:90 AA:170 P:90", 1),
    ("see", "S:100 IY:170", 1),
    ("too", "T:80 UW:180", 1),
    ("she", "SH:120 IY:90", 0),
    ("think", "TH:120 IH:90", 0),
)
FPS = 100.0
TURNS = (0.0, 0.75)  # rad, of the camera about the head
CELL, GAP, CAPTION = (176, 137), 4, 30  # pixels
WIDTH = 0.1  # m across a cell
OUTER_LIPS = (31, 37, 34, 40)  # of the body's landmarks


def shape(text: str, which: int, body: Body) -> np.ndarray:
    """(52,) weights in the middle of the sound ``which``."""
    phones, time = [], 0.3
    for word in text.split():
        symbol, _, milliseconds = word.partition(":")
        phones.append(Phone(symbol=symbol, start=time, end=time + float(milliseconds) / 1000))
        time = phones[-1].end
    energy = np.full(round((time + 0.3) * 100), -20.0, np.float32)
    speech = Speech(audio_sha256="", duration=time + 0.3, phones=tuple(phones), energy=energy)
    manifest = registry.find("generator", "visemes")
    generator = registry.generator(manifest)
    generator.load("cpu")
    parameters = complete(manifest.id, manifest.parameters, {})
    brief = Brief(fps=FPS, seed=0, body=body, betas=np.zeros(10), parameters=parameters)
    clip = generator.generate(speech, [brief], SilentReport())[0]
    return np.asarray(clip.blendshapes[round((phones[which].start + phones[which].end) / 2 * FPS)])


def photograph(shapes: np.ndarray, body: Body) -> list[list[Any]]:
    """A picture of each of ``shapes`` (n, 52) from each of TURNS."""
    reference = BodyRef(id=body.id, sha256=body.sha256)
    still = MotionClip.still(frames=len(shapes), fps=FPS, body=reference, betas=np.zeros(10))
    clip = still.replace(blendshapes=shapes.astype(np.float32))
    character, performance = Character.of(body, clip), Performance.of(clip, body, "mouth")
    mouth = body.landmarks(body.template[None])[0][list(OUTER_LIPS)].mean(axis=0) + np.array([0.0, -0.002, -0.015])
    centre = np.repeat(mouth[None], len(shapes), axis=0)
    sharp = (2 * CELL[0], 2 * CELL[1])
    views = [View(centre=centre, width=WIDTH, pixels=sharp, turn=turn, distance=1.2) for turn in TURNS]
    scene = studio(character, performance, samples=8)
    with tempfile.TemporaryDirectory(prefix="declaim-") as name:
        taken = take_pictures(scene, views, range(len(shapes)), Path(name) / "pictures", len(shapes))
        return [[composed(path, *CELL).convert("RGB") for path in paths] for _, paths in taken]


def main() -> None:
    body = builtin_body()
    cells = photograph(np.stack([shape(text, which, body) for _, text, which in SHOWN]), body)
    wide, high = CELL[0] + GAP, CELL[1] + GAP
    sheet = Image.new("RGB", (len(cells) * wide - GAP, len(TURNS) * high + CAPTION), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, ((caption, _, _), pictures) in enumerate(zip(SHOWN, cells, strict=True)):
        for row, picture in enumerate(pictures):
            sheet.paste(picture, (column * wide, row * high))
        draw.text((column * wide + CELL[0] / 2, sheet.height - 9), caption, INK, font(caption, 17), "ms")
    sheet.save(PICTURE, quality=88)


if __name__ == "__main__":
    main()

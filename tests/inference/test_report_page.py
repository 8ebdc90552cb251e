"""``declaim inspect -o``: the page says what was measured, safely, with and without pictures, and ``--strict`` fails."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, GeneratorRef, MotionClip, Provenance
from declaim.core.clip_file import save_clip
from declaim.core.skeleton import JOINT
from declaim.core.speech import Speech
from declaim.core.timeline import Phone, Stroke, Timeline, Viseme, Word
from declaim.exporters.report_pictures import ReportPictures
from declaim.inference.inspection import inspect_clip
from declaim.inference.report_page import page, stills_wanted

EVIL = '</script><img src=x onerror="alert(1)">&'


class Reader(html.parser.HTMLParser):
    """Checks that tags close in order, and remembers them with their attributes."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.stack
    return reader


def faulty() -> MotionClip:
    body = builtin_body()
    clip = MotionClip.still(frames=60, fps=30, body=BodyRef(id=body.id, sha256=body.sha256))
    poses = clip.poses.copy()
    poses[40:, JOINT["left_elbow"], 1] = np.linspace(0.0, 0.8, 20)  # bends backwards
    timeline = Timeline(
        words=(Word(text=EVIL, start=0.2, end=0.9), Word(text="map", start=0.9, end=1.6)),
        phones=(Phone(symbol="M", start=0.9, end=1.0, word=1), Phone(symbol="AE", start=1.0, end=1.4, stress=1, word=1)),
        visemes=(Viseme(name="PP", start=0.9, peak=0.95, end=1.0),),
        strokes=(Stroke(hand="both", start=0.1, apex=0.6, hold_end=0.8, end=1.2, unit="<beat>", word=0),),
    )
    maker = GeneratorRef(id="<gesture>", version="1", channels=("body",))
    return clip.replace(poses=poses, timeline=timeline, provenance=Provenance(generators=(maker,)))


def speech() -> Speech:
    hops = np.arange(200) * 0.01
    energy = (-60 + 40 * np.exp(-((hops - 1.2) ** 2) / 0.02)).astype(np.float32)
    return Speech(audio_sha256="", duration=2.0, energy=energy)


def test_the_page_is_whole_safe_and_needs_nothing_from_outside() -> None:
    clip = faulty()
    inspection = inspect_clip(clip, builtin_body(), speech())
    still = b"\xff\xd8picture"
    pictures = ReportPictures(film=b"film", stills={59: {"figure": still, "upper body": still, "face": still}})
    assert 59 in stills_wanted(inspection)
    reader = read(page(EVIL, clip, builtin_body(), inspection, speech=speech(), pictures=pictures))
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    sources = [str(value) for _, attributes in reader.tags for key, value in attributes.items() if key in ("src", "href")]
    assert sources and all(source.startswith("data:") for source in sources)
    kinds = [tag for tag, _ in reader.tags]
    assert kinds.count("script") == 2 and kinds.count("video") == 1 and "link" not in kinds
    data = json.loads(
        next(text for text in _scripts(reader, page(EVIL, clip, builtin_body(), inspection, speech=None, pictures=None)))
    )
    assert data["words"][0][2] == EVIL and data["frames"] == 60
    # What was found, where, and how far it is from right.
    assert "things to look at" in reader.text or "thing to look at" in reader.text
    assert "The worst is the left elbow bend" in reader.text and "frame 59" in reader.text
    assert "<beat>, both on" in reader.text and "✓ closed" in reader.text
    labels = [attributes.get("data-time") for tag, attributes in reader.tags if tag == "button"]
    assert f"{59 / 30:.4f}" in labels


def _scripts(reader: Reader, text: str) -> list[str]:
    start = text.index('id="data">') + len('id="data">')
    return [text[start : text.index("</script>", start)]]


def test_without_blender_the_page_says_so_and_a_calm_clip_is_praised() -> None:
    body = builtin_body()
    clip = MotionClip.still(frames=3, fps=24, body=BodyRef(id=body.id, sha256=body.sha256))
    inspection = inspect_clip(clip, body)
    reader = read(page("calm", clip, body, inspection, speech=None, pictures=None, unseen="There is no <Blender> here."))
    assert "There is no <Blender> here." in reader.text and "Nothing stands out" in reader.text
    assert not any(tag in ("video", "img") for tag, _ in reader.tags)


def declaim(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "declaim.inference.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == code, done.stderr
    return done


def test_the_command_writes_the_page_and_strict_fails(tmp_path: Path) -> None:
    clip, report = tmp_path / "take.npz", tmp_path / "report.html"
    save_clip(faulty(), clip)
    told = declaim("inspect", clip, "-o", report, "--preview", "none", "--strict", "--json", code=1)
    machine = json.loads(told.stdout)
    assert "joint_limits" in machine["attention"] and machine["output"] == str(report)
    assert {"key", "value", "unit", "verdict", "limit", "frame", "time", "chance"} <= set(machine["findings"][0])
    assert read(report.read_text(encoding="utf-8")).tags
    other = tmp_path / "other.npz"
    moved = faulty().poses.copy()
    moved[:, JOINT["right_shoulder"], 2] = 0.6
    save_clip(faulty().replace(poses=moved), other)
    compared = json.loads(declaim("inspect", clip, other, "--reference", other, "--json").stdout)
    values = {found["key"]: found["value"] for found in compared["findings"]}
    assert values["takes_apart"] > 5 and values["l1"] > 1 and 0 < values["pck"] < 100


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--preview", "film"), "-o report.html"),
        (("-o", "report.png"), "report.html"),
        (("--seeds", "3"), "--audio"),
        (("--script", "Hello."), "--audio"),
        (("-o", "missing/report.html"), "Create it"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(tmp_path: Path, words: tuple[str, ...], hint: str) -> None:
    clip = tmp_path / "take.npz"
    save_clip(dataclasses.replace(faulty()), clip)
    given = [str(tmp_path / word) if word.endswith((".png", ".html")) else word for word in words]
    assert hint in declaim("inspect", clip, *given, code=1).stderr

"""The table of Oculus's visemes."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np

from declaim.core.body import Body
from declaim.core.clip import MotionClip
from declaim.core.oculus import VISEMES, oculus_weights
from declaim.core.report import SilentReport
from declaim.core.timeline import Timeline, Viseme
from declaim.exporters.formats import Take, export


def test_a_row_a_frame_as_the_weights_are(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    visemes = (Viseme(name="PP", start=0.0, peak=0.05, end=0.1), Viseme(name="aa", start=0.1, peak=0.2, end=0.3))
    take = Take(clip=clip.replace(timeline=Timeline(visemes=visemes)), body=body, name="line")
    report = SilentReport()
    export(take, [tmp_path / "line.visemes.csv"], report)
    with (tmp_path / "line.visemes.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["time", *VISEMES]
    table = np.array(rows, dtype=float)
    assert np.abs(table[:, 1:] - oculus_weights(take.clip)).max() < 1e-4
    assert np.abs(table[:, 0] - np.arange(len(clip)) / clip.fps).max() < 1e-5
    assert not report.warnings


def test_a_clip_without_visemes_is_at_rest_and_says_so(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    take = Take(clip=clip.replace(timeline=dataclasses.replace(clip.timeline, visemes=())), body=body, name="line")
    report = SilentReport()
    export(take, [tmp_path / "line.csv"], report)
    assert len(report.warnings) == 1 and "line.csv" in report.warnings[0]
    assert {row.split(",")[1] for row in (tmp_path / "line.csv").read_text().splitlines()[1:]} == {"1.0000"}

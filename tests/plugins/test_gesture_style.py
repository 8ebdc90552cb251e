"""Styles of movement: presets that blend, sliders on top, and files of the artist's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core.errors import InputError
from declaim.core.lexicon import read_lexicon
from declaim.plugins import registry
from declaim.plugins.contracts import StyledRange
from declaim.plugins.gesture.style import SHIPPED, Style, read_styles, style_sheet


def sheet(**parameters: Any) -> Style:
    return style_sheet(parameters, ()).base


def test_the_shipped_styles_are_there_and_differ() -> None:
    styles = read_styles()
    assert list(styles) == ["neutral", "calm", "energetic", "formal", "shy", "angry", "happy"]
    assert styles["neutral"] == Style()
    assert len(set(styles.values())) == len(styles)
    assert styles["shy"].posture < 0 < styles["energetic"].posture
    proposed = registry.find("generator", "gesture").parameters["properties"]["style"]["examples"]
    assert proposed == list(styles)


def test_sliders_multiply_the_style_and_stay_in_range() -> None:
    happy = read_styles()["happy"]
    assert sheet(style="happy") == happy
    assert sheet(style="happy", rate=2.0).rate == 2 * happy.rate
    assert sheet(style="angry", energy=2.0).energy == 1.0
    assert sheet(style="shy", posture=-1.0).posture == -1.0
    assert sheet(style="happy", handedness="left", seated=True).handedness == "left"
    assert sheet(seated=True).seated == 1.0


def test_a_blend_lies_between_its_styles() -> None:
    styles = read_styles()
    half = sheet(style="shy", blend_with="happy", blend=0.5)
    for name in ("rate", "amplitude", "smile", "posture"):
        assert getattr(half, name) == pytest.approx((getattr(styles["shy"], name) + getattr(styles["happy"], name)) / 2)
    assert sheet(style="shy", blend_with="happy", blend=0.0) == styles["shy"]
    assert sheet(style="shy", blend_with="happy", blend=1.0).smile == pytest.approx(styles["happy"].smile)


def test_a_range_has_its_own_style_and_fades() -> None:
    styles = style_sheet({"style": "calm"}, [StyledRange(start=2.0, end=4.0, parameters={"style": "angry"})])
    shipped = read_styles()
    assert styles.at(1.0) == shipped["calm"]
    assert styles.at(3.0) == shipped["angry"]
    curve = styles.curve("rate", np.array([1.0, 2.0, 3.0, 5.0]))
    calm, angry = shipped["calm"].rate, shipped["angry"].rate
    np.testing.assert_allclose(curve, [calm, (calm + angry) / 2, angry, calm])


def test_an_unknown_style_is_told_with_the_near_one() -> None:
    with pytest.raises(InputError, match='no style "hapy"') as caught:
        sheet(style="hapy")
    assert caught.value.hint == "Did you mean happy?"


def test_a_wrong_style_is_told_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("format = 1\n\n[styles.grumpy]\nrate = 12\n\n[styles.loud]\nenergy = 3\n\n[styles.mild]\nenegy = 0.2\n")
    told: list[str] = []
    styles = read_styles(path, told.append)
    assert styles["grumpy"].rate == 12 and "happy" in styles
    assert "loud" not in styles and "mild" not in styles
    assert len(told) == 2
    assert "mine.toml, line 7, [styles.loud]" in told[0] and "from 0 to 1, not 3" in told[0]
    assert "line 10" in told[1] and "did you mean energy" in told[1]


def test_styles_favour_gestures_that_there_are() -> None:
    units = read_lexicon().units
    favoured = {name: style.favours for name, style in read_styles().items()}
    assert all(set(names) <= set(units) for names in favoured.values())
    assert not favoured["neutral"] and not set(favoured["angry"]) & set(favoured["happy"])


def test_every_field_that_the_file_documents_is_one() -> None:
    head = [line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line.startswith("#   ")]
    for name in ("energy", "head_down", "gaze_down", "tension", "wide", "posture", "blinks"):
        assert any(name in line for line in head), name

"""Breath: lungs that follow the pauses, and a body that answers audible breaths, sighs and laughs."""

from __future__ import annotations

import numpy as np
import pytest

from declaim.core.body import Body, builtin_body
from declaim.core.speech import Pause, Speech, VocalSound
from declaim.plugins.gesture.stance import Stance, stand
from declaim.plugins.gesture.style import style_sheet

FPS = 30
PAUSES = tuple(Pause(start=5.5 * k + 4.95, end=5.5 * k + 5.55) for k in range(5))
SOUNDS = (
    VocalSound(kind="breath", start=4.97, end=5.4, strength=0.5),
    VocalSound(kind="laugh", start=10.4, end=12.2, strength=0.8),
    VocalSound(kind="sigh", start=21.5, end=22.5, strength=0.7),
)


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


def breathing(
    body: Body,
    pauses: tuple[Pause, ...] = PAUSES,
    sounds: tuple[VocalSound, ...] = (),
    *,
    breath: float = 1.0,
    seated: float = 0.0,
) -> Stance:
    """Thirty seconds of a voice with these pauses and sounds, and no words."""
    speech = Speech(audio_sha256="", duration=30.0, pauses=pauses, sounds=sounds)
    rest, vertices = body.rest_joints().astype(float), body.shaped().astype(float)
    styles = style_sheet({"breath": breath, "seated": seated}, ())
    return stand(rest, vertices, np.arange(30 * FPS) / FPS, speech, [], [], styles, 1)


def frame(time: float) -> int:
    return round(time * FPS)


def test_lungs_fill_in_the_pauses_and_empty_along_the_words(body: Body) -> None:
    made = breathing(body)
    for pause in PAUSES[:-1]:
        before, after, later = (made.breath[frame(t)] for t in (pause.start - 0.1, pause.end + 0.1, pause.end + 3.0))
        assert after > before + 0.5 and later < after - 0.5
    assert made.breath.min() > -1.2 and made.breath.max() < 1.5
    shallow = breathing(body, breath=0.3)
    assert np.ptp(shallow.breath) < 0.4 * np.ptp(made.breath)


def test_the_chest_and_the_shoulders_rise_with_the_breath(body: Body) -> None:
    deep, none = breathing(body), breathing(body, breath=0.0)
    lift = (deep.shoulders - none.shoulders)[:, 0]
    assert np.corrcoef(lift, deep.breath)[0, 1] > 0.99 and 0.03 < np.ptp(lift) < 0.12
    back = (deep.poses["spine3"] - none.poses["spine3"])[:, 0]
    assert np.corrcoef(back, deep.breath)[0, 1] < -0.99 and 1.0 < np.degrees(np.ptp(back)) < 4.0


def tops(level: np.ndarray) -> np.ndarray:
    return np.flatnonzero((np.diff(level[:-1]) > 0) & (np.diff(level[1:]) <= 0)) / FPS


def test_silence_is_breathed_through(body: Body) -> None:
    full = tops(breathing(body, (Pause(start=0.0, end=30.0),)).breath)
    assert 6 <= len(full) <= 10 and np.diff(full).min() > 2.0 and np.diff(full).max() < 5.5


def test_a_voice_without_pauses_has_air_and_snatches_more(body: Body) -> None:
    level = breathing(body, ()).breath
    assert level[0] > 0.3 and level[frame(4.0)] < 0.0, "it begins with full lungs"
    assert 3 <= len(tops(level)) <= 5


def test_an_audible_breath_is_followed(body: Body) -> None:
    made = breathing(body, sounds=SOUNDS)
    rise = np.diff(made.breath)
    assert (rise[frame(4.97) + 1 : frame(5.4) - 1] > 0).all()
    assert made.breath[frame(5.4)] > 0.85 and made.breath[frame(4.97)] < 0.1


def test_a_sigh_is_drawn_and_lets_chest_and_shoulders_drop(body: Body) -> None:
    made, plain = breathing(body, sounds=SOUNDS), breathing(body)
    assert made.breath[frame(21.5)] > 1.0 and made.breath[frame(22.6)] < -0.9
    assert (made.shoulders - plain.shoulders)[frame(22.6), 0] < -0.03
    assert np.degrees((made.trunk - plain.trunk)[frame(22.8), 0]) > 2


@pytest.mark.parametrize("seated", [0.0, 1.0])
def test_a_laugh_beats_and_bends_the_body(body: Body, seated: float) -> None:
    made, plain = breathing(body, sounds=SOUNDS, seated=seated), breathing(body, seated=seated)
    beat = made.shoulders[frame(10.4) : frame(12.2), 0]
    power = np.abs(np.fft.rfft(np.diff(beat) * np.hanning(len(beat) - 1), 512)) ** 2
    assert 4.0 < np.fft.rfftfreq(512, 1 / FPS)[power.argmax()] < 5.5
    bent = np.degrees((made.trunk - plain.trunk)[:, 0])
    assert bent[frame(10.4) : frame(12.6)].max() > 5
    assert np.array_equal(made.trunk[:120], plain.trunk[:120]), "and nothing before it knows of it"

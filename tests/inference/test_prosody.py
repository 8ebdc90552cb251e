"""Energy, nuclei, pauses and pitch of sounds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.speech import HOP, SAMPLE_RATE
from declaim.inference.prosody import FLOOR, energy, nuclei, pauses, pitch

SYLLABLES = (0.30, 0.55, 0.80, 1.60, 1.85)  # s, of the peaks
LENGTH = 2.4  # s


def voice(noise: float = 0.0) -> NDArray[np.float32]:
    """Five syllables of a 120 Hz pulse, 200 ms each, with a pause of half a second before the fourth."""
    time = np.arange(round(LENGTH * SAMPLE_RATE)) / SAMPLE_RATE
    source = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    envelope = np.zeros(len(time))
    for peak in SYLLABLES:
        envelope += 0.2 * np.where(np.abs(time - peak) < 0.1, np.cos((time - peak) * np.pi / 0.2) ** 2, 0.0)
    random = np.random.Generator(np.random.PCG64(0))
    return (source * envelope + noise * random.standard_normal(len(time))).astype(np.float32)


def test_energy_frames_are_centred_on_their_times() -> None:
    samples = np.zeros(1000, np.float32)
    samples[480] = 1.0  # 30 ms
    level = energy(samples)
    assert len(level) == 7 and level.dtype == np.float32
    assert int(np.argmax(level)) == 3 and level[0] == level[6] == FLOOR


def test_energy_of_a_sine_is_its_level() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    level = energy((0.1 * np.sin(2 * np.pi * 400 * time)).astype(np.float32))
    assert level[10:90] == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.1)


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_nuclei_are_the_syllables(noise: float) -> None:
    found = nuclei(energy(voice(noise)))
    assert [n.time for n in found] == pytest.approx(SYLLABLES, abs=0.03)
    assert all(n.prominence >= 2.0 for n in found)


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.01])
def test_pauses_hold_in_silence_and_in_noise(noise: float) -> None:
    found = pauses(energy(voice(noise)), LENGTH)
    assert len(found) == 3
    assert found[0].start == 0.0 and found[2].end == LENGTH
    assert (found[1].start, found[1].end) == pytest.approx((0.9, 1.5), abs=0.06)


def test_pitch_lies_on_the_grid_of_the_energy_over_the_seams_of_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = voice()
    whole = pitch(samples)
    assert len(whole) == len(energy(samples))
    voiced = np.zeros(len(whole), bool)
    for peak in SYLLABLES:
        voiced[round((peak - 0.06) / HOP) : round((peak + 0.06) / HOP)] = True
    assert whole[voiced] == pytest.approx(120.0, abs=1.5)
    assert not whole[round(1.05 / HOP) : round(1.4 / HOP)].any()
    monkeypatch.setattr("declaim.inference.prosody._PITCH_PIECE", 70)
    assert pitch(samples) == pytest.approx(whole, abs=0.5)


def test_pitch_follows_a_glide_without_delay() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(100 + 100 * time) / SAMPLE_RATE
    found = pitch(np.sign(np.sin(phase)).astype(np.float32) * 0.1)
    frames = np.arange(10, 90)
    assert np.abs(found[frames] - (100 + 100 * frames * HOP)).max() < 1.0


def test_silence_and_scraps_have_no_prosody() -> None:
    for samples in (np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(SAMPLE_RATE, np.float32)):
        level = energy(samples)
        assert nuclei(level) == () and not pitch(samples).any()
    assert [(p.start, p.end) for p in pauses(energy(np.zeros(SAMPLE_RATE, np.float32)), 1.0)] == [(0.0, 1.0)]

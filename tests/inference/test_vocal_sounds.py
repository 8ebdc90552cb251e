"""Breaths, sighs and laughs: found where they are put, and not in speech, silence or music."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from declaim.core.report import SilentReport
from declaim.core.speech import SAMPLE_RATE, Speech, VocalSound
from declaim.core.speech_file import speech_from_bytes, speech_to_bytes
from declaim.inference.audio import read_audio, rms_normalised
from declaim.inference.hearing import hear
from declaim.inference.vocal_sounds import find_sounds

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "voice.flac"
READERS = Path("/work/shared/data/speech")
PAUSES = ((2.42, 2.72), (5.97, 6.33))  # s, of the demo voice, which never breathes

Samples = NDArray[np.float32]


def demo() -> Samples:
    return rms_normalised(read_audio(DEMO).samples)[0]


def air(duration: float, low: float, high: float, *, rise: float, fall: float, level: float, seed: int = 0) -> Samples:
    """Noise between two frequencies, Hz, that swells and fades, s, to an RMS of ``level`` dB."""
    count = round(duration * SAMPLE_RATE)
    random = np.random.Generator(np.random.PCG64(seed))
    spectrum = np.fft.rfft(random.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum *= np.exp(-0.5 * (np.maximum(low - hertz, 0) / 150) ** 2 - 0.5 * (np.maximum(hertz - high, 0) / 700) ** 2)
    noise = np.fft.irfft(spectrum, count)
    at = np.arange(count) / SAMPLE_RATE
    envelope = np.minimum(np.clip(at / rise, 0, 1), np.clip((duration - at) / fall, 0, 1)) ** 1.5
    return (noise / noise.std() * envelope * 10 ** (level / 20)).astype(np.float32)


def room(duration: float, level: float = -62.0) -> Samples:
    return air(duration, 50, 6000, rise=1e-3, fall=1e-3, level=level, seed=9)


def mixed(voice: Samples, sound: Samples, at: float) -> Samples:
    """``voice`` in a quiet room with ``sound`` in it."""
    out = voice + room(len(voice) / SAMPLE_RATE)[: len(voice)]
    first = round(at * SAMPLE_RATE)
    out[first : first + len(sound)] += sound[: len(out) - first]
    return out


def vowel(duration: float, pitch: float, formants: tuple[float, ...] = (750.0, 1250.0, 2600.0)) -> NDArray[np.float64]:
    """A sung A: pulses through three resonances."""
    at = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.zeros(len(at))
    for harmonic in range(1, int(4500 / pitch)):
        strength = sum(1 / (1 + ((harmonic * pitch - f) / 90) ** 2) for f in formants) + 0.02
        tone += strength / harmonic**0.5 * np.sin(2 * np.pi * harmonic * pitch * at)
    return tone / np.abs(tone).max()


def laughter(bursts: int, rate: float, *, breathy: bool = True) -> Samples:
    """Ha ha ha: short falling vowels with breath, or without, in between."""
    step = 1 / rate
    out = np.zeros(round((bursts * step + 0.2) * SAMPLE_RATE))
    for number in range(bursts):
        tone = vowel(0.5 * step, 260 - 9 * number)
        tone *= np.sin(np.pi * np.arange(len(tone)) / len(tone)) ** 0.7
        first = round((0.05 + number * step) * SAMPLE_RATE)
        out[first : first + len(tone)] += 0.25 * 0.93**number * tone
    if breathy:
        out += air(len(out) / SAMPLE_RATE, 700, 3000, rise=0.05, fall=0.1, level=-42)[: len(out)]
    return out.astype(np.float32)


def kinds(sounds: tuple[VocalSound, ...]) -> list[str]:
    return [sound.kind for sound in sounds]


def breathing(pause: tuple[float, float], level: float, length: float = 0.36) -> tuple[Samples, float]:
    """The demo voice with an inhalation in a pause that was made half a second longer, and when its middle is, s."""
    voice, cut = demo(), round(sum(pause) / 2 * SAMPLE_RATE)
    line = np.concatenate([voice[:cut], np.zeros(SAMPLE_RATE // 2, np.float32), voice[cut:]])
    start = cut / SAMPLE_RATE + 0.06
    breath = air(length, 500, 4000, rise=0.1, fall=0.07, level=level)
    return mixed(line, breath, start), start + length / 2


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("level", [-52.0, -42.0])
def test_a_breath_in_a_pause_is_found_where_it_is(pause: tuple[float, float], level: float) -> None:
    line, middle = breathing(pause, level)
    (found,) = find_sounds(line)
    assert found.kind == "breath"
    assert abs((found.start + found.end) / 2 - middle) < 0.06
    assert 0.1 < found.strength <= 1.0


def test_louder_breaths_are_stronger_and_clicks_are_none() -> None:
    quiet, loud = (find_sounds(breathing(PAUSES[1], level)[0])[0] for level in (-52.0, -40.0))
    assert quiet.strength < loud.strength - 0.1
    assert find_sounds(breathing(PAUSES[1], -42.0, length=0.1)[0]) == ()


def test_a_long_falling_breath_is_a_sigh() -> None:
    sigh = air(1.4, 400, 3000, rise=0.12, fall=1.25, level=-36)
    inhaled = air(0.5, 500, 4000, rise=0.15, fall=0.1, level=-40)
    voice = demo()
    quiet = np.zeros(SAMPLE_RATE // 2, np.float32)
    line = np.concatenate([voice, quiet, sigh, quiet, inhaled, quiet])
    found = find_sounds(line + room(len(line) / SAMPLE_RATE)[: len(line)])
    assert kinds(found) == ["sigh", "breath"]
    assert abs(found[0].start - (len(voice) / SAMPLE_RATE + 0.5)) < 0.2
    assert found[0].end - found[0].start > 0.8


def test_a_sigh_may_begin_with_a_voice_but_a_word_is_none() -> None:
    voice, quiet = demo(), np.zeros(round(0.6 * SAMPLE_RATE), np.float32)
    at = np.arange(round(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.2 * vowel(0.4, 170) * np.minimum(1, at / 0.05) * np.clip((0.4 - at) / 0.25, 0, 1)
    for length, expected in ((1.2, ["sigh"]), (0.25, [])):
        tail = air(length, 400, 3000, rise=0.02, fall=length, level=-38)
        sound = np.zeros(round(0.25 * SAMPLE_RATE) + len(tail))
        sound[: len(tone)] += tone[: len(sound)]
        sound[-len(tail) :] += tail
        line = np.concatenate([voice, quiet, sound.astype(np.float32), quiet])
        found = find_sounds(line + room(len(line) / SAMPLE_RATE)[: len(line)])
        assert kinds(found) == expected
        assert all(abs(sigh.start - len(voice) / SAMPLE_RATE - 0.8) < 0.4 for sigh in found)


@pytest.mark.parametrize("rate", [3.6, 4.6, 6.0])
def test_a_laugh_after_words_is_found(rate: float) -> None:
    voice = demo()
    line = np.concatenate([voice, np.zeros(4000, np.float32), laughter(6, rate), np.zeros(8000, np.float32)])
    found = find_sounds(line + room(len(line) / SAMPLE_RATE)[: len(line)])
    assert kinds(found) == ["laugh"]
    start = len(voice) / SAMPLE_RATE + 0.25
    assert abs(found[0].start - start) < 0.25 and abs(found[0].end - (start + 6 / rate)) < 0.3


def test_bursts_that_are_no_laugh_are_none() -> None:
    """Three of them; with silence between, as P and T make it; each with another vowel; out of step."""
    silent = room(1.0)
    a, i = (750.0, 1250.0, 2600.0), (300.0, 2200.0, 2900.0)

    def syllables(starts: list[float], vowels: list[tuple[float, ...]]) -> Samples:
        out = air(starts[-1] + 0.4, 700, 3000, rise=0.05, fall=0.1, level=-42).astype(np.float64)
        for start, formants in zip(starts, vowels, strict=True):
            tone = vowel(0.11, 200, formants)
            first = round(start * SAMPLE_RATE)
            out[first : first + len(tone)] += 0.2 * np.sin(np.pi * np.arange(len(tone)) / len(tone)) * tone
        return out.astype(np.float32)

    even = [0.1 + 0.22 * n for n in range(6)]
    lines = [
        laughter(3, 4.6),
        laughter(6, 4.6, breathy=False),
        syllables(even, [a, i] * 3),
        syllables([0.1, 0.3, 0.62, 0.8, 1.12, 1.3], [a] * 6),
    ]
    for number, line in enumerate(lines):
        whole = np.concatenate([silent, line, silent])
        assert "laugh" not in kinds(find_sounds(whole + room(len(whole) / SAMPLE_RATE)[: len(whole)])), number
    as_laugh = np.concatenate([silent, syllables(even, [a] * 6), silent])
    assert kinds(find_sounds(as_laugh)) == ["laugh"], "the same, but even and with one vowel"


def test_silence_noise_and_music_have_no_sounds() -> None:
    seconds = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    chords = sum(np.sin(2 * np.pi * f * seconds) * np.exp(-((seconds % 0.5) * 3)) for f in (220, 277, 330, 440, 880))
    swell = sum(np.sin(2 * np.pi * f * seconds + f) for f in (500, 630, 800, 1000, 1500, 2100)) * np.sin(seconds) ** 2
    assert find_sounds(np.zeros(SAMPLE_RATE, np.float32)) == ()
    assert find_sounds(np.zeros(0, np.float32)) == ()
    assert find_sounds(np.full(100, 0.1, np.float32)) == ()
    assert find_sounds(room(5.0)) == ()
    assert find_sounds((0.1 * chords).astype(np.float32)) == ()
    assert find_sounds((0.05 * swell).astype(np.float32)) == ()
    assert find_sounds(demo()) == ()


def test_readers_breathe_and_never_laugh() -> None:
    recordings = sorted(READERS.glob("*/*.wav"))
    if not recordings:
        pytest.skip("the recordings of shared/data/speech are not here")
    found = {path.name[-8:-4]: find_sounds(rms_normalised(read_audio(path).samples)[0]) for path in recordings}
    assert {kind for sounds in found.values() for kind in kinds(sounds)} <= {"breath"}
    assert sum(map(len, found.values())) <= 5
    # Seen in their spectrograms: a cut-off breath at the beginning of one, breaths after "netherlands" and "mention".
    for name, middle in (("0870", 0.09), ("0003", 7.99), ("0006", 2.57)):
        assert any(sound.start <= middle <= sound.end for sound in found[name]), name


def test_synthesised_haha_is_a_laugh_and_other_repetitions_are_not(tmp_path: Path) -> None:
    flite = shutil.which("flite")
    voices: dict[str, Any] = {}
    if flite:
        voices["flite"] = lambda text: _flite(flite, text, tmp_path)
    if importlib.util.find_spec("espeakng_loader"):
        voices["espeak"] = _espeak
    if not voices:
        pytest.skip("neither flite nor espeakng-loader is here")
    for name, say in voices.items():
        assert kinds(find_sounds(say("ha ha ha ha ha ha"))) == ["laugh"], name
        for text in ("no no no no no", "pa pa pa pa pa pa", "la la la la la la", "one two three four five six"):
            assert find_sounds(say(text)) == (), (name, text)


def _flite(flite: str, text: str, folder: Path) -> Samples:
    subprocess.run([flite, "-t", text, str(folder / "said.wav")], check=True, timeout=60)
    return rms_normalised(read_audio(folder / "said.wav").samples)[0]


def _espeak(text: str) -> Samples:
    path = Path(__file__).parents[1] / "plugins" / "espeak_voice.py"
    spec = importlib.util.spec_from_file_location("espeak_voice", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault("espeak_voice", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    spoken = module.EspeakVoice().speak(text)
    return rms_normalised(soxr.resample(spoken.samples, spoken.rate, SAMPLE_RATE))[0]


def test_hearing_finds_sounds_only_where_they_are_needed_and_the_cache_keeps_them(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "laugh.wav"
    soundfile.write(path, np.concatenate([room(0.5), laughter(6, 4.6), room(0.5)]), SAMPLE_RATE)

    def heard(needs: set[Any]) -> Speech:
        return hear(
            read_audio(path), path=path, needs=needs, listener=None, script=None, language="en", pronunciations={},
            report=SilentReport(),
        )  # fmt: skip

    assert heard({"energy"}).sounds is None
    speech = heard({"sounds"})
    assert kinds(speech.sounds or ()) == ["laugh"]
    assert speech_from_bytes(speech_to_bytes(speech)).sounds == speech.sounds
    soundfile.write(path, np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    assert heard({"sounds"}).sounds == ()


def test_a_second_costs_milliseconds() -> None:
    voice = np.tile(demo(), 4)
    find_sounds(voice)
    begun = time.process_time()
    find_sounds(voice)
    assert (time.process_time() - begun) / (len(voice) / SAMPLE_RATE) < 0.015, (
        "0.002 s when the machine has nothing else to do"
    )

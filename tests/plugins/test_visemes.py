"""The mouth: closures on frames, rounding ahead, a jaw that follows the voice and never snaps."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.clip import MotionClip
from declaim.core.face import ARKIT_INDEX, CHANNEL_SHAPES
from declaim.core.report import SilentReport
from declaim.core.speech import Speech
from declaim.core.timeline import Phone
from declaim.inference.lips import labiodentals, lip_gaps
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Direction, StyledRange, frame_count
from declaim.plugins.parameters import complete

RATES = (24.0, 25.0, 30.0, 60.0)
CMUDICT = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()  # noqa: SIM905 - as the dictionary lists them
JAW, CLOSE, PUCKER, ROLL = (ARKIT_INDEX[name] for name in ("jawOpen", "mouthClose", "mouthPucker", "mouthRollLower"))
MANIFEST = registry.find("generator", "visemes")


def line(text: str, *, start: float = 0.5, tail: float = 0.5, level: float = -20.0) -> Speech:
    """Sounds such as "P:40 AA:120", each with its milliseconds; 80 where none are named."""
    phones, time = [], start
    for word in text.split():
        symbol, _, milliseconds = word.partition(":")
        end = time + float(milliseconds or 80) / 1000
        phones.append(Phone(symbol=symbol, start=time, end=end))
        time = end
    duration = time + tail
    hops = np.arange(round(duration * 100)) * 0.01
    energy = np.where((hops >= start) & (hops < time), level, -80.0).astype(np.float32)
    return Speech(audio_sha256="", duration=duration, phones=tuple(phones), energy=energy)


def perform(
    speech: Speech, fps: float = 30.0, *, styles: tuple[StyledRange, ...] = (), seed: int = 0, **parameters: Any
) -> MotionClip:
    return performed(speech, SilentReport(), brief(fps, styles, seed, **parameters))[0]


def brief(fps: float = 30.0, styles: tuple[StyledRange, ...] = (), seed: int = 0, **parameters: Any) -> Brief:
    return Brief(
        fps=fps,
        seed=seed,
        body=builtin_body(),
        betas=np.zeros(10),
        parameters=complete("visemes", MANIFEST.parameters, parameters),
        direction=Direction(styles=styles),
    )


def performed(speech: Speech, report: SilentReport, *briefs: Brief) -> list[MotionClip]:
    generator = registry.generator(MANIFEST)
    generator.load("cpu")
    return generator.generate(speech, briefs, report)


def at(clip: MotionClip, time: float, shape: int) -> float:
    return float(clip.blendshapes[round(time * clip.fps), shape])


def jumble(seed: int, *, shortest: float = 10.0, longest: float = 200.0, count: int = 150) -> Speech:
    random = np.random.Generator(np.random.PCG64(seed))
    names = random.choice([*CMUDICT, "SIL", "P", "B", "M", "F", "V"], count)
    return line(" ".join(f"{name}:{random.uniform(shortest, longest):.0f}" for name in names))


def test_manifest_names_every_parameter_that_works() -> None:
    speech = line("T AA:150 S UW:150 M IY F OW:200")
    assert speech.energy is not None
    speech.energy[90:] -= 8.0
    given = {"style": "calm", "blend_with": "angry", "blend": 0.5}
    plain = perform(speech, **given).blendshapes
    for name, rules in MANIFEST.parameters["properties"].items():
        for value in rules.get("examples") or (rules["minimum"], rules["maximum"]):
            changed = perform(speech, **{**given, name: value}).blendshapes
            same = value == given.get(name, rules["default"])
            assert np.array_equal(plain, changed) == same, (name, value)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("milliseconds", [10, 30, 80])
def test_lips_meet_on_every_bilabial(fps: float, milliseconds: int) -> None:
    vowels = ["AA", "OW", "IY", "AE", "UW", "AY"]
    text = " ".join(f"{v}:113 {c}:{milliseconds}" for v, c in zip(vowels * 3, ["P", "B", "M"] * 6))
    clip = perform(line(text + " AA:100"), fps)
    frames = np.array([round(v.peak * fps) for v in clip.timeline.visemes if v.name == "PP"])
    assert len(frames) == 18
    assert np.abs(clip.blendshapes[frames, JAW] - clip.blendshapes[frames, CLOSE]).max() < 1e-6
    gaps = lip_gaps(clip, builtin_body(), frames)
    assert gaps.max() < 0.0005  # m
    assert gaps.min() > lip_gaps(clip, builtin_body(), np.array([0]))[0] - 0.0015  # not squeezed through each other
    assert lip_gaps(clip, builtin_body(), np.arange(len(clip))).max() > 0.005  # and they part in between


def test_closures_outlive_another_frame_rate() -> None:
    clip = perform(line("AA:113 P:20 OW:97 B:30 AE:120 M:25 AA:90"), 60.0).resampled(24.0)
    frames = np.array([round(v.peak * 24) for v in clip.timeline.visemes if v.name == "PP"])
    assert lip_gaps(clip, builtin_body(), frames).max() < 0.001


@pytest.mark.parametrize("fps", RATES)
def test_lower_lip_reaches_the_upper_teeth_on_f_and_v(fps: float) -> None:
    clip = perform(line("AA:110 F:20 OW:110 V:30 AE:110 F:80 UW:100"), fps)
    found = labiodentals(clip, builtin_body())
    assert len(found) == 3
    assert min(each.tuck for each in found) > 0.003  # m over the teeth's edge
    assert min(each.gap for each in found) > 0.0005  # and the lips do not meet each other
    frames = [round(v.peak * fps) for v in clip.timeline.visemes if v.name == "FF"]
    assert (clip.blendshapes[frames, ROLL] > 0.8).all() and (clip.blendshapes[frames, JAW] < 0.06).all()
    assert (clip.blendshapes[frames, CLOSE] == 0).all()


@pytest.mark.parametrize("text", ["AA:100 P:20 F:20 AA:100", "AA:100 F:20 P:20 AA:100", "AA:100 V:15 M:15 F:15 AA:100"])
@pytest.mark.parametrize("fps", RATES)
def test_closure_beside_labiodental_keeps_both(text: str, fps: float) -> None:
    clip = perform(line(text), fps)
    frames = [round(v.peak * fps) for v in clip.timeline.visemes if v.name == "PP"]
    assert np.abs(clip.blendshapes[frames, JAW] - clip.blendshapes[frames, CLOSE]).max() < 1e-6
    assert (clip.blendshapes[frames, ROLL] < 0.1).all()
    assert clip.blendshapes[:, ROLL].max() > 0.8


def test_rounding_comes_ahead_of_the_vowel() -> None:
    clip = perform(line("T:80 S:100 T:60 UW:160 T:80"), 100.0)
    vowel = 0.5 + 0.24
    peak = clip.blendshapes[:, PUCKER].max()
    assert at(clip, vowel - 0.06, PUCKER) > 0.25 * peak
    spread = perform(line("T:80 S:100 T:60 IY:160 T:80"), 100.0)
    assert at(spread, vowel - 0.06, PUCKER) < 0.05


def test_diphthongs_glide() -> None:
    clip = perform(line("T AW:260 T"), 100.0)
    early, late = 0.58 + 0.06, 0.58 + 0.21
    assert at(clip, early, JAW) > at(clip, late, JAW) + 0.08
    assert at(clip, late, PUCKER) > at(clip, early, PUCKER) + 0.25
    assert [v.name for v in clip.timeline.visemes] == ["sil", "DD", "aa", "ou", "DD", "sil"]


def test_open_vowels_are_open_and_close_ones_are_not() -> None:
    def jaw(symbol: str) -> float:
        return at(perform(line(f"T {symbol}:140 T"), 100.0), 0.65, JAW)

    assert min(jaw("AA"), jaw("AE")) >= 2 * max(jaw("IY"), jaw("UW"), jaw("S"))


def test_mouth_rests_closed_in_silence_and_opens_ahead_of_speech() -> None:
    clip = perform(line("AA:200 T:80", start=1.0, tail=1.0), 100.0)
    jaw = clip.blendshapes[:, JAW]
    assert jaw[:75].max() < 0.01 and jaw[-60:].max() < 0.01
    gaps = lip_gaps(clip, builtin_body(), np.r_[0:75, len(clip) - 60 : len(clip)])
    assert gaps.max() < 0.0005  # m
    opened = np.flatnonzero(jaw > 0.1 * jaw.max())[0] / 100
    assert 0.07 <= 1.0 - opened <= 0.13


def test_phrase_that_begins_or_ends_with_closed_lips_never_gulps() -> None:
    clip = perform(line("M:30 AA:200 B:30", start=1.0, tail=1.0), 100.0)
    gaps = lip_gaps(clip, builtin_body(), np.arange(len(clip)))
    rest = max(gaps[0], 0.0)
    assert gaps[:102].max() < rest + 0.0003 and gaps[125:].max() < rest + 0.0003  # m
    assert gaps[110] > 0.008


def test_pauses_close_the_mouth_and_short_gaps_do_not() -> None:
    pause = perform(line("AA:150 SIL:500 AA:150"), 100.0)
    gap = perform(line("AA:150 SIL:50 AA:150"), 100.0)
    assert at(pause, 0.5 + 0.15 + 0.25, JAW) < 0.01
    assert at(gap, 0.5 + 0.15 + 0.025, JAW) > 0.9 * gap.blendshapes[:, JAW].max()
    # A gap that the aligner left out is a silence too.
    speech = line("AA:150 SIL:500 AA:150")
    assert speech.phones is not None
    left_out = dataclasses.replace(speech, phones=tuple(p for p in speech.phones if p.symbol != "SIL"))
    assert np.array_equal(perform(left_out, 100.0).blendshapes, pause.blendshapes)


def test_loudness_opens_the_mouth() -> None:
    speech = line("T AA:150 T AA:150 T")
    assert speech.energy is not None
    energy = speech.energy.copy()
    energy[80:] = np.minimum(energy[80:], -30.0)
    quieter = dataclasses.replace(speech, energy=energy)
    first, second = 0.655, 0.885
    clip = perform(quieter, 100.0)
    assert at(clip, second, JAW) < 0.8 * at(clip, first, JAW)
    level = perform(quieter, 100.0, loudness=0.0)
    assert at(level, second, JAW) == pytest.approx(at(level, first, JAW), rel=0.02)
    unknown = perform(dataclasses.replace(speech, energy=None), 100.0)
    assert at(unknown, first, JAW) > 0.3


@pytest.mark.parametrize("fps", RATES)
def test_jaw_never_snaps(fps: float) -> None:
    for seed in range(3):
        jaw = perform(jumble(seed, shortest=30), fps).blendshapes[:, JAW]
        assert np.abs(np.diff(jaw)).max() * fps < 8.0


def test_weights_stay_in_range_whatever_is_asked() -> None:
    extremes: tuple[dict[str, Any], ...] = (
        {},
        {"strength": 1.5, "jaw": 1.5, "loudness": 2.0, "blending": 0.5},
        {"strength": 0.0},
        {"blending": 2.0, "strength": 1.5},
    )
    mouth = set(CHANNEL_SHAPES["mouth"])
    for seed, parameters in enumerate(extremes):
        speech = jumble(seed, shortest=0)
        clip = perform(speech, 25.0, **parameters)
        weights = clip.blendshapes
        assert weights.min() >= 0.0 and weights.max() <= 1.0
        assert not clip.timeline.problems()
        assert set(np.flatnonzero(weights.any(axis=0)).tolist()) <= mouth
        frames = [round(v.peak * 25) for v in clip.timeline.visemes if v.name == "PP"]
        assert np.abs(weights[frames, JAW] - weights[frames, CLOSE]).max() < 1e-6
    still = perform(jumble(9), strength=0.0)
    assert not still.blendshapes[:, [JAW, CLOSE, PUCKER, ROLL]].any()
    assert lip_gaps(still, builtin_body(), np.arange(len(still))).max() < 0.0005


def test_one_sound_moves_only_its_own_neighbourhood() -> None:
    speech = jumble(5, shortest=40, count=300)
    assert speech.phones is not None
    changed = list(speech.phones)
    middle = len(changed) // 2
    changed[middle : middle + 1] = [
        dataclasses.replace(changed[middle], symbol="UW", end=changed[middle].start),
        dataclasses.replace(changed[middle], symbol="M"),
    ]
    one = perform(speech).blendshapes
    other = perform(dataclasses.replace(speech, phones=tuple(changed))).blendshapes
    differing = np.flatnonzero((one != other).any(axis=1)) / 30
    assert len(differing) and np.abs(differing - changed[middle].start).max() < 2.0


def test_styled_range_holds_between_its_times_only() -> None:
    speech = line("T AA:200 T AA:200 T AA:200 T")
    style = StyledRange(start=0.75, end=1.1, parameters={"jaw": 0.2, "energy": 2.0})
    plain, styled = perform(speech, 100.0), perform(speech, 100.0, styles=(style,))
    assert at(styled, 0.96, JAW) < 0.4 * at(plain, 0.96, JAW)
    assert at(styled, 0.55, JAW) == at(plain, 0.55, JAW) and at(styled, 1.32, JAW) == at(plain, 1.32, JAW)


def test_same_line_gives_the_same_bytes_and_the_length_that_was_asked() -> None:
    speech = jumble(3)
    for fps in (*RATES, 29.97):
        one, two = perform(speech, fps), perform(speech, fps)
        assert one.blendshapes.tobytes() == two.blendshapes.tobytes()
        assert len(one) == frame_count(speech.duration, fps)


def test_without_phones_the_mouth_rests_and_says_so_once() -> None:
    speech = dataclasses.replace(line("AA:200"), phones=None)
    report = SilentReport()
    clips = performed(speech, report, brief(), brief(24.0))
    assert len(report.warnings) == 1
    assert all(lip_gaps(clip, builtin_body(), np.arange(len(clip))).max() < 0.0005 for clip in clips)
    assert not any(clip.blendshapes[:, JAW].any() for clip in clips)
    assert [len(clip) for clip in clips] == [frame_count(speech.duration, fps) for fps in (30.0, 24.0)]


def test_silent_speech_is_a_closed_mouth_without_a_word() -> None:
    report = SilentReport()
    speech = Speech(audio_sha256="", duration=2.0, gain=0.0, phones=())
    clip = performed(speech, report, brief())[0]
    assert not clip.blendshapes[:, JAW].any() and not clip.timeline.visemes
    assert not report.warnings


def test_unknown_sounds_are_named_and_passed_over() -> None:
    report = SilentReport()
    clip = performed(line("T AA:150 ʘ:80 AA:150 T"), report, brief())[0]
    assert len(report.warnings) == 1 and "ʘ" in report.warnings[0]
    assert at(clip, 0.77, JAW) > 0.05
    stressed = dataclasses.replace(line("AA"), phones=(Phone(symbol="AA1", start=0.5, end=0.7),))
    assert not _warnings(stressed)


def _warnings(speech: Speech) -> list[str]:
    report = SilentReport()
    performed(speech, report, brief())
    return report.warnings


def test_every_sound_of_english_has_its_shape() -> None:
    rest = perform(line("SIL:120"), 100.0).blendshapes[56]
    for symbol in CMUDICT:
        speech = line(f"{symbol}:120")
        clip = perform(speech, 100.0)
        assert not _warnings(speech)
        assert np.abs(clip.blendshapes[56] - rest).max() > 0.02, symbol


def test_overlapping_and_touching_times_do_no_harm() -> None:
    phones = (
        Phone(symbol="AA", start=0.2, end=0.5),
        Phone(symbol="M", start=0.4, end=0.45),
        Phone(symbol="M", start=0.4, end=0.6),
        Phone(symbol="IY", start=0.6, end=0.6),
        Phone(symbol="P", start=0.6, end=1.4),
    )
    clip = perform(Speech(audio_sha256="", duration=1.0, phones=phones))
    assert not clip.timeline.problems()
    assert np.isfinite(clip.blendshapes).all()

"""The mouth in short words, quick and quiet speech; styles and moods that break no closure."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from declaim.core.body import builtin_body, load_body
from declaim.core.body_file import export_dense
from declaim.core.clip import MotionClip
from declaim.core.face import ARKIT_INDEX
from declaim.core.report import SilentReport
from declaim.core.speech import Speech, VocalSound
from declaim.core.timeline import Phone, Timeline
from declaim.core.wire import PerformRequest
from declaim.inference.casting import cast
from declaim.inference.faces import with_both_encodings
from declaim.inference.jaw import jaw_loudness, jaw_speed, opening_ratio
from declaim.inference.lips import SHUT_GAP, labiodentals, lip_closures, lip_gaps, shut_vowels
from declaim.inference.pipeline import Pipeline
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Direction, StyledRange
from declaim.plugins.parameters import complete

RATES = (24.0, 25.0, 30.0, 60.0)
STYLES = ("neutral", "calm", "energetic", "formal", "shy", "angry", "happy")
JAW, PUCKER, TONGUE = (ARKIT_INDEX[name] for name in ("jawOpen", "mouthPucker", "tongueOut"))
SMILE, FROWN = ([ARKIT_INDEX[name + side] for side in ("Left", "Right")] for name in ("mouthSmile", "mouthFrown"))
BODY = builtin_body()
MANIFEST = registry.find("generator", "visemes")


def said(text: str, *, start: float = 0.5, tail: float = 0.5, tempo: float = 1.0) -> Speech:
    """Sounds such as "P:40 AA:120@-26", each with its milliseconds and its level in dB; 80 and -20 where none are named."""
    phones, levels, time = [], [], start
    for word in text.split():
        word, _, level = word.partition("@")
        symbol, _, milliseconds = word.partition(":")
        end = time + float(milliseconds or 80) / 1000 / tempo
        phones.append(Phone(symbol=symbol, start=time, end=end))
        levels.append(float(level or (-80 if symbol == "SIL" else -20)))
        time = end
    hops = np.arange(round((time + tail) * 100)) * 0.01
    energy = np.full(len(hops), -80.0, np.float32)
    for phone, level in zip(phones, levels):
        energy[(hops >= phone.start - 1e-9) & (hops < phone.end)] = level
    return Speech(audio_sha256="", duration=time + tail, phones=tuple(phones), energy=energy)


def act(
    speech: Speech,
    fps: float = 30.0,
    *,
    seed: int = 0,
    styles: tuple[StyledRange, ...] = (),
    report: SilentReport | None = None,
    **given: object,
) -> MotionClip:
    generator = registry.generator(MANIFEST)
    generator.load("cpu")
    brief = Brief(
        fps=fps,
        seed=seed,
        body=BODY,
        betas=np.zeros(10),
        parameters=complete("visemes", MANIFEST.parameters, given),
        direction=Direction(styles=styles),
    )
    clip: MotionClip = generator.generate(speech, [brief], report or SilentReport())[0]
    return clip.replace(timeline=dataclasses.replace(clip.timeline, phones=speech.phones or ()))


def gaps(clip: MotionClip, start: float, end: float) -> np.ndarray:
    return lip_gaps(clip, BODY, np.arange(int(np.ceil(start * clip.fps)), int(end * clip.fps) + 1))


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(
    "word", ["P:70 AA:90 P:80", "B:60 IY:80 P:80", "M:60 AE:85 P:60", "P:50 IH:70 P:50", "B:40 AO:90 B:40"]
)
@pytest.mark.parametrize("offset", [0.0, 0.009, 0.021, 0.033])
def test_short_words_between_closures_close_and_open(word: str, fps: float, offset: float) -> None:
    clip = act(said(word, start=0.5 + offset), fps)
    assert max(closure.gap for closure in lip_closures(clip, BODY)) <= SHUT_GAP
    vowel = next(v for v in clip.timeline.visemes if v.name not in ("PP", "sil"))
    first, last = (round(v.peak * fps) for v in clip.timeline.visemes if v.name == "PP")
    between = lip_gaps(clip, BODY, np.arange(first, last + 1))
    assert between.max() > (0.004 if vowel.name in ("aa", "oh") else 0.002), f"{between * 1000} mm"
    assert not shut_vowels(clip, BODY)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("smile", [-1.0, 0.0, 1.0])
def test_no_mood_breaks_a_closure_or_shuts_a_vowel(style: str, smile: float) -> None:
    text = "M:70 AA:120 P:40 IY:90 B:20 UW:110 M:60 F:60 AE:110 P:90 OW:150 B:50 SIL:300 EH:90 M:50 AY:160 V:50 AA:100 P:60"
    for seed, fps in enumerate(RATES):
        clip = act(said(text), fps, seed=seed, style=style, smile=smile)
        found = lip_closures(clip, BODY)
        assert len(found) == 8
        assert max(closure.gap for closure in found) <= SHUT_GAP
        assert min(closure.gap for closure in found) > -0.005  # m; pressed, not pushed through each other
        assert not shut_vowels(clip, BODY)
        assert gaps(clip, 0.0, 0.2).max() < 0.0005  # closed at rest


def test_styles_differ_where_they_should() -> None:
    speech = said("T AA:140 T EH:120 S IY:140 T AE:140 SIL:700 T AA:140", start=1.0)
    jaw = {style: act(speech, style=style).blendshapes[:, JAW].max() for style in STYLES}
    assert jaw["shy"] < jaw["calm"] < jaw["neutral"] < jaw["energetic"]
    rest = {style: act(speech, style=style).blendshapes[3] for style in STYLES}
    assert rest["happy"][SMILE].mean() > 0.35 and rest["neutral"][SMILE].mean() < 0.22
    assert rest["neutral"][SMILE].min() > 0.08  # a rest face that does not sulk
    assert rest["angry"][FROWN].mean() > 0.25 and rest["angry"][SMILE].max() < 1e-6
    pause = act(speech, style="happy").blendshapes[round(2.25 * 30)]
    assert pause[SMILE].mean() > 0.35  # in a silence too


def test_smile_leans_to_one_side_a_little_and_by_the_seed_alone() -> None:
    speech = said("T IY:140 T")
    seen = set()
    for seed in range(8):
        left, right = act(speech, seed=seed, style="happy").blendshapes[3, SMILE]
        share = (left - right) / (left + right)
        assert 0.03 < abs(share) <= 0.1
        seen.add(round(float(share), 4))
    assert len(seen) == 8 and min(seen) < 0 < max(seen)
    assert act(speech, seed=3).blendshapes.tobytes() == act(speech, seed=3).blendshapes.tobytes()


def test_mood_fades_over_a_styled_range_and_never_jumps() -> None:
    speech = said("T AA:150 T EH:150 " * 8, start=0.5)
    change = StyledRange(start=1.5, end=3.0, parameters={"style": "happy"})
    plain, styled = act(speech, 60.0), act(speech, 60.0, styles=(change,))
    smile = styled.blendshapes[:, SMILE].mean(axis=1) - plain.blendshapes[:, SMILE].mean(axis=1)
    assert smile[round(2.25 * 60)] > 0.15
    assert not smile[: round(0.95 * 60)].any() and not smile[round(3.55 * 60) :].any()
    assert np.abs(np.diff(smile)).max() * 60 < 1.5
    foreign = StyledRange(start=0.0, end=1.0, parameters={"head": 0.0})
    assert np.array_equal(act(speech, styles=(foreign,)).blendshapes, act(speech).blendshapes)


def test_styles_blend_and_one_of_the_bodys_own_is_told_once() -> None:
    speech = said("T AA:150 T")
    rest = [act(speech, style="neutral", blend_with="happy", blend=b).blendshapes[3, SMILE].mean() for b in (0.0, 0.5, 1.0)]
    assert rest[0] < rest[1] < rest[2]
    assert rest[2] == pytest.approx(act(speech, style="happy").blendshapes[3, SMILE].mean())
    report = SilentReport()
    other = act(
        speech, report=report, style="grumpy", styles=(StyledRange(start=0.0, end=1.0, parameters={"style": "grumpy"}),)
    )
    assert len(report.warnings) == 1 and "grumpy" in report.warnings[0]
    assert np.array_equal(other.blendshapes, act(speech).blendshapes)


def test_a_quiet_passage_moves_less_whatever_the_recording_level() -> None:
    loud, quiet = "T AA:140 T AE:140 T AA:140 ", "T@-34 AA:140@-34 T@-34 AE:140@-34 T@-34 AA:140@-34 "
    speech = said(loud + "SIL:300 " + quiet + "SIL:300 " + loud)
    jaw = act(speech, 60.0).blendshapes[:, JAW]
    middle = slice(round(1.5 * 60), round(2.1 * 60))
    assert jaw[middle].max() < 0.65 * jaw[: round(1.2 * 60)].max()
    assert speech.energy is not None
    quieter = dataclasses.replace(speech, energy=speech.energy - 15.0)
    assert np.allclose(act(quieter, 60.0).blendshapes, act(speech, 60.0).blendshapes, atol=1e-5)


def test_breaths_sighs_and_laughs_open_the_mouth_between_words_only() -> None:
    speech = said("M:80 AA:150 T:60 SIL:1400 B:60 AE:150 M:80", start=0.6, tail=1.5)
    assert speech.energy is not None
    speech.energy[100:230] = -30.0
    plain = act(speech, 60.0)
    for kind, widest in (("breath", 0.03), ("sigh", 0.06), ("laugh", 0.1)):
        sound = VocalSound(kind=kind, start=1.1, end=2.1, strength=0.8)  # type: ignore[arg-type]
        clip = act(dataclasses.replace(speech, sounds=(sound,)), 60.0)
        assert gaps(clip, 1.2, 2.0).max() > gaps(plain, 1.2, 2.0).max() + 0.001
        assert clip.blendshapes[round(1.5 * 60), JAW] > widest
        assert max(closure.gap for closure in lip_closures(clip, BODY)) <= SHUT_GAP
        before, after = slice(0, round(0.89 * 60)), slice(round(2.3 * 60), round(2.57 * 60))
        for stretch in (before, after):
            assert np.array_equal(clip.blendshapes[stretch], plain.blendshapes[stretch])
        assert np.abs(np.diff(clip.blendshapes[:, JAW])).max() * 60 < 8.0
    unheard = dataclasses.replace(speech, phones=None, sounds=(VocalSound(kind="laugh", start=1.1, end=2.1, strength=1.0),))
    assert act(unheard).blendshapes[45, SMILE].mean() > 0.5  # known without a word


def test_quick_speech_undershoots() -> None:
    text = "D AA:160 T:70 AE:150 N:70 AA:160 K:80 AE:150 S:90 AA:160 D:70"
    slow, quick = (act(said(text, tempo=tempo), 60.0).blendshapes[:, JAW].max() for tempo in (0.9, 2.0))
    assert quick < 0.85 * slow


@pytest.mark.parametrize("fps", RATES)
def test_jaw_follows_loudness_inside_open_vowels(fps: float) -> None:
    random = np.random.Generator(np.random.PCG64(4))
    text = " ".join(
        f"{c} {v}:{random.uniform(90, 180):.0f}@{random.uniform(-28, -14):.1f}"
        for c, v in zip(random.choice(["T", "S", "N", "M", "K", "R", "F"], 40), random.choice(["AA", "AE", "AO"], 40))
    )
    speech = said(text + " S IY:120 S UW:120 S")
    clip = act(speech, fps)
    assert speech.energy is not None
    measured = jaw_loudness(clip, speech.energy)
    assert measured.open_vowels is not None and measured.open_vowels > 0.45
    level = jaw_loudness(act(speech, fps, loudness=0.0), speech.energy)
    assert level.open_vowels is not None and level.open_vowels < measured.open_vowels - 0.3
    ratio = opening_ratio(clip)
    assert ratio is not None and ratio >= 2.0


def test_tongue_shows_on_th_and_lips_round_for_oo() -> None:
    clip = act(said("TH:110 R:60 UW:180"), 60.0)
    tongue = clip.blendshapes[:, TONGUE]
    assert tongue[round(0.555 * 60)] > 0.4 and tongue[round(0.75 * 60)] < 0.05
    assert clip.blendshapes[round(0.76 * 60), PUCKER] > 0.7


def test_measures_say_nothing_where_there_is_nothing() -> None:
    clip = act(said("S:80 IY:90"))
    assert jaw_loudness(clip, np.full(200, -20.0)).open_vowels is None
    assert opening_ratio(clip.replace(timeline=Timeline())) is None


@pytest.mark.parametrize("style", ["neutral", "angry", "happy"])
def test_lips_meet_where_expressions_and_a_jaw_joint_make_the_face(style: str, tmp_path: Path) -> None:
    export_dense(BODY, tmp_path / "smplx.npz")
    body = load_body(tmp_path / "smplx.npz")
    clip = act(said("M:70 AA:140 P:60 OW:150 B:40 AE:140 M:60 IY:120 P:60 UW:120"), style=style)
    solved = with_both_encodings(clip, body, {"blendshapes"})
    found = lip_closures(solved, body)
    assert len(found) == 5
    assert max(closure.gap for closure in found) <= SHUT_GAP
    assert lip_gaps(solved, body, np.arange(len(solved))).max() > 0.006


@pytest.fixture(scope="module")
def demo() -> Speech:
    folder = Path(__file__).parents[2] / "assets" / "demo"
    request = PerformRequest(script=(folder / "script.txt").read_text(encoding="utf-8"), generators={"mouth": "visemes"})
    speech = Pipeline().hear(folder / "voice.flac", request, SilentReport(), castings=cast(request))
    assert speech.phones and speech.energy is not None and speech.sounds is not None
    return speech


@pytest.mark.parametrize("fps", RATES)
def test_a_whole_spoken_line_keeps_every_promise(demo: Speech, fps: float) -> None:
    clip = act(demo, fps)
    closures = lip_closures(clip, BODY)
    assert len(closures) > 5 and max(closure.gap for closure in closures) <= SHUT_GAP
    assert not shut_vowels(clip, BODY)
    tucked = labiodentals(clip, BODY)
    assert tucked and min(each.tuck for each in tucked) > 0.003 and min(each.gap for each in tucked) > 0
    ratio = opening_ratio(clip)
    assert ratio is not None and ratio >= 2.0
    assert demo.energy is not None
    measured = jaw_loudness(clip, demo.energy)
    assert measured.open_vowels is not None and measured.open_vowels >= 0.3
    assert measured.overall is not None and measured.overall >= 0.4
    assert jaw_speed(clip).max() < 9.0


def test_a_words_time_moves_only_its_own_neighbourhood(demo: Speech) -> None:
    assert demo.words and demo.phones
    word = len(demo.words) // 2
    moved = tuple(
        dataclasses.replace(phone, start=phone.start + 0.04, end=phone.end + 0.04) if phone.word == word else phone
        for phone in demo.phones
    )
    one, other = act(demo, 60.0), act(dataclasses.replace(demo, phones=moved), 60.0)
    differing = np.flatnonzero((one.blendshapes != other.blendshapes).any(axis=1)) / 60
    assert len(differing)
    assert differing.min() > demo.words[word].start - 1.0 and differing.max() < demo.words[word].end + 1.0

"""From a voice to clips: determinism, channels, start and end pose, what a plugin may do wrong."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from declaim.core.body import builtin_body, load_body
from declaim.core.clip import MotionClip
from declaim.core.clip_file import save_clip
from declaim.core.errors import Cancelled, InputError, PluginError
from declaim.core.face import ARKIT_INDEX, CHANNEL_SHAPES
from declaim.core.report import SilentReport
from declaim.core.skeleton import CHANNEL_JOINTS, CHANNELS, JOINT
from declaim.core.wire import PerformRequest, Pose
from declaim.inference.pipeline import Pipeline
from declaim.inference.poses import pose_clip

ROOT = Path(__file__).parents[2]
VOICE = ROOT / "assets" / "demo" / "voice.flac"
SCRIPT = (ROOT / "assets" / "demo" / "script.txt").read_text(encoding="utf-8")
EXAMPLE = ROOT / "tests" / "data" / "plugins" / "bobbing"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(scope="module")
def clip(pipeline: Pipeline) -> MotionClip:
    return pipeline.perform(VOICE, PerformRequest(script=SCRIPT), SilentReport())[0]


def test_every_value_belongs_to_one_channel() -> None:
    joints = [joint for channel in CHANNELS for joint in CHANNEL_JOINTS[channel]]
    shapes = [shape for channel in CHANNELS for shape in CHANNEL_SHAPES[channel]]
    assert sorted(joints) == list(range(55))
    assert sorted(shapes) == list(range(52))


def test_the_demo_line_becomes_a_whole_performance(clip: MotionClip) -> None:
    assert [word.text for word in clip.timeline.words][:2] == SCRIPT.replace(",", "").split()[:2]
    assert clip.timeline.phones
    assert len(clip.timeline.strokes) >= 3
    assert any(viseme.name == "PP" for viseme in clip.timeline.visemes)
    moving = np.ptp(clip.poses, axis=0).max(axis=-1)
    for channel in ("body", "hands", "head_gaze"):
        assert moving[list(CHANNEL_JOINTS[channel])].max() > 0.05, channel
    for channel in ("upper_face", "mouth"):
        assert np.ptp(clip.blendshapes[:, list(CHANNEL_SHAPES[channel])], axis=0).max() > 0.2, channel
    assert clip.body.sha256 == builtin_body().sha256
    assert clip.provenance.audio_sha256
    assert {row.id for row in clip.provenance.generators} == {"gesture", "visemes"}


def test_same_input_same_bytes(clip: MotionClip, tmp_path: Path) -> None:
    again = Pipeline().perform(VOICE, PerformRequest(script=SCRIPT), SilentReport())[0]
    save_clip(clip, tmp_path / "a.npz")
    save_clip(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_line_does_not_depend_on_the_line_before(pipeline: Pipeline, clip: MotionClip) -> None:
    pipeline.perform(VOICE, PerformRequest(), SilentReport())
    again = pipeline.perform(VOICE, PerformRequest(script=SCRIPT), SilentReport())[0]
    assert again.timeline == clip.timeline
    assert np.array_equal(again.poses, clip.poses)


def test_seeds_make_takes(pipeline: Pipeline, clip: MotionClip) -> None:
    takes = pipeline.perform(VOICE, PerformRequest(script=SCRIPT, seeds=(0, 1)), SilentReport())
    assert np.array_equal(takes[0].poses, clip.poses)
    assert np.abs(takes[1].poses - takes[0].poses).max() > 0.2
    assert [take.provenance.seed for take in takes] == [0, 1]


def test_a_channel_can_have_another_generator(
    pipeline: Pipeline, clip: MotionClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECLAIM_PLUGINS", str(EXAMPLE))
    request = PerformRequest(
        script=SCRIPT,
        generators={**PerformRequest().generators, "head_gaze": "bobbing"},
        parameters={"bobbing": {"depth": 20.0}},
    )
    bobbed = pipeline.perform(VOICE, request, SilentReport())[0]
    head = bobbed.poses[:, JOINT["head"]]
    assert 10 < np.degrees(head[:, 0].max()) <= 20
    assert not head[:, 1:].any()
    body = list(CHANNEL_JOINTS["body"])
    assert np.array_equal(bobbed.poses[:, body], clip.poses[:, body])


def test_start_and_end_pose_are_met_exactly(pipeline: Pipeline) -> None:
    rng = np.random.default_rng(3)
    start, end = (rng.normal(0, 0.2, (55, 3)).astype(np.float32) for _ in range(2))
    request = PerformRequest(
        script=SCRIPT,
        start_pose=Pose(poses=tuple(start.reshape(-1).tolist()), trans=(0.1, 0.0, 0.2), blendshapes={"jawOpen": 0.5}),
        end_pose=Pose(poses=tuple(end.reshape(-1).tolist())),
    )
    clip = pipeline.perform(VOICE, request, SilentReport())[0]
    np.testing.assert_allclose(clip.poses[0], start, atol=1e-5)
    np.testing.assert_allclose(clip.trans[0], (0.1, 0, 0.2), atol=1e-6)
    assert clip.blendshapes[0, ARKIT_INDEX["jawOpen"]] == pytest.approx(0.5)
    np.testing.assert_allclose(clip.poses[-1], end, atol=1e-5)
    with pytest.raises(InputError, match="12 numbers, not 165"):
        pipeline.perform(VOICE, PerformRequest(start_pose=Pose(poses=(0.0,) * 12)), SilentReport())


def test_a_start_pose_has_its_face_on_bodies_of_expressions(tmp_path: Path) -> None:
    from declaim.core.body_file import export_dense

    export_dense(builtin_body(), tmp_path / "dense.npz")
    dense = load_body(tmp_path / "dense.npz")
    pose = Pose(poses=(0.0,) * 165, blendshapes={"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0})
    clip = pose_clip(pose, fps=30.0, body=dense, betas=np.zeros(10, dtype=np.float32))
    assert dense.face == "expressions" and np.abs(clip.expressions).max() > 0.1
    neutral = pose_clip(Pose(poses=(0.0,) * 165), fps=30.0, body=dense, betas=np.zeros(10, dtype=np.float32))
    assert not neutral.expressions.any()


def test_the_other_face_encoding_is_filled_in(clip: MotionClip) -> None:
    jaw = clip.poses[:, JOINT["jaw"], 0]
    assert np.corrcoef(jaw, clip.blendshapes[:, ARKIT_INDEX["jawOpen"]])[0, 1] > 0.6
    assert clip.expressions.shape == (len(clip), builtin_body().expression_dirs.shape[-1])


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 60.0])
def test_any_frame_rate(pipeline: Pipeline, fps: float) -> None:
    clip = pipeline.perform(VOICE, PerformRequest(script=SCRIPT, fps=fps), SilentReport())[0]
    assert clip.duration == pytest.approx(pipeline.hear(VOICE, PerformRequest(), SilentReport()).duration, abs=1.01 / fps)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fps": 0.0}, "out of range"),
        ({"seeds": ()}, "No take"),
        ({"seeds": (-1,)}, "negative"),
        ({"betas": (0.0,) * 11}, "at most 10"),
        ({"generators": {"mouth": "gesture"}}, "does not make the channel mouth"),
        ({"generators": {"tail": "gesture"}}, "no channel"),
        ({"parameters": {"vosk": {"model": "x"}}}, "takes no part"),
        ({"parameters": {"gesture": {"energie": 1}}}, "Did you mean energy"),
    ],
)
def test_a_request_that_does_not_fit_is_one_sentence(pipeline: Pipeline, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        pipeline.perform(VOICE, dataclasses.replace(PerformRequest(), **changes), SilentReport())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no ears')", "Ear failed: RuntimeError: no ears"),
        ("raise SystemExit(3)", "Ear failed: SystemExit: 3"),
        ("return None", "Ear gave no transcript"),
        (
            "return Transcript(words=(Word(text='b', start=2.0, end=3.0), Word(text='a', start=0.0, end=1.0)))",
            "run backwards",
        ),
    ],
)
def test_a_transcriber_at_fault_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    (tmp_path / "ear").mkdir()
    (tmp_path / "ear" / "plugin.toml").write_text(
        'id = "ear"\nkind = "transcriber"\ntitle = "Ear"\nsummary = "Hears."\nversion = "1"\nlicence = "CC0-1.0"\n'
        'entry = "ear:Ear"\nabilities = ["words"]\n'
    )
    (tmp_path / "ear" / "ear.py").write_text(
        "from declaim.core.timeline import Word\nfrom declaim.plugins.contracts import Transcript\n\n\nclass Ear:\n"
        f"    def load(self, parameters): pass\n    def transcribe(self, voice, report):\n        print('heard')\n        {code}\n"
        "    def close(self): pass\n"
    )
    monkeypatch.setenv("DECLAIM_PLUGINS", str(tmp_path))
    with pytest.raises(PluginError) as caught:
        Pipeline().hear(VOICE, PerformRequest(transcriber="ear"), SilentReport())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('out of tea')", "Bobbing head failed: RuntimeError: out of tea"),
        ("return []", "one clip for each take"),
        ("return None", "one clip for each take"),
        ("raise SystemExit(3)", "Bobbing head failed: SystemExit: 3"),
        ("return [brief.start_pose for brief in briefs]", "one clip for each take"),
        ("return [self._take(speech, brief, report).sliced(0, 1) for brief in briefs]", "frames"),
    ],
)
def test_a_generator_at_fault_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "bobbing", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "bobbing" / "bobbing.py"
    source.write_text(source.read_text().replace("return [self._take(speech, brief, report) for brief in briefs]", code))
    monkeypatch.setenv("DECLAIM_PLUGINS", str(tmp_path))
    request = PerformRequest(script=SCRIPT, generators={"head_gaze": "bobbing"})
    with pytest.raises(PluginError) as caught:
        Pipeline().perform(VOICE, request, SilentReport())
    assert said in str(caught.value)


def test_cancelling_stops_the_work(pipeline: Pipeline) -> None:
    report = SilentReport()
    report.cancel()
    with pytest.raises(Cancelled):
        pipeline.perform(VOICE, PerformRequest(), report)


def test_a_users_own_body_performs(pipeline: Pipeline, tmp_path: Path) -> None:
    from declaim.core.body_file import export_dense

    path = tmp_path / "SMPLX_NEUTRAL.npz"
    export_dense(builtin_body(), path)
    body = load_body(path)
    assert body.face == "expressions"
    clip = pipeline.perform(VOICE, PerformRequest(script=SCRIPT, body=str(path)), SilentReport())[0]
    assert clip.body.sha256 == body.sha256
    assert np.ptp(clip.poses[:, JOINT["jaw"], 0]) > 0.05
    assert np.ptp(clip.expressions, axis=0).max() > 0.1

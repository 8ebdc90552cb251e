"""The command line as a person types it: results, and bad input in one sentence with nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from declaim.core.clip_file import load_clip

ROOT = Path(__file__).parents[2]
VOICE = ROOT / "assets" / "demo" / "voice.flac"
SCRIPT = ROOT / "assets" / "demo" / "script.txt"


def declaim(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "declaim.inference.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "tests", timeout=120, **more)  # type: ignore[call-overload]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a refusal."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1, done.stderr
    assert "Something in Declaim failed" not in errors[0]
    return errors[0]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Half a second of hum."""
    path = tmp_path / "hum.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(8000) * 0.05), 16_000)
    return path


def test_perform_writes_what_was_asked_for(tmp_path: Path) -> None:
    outputs = [tmp_path / f"line.{suffix}" for suffix in ("npz", "glb", "bvh")]
    done = declaim("perform", VOICE, "-s", SCRIPT, *(part for path in outputs for part in ("-o", path)), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outputs"] == [str(path) for path in outputs]
    assert sum(stage["seconds"] for stage in told["stages"]) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.bvh", "line.glb", "line.npz"]
    clip = load_clip(outputs[0])
    assert told["duration"] == pytest.approx(clip.duration)
    shown = declaim("inspect", outputs[0], "--audio", VOICE)
    assert shown.returncode == 0, shown.stderr
    assert "another file" not in shown.stderr
    copy = tmp_path / "copy.wav"
    samples, rate = soundfile.read(VOICE)
    soundfile.write(copy, samples, rate)
    assert "another file than copy.wav" in declaim("inspect", outputs[0], "--voice", copy).stderr
    machine = declaim("inspect", outputs[0], "--json")
    assert json.loads(machine.stdout)


def test_perform_says_where_and_how_long(tmp_path: Path) -> None:
    done = declaim("perform", VOICE, "-s", "A script of its own.", "-o", tmp_path / "a.npz")
    assert done.returncode == 0
    assert str(tmp_path / "a.npz") in done.stdout
    assert "s of performance in" in done.stdout
    quiet = declaim("perform", VOICE, "-s", SCRIPT, "-o", tmp_path / "b.npz", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_transcribe_prints_and_writes(tmp_path: Path) -> None:
    done = declaim("transcribe", VOICE, "-s", SCRIPT)
    assert done.returncode == 0, done.stderr
    for word in SCRIPT.read_text().split()[:3]:
        assert word.strip(".,!?") in done.stdout
    for suffix in ("json", "srt", "vtt", "TextGrid"):
        assert declaim("transcribe", VOICE, "-s", SCRIPT, "-o", tmp_path / f"w.{suffix}", "-q").returncode == 0
        assert (tmp_path / f"w.{suffix}").stat().st_size > 100
    machine = json.loads(declaim("transcribe", VOICE, "-s", SCRIPT, "--json").stdout)
    assert machine["words"][0]["text"] and machine["phones"]


def test_imported_words_drive_a_performance(tmp_path: Path) -> None:
    words = tmp_path / "words.json"
    assert declaim("transcribe", VOICE, "-s", SCRIPT, "-o", words).returncode == 0
    done = declaim("perform", VOICE, "-t", "import", "-p", f"file={words}", "-o", tmp_path / "a.npz")
    assert done.returncode == 0, done.stderr
    clip = load_clip(tmp_path / "a.npz")
    told = json.loads(words.read_text())["words"]
    assert [word.text for word in clip.timeline.words] == [word["text"] for word in told]
    assert clip.timeline.phones


def test_plugins_are_listed_and_checked(tmp_path: Path) -> None:
    listed = json.loads(declaim("plugins", "--json").stdout)["plugins"]
    assert {"gesture", "visemes", "pocketsphinx", "vosk", "import"} <= {row["id"] for row in listed}
    assert "gesture" in declaim("plugins").stdout
    example = ROOT / "tests" / "data" / "plugins" / "bobbing"
    good = declaim("plugins", "check", example)
    assert good.returncode == 0 and "same seed gives the same take" in good.stdout, good
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "plugin.toml").write_text((example / "plugin.toml").read_text())
    (broken / "bobbing.py").write_text("class Bobbing:\n    def load(self, device): raise OSError('no such disk')\n")
    bad = declaim("plugins", "check", broken)
    assert bad.returncode == 1 and "failed  it loads" in bad.stdout and "Traceback" not in bad.stderr
    assert "did you mean" not in refused(declaim("plugins", "chek", example)).lower()


def test_what_a_plugin_prints_stays_out_of_the_json(tmp_path: Path) -> None:
    example = ROOT / "tests" / "data" / "plugins" / "bobbing"
    shutil.copytree(example, tmp_path / "bobbing", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "bobbing" / "bobbing.py"
    source.write_text(source.read_text() + "\n\nprint('loaded!')\n")
    env = {**os.environ, "DECLAIM_PLUGINS": str(tmp_path)}
    done = declaim("perform", VOICE, "-s", SCRIPT, "-g", "bobbing", "-o", tmp_path / "a.npz", "--json", env=env)
    assert json.loads(done.stdout)["outputs"] and "loaded!" in done.stderr


@pytest.mark.parametrize("name", ["gesture", "visemes"])
def test_our_own_generators_keep_the_contract(name: str) -> None:
    done = declaim("plugins", "check", ROOT / "plugins" / name)
    assert done.returncode == 0, done.stdout


BAD = {
    "no such file": (lambda d: (d / "nothing.wav", []), "nothing.wav"),
    "a folder": (lambda d: (d, []), "folder"),
    "not audio": (lambda d: (ROOT / "pyproject.toml", []), "is not a sound or video file"),
    "unknown generator": (lambda d: (VOICE, ["-g", "gestur"]), "Did you mean gesture"),
    "unknown transcriber": (lambda d: (VOICE, ["-t", "vosc"]), "Did you mean vosk"),
    "unknown parameter": (lambda d: (VOICE, ["-p", "energi=1"]), "Did you mean energy"),
    "parameter out of range": (lambda d: (VOICE, ["-p", "energy=99"]), "the most is"),
    "parameter without value": (lambda d: (VOICE, ["-p", "energy"]), "key=value"),
    "missing vosk model": (lambda d: (VOICE, ["-t", "vosk", "-p", f"model={d}/no-model"]), "no-model"),
    "missing script": (lambda d: (VOICE, ["-s", "nothing.txt"]), "nothing.txt"),
    "missing pronunciations": (lambda d: (VOICE, ["--pronunciations", "nothing.txt"]), "nothing.txt"),
    "missing body": (lambda d: (VOICE, ["--body", "nothing.npz"]), "nothing.npz"),
    "missing start pose": (lambda d: (VOICE, ["--start-pose", "nothing.npz"]), "nothing.npz"),
    "shape of letters": (lambda d: (VOICE, ["--shape", "tall"]), "is not a shape"),
    "shape of no number": (lambda d: (VOICE, ["--shape", "0,nan"]), "nan is out of range"),
    "shape beyond people": (lambda d: (VOICE, ["--shape", "1e30"]), "from -10 to 10"),
    "the folder that we are in": (lambda d: (Path(), []), "folder"),
    "missing script with a space": (lambda d: (VOICE, ["-s", "my line.docx"]), "There is no script file my line.docx"),
    "a script of a whole show": (lambda d: (VOICE, ["-s", "word " * 5000]), "5000 words"),
}


def test_shapes_have_names() -> None:
    from declaim.core.shapes import SHAPES
    from declaim.inference.orders import Order, request_of

    for name, betas in SHAPES.items():
        assert request_of(Order(voice=VOICE, outputs=(), shape=f" {name.upper()}")).betas == betas


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name: str, tmp_path: Path) -> None:
    voice, more = BAD[name][0](tmp_path)
    done = declaim("perform", voice, *more, "-o", tmp_path / "out.npz", env={**os.environ, "VOSK_MODEL_PATH": ""})
    assert BAD[name][1] in refused(done)
    assert list(tmp_path.iterdir()) == []


def test_wrong_outputs_are_refused_before_any_work(tmp_path: Path) -> None:
    assert "Did you mean .glb" in refused(declaim("perform", VOICE, "-o", tmp_path / "a.gbl"))
    assert "does not exist" in refused(declaim("perform", VOICE, "-o", tmp_path / "no" / "a.glb"))
    assert "is a folder" in refused(declaim("perform", VOICE, "-o", _folder(tmp_path / "a.glb")))
    assert "twice" in refused(declaim("perform", VOICE, "-o", tmp_path / "a.npz", "-o", tmp_path / "a.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.glb"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_what_is_read_is_never_overwritten(tmp_path: Path) -> None:
    film, link, script = tmp_path / "film.mp4", tmp_path / "link.mp4", tmp_path / "script.json"
    shutil.copy(VOICE, film)  # the suffix does not matter to the reader
    link.hardlink_to(film)
    shutil.copy(SCRIPT, script)
    for output in (film, link, tmp_path / "." / "film.mp4"):
        assert "would be overwritten" in refused(declaim("perform", film, "-s", script, "-o", output))
    assert "would be overwritten" in refused(declaim("transcribe", film, "-s", script, "-o", script))
    assert film.read_bytes() == VOICE.read_bytes() and script.read_bytes() == SCRIPT.read_bytes()


def test_no_blender_is_said_before_any_work(tmp_path: Path) -> None:
    env = {**os.environ, "DECLAIM_BLENDER": str(tmp_path / "nothing")}
    done = declaim("perform", VOICE, "-o", tmp_path / "a.npz", "-o", tmp_path / "a.fbx", env=env)
    assert "Install Blender" in refused(done)
    assert "Reading the voice" not in done.stderr and list(tmp_path.iterdir()) == []


def test_scripts_that_are_no_plain_text(tmp_path: Path) -> None:
    rich, subtitles = tmp_path / "line.rtf", tmp_path / "line.srt"
    rich.write_text(r"{\rtf1\ansi Hello there.\par}")
    subtitles.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello there.\n")
    assert "rich text" in refused(declaim("transcribe", VOICE, "-s", rich))
    assert "-t import" in refused(declaim("transcribe", VOICE, "-s", subtitles))


def test_voice_beyond_the_script_is_told(tmp_path: Path) -> None:
    done = declaim("transcribe", VOICE, "-s", "I bring the voice, you bring the character.", "--json")
    told = json.loads(done.stdout)
    assert len(told["words"]) == 8 and any("no word of the script" in text for text in told["warnings"]), told["warnings"]
    whole = declaim("transcribe", VOICE, "-s", SCRIPT, "--json")
    assert json.loads(whole.stdout)["warnings"] == []


@pytest.mark.skipif(os.name == "nt", reason="names are counted otherwise there")
def test_names_as_long_as_file_systems_allow(tmp_path: Path) -> None:
    voice, output = tmp_path / ("v" * 250 + ".flac"), tmp_path / ("o" * 251 + ".npz")
    shutil.copy(VOICE, voice)
    done = declaim("perform", voice, "-s", SCRIPT, "-o", output)
    assert done.returncode == 0 and output.is_file(), done.stderr


def test_words_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    arguments = ("transcribe", VOICE, "-s", "I bring the voice \u2014 \u4f60 \u201cbring\u201d the character.")
    shown = declaim(*arguments, "-o", tmp_path / "\u00fcn\u00ef.json", env=env)
    assert shown.returncode == 0, shown.stderr
    machine = subprocess.run(
        [
            sys.executable,
            "-m",
            "declaim.inference.cli",
            *map(str, arguments),
            "-o",
            tmp_path / "\u00fcn\u00ef.json",
            "--json",
        ],
        capture_output=True,
        env=env,
        cwd=ROOT / "tests",
        timeout=120,
    )
    assert json.loads(machine.stdout.decode("utf-8"))["outputs"] == [str(tmp_path / "\u00fcn\u00ef.json")]


def test_a_body_file_is_an_npz(tmp_path: Path) -> None:
    assert ".npz" in refused(declaim("body", "export", tmp_path / "body.glb"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    os.name == "nt" or (os.geteuid() == 0 and not Path("/proc/self").exists()), reason="needs POSIX permissions"
)
def test_unwritable_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = Path("/proc/self")  # root may write anywhere else
    else:
        place = _folder(tmp_path / "locked")
        place.chmod(0o500)
    assert "could not be written" in refused(declaim("perform", VOICE, "-o", place / "a.npz"))


@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may write to any file")
def test_a_locked_file_is_left_alone(tmp_path: Path) -> None:
    output = tmp_path / "a.npz"
    output.write_bytes(b"approved")
    output.chmod(0o444)
    assert "write-protected" in refused(declaim("perform", VOICE, "-s", SCRIPT, "-o", output))
    assert output.read_bytes() == b"approved"


@pytest.mark.skipif(os.name == "nt", reason="file size limits are POSIX")
def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on file size stands in for the full disk: the same OSError in the same place."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    for suffix in ("npz", "glb", "bvh"):
        done = declaim("perform", VOICE, "-s", SCRIPT, "-o", tmp_path / f"a.{suffix}", preexec_fn=limit)
        assert "could not be written" in refused(done)
    assert list(tmp_path.iterdir()) == []


def test_silence_gives_a_calm_idle_clip_and_a_warning(tmp_path: Path) -> None:
    voice = tmp_path / "silence.wav"
    soundfile.write(voice, np.zeros(48_000), 16_000)
    done = declaim("perform", voice, "-s", "Nobody says this.", "-o", tmp_path / "idle.npz")
    assert done.returncode == 0, done.stderr
    assert "silent" in done.stderr
    clip = load_clip(tmp_path / "idle.npz")
    assert len(clip) == 90
    assert not clip.timeline.strokes
    assert np.abs(np.diff(clip.poses, axis=0)).max() < 0.2


def test_a_tenth_of_a_second(tmp_path: Path) -> None:
    voice = tmp_path / "short.wav"
    soundfile.write(voice, 0.1 * np.sin(np.arange(1600) * 0.05), 16_000)
    done = declaim("perform", voice, "-o", tmp_path / "short.npz")
    assert done.returncode == 0, done.stderr
    assert len(load_clip(tmp_path / "short.npz")) == 3


@pytest.mark.parametrize(("value", "said"), [(np.nan, "not numbers"), (np.inf, "not numbers")])
def test_samples_that_are_not_numbers(tmp_path: Path, value: float, said: str) -> None:
    voice = tmp_path / "nan.wav"
    samples = np.zeros(16_000, dtype=np.float32)
    samples[5000] = value
    soundfile.write(voice, samples, 16_000, subtype="FLOAT")
    assert said in refused(declaim("perform", voice, "-o", tmp_path / "a.npz"))


def test_longer_than_the_limit(tmp_path: Path) -> None:
    voice = tmp_path / "long.flac"
    with soundfile.SoundFile(voice, "w", 8000, 1) as file:
        for _ in range(62):
            file.write(np.zeros(60 * 8000, dtype=np.int16))
    assert "60 min" in refused(declaim("perform", voice, "-o", tmp_path / "a.npz"))


def test_a_script_that_does_not_match_is_performed_as_far_as_it_goes(tmp_path: Path) -> None:
    text = SCRIPT.read_text().rstrip() + " Zebras quietly negotiate umbrellas."
    done = declaim("perform", VOICE, "-s", text, "-o", tmp_path / "a.npz")
    assert done.returncode == 0, done.stderr
    assert "Zebras" in done.stderr
    assert len(load_clip(tmp_path / "a.npz").timeline.words) >= 5


def test_body_files_that_cannot_be_used(tmp_path: Path) -> None:
    missing = tmp_path / "missing.npz"
    np.savez(missing, v_template=np.zeros((10, 3)))
    assert "f" in refused(declaim("perform", VOICE, "--body", missing, "-o", tmp_path / "a.npz"))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, v_template=np.array([{"a": 1}], dtype=object))
    assert "pickle" in refused(declaim("perform", VOICE, "--body", pickled, "-o", tmp_path / "a.npz")).lower()
    assert not (tmp_path / "a.npz").exists()


def test_errors_for_machines(tmp_path: Path) -> None:
    done = declaim("perform", tmp_path / "nothing.wav", "-o", tmp_path / "a.npz", "--json")
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1 and error["code"] == "bad_audio" and error["message"] and error["hint"]
    usage = declaim("perform", "--json", "--nonsense")
    assert usage.returncode == 2 and json.loads(usage.stdout)["error"]["code"] == "usage"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "declaim.inference.cli", "perform", str(VOICE), "-o", str(tmp_path / "a.mp4")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT / "tests", start_new_session=True)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []

"""The cache: found by content, bounded, whole or not there, shared by processes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from declaim.core import wire
from declaim.core.speech import Nucleus, Pause, Speech
from declaim.core.timeline import Phone, Word
from declaim.inference.cache import Cache
from declaim.inference.fingerprint import code_fingerprint, request_fingerprint
from declaim.inference.results import keep_result, kept_result
from declaim.inference.speech_cache import SpeechCache
from declaim.inference.worker import take_file

from .conftest import TROUBLE


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_is_put_is_got(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "folder", limit_bytes=10_000)
    assert cache.get("a") is None
    cache.put("a", b"one")
    cache.put("b", b"")
    cache.put("a", b"two")
    assert cache.get("a") == b"two"
    assert cache.get("b") == b""
    assert cache.get("c") is None
    cache.put("large", bytes(9_000))
    assert cache.get("large") is None


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "other", "folder"])
def test_a_damaged_entry_is_not_there(tmp_path: Path, harm: str) -> None:
    cache = Cache(tmp_path, limit_bytes=10_000)
    cache.put("a", b"some content")
    (entry,) = _entries(tmp_path)
    content = entry.read_bytes()
    if harm == "cut":
        entry.write_bytes(content[:-1])
    elif harm == "flip":
        entry.write_bytes(content[:-1] + b"T")
    elif harm == "empty":
        entry.write_bytes(b"")
    elif harm == "other":
        cache.put("b", b"some content")
        (other,) = [path for path in _entries(tmp_path) if path != entry]
        entry.write_bytes(other.read_bytes())
    else:
        entry.unlink()
        entry.mkdir()
    assert cache.get("a") is None
    cache.put("a", b"again")
    assert cache.get("a") == (None if harm == "folder" else b"again")


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit_bytes=5_000)
    for name in "abcd":
        cache.put(name, bytes(1_000))
        for entry in _entries(tmp_path):  # all of them a second older
            os.utime(entry, ns=(0, entry.stat().st_mtime_ns - 10**9))
    assert cache.get("a") is not None
    cache.put("e", bytes(1_000))
    assert [name for name in "abcde" if cache.get(name) is None] == ["b"]
    assert sum(entry.stat().st_size for entry in _entries(tmp_path)) <= 5_000


def test_what_a_dead_engine_left_is_removed(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".x.1234.tmp.entry", tmp_path / ".y.1234.tmp.entry"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, time.time() - 7200))
    Cache(tmp_path, limit_bytes=1000).put("a", b"")
    assert not old.exists()
    assert fresh.exists()


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    cache = Cache(blocked / "cache", limit_bytes=1000)
    cache.put("a", b"x")
    assert cache.get("a") is None


_WRITER = """
import sys
from pathlib import Path
from declaim.inference.cache import Cache
cache = Cache(Path(sys.argv[1]), limit_bytes=60_000)
for turn in range(150):
    key = str(turn % 7)
    cache.put(key, key.encode() * 3000)
    found = cache.get(str((turn + 3) % 7))
    assert found is None or found == str((turn + 3) % 7).encode() * 3000
"""


def test_processes_share_a_cache(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert all(path.suffix == ".entry" and not path.name.startswith(".") for path in _entries(tmp_path))


SPEECH = Speech(
    audio_sha256="ab",
    duration=1.5,
    script="Oh “yes”",
    language="en",
    samples=np.linspace(-1, 1, 24000, dtype=np.float32),
    gain=2.5,
    energy=np.zeros(150, np.float32),
    nuclei=(Nucleus(time=0.5, prominence=9.0),),
    pauses=(Pause(start=0.0, end=0.4),),
    words=(Word(text="Oh", start=0.4, end=0.8, confidence=0.25, unsure=True, break_after=","),),
    phones=(Phone(symbol="OW", start=0.4, end=0.8, stress=1, word=0),),
    warnings=("Careful.",),
)


@pytest.mark.parametrize("speech", [SPEECH, Speech(audio_sha256="", duration=0.1)])
def test_a_speech_comes_back_as_it_was(tmp_path: Path, speech: Speech) -> None:
    cache = Cache(tmp_path, limit_bytes=10 << 20)
    SpeechCache(cache, code="1").put("key", speech)
    back = SpeechCache(cache, code="1").get("key")
    assert back is not None
    for field in dataclasses.fields(Speech):
        ours, theirs = getattr(speech, field.name), getattr(back, field.name)
        assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, field.name
        assert type(ours) is type(theirs)
    assert SpeechCache(cache, code="2").get("key") is None
    assert SpeechCache(cache, code="1").get("other") is None
    cache.put("speech 1 odd", b"not a speech")
    assert SpeechCache(cache, code="1").get("odd") is None


def test_a_result_is_whole_or_not_there(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit_bytes=10_000)
    made, given = tmp_path / "made", tmp_path / "given"
    for folder in (made, given):
        folder.mkdir()
    for take in range(2):
        take_file(made, take).write_bytes(b"take %d" % take)
    events: list[wire.Event] = [wire.Warned(text="Hm."), wire.Words(words=(Word(text="Oh", start=0.0, end=1.0),))]
    assert kept_result(cache, "key", given) is None
    keep_result(cache, "key", made, takes=2, events=events)
    assert kept_result(cache, "key", given) == events
    assert take_file(given, 1).read_bytes() == b"take 1"
    for entry in _entries(tmp_path / "cache"):
        content = entry.read_bytes()
        entry.unlink()
        assert kept_result(cache, "key", given) is None
        entry.write_bytes(content)
    assert kept_result(cache, "key", given) == events


def test_the_fingerprint_changes_with_whatever_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copytree(TROUBLE, tmp_path / "plugins")
    seen = [code_fingerprint()]
    monkeypatch.setenv("DECLAIM_PLUGINS", str(tmp_path / "plugins"))
    seen.append(code_fingerprint())
    assert code_fingerprint() == seen[-1]
    (tmp_path / "plugins" / "trouble" / "more.py").touch()
    seen.append(code_fingerprint())
    monkeypatch.setenv("DECLAIM_ANYTHING", "1")
    seen.append(code_fingerprint())
    assert len(set(seen)) == 4

    model = tmp_path / "model"
    model.mkdir()
    request = wire.PerformRequest(parameters={"vosk": {"model": str(model)}})
    marks = {"audio_sha256": "a", "filename": "a.wav", "code": "c"}
    seen = [request_fingerprint(request, **marks)]
    assert request_fingerprint(request, **marks) == seen[0]
    for change in ({"audio_sha256": "b"}, {"filename": "b.wav"}, {"code": "d"}):
        seen.append(request_fingerprint(request, **{**marks, **change}))
    seen.append(request_fingerprint(dataclasses.replace(request, seeds=(1,)), **marks))
    (model / "words").touch()
    seen.append(request_fingerprint(request, **marks))
    assert len(set(seen)) == 6

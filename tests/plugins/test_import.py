"""Import: each kind of file with the times it must give, and each bad one with its sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core.errors import ScriptError
from declaim.core.report import SilentReport
from declaim.core.timeline import Timeline
from declaim.plugins.contracts import Transcript, Voice
from declaim.plugins.imported.arpabet import PHONES, phone_symbol
from declaim.plugins.imported.transcriber import ImportTranscriber

DATA = Path(__file__).resolve().parents[1] / "data" / "speech"
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech"

SHORT_TEXTGRID = '''File type = "ooTextFile"
Object class = "TextGrid"

0
2
<exists>
3
"IntervalTier"
"Anna - phones"
0
2
6
0
0.25
"sil"
0.25
0.4
"HH"
0.4
0.5
"AW1"
0.5
1
"sp"
1
1.2
"DX"
1.2
2
"ɚ"
"TextTier"
"notes"
0
2
1
0.7
"a click"
"IntervalTier"
"Anna - words"
0
2
4
0
0.25
""
0.25
0.5
"how,"
0.5
1
"<eps>"
1
2
"say ""er"""
'''

LONG_TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "anything"
        xmin = 0
        xmax = 2
        intervals: size = 2
        intervals [1]:
            xmin = 0.5
            xmax = 1
            text = "hello"
        intervals [2]:
            xmin = 1
            xmax = 1.5
            text = "there"
"""


def read(
    path: Path, *, duration: float = 10.0, script: str | None = None, pauses: tuple[tuple[float, float], ...] = ()
) -> tuple[Transcript, list[str]]:
    plugin, report = ImportTranscriber(), SilentReport()
    plugin.load({"file": str(path)})
    voice = Voice(path=None, samples=np.zeros(1, np.float32), duration=duration, script=script, pauses=pauses)
    return plugin.transcribe(voice, report), report.warnings


def spans(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start, 3), round(word.end, 3)) for word in transcript.words]


def saved(folder: Path, name: str, content: Any, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
    return path


HELLO = [("Hello", 0.5, 0.9), ("world", 1.0, 1.4)]
SERVICES: dict[str, Any] = json.loads((DATA / "services.json").read_text(encoding="utf-8"))  # one layout each, abridged


@pytest.mark.parametrize("service", SERVICES)
def test_words_of_each_service(service: str, tmp_path: Path) -> None:
    got, warnings = read(saved(tmp_path, "a.json", SERVICES[service]))
    assert spans(got) == HELLO
    assert not warnings


def test_punctuation_and_doubt_are_kept(tmp_path: Path) -> None:
    words = read(saved(tmp_path, "a.json", SERVICES["aws"]))[0].words
    assert [word.break_after for word in words] == [",", "."]
    words = read(saved(tmp_path, "b.json", SERVICES["vosk"]))[0].words
    assert [(word.confidence, word.unsure) for word in words] == [(0.9, False), (0.3, True)]
    words = read(saved(tmp_path, "c.json", SERVICES["declaim"]))[0].words
    assert [word.unsure for word in words] == [False, True]


def test_whisperx_words_without_times_fill_their_gap(tmp_path: Path) -> None:
    words = [
        {"word": "In", "start": 0.5, "end": 0.7, "score": 0.9},
        {"word": "1984,"},
        {"word": "then", "start": 1.5, "end": 1.7},
    ]
    data = {"segments": [{"start": 0.5, "end": 1.7, "text": "In 1984, then", "words": words}]}
    got, _ = read(saved(tmp_path, "a.json", data))
    assert spans(got) == [("In", 0.5, 0.7), ("1984", 0.7, 1.5), ("then", 1.5, 1.7)]
    assert got.words[1].confidence == 0.5 and not got.words[1].unsure


def test_segments_without_words_are_spread(tmp_path: Path) -> None:
    data = {"segments": [{"start": 1.0, "end": 3.0, "text": " Hello wonderful world."}]}
    got, warnings = read(saved(tmp_path, "a.json", data))
    assert [word.text for word in got.words] == ["Hello", "wonderful", "world"]
    assert got.words[0].start == 1.0 and got.words[-1].end == 3.0
    lengths = [word.end - word.start for word in got.words]
    assert lengths[1] == max(lengths)
    assert len(warnings) == 1 and "whole phrases" in warnings[0]


def test_srt(tmp_path: Path) -> None:
    text = (
        "1\r\n00:00:01,000 --> 00:00:03,000\r\n<i>One</i> moment,\r\nplease…\r\n\r\n"
        "2\r\n00:00:04,500 --> 00:00:05,000 X1:40\r\n[door slams] {\\an8}- Now!\r\n"
    )
    got, _ = read(saved(tmp_path, "a.srt", text, "utf-8-sig"))
    assert [(word.text, word.break_after) for word in got.words] == [
        ("One", ""),
        ("moment", ","),
        ("please", "."),
        ("Now", "!"),
    ]
    assert got.words[0].start == 1.0 and got.words[2].end == 3.0
    assert spans(got)[3] == ("Now", 4.5, 5.0)
    assert [word.confidence for word in got.words] == [0.5, 0.5, 0.5, 1.0]


def test_no_word_of_a_cue_lies_across_a_pause(tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:04,000\nOne moment, please wait\n"
    got, _ = read(saved(tmp_path, "a.srt", text), pauses=((1.8, 2.9), (3.9, 4.2)))
    assert got.words[1].end == pytest.approx(1.8)
    assert got.words[2].start == pytest.approx(2.9)
    assert got.words[3].end == pytest.approx(3.9)


def test_old_subtitles_in_windows_1252(tmp_path: Path) -> None:
    got, _ = read(saved(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000\nThé\n", "cp1252"))
    assert spans(got) == [("Thé", 1.0, 2.0)]


def test_vtt_word_times(tmp_path: Path) -> None:
    text = (
        "WEBVTT - a title\n\nNOTE 00:00 --> nothing\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:03.000 align:start\n"
        "<v Anna>Rock<00:00:01.400> &amp;<00:00:01.700><c> roll</c><00:00:02.000>\n\n"
    )
    got, warnings = read(saved(tmp_path, "a.vtt", text))
    assert spans(got) == [("Rock", 1.0, 1.4), ("&", 1.4, 1.7), ("roll", 1.7, 2.0)]
    assert not warnings


def test_rolling_captions_are_not_heard_twice(tmp_path: Path) -> None:
    text = (
        "WEBVTT\nKind: captions\n\n00:00:00.000 --> 00:00:02.000\n \none<00:00:00.500><c> two</c>\n\n"
        "00:00:02.000 --> 00:00:02.010\none two\n \n\n"
        "00:00:02.010 --> 00:00:04.000\none two\nthree<00:00:03.000><c> four</c>\n"
    )
    got, _ = read(saved(tmp_path, "a.vtt", text))
    assert [word.text for word in got.words] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_short_textgrid_with_phones(encoding: str, tmp_path: Path) -> None:
    got, warnings = read(saved(tmp_path, "a.TextGrid", SHORT_TEXTGRID, encoding))
    assert not warnings
    assert spans(got) == [("how", 0.25, 0.5), ("say", 1.0, 1.467), ("er", 1.467, 2.0)]
    assert got.words[0].break_after == ","
    assert got.phones is not None
    assert [(p.symbol, p.stress, p.word) for p in got.phones] == [
        ("SIL", -1, -1), ("HH", -1, 0), ("AW", 1, 0), ("SIL", -1, -1), ("D", -1, 1), ("ER", -1, 2),
    ]  # fmt: skip


def test_long_textgrid_without_phones(tmp_path: Path) -> None:
    got, _ = read(saved(tmp_path, "a.TextGrid", LONG_TEXTGRID))
    assert spans(got) == [("hello", 0.5, 1.0), ("there", 1.0, 1.5)]
    assert got.phones is None


def test_phones_of_another_alphabet_are_left_to_the_aligner(tmp_path: Path) -> None:
    got, warnings = read(saved(tmp_path, "a.TextGrid", SHORT_TEXTGRID.replace('"DX"', '"q7"')))
    assert got.phones is None and len(got.words) == 3
    assert warnings == [
        "The phones of a.TextGrid are neither ARPAbet nor IPA (q7), so they are found by listening instead."
    ]


def test_phone_labels() -> None:
    same = {"AH1": ("AH", 1), "ah0": ("AH", 0), "hh_B": ("HH", -1), "SPN": ("SIL", -1), "": ("SIL", -1), "tʰ": ("T", -1),
            "aj": ("AY", -1), "dʒ": ("JH", -1), "ɫ̩": ("L", -1), "iː": ("IY", -1), "ax": ("AH", -1), "j": ("Y", -1),
            "e": ("EY", -1), "y": ("Y", -1), "p": ("P", -1)}  # fmt: skip
    assert {label: phone_symbol(label) for label in same} == same
    assert all(phone_symbol(phone) == (phone, -1) for phone in PHONES)
    assert phone_symbol("?!") is None


def test_the_reference_alignments_of_librivox(tmp_path: Path) -> None:
    paths = sorted((RECORDINGS / "librivox").glob("*-????.json"))
    if not paths:
        pytest.skip("no recordings in ../shared/data")
    for path in paths:
        got, warnings = read(path, duration=8.0)
        assert not warnings
        assert " ".join(word.text for word in got.words) == json.loads(path.read_text())["t"]


def test_the_file_beside_the_voice(tmp_path: Path) -> None:
    saved(tmp_path, "line.srt", "1\n00:00:01,000 --> 00:00:02,000\nless exact\n")
    saved(tmp_path, "line.TextGrid", LONG_TEXTGRID)
    plugin = ImportTranscriber()
    plugin.load({"file": ""})
    voice = Voice(path=tmp_path / "line.wav", samples=np.zeros(1, np.float32), duration=5.0, script=None)
    assert spans(plugin.transcribe(voice, SilentReport()))[0] == ("hello", 0.5, 1.0)


def test_the_script_gives_spelling_and_punctuation(tmp_path: Path) -> None:
    got, warnings = read(saved(tmp_path, "a.json", SERVICES["plain list"]), script="HELLO, World of mine!")
    assert [(word.text, word.break_after) for word in got.words] == [("HELLO", ","), ("World", "")]
    assert warnings == ["These words of the script were not heard: of, mine."]


def test_words_outside_the_voice_are_cut_or_left_out(tmp_path: Path) -> None:
    rows = [{"word": w, "start": a, "end": b} for w, a, b in (("a", -0.2, 0.3), ("b", 0.9, 1.2), ("c", 1.5, 1.9))]
    got, warnings = read(saved(tmp_path, "a.json", rows), duration=1.0)
    assert spans(got) == [("a", 0.0, 0.3), ("b", 0.9, 1.0)]
    assert warnings == [
        "1 word of a.json lies outside the voice and is left out.",
        "The times of 2 words of a.json reached past the voice and were cut.",
    ]


def test_unsorted_and_overlapping_words_are_put_in_order(tmp_path: Path) -> None:
    rows = [{"word": w, "start": a, "end": b} for w, a, b in
            (("third", 2.0, 3.0), ("first", 0.5, 1.8), ("second", 1.0, 2.0), ("zero", 0.4, 0.4), ("same", 2.0, 3.0))]  # fmt: skip
    got, warnings = read(saved(tmp_path, "a.json", rows))
    assert [word.text for word in got.words] == ["zero", "first", "second", "third", "same"]
    times = [time for word in got.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(word.end - word.start >= 0.009 for word in got.words)
    assert len(warnings) == 1 and "overlap" in warnings[0]


BAD: dict[str, tuple[str, Any, str]] = {
    "empty": ("a.srt", " \n", "a.srt is empty."),
    "no format": ("a.srt", "just some words", "a.srt is no TextGrid, SRT, WebVTT or JSON."),
    "bad time": ("a.srt", "1\n00:00:01,000 --> soon\nHi\n", 'a.srt, line 2: "00:00:01,000 --> soon" is no pair of times.'),
    "backwards": ("a.vtt", "WEBVTT\n\n00:02.000 --> 00:01.000\nHi\n", "a.vtt, line 3: the cue ends before it starts."),
    "no words": ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n[music]\n", "a.vtt holds no words."),
    "cut grid": ("a.TextGrid", LONG_TEXTGRID[:330], "a.TextGrid ends where xmin should follow."),
    "odd grid": ("a.TextGrid", LONG_TEXTGRID.replace("xmax = 1.5", 'xmax = "x"'),
                 'a.TextGrid, line 21: xmax should stand here, not "x".'),
    "not a grid": ("a.TextGrid", 'File type = "ooTextFile"\nObject class = "Sound"\n', "a.TextGrid is no TextGrid."),
    "no json": ("a.json", '{"words": [\n{"word": }]}', "a.json is not valid JSON: line 2, expecting value."),
    "other json": ("a.json", {"name": "x"}, "a.json is JSON, but no transcript with word times that Declaim knows."),
    "missing field": ("a.json", {"result": [{"word": "a", "start": 0, "end": 1}, {"word": "b", "start": 1}]},
                      "a.json: [0].result[1] has no end."),
    "bad field": ("a.json", {"words": [{"word": "a", "start": 0, "end": "late"}], "text": ""},
                  'a.json: words[0].end is "late", not a time.'),
    "NaN": ("a.json", '{"text": "", "words": [{"word": "a", "start": 0, "end": NaN}]}', "a.json: words[0].end is NaN, not a time."),
    "not a text": ("a.json", [{"word": 5, "start": 0, "end": 1}], "a.json: words[0].word is not a text."),
    "later version": ("a.json", {"format": "declaim.transcript", "version": 9}, "a.json was written by a later Declaim (version 9)."),
    "damaged own": ("a.json", {"format": "declaim.transcript", "version": 1, "words": [{"text": "a", "start": "x", "end": 1}]},
                    "a.json: words[0].start should be a number, not 'x'."),
    "all outside": ("a.json", [{"word": "a", "start": 20, "end": 21}],
                    "Every word of a.json lies outside the voice (from 20.00 s; the voice ends at 10.00 s)."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_each_bad_file_is_one_sentence(case: str, tmp_path: Path) -> None:
    name, content, message = BAD[case]
    with pytest.raises(ScriptError) as caught:
        read(saved(tmp_path, name, content))
    assert caught.value.message == message
    assert caught.value.hint


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"There is no file .*nowhere\.srt"):
        read(tmp_path / "nowhere.srt")
    plugin = ImportTranscriber()
    plugin.load({})
    voice = Voice(path=tmp_path / "line.wav", samples=np.zeros(1, np.float32), duration=5.0, script=None)
    with pytest.raises(ScriptError, match=r"Neither line\.TextGrid, line\.json, line\.vtt nor line\.srt lies"):
        plugin.transcribe(voice, SilentReport())
    (tmp_path / "a.srt").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ScriptError, match="is no text"):
        read(tmp_path / "a.srt")


def test_damaged_files_are_refused_or_read_into_sound_words(tmp_path: Path) -> None:
    random = np.random.Generator(np.random.PCG64(7))
    whole = [*map(json.dumps, SERVICES.values()), SHORT_TEXTGRID, LONG_TEXTGRID]
    splinters = ['"', "{", "}", "[", "]", "null", "-1", "1e999", "NaN", "true", '""', ",", ":", "<exists>", "{}", "\0", "é"]
    read_well = 0
    for _ in range(300):
        text = whole[random.integers(len(whole))]
        for _ in range(random.integers(1, 4)):
            at = random.integers(len(text))
            text = text[:at] + splinters[random.integers(len(splinters))] + text[at + random.integers(0, 6) :]
        try:
            got, _ = read(saved(tmp_path, "a.json", text))
        except ScriptError as error:
            assert error.message.endswith(".") and "a.json" in error.message
        else:
            assert not Timeline(words=got.words, phones=got.phones or ()).problems()
            assert all(0 <= word.start <= word.end <= 10 and word.text for word in got.words)
            read_well += 1
    assert read_well > 20

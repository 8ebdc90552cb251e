"""Import: the words, and phones where there are any, that another program has found."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import ScriptError
from ...core.report import Report
from ...core.timeline import Phone, Timeline, Word
from ..contracts import Transcript, Voice
from ..script_match import follow_script
from .arpabet import phone_symbol
from .own_json import is_own, read_own
from .rows import Row, words_from_rows
from .service_json import parse, read_service
from .subtitles import read_subtitles
from .textgrid import Interval, phone_tier, read_textgrid, word_tier

SUFFIXES = (".TextGrid", ".json", ".vtt", ".srt")  # in the order they are looked for: the most exact first
LARGEST = 64_000_000  # bytes


class ImportTranscriber:
    """Reads the file that the parameter ``file`` names, or the one beside the voice."""

    def __init__(self) -> None:
        self._file = ""

    def load(self, parameters: Mapping[str, Any]) -> None:
        self._file = str(parameters.get("file", "")).strip()

    def transcribe(self, voice: Voice, report: Report) -> Transcript:
        """Words inside the voice, in order. Raises ScriptError naming the file and the line or field that is wrong."""
        path = self._path(voice)
        report.stage(f"Reading {path.name}")
        transcript = _read(path, voice, report)
        if voice.script:
            words = tuple(follow_script(transcript.words, voice.script, report))
            # Phones point at words by number: they hold only while no word was split or joined.
            same = [(w.start, w.end) for w in words] == [(w.start, w.end) for w in transcript.words]
            transcript = Transcript(words=words, phones=transcript.phones if same else None)
        return transcript

    def close(self) -> None:
        pass

    def _path(self, voice: Voice) -> Path:
        if self._file:
            path = Path(self._file).expanduser()
            if not path.is_file():
                raise ScriptError(f"There is no file {path}.", hint="Check the parameter file of import.")
            return path
        if voice.path is None:
            raise ScriptError("This voice is no file that one could lie beside.", hint="Name one: -p file=words.TextGrid.")
        for suffix in SUFFIXES:
            for spelt in (suffix, suffix.lower()):
                path = voice.path.with_suffix(spelt)
                if path.is_file():
                    return path
        names = [voice.path.with_suffix(suffix).name for suffix in SUFFIXES]
        raise ScriptError(
            f"Neither {', '.join(names[:-1])} nor {names[-1]} lies beside the voice.",
            hint="Put one there, or name one: -p file=words.TextGrid.",
        )


def _read(path: Path, voice: Voice, report: Report) -> Transcript:
    text = _decoded(path)
    name = path.name
    if not text.strip():
        raise ScriptError(f"{name} is empty.", hint="Choose another file.")
    phones: tuple[Phone, ...] | None = None
    start = text.lstrip()
    if start.startswith(("{", "[")):
        data = parse(text, name)
        if is_own(data):
            return _inside(read_own(data, name), voice.duration, name, report)
        rows = read_service(data, name)
    elif "ooTextFile" in start[:200] or path.suffix.lower() == ".textgrid":
        tiers = read_textgrid(text, name)
        words = word_tier(tiers)
        if words is None:
            raise ScriptError(f"{name} has no tier of words.", hint='Name one of its interval tiers "words".')
        rows = [Row(text=label, start=a, end=b) for a, b, label in words.intervals if phone_symbol(label) != _SILENCE]
        tier = phone_tier(tiers)
        found = words_from_rows(rows, name=name, duration=voice.duration, pauses=voice.pauses, report=report)
        if tier is not None:
            phones = _phones(tier.intervals, found, voice.duration, name, report)
        return Transcript(words=found, phones=phones)
    elif "-->" in text:
        rows = read_subtitles(text, name)
    else:
        raise ScriptError(
            f"{name} is no TextGrid, SRT, WebVTT or JSON.", hint="For a plain text use --script with another transcriber."
        )
    words_found = words_from_rows(rows, name=name, duration=voice.duration, pauses=voice.pauses, report=report)
    return Transcript(words=words_found)


_SILENCE = ("SIL", -1)


def _decoded(path: Path) -> str:
    """UTF-8, UTF-16 with or without its mark, or, as old subtitles are, Windows-1252."""
    try:
        if path.stat().st_size > LARGEST:
            raise ScriptError(f"{path.name} is larger than {LARGEST // 1_000_000} MB.", hint="It is no transcript.")
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.", hint="Check it.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data[:200]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    for tried in (encoding, "cp1252"):
        try:
            text = data.decode(tried)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise ScriptError(f"{path.name} is no text.", hint="Save it as UTF-8.")


def _phones(
    intervals: Sequence[Interval], words: Sequence[Word], duration: float, name: str, report: Report
) -> tuple[Phone, ...] | None:
    """The phone tier in ARPAbet, or None, with a warning, where it has symbols that are none."""
    phones: list[Phone] = []
    unknown: set[str] = set()
    for start, end, label in intervals:
        symbol = phone_symbol(label)
        if symbol is None:
            unknown.add(label)
        elif start < duration and end > 0.0:
            last = phones[-1].end if phones else 0.0
            start = min(max(start, last), duration)
            end = min(max(end, start), duration)
            word = _word_at(words, (start + end) / 2) if symbol != _SILENCE else -1
            phones.append(Phone(symbol=symbol[0], start=start, end=end, stress=symbol[1], word=word))
    if unknown:
        shown = ", ".join(sorted(unknown)[:5])
        report.warn(f"The phones of {name} are neither ARPAbet nor IPA ({shown}), so they are found by listening instead.")
        return None
    return tuple(phones) or None


def _word_at(words: Sequence[Word], time: float) -> int:
    n = bisect.bisect_right(words, time, key=lambda word: word.start) - 1
    return n if n >= 0 and time < words[n].end else -1


def _inside(transcript: Transcript, duration: float, name: str, report: Report) -> Transcript:
    """Times cut at the voice's ends; words are kept, for phones point at them by number."""

    def cut(time: float) -> float:
        return min(max(time, 0.0), duration)

    items: list[Word | Phone] = [*transcript.words, *(transcript.phones or ())]
    if items and min(item.start for item in items) >= duration:
        raise ScriptError(f"Every word of {name} lies outside the voice.", hint="It belongs to another recording.")
    if any(item.start < -0.01 or item.end > duration + 0.01 for item in items):
        report.warn(f"Times of {name} reached past the voice and were cut.")
    timeline = Timeline(words=transcript.words, phones=transcript.phones or ()).map_times(cut)
    limits = [*(word.start for word in timeline.words[1:]), duration]
    words = tuple(dataclasses.replace(word, end=min(word.end, limit)) for word, limit in zip(timeline.words, limits))
    return Transcript(words=words, phones=None if transcript.phones is None else timeline.phones)

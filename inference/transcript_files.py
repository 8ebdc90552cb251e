"""Writing a transcript: our JSON, subtitles (SRT, WebVTT) and Praat's TextGrid. The import plugin reads each back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..core.errors import InputError
from ..core.files import replacing
from ..core.timeline import Timeline, Word
from ..plugins.contracts import Transcript
from ..plugins.imported.own_json import FORMAT, VERSION

LINE = 42  # characters, of a subtitle's line
LINES = 2
LONGEST_CUE = 6.0  # s
SHORTEST_CUE = 1.0  # s on screen, where the next cue leaves room
PAUSE = 0.5  # s between words that ends a cue
_DIGITS = 4  # of a second, in JSON

Interval = tuple[float, float, str]


def check_format(path: Path) -> None:
    """Raise InputError where no transcript can be written with that suffix."""
    if path.suffix.lower() not in _WRITERS:
        raise InputError(
            f'A transcript cannot be written as "{path.suffix or path.name}".',
            hint="Choose .json, .srt, .vtt or .TextGrid.",
        )


def write_transcript(transcript: Transcript, path: Path, *, duration: float | None = None) -> None:
    """Write ``transcript`` in the format that the suffix names.

    ``.json``: {"format": "declaim.transcript", "version": 1, "duration", "words": [{"text", "start", "end", "confidence",
    "unsure", "break_after"}], "phones": [{"symbol", "start", "end", "stress", "word", "confidence"}]}, times in seconds;
    "phones" only where there are some. ``.srt`` and ``.vtt``: a cue a phrase, with the words' own times inside the cues
    of ``.vtt``. ``.TextGrid``: the tiers words and phones, up to ``duration`` (s; default: the last end).

    Raises InputError for another suffix and ExportError where the file cannot be written.
    """
    check_format(path)
    ends = [word.end for word in transcript.words] + [phone.end for phone in transcript.phones or ()]
    text = _WRITERS[path.suffix.lower()](transcript, max([duration or 0.0, *ends]))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _json(transcript: Transcript, duration: float) -> str:
    def rounded(time: float) -> float:
        return round(time, _DIGITS)

    timeline = Timeline(words=transcript.words, phones=transcript.phones or ()).map_times(rounded).to_dict()
    rows = {"words": timeline["words"]} | ({"phones": timeline["phones"]} if transcript.phones is not None else {})
    head = {"format": FORMAT, "version": VERSION, "duration": rounded(duration)}
    lists = [
        f"  {json.dumps(name)}: [\n"
        + ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in rows[name])
        + "\n  ]"
        for name in rows
    ]
    return "{\n" + ",\n".join([*(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()), *lists]) + "\n}\n"


def _srt(transcript: Transcript, _: float) -> str:
    blocks = []
    for number, (cue, end) in enumerate(_timed(cues(transcript.words)), 1):
        text = "\n".join(" ".join(map(_shown, line)) for line in _lines(cue))
        blocks.append(f"{number}\n{_stamp(cue[0].start, ',')} --> {_stamp(end, ',')}\n{text}\n")
    return "\n".join(blocks)


def _vtt(transcript: Transcript, _: float) -> str:
    blocks = ["WEBVTT\n"]
    for cue, end in _timed(cues(transcript.words)):
        following = [*(word.start for word in cue[1:]), end]
        texts = {id(word): _with_times(word, word is cue[0], after) for word, after in zip(cue, following, strict=True)}
        text = "\n".join(" ".join(texts[id(word)] for word in line) for line in _lines(cue))
        blocks.append(f"{_stamp(cue[0].start, '.')} --> {_stamp(end, '.')}\n{text}\n")
    return "\n".join(blocks)


def _with_times(word: Word, first: bool, following: float) -> str:
    """The word after its start (the first one's is the cue's), and before its end where the next begins later."""
    start, end = _stamp(word.start, "."), _stamp(word.end, ".")
    text = _shown(word).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ("" if first else f"<{start}>") + text + ("" if end == _stamp(following, ".") else f"<{end}>")


def cues(words: Sequence[Word]) -> list[list[Word]]:
    """Words in phrases for the screen: cut after sentences and at pauses, and before a cue grows too long or too wide."""
    found: list[list[Word]] = []
    current: list[Word] = []
    for word in words:
        if current and _ends(current, word):
            found.append(current)
            current = []
        elif current and not _fits([*current, word]):
            cut = _best_cut(current)
            found.append(current[:cut])
            current = current[cut:]
        current.append(word)
    return [*found, current] if current else found


def _ends(current: Sequence[Word], following: Word) -> bool:
    last = current[-1]
    if following.start - last.end >= PAUSE:
        return True
    return last.break_after in (".", "?", "!", ";", ":") and last.end - current[0].start >= SHORTEST_CUE


def _fits(words: Sequence[Word]) -> bool:
    return words[-1].end - words[0].start <= LONGEST_CUE and len(_wrapped(words)) <= LINES


def _best_cut(words: Sequence[Word]) -> int:
    """Where to cut a full cue: at the latest punctuation, else the longest gap, of the second half; else after all."""
    later = range(max(1, len(words) // 2), len(words))
    marked = [n for n in later if words[n - 1].break_after]
    if marked:
        return marked[-1]
    gaps = [n for n in later if words[n].start - words[n - 1].end > 0.1]
    return max(gaps, key=lambda n: words[n].start - words[n - 1].end) if gaps else len(words)


def _wrapped(words: Sequence[Word], width: int = LINE) -> list[list[Word]]:
    lines: list[list[Word]] = []
    for word in words:
        if lines and len(" ".join(map(_shown, [*lines[-1], word]))) <= width:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """As few lines as it needs, of about equal width."""
    needed = len(_wrapped(words))
    width = next(width for width in range(1, LINE + 1) if width == LINE or len(_wrapped(words, width)) == needed)
    return _wrapped(words, width)


def _timed(phrases: Sequence[list[Word]]) -> Iterable[tuple[list[Word], float]]:
    """Each cue with its end: short ones stay on the screen for ``SHORTEST_CUE``, but never into the next."""
    for n, cue in enumerate(phrases):
        limit = phrases[n + 1][0].start if n + 1 < len(phrases) else float("inf")
        yield cue, max(cue[-1].end, min(cue[0].start + SHORTEST_CUE, limit))


def _shown(word: Word) -> str:
    return word.text + (" —" if word.break_after == "—" else word.break_after)


def _stamp(time: float, point: str) -> str:
    milliseconds = round(time * 1000)
    seconds = milliseconds // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{milliseconds % 1000:03d}"


def _textgrid(transcript: Transcript, duration: float) -> str:
    tiers = [("words", [(word.start, word.end, word.text) for word in transcript.words])]
    if transcript.phones is not None:
        labels = [
            (p.start, p.end, "" if p.symbol == "SIL" else p.symbol + (str(p.stress) if p.stress >= 0 else ""))
            for p in transcript.phones
        ]
        tiers.append(("phones", labels))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_praat(duration)}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers, 1):
        filled = _filled(intervals, duration)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0", f"        xmax = {_praat(duration)}", f"        intervals: size = {len(filled)}"]
        for n, (start, end, label) in enumerate(filled, 1):
            quoted = label.replace('"', '""')
            lines += [f"        intervals [{n}]:", f"            xmin = {_praat(start)}"]
            lines += [f"            xmax = {_praat(end)}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def _filled(intervals: Sequence[Interval], duration: float) -> list[Interval]:
    """Intervals that meet from 0 to ``duration``: gaps are empty ones, and one that is too short to exist is left out."""
    filled: list[Interval] = []
    at = 0.0
    for start, end, label in [*intervals, (duration, duration, "")]:
        start = max(start, at)
        if start - at > 1e-6:
            filled.append((at, start, ""))
        else:
            start = at
        if end - start > 1e-6:
            filled.append((start, end, label))
            at = end
        else:
            at = start
    merged: list[Interval] = []
    for start, end, label in filled:
        if merged and not label and not merged[-1][2]:
            merged[-1] = (merged[-1][0], end, "")
        else:
            merged.append((start, end, label))
    return merged or [(0.0, max(duration, 1e-3), "")]


def _praat(time: float) -> str:
    return f"{time:.6f}".rstrip("0").rstrip(".")


_WRITERS: dict[str, Callable[[Transcript, float], str]] = {
    ".json": _json,
    ".srt": _srt,
    ".vtt": _vtt,
    ".textgrid": _textgrid,
}

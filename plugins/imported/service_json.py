"""The JSON that speech services and recognisers write. Which one it is, is told by its structure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from ...core.errors import ScriptError
from . import json_fields as fields
from .json_fields import BadField, any_has, at, first_has, objects, plain_rows, seconds_of, text_of
from .rows import Row

Reader = Callable[[Any], list[Row] | None]
_KNOWN = (
    "It may be Declaim's own, or that of Vosk, Whisper, WhisperX, whisper.cpp, Google, AWS, Azure, Deepgram, AssemblyAI, "
    "ElevenLabs, Rev, Speechmatics, gentle or pocketsphinx."
)


def parse(text: str, name: str) -> Any:
    """The JSON in ``text``; several objects one after the other become a list. Raises ScriptError naming the line."""
    decoder, position, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise ScriptError(
                f"{name} is not valid JSON: line {error.lineno}, {error.msg[:1].lower()}{error.msg[1:]}.",
                hint="Save or download it again.",
            ) from None
        except RecursionError:
            raise ScriptError(f"{name} is nested too deeply.", hint="It is no transcript.") from None
        found.append(value)
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
    return found[0] if len(found) == 1 else found


def read_service(data: Any, name: str) -> list[Row]:
    """The words of any layout that is known. Raises ScriptError naming the field."""
    try:
        for reader in _READERS:
            rows = reader(data)
            if rows is not None:
                return rows
    except BadField as error:
        raise ScriptError(f"{name}: {error}.", hint="Export it again from the service.") from None
    raise ScriptError(f"{name} is JSON, but no transcript with word times that Declaim knows.", hint=_KNOWN)


# One reader a layout: rows, or None where the structure is not its own.


def _vosk(data: Any) -> list[Row] | None:
    segments = data if isinstance(data, list) else [data]
    if not any_has(segments, "result") or not any(
        first_has(at(part, "result"), "word", "start", "end") for part in segments
    ):
        return None
    return [
        row
        for n, part in enumerate(segments)
        if at(part, "result") is not None
        for row in plain_rows(part["result"], f"[{n}].result", ["word"], "start", "end", ["conf"])
        if not row.text.startswith(("[", "<"))
    ]


def _whisper(data: Any) -> list[Row] | None:
    """Whisper, faster-whisper, WhisperX, OpenAI's verbose_json. Words without times (WhisperX: numbers) get them later."""
    segments = at(data, "segments") if isinstance(data, dict) else data
    if first_has(segments, "start", "end", "text") and any_has(segments, "words"):
        words = [
            (word, here)
            for segment, where in objects(segments, "segments")
            for word, here in objects(segment.get("words", []), f"{where}.words")
        ]
    elif isinstance(data, dict) and ("text" in data or "language" in data) and any_has(data.get("words"), "word", "start"):
        words = list(objects(data["words"], "words"))
    elif first_has(segments, "start", "end", "text"):
        return plain_rows(segments, "segments", ["text"], "start", "end")
    else:
        return None
    return [
        Row(
            text=text_of(word, here, "word", "text"),
            start=seconds_of(word, here, "start") if "start" in word else None,
            end=seconds_of(word, here, "end") if "end" in word else None,
            confidence=fields.confidence_of(word, "probability", "score"),
        )
        for word, here in words
    ]


def _whisper_cpp(data: Any) -> list[Row] | None:
    parts = at(data, "transcription")
    if not first_has(parts, "offsets", "text"):
        return None
    rows: list[Row] = []
    for part, where in objects(parts, "transcription"):
        tokens = part.get("tokens") or [part]
        first = True
        for token, here in objects(tokens, f"{where}.tokens" if "tokens" in part else where):
            text = text_of(token, here, "text")
            if text.startswith("[_"):
                continue  # [_BEG_] and the like
            times = token.get("offsets", {})
            start, end = (seconds_of(times, f"{here}.offsets", key, fields.MILLISECONDS) for key in ("from", "to"))
            if first or text.startswith(" ") or "tokens" not in part:
                rows.append(Row(text=text, start=start, end=end, confidence=fields.confidence_of(token, "p")))
            else:  # a word in pieces
                last = rows[-1]
                rows[-1] = Row(text=last.text + text, start=last.start, end=end, confidence=last.confidence)
            first = False
    return rows


def _google(data: Any) -> list[Row] | None:
    results = at(data, "results") or at(data, "response", "results")
    keys = (
        ("startTime", "endTime"),
        ("start_time", "end_time"),
        ("startOffset", "endOffset"),
        ("start_offset", "end_offset"),
    )
    found: list[Row] = []
    for n, result in enumerate(results if isinstance(results, list) else []):
        words = at(result, "alternatives", 0, "words")
        if not any_has(words, "word"):
            continue
        start, end = next((pair for pair in keys if any_has(words, pair[1])), ("", ""))
        if not end:
            return None
        for row, here in objects(words, f"results[{n}].alternatives[0].words"):
            found.append(
                Row(
                    text=text_of(row, here, "word"),
                    start=seconds_of(row, here, start) if start in row else 0.0,  # protobuf leaves zeros out
                    end=seconds_of(row, here, end),
                    confidence=fields.confidence_of(row, "confidence") or 1.0,  # 0.0 stands for "not set"
                )
            )
    return found or None


def _items(data: Any) -> list[Row] | None:
    """AWS Transcribe (results.items) and Speechmatics (results): words and punctuation in one list."""
    items = at(data, "results", "items") or at(data, "results")
    if not (any_has(items, "type", "alternatives") and any_has(items, "start_time", "end_time")):
        return None
    rows: list[Row] = []
    for item, here in objects(items, "results.items"):
        best = at(item, "alternatives", 0)
        if not isinstance(best, dict):
            raise BadField(f"{here}.alternatives is empty")
        content = text_of(best, f"{here}.alternatives[0]", "content")
        if item.get("type") == "punctuation":
            _punctuate(rows, content)
        else:
            start, end = seconds_of(item, here, "start_time"), seconds_of(item, here, "end_time")
            rows.append(Row(text=content, start=start, end=end, confidence=fields.confidence_of(best, "confidence")))
    return rows


def _punctuate(rows: list[Row], mark: str) -> None:
    if rows and mark.strip():
        last = rows[-1]
        rows[-1] = Row(text=last.text + mark.strip(), start=last.start, end=last.end, confidence=last.confidence)


def _azure(data: Any) -> list[Row] | None:
    phrases = at(data, "recognizedPhrases") or (data if isinstance(data, list) else [data])
    found: list[Row] = []
    for n, phrase in enumerate(phrases if isinstance(phrases, list) else []):
        best = at(phrase, "NBest", 0) or at(phrase, "nBest", 0)
        words = at(best, "Words") or at(best, "words")
        if not words:
            continue
        for row, here in objects(words, f"[{n}].NBest[0].Words"):
            keys = ("Offset", "Duration") if "Offset" in row else ("offsetInTicks", "durationInTicks")
            start, length = (seconds_of(row, here, key, fields.TICKS) for key in keys)
            text = text_of(row, here, "Word", "word")
            found.append(
                Row(
                    text=text,
                    start=start,
                    end=start + length,
                    confidence=fields.confidence_of(row, "Confidence", "confidence"),
                )
            )
    return found or None


def _deepgram(data: Any) -> list[Row] | None:
    words = at(data, "results", "channels", 0, "alternatives", 0, "words") or at(
        data, "channel", "alternatives", 0, "words"
    )
    if not first_has(words, "word", "start", "end"):
        return None
    return plain_rows(
        words, "results.channels[0].alternatives[0].words", ["punctuated_word", "word"], "start", "end", ["confidence"]
    )


def _eleven_speech(data: Any) -> list[Row] | None:
    """ElevenLabs' recogniser: words, spacing and sounds in one list."""
    words = at(data, "words")
    if not first_has(words, "text", "type"):
        return None
    spoken = [row for row, _ in objects(words, "words") if row.get("type") == "word"]
    return plain_rows(spoken, "words", ["text"], "start", "end")


def _eleven_voice(data: Any) -> list[Row] | None:
    """ElevenLabs' synthesiser: times of characters."""
    data = at(data, "alignment") or data
    texts, starts, ends = (
        at(data, key) for key in ("characters", "character_start_times_seconds", "character_end_times_seconds")
    )
    if not (isinstance(texts, list) and isinstance(starts, list) and isinstance(ends, list)):
        return None
    if not len(texts) == len(starts) == len(ends):
        raise BadField("characters and their times differ in number")
    text = "".join(str(character)[:1] or " " for character in texts)
    return [
        Row(
            text=match[0],
            start=fields.number_of(starts[match.start()], f"character_start_times_seconds[{match.start()}]"),
            end=fields.number_of(ends[match.end() - 1], f"character_end_times_seconds[{match.end() - 1}]"),
        )
        for match in re.finditer(r"\S+", text)
    ]


def _rev(data: Any) -> list[Row] | None:
    speakers = at(data, "monologues")
    if not first_has(speakers, "elements"):
        return None
    rows: list[Row] = []
    for speaker, where in objects(speakers, "monologues"):
        for element, here in objects(speaker.get("elements"), f"{where}.elements"):
            if element.get("type") == "punct":
                _punctuate(rows, text_of(element, here, "value"))
            elif element.get("type") == "text":
                start, end = seconds_of(element, here, "ts"), seconds_of(element, here, "end_ts")
                text = text_of(element, here, "value")
                rows.append(Row(text=text, start=start, end=end, confidence=fields.confidence_of(element, "confidence")))
    return rows


def _gentle(data: Any) -> list[Row] | None:
    words = at(data, "words")
    if not first_has(words, "word", "case"):
        return None
    return [  # words that it did not find in the audio have no times
        Row(
            text=text_of(row, here, "word"),
            start=seconds_of(row, here, "start") if "start" in row else None,
            end=seconds_of(row, here, "end") if "end" in row else None,
        )
        for row, here in objects(words, "words")
    ]


def _pocketsphinx(data: Any) -> list[Row] | None:
    lines = data if isinstance(data, list) else [data]
    if not any_has(at(lines, 0, "w"), "b", "d", "t"):
        return None
    rows = []
    for line in lines:
        for row, here in objects(at(line, "w"), "w"):
            text = re.sub(r"\(\d+\)$", "", text_of(row, here, "t"))
            start = seconds_of(row, here, "b")
            if not text.startswith(("<", "[", "++")):
                rows.append(
                    Row(
                        text=text,
                        start=start,
                        end=start + seconds_of(row, here, "d"),
                        confidence=fields.confidence_of(row, "p"),
                    )
                )
    return rows


def _list_of_words(data: Any) -> list[Row] | None:
    """AssemblyAI (in ms), and any plain list of words with start and end (in s)."""
    words = at(data, "words") if isinstance(data, dict) else data
    if not (any_has(words, "start", "end") and (any_has(words, "text") or any_has(words, "word"))):
        return None
    rows = plain_rows(words, "words", ["text", "word"], "start", "end", ["confidence", "score"])
    whole = all(isinstance(row["start"], int) and isinstance(row["end"], int) for row, _ in objects(words, "words"))
    # Words of 10 s each do not exist: whole numbers this far apart are milliseconds.
    if whole and _middle(row.end - row.start for row in rows if row.end is not None and row.start is not None) > 10:
        return [
            Row(
                text=r.text,
                start=(r.start or 0) * fields.MILLISECONDS,
                end=(r.end or 0) * fields.MILLISECONDS,
                confidence=r.confidence,
            )
            for r in rows
        ]
    return rows


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


_READERS: tuple[Reader, ...] = (
    _vosk, _eleven_speech, _gentle, _whisper, _whisper_cpp, _google, _items, _azure, _deepgram, _eleven_voice, _rev,
    _pocketsphinx, _list_of_words,
)  # fmt: skip

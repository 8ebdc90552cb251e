"""Words and phones by PocketSphinx, with its own English model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import InputError
from ...core.report import Report
from ..contracts import Transcript, Voice
from .alignment import place_script
from .decoder import Decoder
from .features import cepstra
from .pronunciation import PHONES, Pronouncer
from .script import Token, tokens
from .timing import Heard, transcript

_QUOTED = 6  # words that a warning names


class PocketSphinxTranscriber:
    """Places a script, or given words, in a voice; without either, recognises English."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._pronouncer: Pronouncer | None = None

    def load(self, parameters: Mapping[str, Any]) -> None:
        if self._decoder is None:
            self._decoder = Decoder(PHONES)
            self._pronouncer = Pronouncer(self._decoder)

    def close(self) -> None:
        self._decoder = self._pronouncer = None

    def transcribe(self, voice: Voice, report: Report) -> Transcript:
        """The words and phones of ``voice``.

        Raises InputError for a language other than English and for a pronunciation that is none.
        """
        if voice.language.split("-")[0].split("_")[0].lower() != "en":
            raise InputError(
                f"PocketSphinx knows English only, and the line's language is {voice.language!r}.",
                hint="Choose the transcriber vosk with a model of that language, or import word times.",
            )
        self.load({})
        report.stage("Listening", 0.0)
        if not voice.samples.any():
            if voice.script and voice.script.strip():
                report.warn("Nothing can be heard in the voice, so no word of the script could be placed.")
            return Transcript(words=(), phones=())
        features = cepstra(voice.samples)
        return self._script(voice, features, report)

    def _script(self, voice: Voice, features: Any, report: Report) -> Transcript:
        assert self._decoder is not None and self._pronouncer is not None
        names = {word.lower(): phones for word, phones in voice.pronunciations.items()}
        script = tokens(voice.script or "", self._decoder.knows, names)
        entries = self._pronouncer.entries([word for token in script for way in token.readings for word in way], names)
        said = [_sayable(token, entries) for token in script]
        steps = [tuple(tuple(entries[word] for word in way) for way in ways) for ways in said if ways]
        where = [i for i, ways in enumerate(said) if ways]
        placed = place_script(self._decoder, features, steps, report)
        heard = []
        for i, spans in zip(where, placed, strict=True):
            if spans is not None:
                heard.append(Heard(text=script[i].text, spans=spans, break_after=script[i].break_after))
        spoken = {i for i, spans in zip(where, placed, strict=True) if spans is not None}
        _tell_missing([token.text for i, token in enumerate(script) if i not in spoken], report)
        return transcript(heard, voice, self._pronouncer, names)


def _sayable(token: Token, entries: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The readings of which every word has a pronunciation."""
    return tuple(way for way in token.readings if all(word in entries for word in way))


def _tell_missing(missing: list[str], report: Report) -> None:
    if missing:
        shown = ", ".join(f"\u201c{text}\u201d" for text in missing[:_QUOTED])
        more = f" and {len(missing) - _QUOTED} more" if len(missing) > _QUOTED else ""
        word = "This word" if len(missing) == 1 else "These words"
        report.warn(f"{word} of the script could not be placed in the voice: {shown}{more}.")

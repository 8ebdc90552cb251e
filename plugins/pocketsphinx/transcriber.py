"""Words and phones by PocketSphinx, with its own English model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import InputError, ScriptError
from ...core.report import Report
from ...core.speech import HOP
from ...core.timeline import Phone, Word
from ..contracts import Transcript, Voice
from .decoder import SILENCE, Decoder
from .features import cepstra
from .script import tokens


class PocketSphinxTranscriber:
    """Places a script, or given words, in a voice; without either, recognises English."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def load(self, parameters: Mapping[str, Any]) -> None:
        self._decoder = Decoder()

    def transcribe(self, voice: Voice, report: Report) -> Transcript:
        if self._decoder is None:
            self.load({})
        assert self._decoder is not None
        if voice.language.split("-")[0].lower() != "en":
            raise InputError(
                f"PocketSphinx knows English only, and the line is in {voice.language!r}.",
                hint="Choose the transcriber vosk with a model of that language, or import word times.",
            )
        report.stage("Placing the script in the voice")
        script = tokens(voice.script or "")
        names = [name for token in script for name in token.spoken]
        owners = [i for i, token in enumerate(script) for _ in token.spoken]
        spans = self._decoder.place(cepstra(voice.samples), names)
        if spans is None or len(spans) != len(names):
            raise ScriptError("The script could not be placed in the voice.", hint="Check that it is this line's script.")
        words: list[Word] = []
        phones: list[Phone] = []
        last = 0.0
        for span, owner in zip(spans, owners):
            start, end = span.start * HOP, min(span.end * HOP, voice.duration)
            if start > last + 1e-6:
                phones.append(Phone(symbol=SILENCE, start=last, end=start))
            for p in span.phones:
                phones.append(Phone(symbol=p.symbol, start=p.start * HOP, end=p.end * HOP, word=owner))
            last = span.end * HOP
            if owner < len(words):
                words[owner] = Word(
                    text=script[owner].text, start=words[owner].start, end=end, break_after=script[owner].break_after
                )
            else:
                words.append(Word(text=script[owner].text, start=start, end=end, break_after=script[owner].break_after))
        return Transcript(words=tuple(words), phones=tuple(phones))

    def close(self) -> None:
        self._decoder = None

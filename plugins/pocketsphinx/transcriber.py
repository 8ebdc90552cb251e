"""Words and phones by PocketSphinx, with its own English model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...core.errors import InputError
from ...core.report import Report
from ...core.speech import HOP, SAMPLE_RATE
from ..contracts import Transcript, Voice
from .alignment import place_script, said_well
from .decoder import Array, Decoder
from .features import cepstra
from .given import phones_within
from .pronunciation import PHONES, Pronouncer
from .recognition import SURE, Recogniser
from .script import Token, tokens
from .timing import Heard, transcript

_QUOTED = 6  # words that a warning names
_MATCHING = 0.25  # of a script's words must be placed, or it is taken for another line's,
_FILLING = 0.5  # unless those that are placed fill as much of the speech: the voice is then cut short
_AUDIBLE = 0.05  # of the loud frames' level: speech, not a pause


class PocketSphinxTranscriber:
    """Places a script, or given words, in a voice; without either, recognises English."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._recogniser: Recogniser | None = None
        self._pronouncers: dict[str, Pronouncer] = {}

    def load(self, parameters: Mapping[str, Any]) -> None:
        if self._decoder is None:
            self._decoder = Decoder(PHONES)

    def close(self) -> None:
        self._decoder = self._recogniser = None
        self._pronouncers.clear()

    def transcribe(self, voice: Voice, report: Report) -> Transcript:
        """The words and phones of ``voice``.

        Raises InputError for a language other than English, unless the words are given, and for a pronunciation that is
        none.
        """
        self.load({})
        assert self._decoder is not None
        if voice.words is not None:
            features = cepstra(voice.samples)
            return phones_within(voice, voice.words, features, self._decoder, self._pronouncer(voice.language), report)
        pronouncer = self._pronouncer(voice.language)
        if not pronouncer.english:
            raise InputError(
                f"PocketSphinx knows English only, and the line's language is {voice.language!r}.",
                hint="Choose the transcriber vosk with a model of that language, or import word times.",
            )
        report.stage("Listening", 0.0)
        names = {word.lower(): phones for word, phones in voice.pronunciations.items()}
        script = tokens(voice.script or "", self._decoder.knows, names)
        if not voice.samples.any():
            if script:
                report.warn("Nothing can be heard in the voice, so no word of the script could be placed.")
            return Transcript(words=(), phones=())
        if not script and (voice.script or "").strip():
            report.warn("The script holds nothing to say, so the words were recognised instead.")
        features = cepstra(voice.samples)
        heard = self._placed(script, voice.samples, features, names, report) if script else None
        if heard is None:
            if self._recogniser is None:
                self._recogniser = Recogniser()
            heard = [
                Heard(
                    text=_shown(word.span.name),
                    spans=(word.span,),
                    confidence=word.confidence,
                    unsure=word.confidence < SURE,
                )
                for word in self._recogniser.recognise(voice.samples, features, self._decoder, report)
            ]
            if script:
                done = "the words were recognised instead" if heard else "no word could be placed"
                report.warn(f"The script does not match the voice, so {done}: check that it is this line's script.")
        return transcript(heard, voice, pronouncer, names)

    def _pronouncer(self, language: str) -> Pronouncer:
        assert self._decoder is not None
        if language not in self._pronouncers:
            self._pronouncers[language] = Pronouncer(self._decoder, language)
        return self._pronouncers[language]

    def _placed(
        self, script: Sequence[Token], samples: Array, features: Array, names: Mapping[str, str], report: Report
    ) -> list[Heard] | None:
        """The script's words where they were said; None where it is another line's script."""
        assert self._decoder is not None
        entries = self._pronouncer("en").entries(
            [word for token in script for way in token.readings for word in way], names
        )
        said = [_sayable(token, entries) for token in script]
        where = [i for i, ways in enumerate(said) if ways]
        steps = [tuple(tuple(entries[word] for word in way) for way in said[i]) for i in where]
        placed = dict(zip(where, place_script(self._decoder, features, steps, report), strict=True)) if steps else {}
        heard = [
            Heard(text=token.text, spans=spans, break_after=token.break_after)
            for token, spans in ((token, placed.get(i)) for i, token in enumerate(script))
            if spans
        ]
        if len(heard) < _MATCHING * len(script) and not _fill(heard, samples):
            return None
        _tell_missing([token.text for i, token in enumerate(script) if not placed.get(i)], report)
        return heard


def _fill(heard: Sequence[Heard], samples: Array) -> bool:
    """Whether the words make up the speech in ``samples`` and sound like it."""
    spans = [span for word in heard for span in word.spans]
    hop = round(HOP * SAMPLE_RATE)
    level = np.sqrt(np.mean(np.square(samples[: len(samples) // hop * hop].reshape(-1, hop)), axis=1))
    audible = int(np.count_nonzero(level > _AUDIBLE * np.percentile(level, 95))) if len(level) else 0
    return bool(spans) and said_well(spans) and sum(span.end - span.start for span in spans) >= _FILLING * audible


def _sayable(token: Token, entries: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The readings of which every word has a pronunciation."""
    return tuple(way for way in token.readings if all(word in entries for word in way))


def _tell_missing(missing: list[str], report: Report) -> None:
    if missing:
        shown = ", ".join(f"\u201c{text}\u201d" for text in missing[:_QUOTED])
        more = f" and {len(missing) - _QUOTED} more" if len(missing) > _QUOTED else ""
        word = "This word" if len(missing) == 1 else "These words"
        report.warn(f"{word} of the script could not be placed in the voice: {shown}{more}.")


def _shown(name: str) -> str:
    """A dictionary entry as it is written."""
    return "I" + name[1:] if name == "i" or name.startswith("i'") else name

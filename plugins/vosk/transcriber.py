"""Vosk: words with their times, from a model that the user chose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.errors import ModelMissing
from ...core.report import Report
from ...core.speech import SAMPLE_RATE
from ...core.timeline import Word
from ..contracts import Transcript, Voice
from ..script_match import follow_script
from .model_folder import model_folder

CHUNK = SAMPLE_RATE // 4  # samples handed over at once
PEAK = 0.98  # of full scale: RMS normalisation may lift peaks above it
UNSURE_BELOW = 0.5  # the confidence is a posterior: under a half, another word was the likelier one


class VoskTranscriber:
    """Recognises words. With a script, words that match take its spelling and punctuation."""

    def __init__(self) -> None:
        self._model: Any = None
        self._recogniser: Any = None  # the class

    def load(self, parameters: Mapping[str, Any]) -> None:
        """Load the model that the parameter ``model`` or VOSK_MODEL_PATH names. Raises ModelMissing."""
        folder = model_folder(str(parameters.get("model", "")))
        try:
            import vosk
        except (ImportError, OSError) as error:
            raise ModelMissing(
                f"The package vosk is not installed or does not load ({error}).",
                hint="Install it with: pip install 'declaim[vosk]'",
            ) from error
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(folder))
        except Exception as error:  # vosk raises Exception itself
            raise ModelMissing(
                f"Vosk cannot load the model {folder}.", hint="Unpack it again, or choose another one."
            ) from error
        self._recogniser = vosk.KaldiRecognizer

    def transcribe(self, voice: Voice, report: Report) -> Transcript:
        """Words in order, with confidences; those under ``UNSURE_BELOW`` are marked unsure."""
        if self._model is None:
            raise ModelMissing("Vosk was asked to listen before its model was loaded.", hint="Call load first.")
        words: list[Word] = []
        pcm = _pcm(voice.samples)
        if np.any(pcm):
            recogniser = self._new_recogniser()
            recogniser.SetWords(True)
            for first in range(0, len(pcm), CHUNK):
                report.stage("Listening for words", first / len(pcm))
                if recogniser.AcceptWaveform(pcm[first : first + CHUNK].tobytes()):
                    words += _words(recogniser.Result(), voice.duration)  # an endpoint closes its segment
            words += _words(recogniser.FinalResult(), voice.duration)
        if voice.script:
            words = follow_script(words, voice.script, report)
        return Transcript(words=tuple(words))

    def _new_recogniser(self) -> Any:
        try:
            return self._recogniser(self._model, SAMPLE_RATE)
        except Exception as error:  # vosk raises Exception itself
            raise ModelMissing(
                "Vosk loads this model but cannot listen with it: its parts do not fit together.",
                hint="Unpack the model again, or choose another one.",
            ) from error

    def close(self) -> None:
        self._model = None


def _pcm(samples: Any) -> Any:
    """(n,) int16 out of (n,) float."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples * (32767.0 * min(1.0, PEAK / max(peak, PEAK))), dtype=np.int16)


def _words(result: str, duration: float) -> list[Word]:
    found = []
    for row in json.loads(result).get("result", ()):
        confidence = min(max(float(row.get("conf", 1.0)), 0.0), 1.0)
        start = min(max(float(row["start"]), 0.0), duration)
        unknown = row["word"].startswith(("[", "<"))  # "[unk]", "<unk>": something was said, but not what
        found.append(
            Word(
                text=row["word"],
                start=start,
                end=min(max(float(row["end"]), start), duration),
                confidence=0.0 if unknown else confidence,
                unsure=unknown or confidence < UNSURE_BELOW,
            )
        )
    return found

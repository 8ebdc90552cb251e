"""Hearing a line: from a recording to Speech, computing only what is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from pathlib import Path

from ..core.errors import InputError, PluginError
from ..core.report import Report
from ..core.speech import Need, Pause, Speech
from ..core.timeline import Phone, Word
from ..plugins.contracts import Transcriber, Transcript, Voice
from .audio import Recording, rms_normalised

_SILENT = "The recording is silent, so the character only idles."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listener:
    """The transcribers of one line: the one that was asked for, and the aligner that fills in missing phones."""

    title: str
    transcriber: Transcriber
    abilities: tuple[str, ...]
    aligner: Transcriber | None  # None: the transcriber is the aligner


def hear(
    recording: Recording,
    *,
    path: Path | None,
    needs: Set[Need],
    listener: Listener | None,
    script: str | None,
    language: str,
    pronunciations: Mapping[str, str],
    report: Report,
) -> Speech:
    """Analyse ``recording`` as far as ``needs`` goes. ``listener`` is required where words or phones are needed.

    Raises what the transcriber raises.
    """
    from . import prosody

    warned: list[str] = []
    told = _Remembering(report, warned)
    samples, gain = rms_normalised(recording.samples)
    speech = Speech(
        audio_sha256=recording.sha256,
        duration=recording.duration,
        script=script,
        language=language,
        samples=samples,
        gain=gain,
    )
    if speech.silent:
        told.warn(_SILENT)
        return dataclasses.replace(
            speech,
            words=(),
            phones=(),
            nuclei=(),
            pauses=(Pause(start=0.0, end=recording.duration),),
            warnings=tuple(warned),
        )
    energy = prosody.energy(samples)
    pauses = prosody.pauses(energy, recording.duration)
    changes: dict[str, object] = {"energy": energy, "pauses": pauses}
    if "nuclei" in needs:
        changes["nuclei"] = prosody.nuclei(energy)
    if "pitch" in needs:
        told.stage("Following the pitch")
        changes["pitch"] = prosody.pitch(samples)
    if needs & {"words", "phones"}:
        if listener is None:
            raise InputError("Words are needed, but no transcriber was chosen.", hint="Name one with --transcriber.")
        voice = Voice(
            path=path,
            samples=samples,
            duration=recording.duration,
            script=script,
            language=language,
            pronunciations=pronunciations,
            pauses=tuple((pause.start, pause.end) for pause in pauses),
        )
        transcript = _transcribe(listener, voice, told, phones="phones" in needs)
        changes["words"] = transcript.words
        changes["phones"] = transcript.phones
    return dataclasses.replace(speech, **changes, warnings=tuple(warned))  # type: ignore[arg-type]


def _transcribe(listener: Listener, voice: Voice, report: Report, *, phones: bool) -> Transcript:
    transcript = listener.transcriber.transcribe(voice, report)
    _check(listener.title, transcript.words, transcript.phones or ())
    if phones and transcript.phones is None:
        if listener.aligner is None:
            raise PluginError(f"{listener.title} makes no phones, and there is no aligner to fill them in.")
        report.stage("Finding the sounds inside each word")
        aligned = listener.aligner.transcribe(dataclasses.replace(voice, words=transcript.words), report)
        transcript = dataclasses.replace(transcript, phones=aligned.phones)
    return transcript


def _check(title: str, words: tuple[Word, ...], phones: tuple[Phone, ...]) -> None:
    for items, name in ((words, "words"), (phones, "phones")):
        last = float("-inf")
        for item in items:
            if not (last - 1e-6 <= item.start <= item.end):
                raise PluginError(
                    f"{title} gave {name} whose times run backwards at {item.start:.2f} s.", hint="The plugin is at fault."
                )
            last = item.start


class _Remembering:
    """A report that also keeps the warnings, so that they travel with the speech."""

    def __init__(self, inner: Report, kept: list[str]) -> None:
        self._inner = inner
        self._kept = kept

    def stage(self, text: str, fraction: float = 0.0) -> None:
        self._inner.stage(text, fraction)

    def warn(self, text: str) -> None:
        self._kept.append(text)
        self._inner.warn(text)

    @property
    def cancelled(self) -> bool:
        return self._inner.cancelled

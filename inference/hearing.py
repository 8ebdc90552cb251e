"""Hearing a line: from a recording to Speech, computing only what is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from ..core.errors import DeclaimError, InputError, PluginError, ScriptError
from ..core.report import Report
from ..core.speech import Need, Pause, Speech
from ..core.timeline import Phone, Word
from ..plugins.contracts import Transcriber, Transcript, Voice
from .audio import Recording, rms_normalised

_MOST_WORDS = 200, 8.0  # of a script: so many, and so many more a second of voice; twice what the fastest speakers say
_UNCOVERED = 1.5  # s of voice without a word of the script that people are told of
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
    from . import prosody, vocal_sounds

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
            sounds=(),
            warnings=tuple(warned),
        )
    _check_script(script, recording.duration)
    energy = prosody.energy(samples)
    pauses = prosody.pauses(energy, recording.duration)
    changes: dict[str, object] = {"energy": energy, "pauses": pauses}
    if "nuclei" in needs:
        changes["nuclei"] = prosody.nuclei(energy)
    if "pitch" in needs:
        told.stage("Following the pitch")
        changes["pitch"] = prosody.pitch(samples)
    if "sounds" in needs:
        changes["sounds"] = vocal_sounds.find_sounds(samples)
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
        if script is not None:
            _tell_of_uncovered_voice(transcript.words, pauses, recording.duration, told)
    return dataclasses.replace(speech, **changes, warnings=tuple(warned))  # type: ignore[arg-type]


def _transcribe(listener: Listener, voice: Voice, report: Report, *, phones: bool) -> Transcript:
    transcript = _made_by(listener.title, listener.transcriber, voice, report)
    _check(listener.title, transcript.words, transcript.phones or ())
    if phones and transcript.phones is None:
        if listener.aligner is None:
            raise PluginError(f"{listener.title} makes no phones, and there is no aligner to fill them in.")
        report.stage("Finding the sounds inside each word")
        aligned = _made_by("The aligner", listener.aligner, dataclasses.replace(voice, words=transcript.words), report)
        transcript = dataclasses.replace(transcript, phones=aligned.phones)
    return transcript


def _check_script(script: str | None, duration: float) -> None:
    """A whole show's script on one of its lines would take its aligner hours and all of the memory."""
    count, most = len((script or "").split()), _MOST_WORDS[0] + _MOST_WORDS[1] * duration
    if count > most:
        raise ScriptError(
            f"The script has {count} words, far more than anyone says in {duration:.0f} s.",
            hint="Give the words of this line only.",
        )


def _tell_of_uncovered_voice(words: Sequence[Word], pauses: Sequence[Pause], duration: float, report: Report) -> None:
    """Warn where the voice goes on outside the words: there is more in it than in the script, and the mouth would rest."""
    starts = [0.0, *(word.end for word in words)]
    ends = [*(word.start for word in words), duration]
    for start, end in zip(starts, ends, strict=True):
        quiet = sum(max(0.0, min(end, pause.end) - max(start, pause.start)) for pause in pauses)
        if end - start - quiet > _UNCOVERED:
            report.warn(
                f"Between {start:.1f} and {end:.1f} s there is a voice but no word of the script, so the mouth rests there; "
                "if it speaks, add its words."
            )


def _made_by(title: str, transcriber: Transcriber, voice: Voice, report: Report) -> Transcript:
    """The transcript, or a PluginError in one sentence for whatever the plugin raises or gives instead."""
    try:
        transcript = transcriber.transcribe(voice, report)
    except DeclaimError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{title} failed: {type(error).__name__}: {error}.",
            hint="Choose another transcriber, or report it to the plugin's author.",
        ) from error
    if not isinstance(transcript, Transcript):
        raise PluginError(f"{title} gave no transcript.", hint="The plugin is at fault.")
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

"""From a voice and a request to clips: hear, generate by channel, compose, meet the start and end pose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import __version__
from ..core.body import Body, load_body
from ..core.clip import BodyRef, GeneratorRef, MotionClip, Provenance
from ..core.errors import DeclaimError, PluginError
from ..core.report import Report
from ..core.speech import Need, Speech
from ..core.timeline import Timeline
from ..core.wire import DEFAULT_TRANSCRIBER, PerformRequest
from ..plugins import registry
from ..plugins.contracts import Brief, Generator, frame_count
from ..plugins.manifest import Manifest
from ..plugins.parameters import complete
from .audio import Recording, read_audio
from .casting import Casting, cast, check_request
from .faces import with_both_encodings
from .hearing import Listener, hear
from .poses import pose_clip, with_end_poses

MAX_DURATION = 3600.0  # s, of one line


class SpeechStore(Protocol):
    """Where analyses of a voice are kept, so that the same line is heard once."""

    def get(self, key: str) -> Speech | None: ...

    def put(self, key: str, speech: Speech) -> None: ...


class Pipeline:
    """Performs lines, keeping the plugins it has loaded warm for the next one. Not for several threads at once."""

    def __init__(self, *, device: str = "cpu", speeches: SpeechStore | None = None, limit_s: float = MAX_DURATION) -> None:
        self._device = device
        self._limit_s = min(limit_s, MAX_DURATION)
        self._speeches = speeches
        self._generators: dict[str, Generator] = {}
        self._transcribers: dict[tuple[str, str], Any] = {}

    def perform(self, voice: Path, request: PerformRequest, report: Report) -> list[MotionClip]:
        """One clip a seed. Raises a DeclaimError in one sentence for whatever keeps the line from being performed."""
        check_request(request)
        castings = cast(request)
        report.stage("Loading the character")
        body = load_body(Path(request.body) if request.body else None)
        speech = self.hear(voice, request, report, castings=castings)
        return self.act(speech, request, castings, body, report)

    def hear(
        self, voice: Path, request: PerformRequest, report: Report, *, castings: tuple[Casting, ...] | None = None
    ) -> Speech:
        """What the request's generators need to know of the voice; words and phones where there are no ``castings``."""
        needs: set[Need] = {"words", "phones"}
        if castings is not None:
            needs = {need for casting in castings for need in casting.manifest.needs}
        report.stage("Reading the voice")
        recording = read_audio(voice, limit_s=self._limit_s)
        key = self._speech_key(voice, recording, request, tuple(sorted(needs)))
        if self._speeches and (known := self._speeches.get(key)) is not None:
            for warning in known.warnings:
                report.warn(warning)
            return known
        speech = hear(
            recording,
            path=voice,
            needs=needs,
            listener=self._listener(request) if needs & {"words", "phones"} else None,
            script=request.script,
            language=request.language,
            pronunciations=request.pronunciations,
            report=report,
        )
        if self._speeches:
            self._speeches.put(key, speech)
        return speech

    def act(
        self, speech: Speech, request: PerformRequest, castings: tuple[Casting, ...], body: Body, report: Report
    ) -> list[MotionClip]:
        """The clips of a speech that has been heard."""
        betas = np.zeros(10, dtype=np.float32)
        betas[: len(request.betas)] = request.betas
        reference = BodyRef(id=body.id, sha256=body.sha256)
        frames = frame_count(speech.duration, request.fps)
        start = pose_clip(request.start_pose, fps=request.fps, body=body, betas=betas) if request.start_pose else None
        end = pose_clip(request.end_pose, fps=request.fps, body=body, betas=betas) if request.end_pose else None
        words = Timeline(words=speech.words or (), phones=speech.phones or ())
        clips = [
            MotionClip.still(frames=frames, fps=request.fps, body=reference, betas=betas).replace(timeline=words)
            for _ in request.seeds
        ]
        for casting in castings:
            briefs = [
                Brief(
                    fps=casting.manifest.fps or request.fps,
                    seed=seed,
                    body=body,
                    betas=betas,
                    parameters=casting.parameters,
                    start_pose=start,
                    end_pose=end,
                )
                for seed in request.seeds
            ]
            made = self._generate(casting, speech, briefs, report)
            clips = [_composed(clip, part, casting) for clip, part in zip(clips, made, strict=True)]
        report.stage("Putting the performance together")
        made_encodings = {encoding for c in castings if "mouth" in c.channels for encoding in c.manifest.face}
        clips = [with_end_poses(with_both_encodings(clip, body, made_encodings), start, end) for clip in clips]
        return [
            clip.replace(provenance=_provenance(request, speech, castings, seed))
            for clip, seed in zip(clips, request.seeds, strict=True)
        ]

    def close(self) -> None:
        for plugin in [*self._generators.values(), *self._transcribers.values()]:
            plugin.close()
        self._generators.clear()
        self._transcribers.clear()

    def _generate(self, casting: Casting, speech: Speech, briefs: list[Brief], report: Report) -> list[MotionClip]:
        manifest = casting.manifest
        report.stage(f"Performing: {manifest.title.lower()}")
        with _blaming(manifest):
            if manifest.id not in self._generators:
                made = registry.generator(manifest)
                made.load(self._device)
                self._generators[manifest.id] = made
            clips = self._generators[manifest.id].generate(speech, briefs, report)
        whole = isinstance(clips, list | tuple) and len(clips) == len(briefs)
        if not whole or not all(isinstance(clip, MotionClip) for clip in clips):
            raise PluginError(
                f"{manifest.title} did not give one clip for each take.", hint=f"The fault is in {manifest.folder}."
            )
        fps = briefs[0].fps
        expected = frame_count(speech.duration, fps)
        for clip in clips:
            if len(clip) != expected or clip.fps != fps:
                raise PluginError(
                    f"{manifest.title} gave {len(clip)} frames at {clip.fps:g} a second where {expected} at {fps:g} were asked for.",
                    hint=f"The fault is in {manifest.folder}.",
                )
        return clips

    def _listener(self, request: PerformRequest) -> Listener:
        manifest = registry.find("transcriber", request.transcriber)
        aligner = None
        if "phones" not in manifest.abilities or manifest.id != DEFAULT_TRANSCRIBER:
            aligner = self._transcriber(registry.find("transcriber", DEFAULT_TRANSCRIBER), {})
        given = request.parameters.get(manifest.id, {})
        return Listener(
            title=manifest.title,
            transcriber=self._transcriber(manifest, given),
            abilities=manifest.abilities,
            aligner=aligner,
        )

    def _transcriber(self, manifest: Manifest, given: Mapping[str, Any]) -> Any:
        parameters = complete(manifest.id, manifest.parameters, given)
        key = (manifest.id, repr(sorted(parameters.items())))
        if key not in self._transcribers:
            with _blaming(manifest):
                made = registry.transcriber(manifest)
                made.load(parameters)
                self._transcribers[key] = made
        return self._transcribers[key]

    @staticmethod
    def _speech_key(voice: Path, recording: Recording, request: PerformRequest, needs: tuple[str, ...]) -> str:
        manifest = registry.find("transcriber", request.transcriber)
        parts = (
            __version__,
            recording.sha256,
            manifest.id,
            manifest.version,
            sorted(request.parameters.get(manifest.id, {}).items()),
            request.script,
            request.language,
            sorted(request.pronunciations.items()),
            needs,
        )
        return repr(parts)


class _blaming:  # noqa: N801 - used like a function
    """Turn whatever a plugin raises into one sentence that names the plugin."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, DeclaimError) or not isinstance(error, Exception | SystemExit):
            return  # nothing, a sentence already, or an interrupt
        raise PluginError(
            f"{self._manifest.title} failed: {type(error).__name__}: {error}.",
            hint=f"The fault is in {self._manifest.folder}; choose another {self._manifest.kind} or report it to its author.",
        ) from error


def _composed(clip: MotionClip, part: MotionClip, casting: Casting) -> MotionClip:
    part = part.resampled(clip.fps)
    if len(part) != len(clip):  # a native rate that does not divide: hold the last pose or drop a frame
        index = np.minimum(np.arange(len(clip)), len(part) - 1)
        part = part.replace(
            **{name: getattr(part, name)[index] for name in ("poses", "trans", "blendshapes", "expressions", "contacts")}
        )
    timeline = dataclasses.replace(
        clip.timeline,
        visemes=part.timeline.visemes if "mouth" in casting.channels else clip.timeline.visemes,
        strokes=part.timeline.strokes if "body" in casting.channels else clip.timeline.strokes,
    )
    return clip.layered(part, channels=casting.channels).replace(timeline=timeline)


def _provenance(request: PerformRequest, speech: Speech, castings: tuple[Casting, ...], seed: int) -> Provenance:
    return Provenance(
        generators=tuple(GeneratorRef(id=c.manifest.id, version=c.manifest.version, channels=c.channels) for c in castings),
        declaim_version=__version__,
        seed=seed,
        parameters={c.manifest.id: dict(c.parameters) for c in castings},
        audio_sha256=speech.audio_sha256,
        licence="The motion is yours.",
        warnings=speech.warnings,
    )

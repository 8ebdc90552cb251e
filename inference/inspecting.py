"""The work behind ``declaim inspect``: read clips and voice, measure, write the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ExportError, InputError
from ..core.report import Report
from .desk import Desk

if TYPE_CHECKING:
    from rich.console import Console

    from ..core.body import Body
    from ..core.clip import MotionClip
    from ..core.speech import Speech
    from ..exporters.report_pictures import ReportPictures
    from .inspection import Inspection

PREVIEWS = ("film", "sheet", "none")
FILM_UP_TO = 20.0  # s; a film of a longer clip takes minutes to render and is made when asked for


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectOrder:
    """A ``declaim inspect``, as typed."""

    clips: tuple[Path, ...]  # the first is measured, the others are takes of the same line
    audio: Path | None = None
    script: str | None = None
    output: Path | None = None
    preview: str | None = None  # one of PREVIEWS; None: by the clip's length
    reference: Path | None = None
    seeds: int = 1  # takes to compare, this one included
    body: Path | None = None
    strict: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspected:
    """What ``declaim inspect`` measured."""

    inspection: Inspection
    output: Path | None
    failed: bool  # the exit code is 1: something is to be looked at, and --strict was given

    def to_dict(self) -> dict[str, Any]:
        return self.inspection.to_dict() | {"output": None if self.output is None else str(self.output)}

    def print(self, console: Console) -> None:
        console.print(self.inspection.table())
        if self.output is not None:
            console.print(f"  {self.output}", markup=False)


def inspect_files(order: InspectOrder, desk: Desk) -> Inspected:
    """Measure a clip on the body it was made for. Raises a DeclaimError for what is mistyped or not there."""
    _check(order)
    from ..core.body import load_body
    from ..core.clip_file import load_clip
    from .inspection import inspect_clip, on_body

    desk.stage("Reading the clip")
    clip = load_clip(order.clips[0])
    takes = [load_clip(path) for path in order.clips[1:]]
    reference = None if order.reference is None else load_clip(order.reference)
    body = load_body(order.body)
    if clip.body.sha256 and clip.body.sha256 != body.sha256:
        which = f'"{clip.body.id}"' if clip.body.id != body.id else f'another version of "{body.id}"'
        desk.warn(f"The clip was made for {which}, so distances may be off; name the body's file with --body.")
    clip = on_body(clip, body)
    speech = None
    if order.audio is not None:
        clip, speech = _with_voice(clip, order.audio, order.script, desk)
        if order.seeds > 1:
            takes += _more_takes(clip, speech, body, order.seeds, desk)
    desk.stage("Measuring the motion")
    inspection = inspect_clip(clip, body, speech, reference=reference, takes=takes)
    if order.output is not None:
        _write(order, order.output, clip, body, inspection, speech, desk)
    return Inspected(inspection=inspection, output=order.output, failed=order.strict and bool(inspection.attention))


def _check(order: InspectOrder) -> None:
    from ..core.files import writable

    if order.preview is not None and order.preview not in PREVIEWS:
        raise InputError(f'There is no preview "{order.preview}".', hint=f"Choose one of {', '.join(PREVIEWS)}.")
    if order.preview is not None and order.output is None:
        raise InputError("A preview needs a page to stand on.", hint="Name one with -o report.html.")
    if order.script is not None and order.audio is None:
        raise InputError("A script needs the voice that says it.", hint="Name the voice with --audio.")
    if order.seeds > 1 and order.audio is None:
        raise InputError("More takes need the voice to perform.", hint="Name the voice with --audio.")
    if order.output is not None:
        if order.output.suffix.lower() not in (".html", ".htm"):
            raise InputError(
                f'The report is a page, not "{order.output.name}".', hint="Name it, for instance, report.html."
            )
        writable(order.output)


def _with_voice(clip: MotionClip, audio: Path, script: str | None, desk: Desk) -> tuple[MotionClip, Speech]:
    """The clip, with the words of ``script`` where one is given, and what was heard in its voice."""
    from ..core.wire import PerformRequest
    from .audio import read_audio
    from .hearing import hear
    from .orders import script_text
    from .pipeline import MAX_DURATION, Pipeline

    desk.stage("Reading the voice")
    recording = read_audio(audio, limit_s=MAX_DURATION)
    if clip.provenance.audio_sha256 not in ("", recording.sha256):
        desk.warn(f"The clip was made for another file than {audio.name}, so how well it meets the voice may be off.")
    speech = hear(
        recording,
        path=audio,
        needs={"energy", "nuclei", "pitch", "pauses", "sounds"},
        listener=None,
        script=None,
        language="en",
        pronunciations={},
        report=desk,
    )
    text = script_text(script)
    if text is not None:
        pipeline = Pipeline()
        try:
            heard = pipeline.hear(audio, PerformRequest(script=text), desk)
        finally:
            pipeline.close()
        strokes = clip.timeline.strokes
        if clip.timeline.words:  # their strokes count other words
            strokes = tuple(dataclasses.replace(stroke, word=-1) for stroke in strokes)
        clip = clip.replace(
            timeline=dataclasses.replace(clip.timeline, words=heard.words or (), phones=heard.phones or (), strokes=strokes)
        )
    return clip, dataclasses.replace(speech, words=clip.timeline.words, phones=clip.timeline.phones)


def _more_takes(clip: MotionClip, speech: Speech, body: Body, seeds: int, report: Report) -> list[MotionClip]:
    """``seeds`` - 1 other takes by the generators that made ``clip``, with their parameters."""
    from ..core.wire import PerformRequest
    from .casting import cast, check_request
    from .pipeline import Pipeline

    made = clip.provenance
    if not made.generators:
        raise InputError(
            "The clip does not say what made it, so there can be no more takes.", hint="Name other takes as more CLIPs."
        )
    request = PerformRequest(
        generators={channel: maker.id for maker in made.generators for channel in maker.channels},  # type: ignore[misc]
        parameters={key: dict(value) for key, value in made.parameters.items()},
        seeds=tuple(made.seed + number for number in range(1, seeds)),
        fps=clip.fps,
        betas=tuple(float(beta) for beta in clip.betas[:10]),
    )
    check_request(request)
    pipeline = Pipeline()
    try:
        return pipeline.act(speech, request, cast(request), body, report)
    finally:
        pipeline.close()


def _write(
    order: InspectOrder,
    output: Path,
    clip: MotionClip,
    body: Body,
    inspection: Inspection,
    speech: Speech | None,
    desk: Desk,
) -> None:
    from ..core.files import replacing
    from .report_page import page, stills_wanted

    name = order.clips[0].stem
    preview = order.preview or ("film" if clip.duration <= FILM_UP_TO else "sheet")
    pictures, unseen = _pictures(clip, body, name, order.audio, stills_wanted(inspection), preview, desk)
    desk.stage(f"Writing {output.name}")
    text = page(name, clip, body, inspection, speech=speech, pictures=pictures, unseen=unseen)
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _pictures(
    clip: MotionClip, body: Body, name: str, audio: Path | None, stills: Sequence[int], preview: str, desk: Desk
) -> tuple[ReportPictures | None, str]:
    """What Blender renders, or the sentence that the page says instead."""
    from ..exporters.formats import Take
    from ..exporters.report_pictures import report_pictures

    if preview == "none":
        return None, ""
    take = Take(clip=clip, body=body, name=name, audio=audio)
    try:
        return report_pictures(take, stills, preview, desk), ""  # type: ignore[arg-type]
    except ExportError as error:
        sentence = f"There are no pictures. {error.message}"
        desk.warn(f"The report has no pictures: {error.message}")
        return None, sentence

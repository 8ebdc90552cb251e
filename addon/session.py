"""One press of Perform: its lines one after another, through the engine to takes on the character."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import Cancelled, DeclaimError, InputError
from . import avatar, character, engine, jobs, landing, status, takes, voices
from .request import fit_range, frame_rate, landing_options, order_of, request_of, start_frame

_GAP_S = 0.5  # between the lines of a folder


class Session:
    """All lines of one press of Perform, one after another. Created, stepped and ended on the main thread."""

    def __init__(self, context: bpy.types.Context, settings: SimpleNamespace) -> None:
        self.settings = settings
        self.warnings: list[str] = []
        self.done: list[str] = []  # names of the takes that landed
        self._scene = context.scene.session_uid
        self._voices = voices.voice_of(settings, context)
        try:
            rig, self.added = _character(context, settings)
        except DeclaimError:
            self._discard_voices()
            raise
        self._rig = rig.session_uid
        self._frame = start_frame(context.scene, settings, self._voices[0])
        self._number = 0
        self._started = time.monotonic()
        status.begin(rpt_("Starting"))
        self._job: jobs.Job | None = None

    def step(self) -> bool:
        """Go on with what is ready; True once all is done. Raises DeclaimError; Cancelled where the artist stopped it."""
        if status.STATUS.cancel_wanted:
            raise Cancelled()
        if self._job is None:
            self._job = self._next_job()
            self._job.start()
        self._listen(self._job)
        if not self._job.finished:
            return False
        if self._job.error is not None:
            raise self._job.error
        self._land(self._job)
        self._job = None
        self._number += 1
        return self._number == len(self._voices)

    def run(self) -> None:
        """All of it at once, for scripts."""
        while not self.step():
            time.sleep(0.01)
            engine.look()

    def close(self, error: DeclaimError | None = None) -> None:
        """End the session, whatever came of it."""
        if self._job is not None:
            self._job.cancel()
        self._discard_voices()
        status.end(error)
        status.STATUS.warnings = tuple(self.warnings)

    def _discard_voices(self) -> None:
        for voice in self._voices:
            voices.discard(voice)

    def summary(self) -> str:
        seconds = time.monotonic() - self._started
        text = rpt_("{names} performed in {seconds:.1f} s").format(names=", ".join(self.done), seconds=seconds)
        return " ".join([f"{text}.", *self.warnings])

    def _next_job(self) -> jobs.Job:
        scene, rig = self._found()
        settings, voice = self.settings, self._voices[self._number]
        fps = frame_rate(scene)
        options = landing_options(settings, self._line_name(voice, settings.seed), self._frame, fps, rig)
        rest, shapes = character.rest_of(rig), character.shape_names(rig)
        request = request_of(settings, voice, rig, fps)
        order = jobs.Order(voice=voice.path, filename=voice.name, request=request, ready=lambda: voices.prepare(voice))
        return jobs.Job(order, lambda clip: landing.prepare(clip, rest, shapes, options))

    def _listen(self, job: jobs.Job) -> None:
        many = len(self._voices)
        for kind, *values in job.poll():
            if kind == "stage":
                text, fraction = values
                if many > 1:
                    text = f"{self._number + 1}/{many} {self._voices[self._number].name}: {text}"
                status.stage(text, fraction)
            elif kind == "warning":
                self.warnings += [values[0]] if values[0] not in self.warnings else []

    def _land(self, job: jobs.Job) -> None:
        scene, rig = self._found()
        settings, voice = self.settings, self._voices[self._number]
        fps, first = frame_rate(scene), len(rig.declaim.takes)
        for number, (clip, prepared) in enumerate(job.takes):
            seed = settings.seed + number
            options = landing_options(settings, self._line_name(voice, seed), self._frame, fps, rig)
            landed = landing.land(rig, prepared, options)
            take = takes.add(rig, landed, clip, options)
            take.line, take.seed, take.order = voice.name, seed, order_of(settings, voice, seed)
            self.done.append(take.name)
            self.warnings += [note for note in landed.notes if note not in self.warnings]
            if number == 0 and (reason := landing.stillness(rig, landed, options)):
                self.warnings.append(reason)
        takes.use(rig, first)
        if settings.place_sound:
            voices.place_sound(scene, voice, self._frame)
        duration = max(clip.duration for clip, _ in job.takes)
        if settings.fit_range:
            fit_range(scene, self._frame, duration * fps, first=self._number == 0)
        self._frame = round(self._frame + (duration + _GAP_S) * fps)

    def _line_name(self, voice: voices.Voice, seed: int) -> str:
        return f"{voice.name.rpartition('.')[0] or voice.name} {seed}"

    def _found(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """Scene and character again: an undo meanwhile replaces what Python held."""
        scene = next((row for row in bpy.data.scenes if row.session_uid == self._scene), None)
        rig = next((row for row in bpy.data.objects if row.session_uid == self._rig), None)
        if scene is None or rig is None:
            raise InputError("The character is gone.", hint="Choose a character and perform again.")
        if reason := character.problem(rig):
            raise InputError(reason)
        return scene, rig


def _character(context: bpy.types.Context, settings: SimpleNamespace) -> tuple[bpy.types.Object, bool]:
    """The armature that performs, and whether it was added for that."""
    if not settings.character:
        rig = avatar.add_builtin(context)
        context.scene.declaim.character = rig
        return rig, True
    named = [item for item in context.scene.objects if item.name == settings.character]
    if not named:
        raise InputError(f'There is no object "{settings.character}" in this scene.', hint="Choose another character.")
    rig = min(named, key=lambda item: item.library is not None)  # an override goes before what it overrides
    if reason := character.problem(rig):
        raise InputError(reason)
    return rig, False

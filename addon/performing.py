"""Perform: from the settings through the engine to takes on the character. One press, one session."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import StringProperty

from ..core.errors import Cancelled, DeclaimError, InputError
from . import avatar, character, engine, jobs, landing, sliders, status, takes, voices
from .properties import SETTINGS

_TICK_S = 0.05
_GAP_S = 0.5  # between the lines of a folder
_BODY_CHANNELS = ("body", "hands", "head_gaze", "upper_face")


def settings_of(scene: bpy.types.Scene, given: Mapping[str, Any]) -> SimpleNamespace:
    """The settings of a performance: what is ``given``, and for the rest the scene's own."""
    panel = scene.declaim
    values = {name: getattr(panel, name) for name in (*SETTINGS, "generator", "mouth", "transcriber")}
    values["script"] = panel.script_text.as_string() if panel.script_text else panel.script
    values["character"] = panel.character.name if panel.character else ""
    values["parameters"] = sliders.values(scene)
    for source, name in (("FILE", "voice"), ("STRIP", "strip"), ("FOLDER", "folder")):
        if given.get(name) and "voice_source" not in given:
            values["voice_source"] = source
    values |= given
    return SimpleNamespace(**values)


def frame_rate(scene: bpy.types.Scene) -> float:
    return float(scene.render.fps / scene.render.fps_base)


class Session:
    """All lines of one press of Perform, one after another. Created, stepped and ended on the main thread."""

    def __init__(self, context: bpy.types.Context, settings: SimpleNamespace) -> None:
        self.settings = settings
        self.warnings: list[str] = []
        self.done: list[str] = []  # names of the takes that landed
        self._scene = context.scene.session_uid
        self._voices = voices.voice_of(settings, context)
        rig, self.added = _character(context, settings)
        self._rig = rig.session_uid
        self._frame = _start_frame(context.scene, settings, self._voices[0])
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
        for voice in self._voices:
            voices.discard(voice)
        status.end(error)
        status.STATUS.warnings = tuple(self.warnings)

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
        request = {
            "script": voice.script or None,
            "language": settings.language,
            "transcriber": settings.transcriber,
            "generators": _generators(settings),
            "seeds": tuple(range(settings.seed, settings.seed + settings.takes)),
            "fps": fps,
            "betas": character.betas(rig),
            "parameters": _parameters(settings),
        }
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
            take.line, take.seed, take.order = voice.name, seed, _order(settings, voice, seed)
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


def _start_frame(scene: bpy.types.Scene, settings: SimpleNamespace, voice: voices.Voice) -> int:
    if settings.start_at == "STRIP" and voice.start_frame is not None:
        return round(voice.start_frame)
    return {"FIRST": scene.frame_start, "FRAME": settings.frame}.get(settings.start_at, scene.frame_current)


def landing_options(settings: SimpleNamespace, name: str, frame: int, fps: float, rig: bpy.types.Object) -> landing.Landing:
    switches = {
        "body": settings.use_body,
        "hands": settings.use_hands,
        "face": settings.use_face,
        "root": settings.use_root,
    }
    if not any(switches.values()):
        raise InputError("Nothing of the character is switched on.", hint="Switch on body, hands, face or root.")
    return landing.Landing(
        name=name,
        start_frame=frame,
        fps=fps,
        channels=frozenset(part for part, used in switches.items() if used),
        layer=settings.layer,
        use_nla=settings.use_nla or settings.voice_source == "FOLDER",
        blend_in=settings.blend_in,
        blend_out=settings.blend_out,
        keys=settings.keys,
        tolerance=settings.tolerance,
        interpolation=settings.interpolation,
        mouth_strength=rig.declaim.mouth_strength,
    )


def _generators(settings: SimpleNamespace) -> dict[str, str]:
    """A generator for each channel: the one chosen for what it makes, the chosen lips for the mouth."""
    for what in ("generator", "mouth", "transcriber"):
        if not getattr(settings, what):  # a file made with a plugin that is not here
            raise InputError(f"The {what} that this file asks for is not here.", hint="Choose another, or add its plugin.")
    chosen = dict.fromkeys(_BODY_CHANNELS, settings.generator) | {"mouth": settings.mouth}
    rows = {row["id"]: row for row in engine.plugins()}
    made = rows.get(settings.generator, {}).get("channels", _BODY_CHANNELS)
    return {channel: name for channel, name in chosen.items() if channel == "mouth" or channel in made}


def _parameters(settings: SimpleNamespace) -> dict[str, dict[str, Any]]:
    """The sliders' values of the generators that take part; a script's ``style`` and ``parameters`` go first."""
    taking_part = {settings.generator, settings.mouth, settings.transcriber}
    found = {name: dict(values) for name, values in settings.parameters.items() if name in taking_part}
    if style := getattr(settings, "style", ""):
        takers = [
            row["id"]
            for row in engine.plugins()
            if row["id"] in taking_part and "style" in row["parameters"].get("properties", {})
        ]
        if not takers:
            raise InputError(f'"{settings.generator}" has no styles.', hint="Leave the style empty.")
        for name in takers:
            found.setdefault(name, {})["style"] = style
    return found


def _order(settings: SimpleNamespace, voice: voices.Voice, seed: int) -> str:
    """What made a take, to make it again with another seed."""
    kept = {name: value for name, value in vars(settings).items() if name not in {"seed", "takes", "character"}}
    if settings.voice_source == "FOLDER":
        kept |= {"voice_source": "FILE", "voice": str(voice.original), "use_nla": True}
    return json.dumps({**kept, "script": voice.script or "", "seed": seed})


def fit_range(scene: bpy.types.Scene, start: int, frames: float, *, first: bool) -> None:
    end = start + max(1, int(frames))
    scene.frame_start = min(start, scene.frame_start) if not first else start
    scene.frame_end = end if first else max(end, scene.frame_end)
    scene.use_preview_range = False


class _Performing:
    """What the two operators share: at once in scripts, beside the artist's work in a window."""

    _session: Session
    _timer: bpy.types.Timer

    def _given(self) -> dict[str, Any]:
        return {}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context) if bpy.app.background else self._begin(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """All at once, for scripts."""
        try:
            session = self._opened(context)
        except DeclaimError as error:
            return status.fail(self, error)
        with _closing(session) as outcome:
            session.run()
        return self._ended(session, outcome.error)

    def _opened(self, context: bpy.types.Context) -> Session:
        try:
            return Session(context, settings_of(context.scene, self._given()))
        except DeclaimError:
            raise
        except Exception as error:
            raise status.unexpected(error) from error

    def _begin(self, context: bpy.types.Context) -> set[str]:
        try:
            self._session = self._opened(context)
        except DeclaimError as error:
            status.STATUS.error = error
            return status.fail(self, error)
        self._timer = context.window_manager.event_timer_add(_TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            status.STATUS.cancel_wanted = True
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if not self._session.step():
                text = f"Declaim: {status.STATUS.text}   {rpt_('Esc stops it')}"
                context.workspace.status_text_set(text)
                return {"PASS_THROUGH"}
            error = None
        except DeclaimError as raised:
            error = raised
        except Exception as raised:  # our own mistake: the artist's work goes on
            error = status.unexpected(raised)
        self._put_away(context, error)
        return self._ended(self._session, error)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends, or loads another file."""
        self._put_away(context, Cancelled())

    def _put_away(self, context: bpy.types.Context, error: DeclaimError | None) -> None:
        self._session.close(error)
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace:
            context.workspace.status_text_set(None)

    def _ended(self, session: Session, error: DeclaimError | None) -> set[str]:
        if error is None:
            self.report({"WARNING"} if session.warnings else {"INFO"}, session.summary())
            return {"FINISHED"}
        if (session.added or session.done) and not bpy.app.background:
            bpy.ops.ed.undo_push(message="Perform")  # what landed before the end can be undone
        if isinstance(error, Cancelled):
            self.report({"INFO"}, str(error))
            return {"CANCELLED"}
        return status.fail(self, error)


@dataclasses.dataclass
class _Outcome:
    error: DeclaimError | None = None


@contextlib.contextmanager
def _closing(session: Session) -> Iterator[_Outcome]:
    outcome = _Outcome()
    try:
        yield outcome
    except DeclaimError as error:
        outcome.error = error
    except Exception as error:
        outcome.error = status.unexpected(error)
    finally:
        session.close(outcome.error)


def _idle(kind: type[bpy.types.Operator]) -> bool:
    if status.STATUS.busy:
        kind.poll_message_set("Declaim is at work: wait, or cancel it")
        return False
    return True


class DECLAIM_OT_perform(_Performing, bpy.types.Operator):
    """Perform a voice: the scripting door. What is not given is taken from the panel"""

    bl_idname = "declaim.perform"
    bl_label = "Perform Voice"
    bl_description = "Perform a voice with the character. What a script does not give is taken from the panel"
    bl_options = {"UNDO"}

    __annotations__ = {
        **SETTINGS,
        "character": StringProperty(
            name="Character", description="Name of the armature object; empty adds the built-in avatar"
        ),
        "generator": StringProperty(name="Generator", description="What moves body, hands, head and face"),
        "mouth": StringProperty(name="Lips", description="What moves the mouth"),
        "transcriber": StringProperty(name="Hearing", description="What finds the words and sounds"),
        "style": StringProperty(name="Style", description="The manner of the performance, for generators that have styles"),
        "parameters": StringProperty(
            name="Parameters", description='Sliders of the generators as JSON, as in {"gesture": {"energy": 1.5}}'
        ),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _idle(cls)

    def _given(self) -> dict[str, Any]:
        names = [*SETTINGS, "character", "generator", "mouth", "transcriber", "style"]
        given = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        if self.properties.is_property_set("parameters"):
            given["parameters"] = _read_parameters(self.parameters)
        return given


def _read_parameters(text: str) -> dict[str, dict[str, Any]]:
    try:
        values = json.loads(text or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(row, dict) for row in values.values()):
        raise InputError(
            "The parameters are not JSON of plugins and their values.", hint='Write them as {"gesture": {"energy": 1.5}}.'
        )
    return values


class DECLAIM_OT_perform_panel(_Performing, bpy.types.Operator):
    """Perform with the panel's settings"""

    bl_idname = "declaim.perform_panel"
    bl_label = "Perform"
    bl_description = "Perform the voice with the character"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not _idle(cls):
            return False
        if reason := missing(context.scene):
            cls.poll_message_set(reason)
            return False
        return True


def missing(scene: bpy.types.Scene) -> str:
    """What keeps the panel's settings from being performed, in one sentence; empty where nothing does."""
    panel = scene.declaim
    if panel.voice_source == "FILE" and not panel.voice:
        return rpt_("Choose a voice first")
    if panel.voice_source == "STRIP" and not panel.strip:
        return rpt_("Choose a sound strip first")
    if panel.voice_source == "FOLDER" and not panel.folder:
        return rpt_("Choose a folder of recordings first")
    return character.problem(panel.character) if panel.character else ""


class DECLAIM_OT_cancel(bpy.types.Operator):
    """Stop performing"""

    bl_idname = "declaim.cancel"
    bl_label = "Cancel"
    bl_description = "Stop performing; nothing is written"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not status.STATUS.busy:
            cls.poll_message_set("Nothing is being performed")
        return status.STATUS.busy

    def execute(self, context: bpy.types.Context) -> set[str]:
        status.STATUS.cancel_wanted = True
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_perform, DECLAIM_OT_perform_panel, DECLAIM_OT_cancel)

"""What is stored in the .blend file: a scene's settings, a character's takes with their words."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import sliders

MOUTH_STRENGTH = (0.1, 2.0)
_OVERRIDE = {"LIBRARY_OVERRIDABLE"}  # so that a character linked from a library and overridden has takes of its own
_INSERTED = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()  # before, every path did


def _generators(self: Any, context: Any) -> list[tuple[str, str, str]]:
    return sliders.generator_items("body")


def _mouths(self: Any, context: Any) -> list[tuple[str, str, str]]:
    return sliders.generator_items("mouth")


def _transcribers(self: Any, context: Any) -> list[tuple[str, str, str]]:
    return sliders.transcriber_items()


# What the panel shows and the operator takes: one definition for both.
SETTINGS: dict[str, Any] = {
    "voice_source": EnumProperty(
        name="Voice From",
        description="Where the voice comes from",
        items=(
            ("FILE", "File", "A recording on disk"),
            ("STRIP", "Strip", "A sound strip of the Video Sequencer, with its trim, offset and speed"),
            ("FOLDER", "Folder", "Every recording in a folder, one take each"),
        ),
    ),
    "voice": StringProperty(
        name="Voice", description="The recording that the character speaks", subtype="FILE_PATH", options=_PATH
    ),
    "strip": StringProperty(name="Strip", description="The sound strip that the character speaks"),
    "folder": StringProperty(
        name="Folder",
        description="A folder of recordings; a text file of the same name is a recording's script",
        subtype="DIR_PATH",
        options=_PATH,
    ),
    "script": StringProperty(
        name="Script", description="The words that are spoken; left empty, Declaim listens for them", default=""
    ),
    "language": StringProperty(name="Language", description="Language of the voice, as in en or de", default="en"),
    "seed": IntProperty(
        name="Seed", description="Another seed is another performance of the same line", default=0, min=0, max=2**31 - 1
    ),
    "takes": IntProperty(
        name="Takes", description="How many takes to make, with seeds from Seed on", default=1, min=1, max=20
    ),
    "start_at": EnumProperty(
        name="Start At",
        description="Where on the timeline the line begins",
        items=(
            ("STRIP", "Strip or Playhead", "Where the sound strip begins; a recording begins at the playhead"),
            ("PLAYHEAD", "Playhead", "At the current frame"),
            ("FIRST", "First Frame", "At the scene's first frame"),
            ("FRAME", "Frame", "At the frame below"),
        ),
        default="STRIP",
    ),
    "frame": IntProperty(name="Frame", description="The frame on which the line begins", default=1),
    "use_range": BoolProperty(name="Part Only", description="Perform only a part of the voice"),
    "range_start": FloatProperty(
        name="In", description="Where the part begins in the voice", unit="TIME_ABSOLUTE", min=0.0
    ),
    "range_end": FloatProperty(
        name="Out", description="Where the part ends in the voice", unit="TIME_ABSOLUTE", min=0.0, default=10.0
    ),
    "use_body": BoolProperty(name="Body", description="Write torso, arms and legs", default=True),
    "use_hands": BoolProperty(name="Hands", description="Write the fingers", default=True),
    "use_face": BoolProperty(name="Face", description="Write face, jaw and eyes", default=True),
    "use_root": BoolProperty(name="Root", description="Write where the character stands and leans", default=True),
    "layer": EnumProperty(
        name="Layer",
        description="What happens to animation that is there",
        items=(
            ("REPLACE", "New Action", "The take is an action of its own; the one in use before is kept"),
            ("ADDITIVE", "Additive", "The take is added on top of the animation that is there, as an NLA track"),
        ),
    ),
    "use_nla": BoolProperty(name="NLA Strip", description="Put the take on an NLA track of its own, beside other takes"),
    "blend_in": FloatProperty(
        name="Blend In", description="How long the strip takes to come in", unit="TIME_ABSOLUTE", min=0.0, default=0.3
    ),
    "blend_out": FloatProperty(
        name="Blend Out", description="How long the strip takes to go out", unit="TIME_ABSOLUTE", min=0.0, default=0.3
    ),
    "keys": EnumProperty(
        name="Keys",
        description="How many keys are written",
        items=(
            ("EVERY", "Every Frame", "A key on every frame: exact"),
            ("REDUCED", "Reduced", "As few keys as the error below allows, easier to edit"),
        ),
    ),
    "tolerance": FloatProperty(
        name="Error",
        description="How far reduced keys may be off, in degrees; for shapes in percent",
        default=0.5,
        min=0.01,
        max=10.0,
    ),
    "interpolation": EnumProperty(
        name="Interpolation",
        description="How Blender moves between keys",
        items=(
            ("LINEAR", "Linear", "Straight from key to key"),
            ("BEZIER", "Smooth", "Bezier with handles that do not overshoot"),
        ),
    ),
    "place_sound": BoolProperty(
        name="Place Sound", description="Put the voice into the Video Sequencer in time", default=True
    ),
    "fit_range": BoolProperty(
        name="Fit Frame Range", description="Make the scene's frame range fit the take", default=True
    ),
}
for setting in SETTINGS.values():
    setting.keywords.setdefault("options", set())  # nothing to animate: a key pressed over the panel keys none of them


class DeclaimWord(bpy.types.PropertyGroup):
    """A spoken word; seconds of the take's voice."""

    start: FloatProperty(name="Start", unit="TIME_ABSOLUTE", override=_OVERRIDE)
    end: FloatProperty(name="End", unit="TIME_ABSOLUTE", override=_OVERRIDE)
    stroke: BoolProperty(name="Stroke", description="A gesture strikes on this word", override=_OVERRIDE)
    unit: StringProperty(name="Gesture", description="The gesture that strikes on this word", override=_OVERRIDE)
    apex: FloatProperty(
        name="Strikes At", description="When the stroke's hand stops", unit="TIME_ABSOLUTE", override=_OVERRIDE
    )
    unsure: BoolProperty(name="Unsure", description="Declaim did not hear this word well", override=_OVERRIDE)
    # the text is the property group's own "name"
    name: StringProperty(name="Word", override=_OVERRIDE)


def _take_renamed(take: Any, context: Any) -> None:
    if take.action is not None and take.action.is_editable and take.name:
        take.action.name = take.name
    if take.face_action is not None and take.name:
        take.face_action.name = f"{take.name} face"


class DeclaimTake(bpy.types.PropertyGroup):
    """One performance of a line. Its action keeps the motion; this is what made it."""

    name: StringProperty(
        name="Take", description="The take's name, and its action's", override=_OVERRIDE, update=_take_renamed
    )
    action: PointerProperty(type=bpy.types.Action, override=_OVERRIDE)
    face_action: PointerProperty(
        type=bpy.types.Action, override=_OVERRIDE
    )  # Blender 4.2 and 4.3 only: shape keys need an action of their own
    line: StringProperty(name="Line", description="The voice that was performed", override=_OVERRIDE)
    seed: IntProperty(name="Seed", override=_OVERRIDE)
    start: FloatProperty(name="Start", description="Frame on which the voice begins", override=_OVERRIDE)
    fps: FloatProperty(name="Frame Rate", default=30.0, override=_OVERRIDE)
    duration: FloatProperty(name="Duration", unit="TIME_ABSOLUTE", override=_OVERRIDE)
    order: StringProperty(name="Order", description="All settings that made this take, as JSON", override=_OVERRIDE)
    record: StringProperty(name="Record", description="Timeline and provenance of the take, as JSON", override=_OVERRIDE)
    words: CollectionProperty(type=DeclaimWord, override=_INSERTED)
    mouth_written: FloatProperty(name="Mouth Strength as Written", default=1.0, override=_OVERRIDE)


def _mouth_changed(character: Any, context: Any) -> None:
    from . import takes

    takes.rescale_mouths(character.id_data)


class DeclaimCharacter(bpy.types.PropertyGroup):
    """On the armature object of a character."""

    takes: CollectionProperty(type=DeclaimTake, override=_INSERTED)
    take: IntProperty(name="Take", description="The take that is in use", override=_OVERRIDE)
    previous: IntProperty(name="Take Before", description="The take that was in use before", default=-1, override=_OVERRIDE)
    mouth_strength: FloatProperty(
        name="Mouth",
        description="How far this character's mouth opens in its takes; 1 is as performed",
        default=1.0,
        min=MOUTH_STRENGTH[0],
        max=MOUTH_STRENGTH[1],
        update=_mouth_changed,
        override=_OVERRIDE,
    )
    is_builtin: BoolProperty(name="Built-in Avatar", override=_OVERRIDE)


def _is_armature(self: Any, value: Any) -> bool:
    return bool(value.type == "ARMATURE")


# What the lists show as chosen is read off, never kept, so nothing can disagree. It is the scene's, not the character's: an
# override would carry it into the file, and opening the file would move the playhead.
def _word_chosen(scene: Any) -> int:
    from . import words

    return words.chosen(bpy.context)


def _choose_word(scene: Any, index: int) -> None:
    from . import words

    words.choose(bpy.context, index)


def _take_chosen(scene: Any) -> int:
    from . import take_list

    return take_list.chosen(bpy.context)


def _choose_take(scene: Any, index: int) -> None:
    from . import take_list

    take_list.choose(bpy.context, index)


def _words_switched(self: Any, context: Any) -> None:
    from . import status

    status.redraw()


class DeclaimScene(bpy.types.PropertyGroup):
    """A scene's settings."""

    __annotations__ = {
        **SETTINGS,
        "script_text": PointerProperty(
            name="Script", description="A text of this file that holds the script", type=bpy.types.Text
        ),
        "character": PointerProperty(
            name="Character",
            description="The armature that performs; left empty, the built-in avatar is added",
            type=bpy.types.Object,
            poll=_is_armature,
        ),
        "generator": EnumProperty(name="Generator", description="What moves body, hands, head and face", items=_generators),
        "word": IntProperty(
            name="Word",
            description="The word at the playhead; set, the playhead jumps",
            options=set(),  # not animatable: the key I over a list would key it
            get=_word_chosen,
            set=_choose_word,
        ),
        "take": IntProperty(
            name="Take",
            description="The take that is in use; set, another comes in use",
            options=set(),
            get=_take_chosen,
            set=_choose_take,
        ),
        "show_words": BoolProperty(
            name="Words on the Timeline",
            description="Draw the words of the take in use along the bottom of the animation editors",
            options=set(),
            default=True,
            update=_words_switched,
        ),
        "mouth": EnumProperty(name="Lips", description="What moves the mouth", items=_mouths),
        "transcriber": EnumProperty(name="Hearing", description="What finds the words and sounds", items=_transcribers),
    }


CLASSES = (DeclaimWord, DeclaimTake, DeclaimCharacter, DeclaimScene)


def register() -> None:
    bpy.types.Scene.declaim = PointerProperty(type=DeclaimScene)
    bpy.types.Object.declaim = PointerProperty(type=DeclaimCharacter, override=_OVERRIDE)


def unregister() -> None:
    del bpy.types.Object.declaim
    del bpy.types.Scene.declaim

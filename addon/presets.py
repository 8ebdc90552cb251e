"""Presets as Blender has them: files below scripts/presets/declaim, in a menu behind the panel's preset button.

A preset holds generators, style, sliders and how the result is written; not the voice, script, seed or character. It is a
Python script as every preset of Blender's, but it is read, not run: what is not here gives a sentence.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import DeclaimError, InputError
from . import plugin_groups, sliders, status
from .schema_properties import safe_name, shortest

SUBFOLDER = "declaim"
GENERATORS = ("generator", "mouth")
LANDING = (
    "start_at",
    "use_body",
    "use_hands",
    "use_face",
    "use_root",
    "layer",
    "use_nla",
    "blend_in",
    "blend_out",
    "keys",
    "tolerance",
    "interpolation",
    "place_sound",
    "fit_range",
)
_HEAD = "import bpy\nsettings = bpy.context.scene.declaim\nsliders = bpy.context.scene.declaim_parameters\n\n"
_SHIPPED = Path(__file__).with_name("shipped")  # has presets/declaim/, as Blender wants it


def written(scene: bpy.types.Scene) -> str:
    """The preset that the scene's settings make. Raises InputError where a chosen plugin is not here."""
    settings = scene.declaim
    lines = [f"settings.{name} = {_plain(getattr(settings, name))!r}" for name in (*GENERATORS, *LANDING)]
    for plugin_id in dict.fromkeys(getattr(settings, name) for name in GENERATORS):
        held = plugin_groups.group(scene, plugin_id)
        for parameter in plugin_groups.parameters(plugin_id):
            value = _plain(getattr(held, parameter.attribute))
            lines.append(f"sliders.{safe_name(plugin_id)}.{parameter.attribute} = {value!r}")
    return _HEAD + "\n".join(lines) + "\n"


def apply(scene: bpy.types.Scene, path: Path) -> list[str]:
    """Set what the preset holds; the names of sliders that its plugins no longer have.

    Raises InputError, with nothing changed, where it cannot be read, has a value that does not fit, or needs a plugin that
    is not here.
    """
    name = bpy.path.display_name(path.name, title_case=False)
    settings: dict[str, Any] = {}
    values: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    try:
        for (kind, *steps), value in _assignments(path):
            if kind == "settings" and len(steps) == 1:
                settings[steps[0]] = _checked(scene.declaim, steps[0], value)
            elif kind == "sliders" and len(steps) == 2:
                plugin_id = plugin_groups.at(steps[0])
                if not plugin_id:
                    raise InputError(
                        rpt_('It needs the plugin "{id}", which is not here.').format(id=steps[0]),
                        hint=rpt_("Install it, or start the engine that has it."),
                    )
                known = {p.attribute: p for p in plugin_groups.parameters(plugin_id)}
                if steps[1] not in known:
                    left_out.append(f"{plugin_id}: {steps[1]}")
                    continue
                parameter = known[steps[1]]
                values.setdefault(plugin_id, {})[parameter.name] = parameter.meaning(value)
            else:
                raise InputError(rpt_("It sets what no preset of ours sets: {name}.").format(name=".".join(steps)))
        sliders.apply(scene, values)
    except DeclaimError as error:
        raise InputError(
            rpt_('The preset "{name}" was not applied: {reason}').format(name=name, reason=error.message), hint=error.hint
        ) from None
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise InputError(
            rpt_('The preset "{name}" cannot be read: {reason}.').format(name=name, reason=error),
            hint=rpt_("Save it again, or remove it."),
        ) from None
    for key, value in settings.items():
        setattr(scene.declaim, key, value)
    return left_out


def _assignments(path: Path) -> Iterator[tuple[list[str], Any]]:
    """(["sliders", "gesture", "energy"], 1.2) of each line that sets something."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign) or not isinstance(target := node.targets[0], ast.Attribute):
            continue
        steps: list[str] = []
        inner: ast.expr = target
        while isinstance(inner, ast.Attribute):
            steps.insert(0, inner.attr)
            inner = inner.value
        yield [inner.id if isinstance(inner, ast.Name) else "", *steps], ast.literal_eval(node.value)


def _checked(settings: Any, name: str, value: Any) -> Any:
    """``value``, which the setting takes. Raises InputError."""
    if name in GENERATORS:
        channel = "mouth" if name == "mouth" else "body"
        if value not in {item[0] for item in sliders.generator_items(channel)}:
            raise InputError(
                rpt_('It needs the generator "{id}", which is not here.').format(id=value),
                hint=rpt_("Install it, or start the engine that has it."),
            )
        return value
    rules = settings.bl_rna.properties[name] if name in LANDING else None
    fits = (
        rules is not None
        and {
            "ENUM": lambda: value in {item.identifier for item in rules.enum_items},
            "BOOLEAN": lambda: isinstance(value, bool),
            "FLOAT": lambda: isinstance(value, int | float) and not isinstance(value, bool),
        }[rules.type]()
    )
    if not fits:
        raise InputError(rpt_("{name} cannot be {value!r}.").format(name=rules.name if rules else name, value=value))
    return value


def _plain(value: Any) -> Any:
    return shortest(value) if isinstance(value, float) else value


def draw_header(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The preset button of a panel's header."""
    DECLAIM_PT_presets.draw_panel_header(layout)


class DECLAIM_PT_presets(PresetPanel, bpy.types.Panel):
    """Presets of how a character performs"""

    bl_label = "Declaim Presets"
    bl_space_type = "VIEW_3D"
    preset_subdir = SUBFOLDER
    preset_operator = "declaim.apply_preset"
    preset_add_operator = "declaim.add_preset"
    preset_extensions = {".py"}


class DECLAIM_OT_add_preset(AddPresetBase, bpy.types.Operator):
    bl_idname = "declaim.add_preset"
    bl_label = "Add Performance Preset"
    bl_description = "Keep or remove a preset: generators, sliders and how the result is written"
    preset_menu = "DECLAIM_PT_presets"
    preset_subdir = SUBFOLDER

    def add(self, context: bpy.types.Context, filepath: str) -> None:
        from ..core.files import replacing

        with replacing(Path(filepath)) as temporary:
            temporary.write_text(written(context.scene), encoding="utf-8")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            return AddPresetBase.execute(self, context)
        except DeclaimError as error:
            return status.fail(self, error)


class DECLAIM_OT_apply_preset(bpy.types.Operator):
    bl_idname = "declaim.apply_preset"
    bl_label = "Apply Performance Preset"
    bl_description = "Set generators, sliders and how the result is written as this preset has them"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: bpy.props.StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            left_out = apply(context.scene, Path(self.filepath))
        except DeclaimError as error:
            return status.fail(self, error)
        if left_out:
            self.report({"WARNING"}, rpt_("Left out, for they are gone: {names}").format(names=", ".join(left_out)))
        return {"FINISHED"}


CLASSES = (DECLAIM_PT_presets, DECLAIM_OT_add_preset, DECLAIM_OT_apply_preset)


def register() -> None:
    bpy.utils.register_preset_path(str(_SHIPPED))


def unregister() -> None:
    bpy.utils.unregister_preset_path(str(_SHIPPED))

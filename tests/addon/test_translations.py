"""Every name and label of the add-on has its German word; and none is there for a name that is gone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

NAMES = """
import importlib, json
addon = importlib.import_module(f"{EXTENSION}.addon")
names = set()
def fields(kind):
    is_operator = issubclass(kind, bpy.types.Operator)
    rna = getattr(bpy.ops.declaim, kind.__name__[len("DECLAIM_OT_"):]).get_rna_type() if is_operator else kind.bl_rna
    common = {p.identifier for base in (bpy.types.Operator, bpy.types.PropertyGroup, bpy.types.AddonPreferences,
              bpy.types.Panel, bpy.types.Menu, bpy.types.UIList, bpy.types.FileHandler) for p in base.bl_rna.properties}
    for field in rna.properties:
        if field.identifier not in common - {"name"} and not field.is_hidden:
            names.add(("*", field.name))
            names.update(("*", item.name) for item in (field.enum_items_static if field.type == "ENUM" else ()))
for module in addon._modules():
    for kind in getattr(module, "CLASSES", ()):
        is_operator = issubclass(kind, bpy.types.Operator)
        names.add(("Operator" if is_operator else "*", getattr(kind, "bl_label", "")))
        fields(kind)
groups = importlib.import_module(f"{EXTENSION}.addon.plugin_groups")
for row in groups.rows():
    names.add(("*", row["title"]))
    for parameter in groups.parameters(row["id"]):
        names.add(("Declaim", parameter.title))
        if parameter.kind == "choice":
            items = bpy.types.Scene.bl_rna.properties["declaim_parameters"].fixed_type.properties[row["id"]].fixed_type
            names.update(("Declaim", item.name) for item in items.properties[parameter.attribute].enum_items)
first_run = importlib.import_module(f"{EXTENSION}.addon.first_run")
names.update(("*", text) for text, done in first_run.steps(bpy.context.scene))
translations = importlib.import_module(f"{EXTENSION}.addon.translations")
german = translations.GERMAN
print(json.dumps({"names": sorted(names), "german": sorted(german), "same": sorted(translations.SAME)}))
"""


def labels() -> set[tuple[str, str]]:
    """What the add-on's sources give Blender's layouts as texts of their own."""
    found = set()
    for path in (ROOT / "addon").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = {word.arg: word.value for word in node.keywords}
            as_it_is = isinstance(flag := given.get("translate"), ast.Constant) and flag.value is False
            kind = "Operator" if isinstance(node.func, ast.Attribute) and node.func.attr == "operator" else "*"
            for word in ("text", "heading", "placeholder"):
                if isinstance(value := given.get(word), ast.IfExp):
                    values = [value.body, value.orelse]
                else:
                    values = [value] if value is not None else []
                for part in values:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and not as_it_is:
                        found.add((kind, part.value))
            if isinstance(node.func, ast.Name) and node.func.id == "iface_" and isinstance(node.args[0], ast.Constant):
                found.add(("*", node.args[0].value))
    return found


def test_every_name_has_its_german_word(blender_python: Any) -> None:
    found = blender_python(NAMES, kind="slim").json
    shown = {(context, text) for context, text in (*map(tuple, found["names"]), *labels()) if text.strip()}
    same, german = set(found["same"]), {tuple(key) for key in found["german"]}
    missing = sorted((context, text) for context, text in shown if text not in same and (context, text) not in german)
    assert not missing, "give these their German words in addon/translations.py"
    assert not sorted(german - shown), "these names are gone: take them out of addon/translations.py"
    assert not same - {text for _, text in shown}

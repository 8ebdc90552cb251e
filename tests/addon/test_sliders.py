"""Sliders from a plugin's schema: every type, odd names, other plugins than before, values kept and set back, in real Blenders."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from declaim.inference.routes import plugin_info
from declaim.plugins import registry

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "tests" / "data" / "plugins"

# Every type that a schema can have, some that Declaim has no property for, and names that Python has other uses for.
EVERYTHING: dict[str, Any] = {
    "warmth": {"type": "number", "default": 0.1, "minimum": 0.0, "maximum": 1.0, "title": "Warmth", "description": "How."},
    "tiny": {"type": "number", "default": 0.0001, "minimum": 0.0, "maximum": 0.001},
    "open": {"type": "number", "default": 3},
    "steps": {"type": "integer", "default": 50, "minimum": 1, "maximum": 200},
    "big": {"type": "integer", "default": 2**40},
    "loud": {"type": "boolean", "default": True},
    "mode": {"type": "string", "enum": ["fast", "slow", ""], "default": "fast"},
    "layers": {"type": "integer", "enum": [2, 4, 8], "default": 4},
    "style": {"type": "string", "default": "plain", "examples": ["plain", "wild"]},
    "note": {"type": "string", "default": ""},
    "weights": {"type": "string", "format": "file", "default": ""},
    "bones": {"type": "object", "default": {"hand": 1.0}},
    "range": {"type": "array", "default": [1, 2]},
    "items": {"type": "number", "default": 1.0},
    "class": {"type": "boolean", "default": False},
    "guidance-scale": {"type": "number", "default": 2.5},
    "guidance_scale": {"type": "number", "default": 1.5},
    "größe": {"type": "number", "default": 0.0},
    "name": {"type": "string", "default": "Ada"},
    "a" * 90: {"type": "integer", "default": 0},
    "nonsense": 7,
}
NEURAL = {
    "id": "neural-x",
    "origin": "user",
    "kind": "generator",
    "title": "Neural X",
    "summary": "Moves everything.",
    "channels": ["body", "mouth"],
    "parameters": {"type": "object", "properties": EVERYTHING},
}
# What no engine of ours lets through: it must not keep the add-on from working.
ODD = [
    {"minimum": "low", "type": "number", "default": 1.0},
    {"type": "number", "default": 8.0, "minimum": 0.0, "maximum": 5.0},
    {"type": "integer", "default": 1, "minimum": 9, "maximum": 2},
    {"type": "string", "default": "", "examples": 5},
    {"type": "string", "default": "a", "enum": ["a", "a", "b"]},
    {"type": "number", "default": 1.0, "title": 5, "description": None},
]
BROKEN = {"id": "broken", "origin": "user", "error": {"code": "plugin_failed", "message": "It broke.", "hint": "Mend it."}}

PREPARE = """
import importlib, json
def part(name):
    return importlib.import_module(f"{EXTENSION}.addon.{name}")
sliders, groups = part("sliders"), part("plugin_groups")
InputError = importlib.import_module(f"{EXTENSION}.core.errors").InputError
scene = bpy.context.scene
found = {}
def refused(call, *arguments):
    try:
        call(*arguments)
    except InputError as error:
        return str(error)
NEURAL, BROKEN = json.loads(sys.argv[1])
OURS = groups.snapshot()
"""

EVERY_TYPE = (
    PREPARE
    + """
groups.use_plugins((*OURS, NEURAL, BROKEN))
scene.declaim.generator = "neural-x"
held = groups.group(scene, "neural-x")
by = {p.name: p for p in groups.parameters("neural-x")}
found["kinds"] = {name: p.kind for name, p in by.items()}
rna = {name: held.bl_rna.properties[p.attribute] for name, p in by.items()}
warmth = rna["warmth"]
found["warmth"] = [warmth.name, warmth.description, warmth.default, warmth.hard_min, warmth.hard_max, warmth.precision]
found["tiny"] = rna["tiny"].precision
found["mode"] = [item.identifier for item in rna["mode"].enum_items]
found["weights"] = rna["weights"].subtype
found["untouched"] = sliders.values(scene)
wanted = {"warmth": 0.7, "tiny": 0.0003, "open": -12.25, "steps": 7, "big": 2**41, "loud": False, "mode": "", "layers": 8,
          "style": "very wild", "note": "x", "bones": {"hand": 0.5, "foot": [1]}, "range": [], "items": 2.0, "class": True,
          "guidance-scale": 9.1, "guidance_scale": 9.2, "größe": 0.3, "name": "Eve", "a" * 90: 3}
sliders.apply(scene, {"neural-x": wanted})
found["kept"] = sliders.values(scene) == {"neural-x": wanted} or sliders.values(scene)
found["refused"] = [
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2, "wormth": 1.0}}),
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2, "steps": 7.5}}),
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2, "tiny": 1.0}}),
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2, "mode": "sluggish"}}),
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2, "bones": [1]}}),
    refused(sliders.apply, scene, {"neural-x": {"warmth": 0.2}, "nowhere": {}}),
]
found["unchanged"] = sliders.values(scene)["neural-x"]["warmth"]
held.bones = "{hand"
found["typo"] = [by["bones"].problem(held), refused(sliders.values, scene), refused(sliders.values, scene, ["neural-x"])]
scene.declaim.generator = "gesture"
found["typo_elsewhere"] = "bones" in sliders.values(scene)["neural-x"]
found["reset"] = [list(bpy.ops.declaim.reset_sliders(plugin="neural-x", parameter="bones")), held.bones]
bpy.ops.declaim.reset_sliders(plugin="neural-x")
found["all_reset"] = sliders.values(scene)
held.weights = "//style.npz"
found["path"] = sliders.values(scene)["neural-x"]["weights"]
for arguments in ({"plugin": "nowhere"}, {"plugin": "gesture", "parameter": "enregy"}):
    try:
        bpy.ops.declaim.reset_sliders(**arguments)
    except RuntimeError as error:
        found.setdefault("sentences", []).append(str(error))
found["problems"] = groups.problems()
ODD = json.loads(sys.argv[2])
odd = [{**NEURAL, "id": f"odd{n}", "parameters": {"type": "object", "properties": {"x": rules}}} for n, rules in enumerate(ODD)]
groups.use_plugins((*OURS, NEURAL, *odd))
found["odd"] = [sliders.values(scene), dict(groups.problems()), len(sliders.generator_items("body"))]
sliders.apply(scene, {"odd4": {"x": "b"}})
found["odd_works"] = sliders.values(scene, ["odd4"])
groups.use_plugins((*OURS, NEURAL))
found["menus"] = [[item[0] for item in items] for items in
                  (sliders.generator_items("body"), sliders.generator_items("mouth"), sliders.transcriber_items())]
print(json.dumps(found))
"""
)

OTHER_PLUGINS = (
    PREPARE
    + """
import os
groups.use_plugins((*OURS, NEURAL))
settings = scene.declaim
settings.generator, settings.mouth = "neural-x", "neural-x"
wanted = {"warmth": 0.7, "mode": "slow", "style": "wild", "bones": {"a": 1}, "steps": 9}
sliders.apply(scene, {"gesture": {"energy": 1.4}, "neural-x": wanted})
before = sliders.values(scene)
found["all"] = before

# other plugins, in another order: what was chosen stays
groups.use_plugins((NEURAL, {**NEURAL, "id": "apart"}, *OURS))
found["reordered"] = [settings.generator, settings.mouth, settings.transcriber, sliders.values(scene) == before]

# choices that come first must not change the one that is chosen; a slider of another type starts at its default
changed = json.loads(json.dumps(NEURAL))
changed["parameters"]["properties"]["mode"]["enum"].insert(0, "slowest")
changed["parameters"]["properties"]["steps"] = {"type": "string", "default": "many"}
del changed["parameters"]["properties"]["warmth"]
groups.use_plugins((*OURS, changed))
found["changed"] = sliders.values(scene)["neural-x"]
groups.use_plugins((*OURS, NEURAL))
groups.group(scene, "neural-x").steps = 9  # the one of another type was lost: Blender forgets what does not fit

# gone, saved, opened, back
groups.use_plugins(OURS)
found["gone"] = [sliders.values(scene, ["gesture", "neural-x"]), hasattr(scene.declaim_parameters, groups.safe_name("neural-x"))]
file = os.path.join(bpy.app.tempdir, "kept.blend")
bpy.ops.wm.save_as_mainfile(filepath=file)
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.wm.open_mainfile(filepath=file)
scene = bpy.context.scene
found["opened_without"] = sliders.values(scene, ["gesture"])
groups.use_plugins((*OURS, NEURAL))
found["back"] = [sliders.values(scene) == before or sliders.values(scene), scene.declaim.generator]

# disabled and enabled again
bpy.ops.preferences.addon_disable(module=EXTENSION)
found["left"] = [name for name in dir(bpy.types) if name.startswith("DECLAIM")] + [
    name for name in ("declaim_parameters", "declaim") if hasattr(bpy.types.Scene, name)]
bpy.ops.preferences.addon_enable(module=EXTENSION)
sliders, groups = part("sliders"), part("plugin_groups")
groups.use_plugins((*OURS, NEURAL))
found["enabled_again"] = sliders.values(scene) == before or sliders.values(scene)
print(json.dumps(found))
"""
)

FOLLOWING = (
    PREPARE
    + """
held, lips = groups.group(scene, "gesture"), groups.group(scene, "visemes")
held.style, held.blend = "angry", 0.25
found["follows"] = sliders.values(scene)
lips.style = "calm"
held.energy = 1.5
found["own"] = sliders.values(scene)["visemes"]
sliders.apply(scene, {"visemes": {"style": "shy"}, "gesture": {"style": "happy"}})
found["applied"] = sliders.values(scene)
bpy.ops.declaim.reset_sliders(plugin="gesture", parameter="style")
found["reset"] = sliders.values(scene)
print(json.dumps(found))
"""
)

FROM_THE_ENGINE = (
    PREPARE
    + """
import time
engine = part("engine")
bpy.context.preferences.addons[EXTENSION].preferences.plugins_folder = sys.argv[2]
found["before"] = list(groups.ids())
engine.client()
until = time.monotonic() + 20
while "bobbing" not in groups.ids() and time.monotonic() < until:
    engine.look()
    time.sleep(0.05)
found["after"] = list(groups.ids())
scene.declaim_parameters.bobbing.depth = 12.0
found["values"] = sliders.values(scene)
found["problems"] = [name for name, sentence in groups.problems()]
engine.stop()
print(json.dumps(found))
"""
)


def given() -> str:
    return json.dumps([NEURAL, BROKEN])


def test_bundled_list_is_of_our_plugins() -> None:
    path = ROOT / "release" / "bundled_plugins.py"
    spec = importlib.util.spec_from_file_location("bundled_plugins", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "addon" / "plugins.json").read_text(encoding="utf-8")
    assert written == module.text(), "run: python release/bundled_plugins.py"


def test_every_type_of_a_schema(blender_python: Any, each_blender: str) -> None:
    found = blender_python(EVERY_TYPE, given(), json.dumps(ODD), version=each_blender, kind="slim").json
    assert found["kinds"] == {
        "warmth": "number",
        "tiny": "number",
        "open": "number",
        "steps": "integer",
        "big": "json",  # Blender's integers have 32 bits
        "loud": "boolean",
        "mode": "choice",
        "layers": "choice",
        "style": "text",
        "note": "text",
        "weights": "text",
        "bones": "json",
        "range": "json",
        "items": "number",
        "class": "boolean",
        "guidance-scale": "number",
        "guidance_scale": "number",
        "größe": "number",
        "name": "text",
        "a" * 90: "integer",
        "nonsense": "json",
    }
    assert found["warmth"] == ["Warmth", "How", pytest.approx(0.1), 0.0, 1.0, 2]
    assert found["tiny"] == 5
    assert found["mode"] == ["fast", "slow", "(none)"]
    assert found["weights"] == "FILE_PATH"
    assert found["untouched"] == {}
    assert found["kept"] is True
    for sentence, part in zip(
        found["refused"],
        (
            'neural-x has no parameter "wormth". It has warmth,',
            "neural-x: Steps cannot be 7.5.",
            "neural-x: Tiny cannot be 1.0.",
            'neural-x: Mode cannot be "sluggish".',
            "neural-x: Bones cannot be [1].",
            'The plugin "nowhere" is not here. Install it',
        ),
        strict=True,
    ):
        assert sentence.startswith(part), sentence
    assert found["unchanged"] == 0.7, "nothing is set when one part is wrong"
    assert all("Bones is not valid JSON" in sentence for sentence in found["typo"])
    assert not found["typo_elsewhere"], "a typo of a generator that takes no part stops nobody"
    assert found["reset"] == [["FINISHED"], '{"hand": 1.0}']
    assert found["all_reset"] == {}
    assert not found["path"].startswith("//") and found["path"].endswith("style.npz")
    assert 'The plugin "nowhere" is not here' in found["sentences"][0]
    assert 'gesture has no parameter "enregy"' in found["sentences"][1]
    assert not any("Traceback" in sentence for sentence in found["sentences"])
    assert found["problems"] == [["broken", "It broke. Mend it."]]
    values, faults, generators = found["odd"]
    assert set(values) == {"neural-x"} and generators == 2 + len(ODD)
    assert {"odd0", "odd3"} <= set(faults) and all(
        text.startswith("Its settings cannot be drawn") for text in faults.values()
    )
    assert found["odd_works"] == {"odd4": {"x": "b"}}
    assert found["menus"] == [["gesture", "neural-x"], ["visemes", "neural-x"], ["pocketsphinx", "import", "vosk"]]


def test_values_outlive_their_plugins(blender_python: Any, each_blender: str) -> None:
    found = blender_python(OTHER_PLUGINS, given(), version=each_blender, kind="slim").json
    values = {"warmth": 0.7, "mode": "slow", "style": "wild", "bones": {"a": 1}, "steps": 9}
    assert found["all"] == {"gesture": {"energy": 1.4}, "neural-x": values}
    assert found["reordered"] == ["neural-x", "neural-x", "pocketsphinx", True]
    assert found["changed"] == {"mode": "slow", "style": "wild", "bones": {"a": 1}}
    assert found["gone"] == [{"gesture": {"energy": 1.4}}, False]
    assert found["opened_without"] == {"gesture": {"energy": 1.4}}
    assert found["back"] == [True, "neural-x"]
    assert found["left"] == []
    assert found["enabled_again"] is True


def test_lips_take_over_the_manner(blender_python: Any, each_blender: str) -> None:
    found = blender_python(FOLLOWING, given(), version=each_blender, kind="slim").json
    manner = {"style": "angry", "blend": 0.25}
    assert found["follows"] == {"gesture": manner, "visemes": manner}
    assert found["own"] == {"style": "calm", "blend": 0.25}
    assert found["applied"] == {"gesture": {"style": "happy"}, "visemes": {"style": "shy"}}
    assert found["reset"] == {}


def test_an_engines_own_plugins_have_sliders(blender_python: Any) -> None:
    names = {row.id for row in map(plugin_info, registry.find_plugins()) if row.origin == "built-in"}
    found = blender_python(FROM_THE_ENGINE, given(), str(PLUGINS)).json
    assert set(found["before"]) == names
    assert set(found["after"]) == names | {"bobbing"}
    assert found["values"] == {"bobbing": {"depth": 12.0}}
    assert found["problems"] == []

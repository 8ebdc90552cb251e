"""A take's words: filled from a timeline, followed and jumped to in the list, put on the timeline as markers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import BlenderPython

# A take of eight words at 24 frames a second from frame 11, on an armature that is the scene's character.
TAKE = """
import importlib, json
words = importlib.import_module(EXTENSION + ".addon.words")
core = importlib.import_module(EXTENSION + ".core.timeline")
scene, context = bpy.context.scene, bpy.context

def said(*times):
    return tuple(
        core.Word(text=text, start=start, end=end, unsure=text == "tiny")
        for text, start, end in zip("make it a huge or tiny bear now".split(), times, times[1:])
    )

LINE = core.Timeline(
    words=said(0.0, 0.5, 0.51, 0.52, 1.0, 2.0, 2.5, 3.0, 4.0),
    strokes=(
        core.Stroke(hand="both", start=0.0, apex=0.75, hold_end=0.9, end=1.0, unit="big_wide", word=3),
        core.Stroke(hand="left", start=2.0, apex=2.25, hold_end=2.3, end=2.4, unit="small"),  # no word named: by its time
        core.Stroke(hand="left", start=3.0, apex=3.5, hold_end=3.6, end=3.7, unit="beat", word=7),
        core.Stroke(hand="left", start=8.0, apex=9.0, hold_end=9.1, end=9.2, unit="late"),  # on no word
    ),
    key_poses=(core.KeyPose(name="salute", start=3.0, apex=3.6, hold_end=3.7, end=4.0, word=7),),
)

rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
scene.collection.objects.link(rig)
scene.declaim.character = rig
context.view_layer.update()  # or it has no pose yet, and Blender 4.4 and later fall over when its action is taken away

def add(name="line", timeline=LINE):
    take = rig.declaim.takes.add()
    take.name, take.start, take.fps = name, 11.0, 24.0
    words.fill(take, timeline)
    return take

def refused(operator, **options):
    try:
        operator(**options)
    except RuntimeError as error:
        return str(error)
    return ""
"""


def test_fill_marks_the_words_that_carry_a_stroke(blender_python: BlenderPython, each_blender: str) -> None:
    found = blender_python(
        TAKE
        + """
take = add()
words.fill(take, LINE)  # again: in place of what was there
print(json.dumps([[w.name, w.start, w.end, w.stroke, w.unit, w.apex, w.unsure] for w in take.words]))
""",
        version=each_blender,
    ).json
    assert [row[0] for row in found] == ["make", "it", "a", "huge", "or", "tiny", "bear", "now"]
    struck = {row[0]: (row[4], round(row[5], 5)) for row in found if row[3]}
    assert struck == {"huge": ("big_wide", 0.75), "tiny": ("small", 2.25), "now": ("salute", 3.6)}
    assert [row[0] for row in found if row[6]] == ["tiny"]


def test_the_list_follows_the_playhead_and_a_choice_moves_it(blender_python: BlenderPython, each_blender: str) -> None:
    found = blender_python(
        TAKE
        + """
take = add()
rows, followed, jumped, walked = words.table(take), {}, [], []
for frame in (1, 11, 22, 23, 24, 25, 40, 500):
    scene.frame_set(frame)
    followed[frame] = scene.declaim.word
for index in range(len(take.words)):
    scene.declaim.word = index
    jumped.append([scene.frame_current, scene.declaim.word])
scene.declaim.word = 99  # no such word: the playhead stays
stayed = scene.frame_current
scene.frame_set(1)
while True:
    before = scene.frame_current
    bpy.ops.declaim.word_jump(direction="NEXT", strokes=True)
    if scene.frame_current == before:
        break
    walked.append(scene.frame_current)
bpy.ops.declaim.word_jump(direction="PREVIOUS")
back = scene.frame_current
bpy.ops.declaim.word_jump(index=2)
print(json.dumps({
    "followed": followed, "jumped": jumped, "stayed": stayed, "walked": walked, "back": back, "third": scene.frame_current,
    "spoken": [rows.spoken(frame) for frame in (1, 11, 30, 106.9, 107.1)],
    "refused": refused(bpy.ops.declaim.word_jump, index=8),
}))
""",
        version=each_blender,
    ).json
    assert found["followed"] == {"1": -1, "11": 0, "22": 0, "23": 1, "24": 2, "25": 3, "40": 4, "500": 7}
    # "it" and "a" last a hundredth of a second each: every word has a frame of its own all the same
    assert found["jumped"] == [[11, 0], [23, 1], [24, 2], [25, 3], [35, 4], [59, 5], [71, 6], [83, 7]]
    assert found["stayed"] == 83
    assert (found["walked"], found["back"], found["third"]) == ([25, 59, 83], 71, 24)
    assert found["spoken"] == [-1, 0, 3, 7, -1]
    assert "8 words" in found["refused"]


def test_markers_replace_and_remove_only_their_own(blender_python: BlenderPython, each_blender: str) -> None:
    found = blender_python(
        TAKE
        + """
take, markers = add(), scene.timeline_markers
def names():
    return sorted((m.name, m.frame) for m in markers)

markers.new("mine", frame=23).select = True
bpy.ops.declaim.words_to_markers()
first, selected = names(), sorted(m.name for m in markers if m.select)
bpy.ops.declaim.words_to_markers()
again = names()
markers["\u00b7 make"].frame = 5  # moved: still ours
markers["\u00b7 or"].name = "look up"  # renamed: the artist's
markers["\u00b7 bear"].camera = rig  # cuts to a camera: the artist's
bpy.ops.declaim.words_to_markers(strokes_only=True)
strokes = names()
scene.tool_settings.lock_markers = True
locked = refused(bpy.ops.declaim.word_markers_remove)
scene.tool_settings.lock_markers = False
bpy.ops.declaim.word_markers_remove()
print(json.dumps({
    "first": first, "selected": selected, "again": again, "strokes": strokes, "locked": locked, "left": names(),
    "none": refused(bpy.ops.declaim.word_markers_remove) if not bpy.ops.declaim.word_markers_remove.poll() else "",
}))
""",
        version=each_blender,
    ).json
    plain = [["\u00b7 a", 24], ["\u00b7 bear", 71], ["\u00b7 it", 23], ["\u00b7 make", 11], ["\u00b7 or", 35]]
    struck = [["\u25cf huge", 25], ["\u25cf now", 83], ["\u25cf tiny", 59]]
    kept = [["look up", 35], ["mine", 23], ["\u00b7 bear", 71]]
    assert found["first"] == found["again"] == [["mine", 23], *plain, *struck]
    assert found["selected"] == ["\u25cf huge", "\u25cf now", "\u25cf tiny"]
    assert found["strokes"] == sorted(kept + struck)
    assert "locked" in found["locked"] or "poll" in found["locked"]
    assert found["left"] == kept


def test_words_follow_their_take(blender_python: BlenderPython) -> None:
    found = blender_python(
        TAKE
        + """
take = add()
for frame in (11, 107):
    rig.keyframe_insert("location", frame=frame)
take.action = action = rig.animation_data.action
def first():
    return words.table(take).starts[0], words.table(take).ends[-1]

as_action = first()
rig.animation_data.action = None
strip = rig.animation_data.nla_tracks.new().strips.new("take", 11, action)
as_strip = first()
strip.frame_start_ui = 111.0
slid = first()
strip.scale = 2.0
slower = first()
rig.animation_data.nla_tracks.remove(rig.animation_data.nla_tracks[0])
take.start = 1.0
moved = first()
other = add("other", core.Timeline(words=said(1.0, 1.5)))
rig.declaim.take = 1
shown = [words.shown_take(context).name, words.table(words.shown_take(context)).names, words.table(rig.declaim.takes[0]).names]
rig.declaim.takes.remove(0)
after = words.table(rig.declaim.takes[0]).names
rig.declaim.takes[0].words.clear()
rig.declaim.take = 0
print(json.dumps({
    "as_action": as_action, "as_strip": as_strip, "slid": slid, "slower": slower, "moved": moved, "shown": shown, "after": after,
    "none": words.shown_take(context) is None, "poll": bpy.ops.declaim.words_to_markers.poll(),
}))
"""
    ).json
    assert found["as_action"] == found["as_strip"] == [11.0, 107.0]
    assert found["slid"] == [111.0, 207.0]
    assert found["slower"] == [111.0, 303.0]
    assert found["moved"] == [1.0, 97.0]
    assert found["shown"] == ["other", ["make"], ["make", "it", "a", "huge", "or", "tiny", "bear", "now"]]
    assert found["after"] == ["make"]
    assert (found["none"], found["poll"]) == (True, False)


def test_the_list_is_filtered_and_long_lines_stay_quick(blender_python: BlenderPython) -> None:
    found = blender_python(
        TAKE
        + """
import time
rows = words.table(add())
shown = lambda text, strokes: [n for n, keep in zip(rows.names, words.matches(rows, text, strokes)) if keep]
long = core.Timeline(words=tuple(core.Word(text="word", start=i / 2, end=i / 2 + 0.4) for i in range(5000)))
begun = time.perf_counter()
take = add("long", long)
filled = time.perf_counter()
words.table(take)
made = time.perf_counter()
for frame in range(1000):
    scene.declaim.word
print(json.dumps({
    "text": shown(" IN ", False), "unit": shown("wide", False), "strokes": shown("", True), "both": shown("h", True),
    "fill_s": filled - begun, "table_s": made - filled, "look_s": (time.perf_counter() - made) / 1000,
}))
"""
    ).json
    assert (found["text"], found["unit"]) == (["tiny"], ["huge"])
    assert found["strokes"] == ["huge", "tiny", "now"]
    assert found["both"] == ["huge"]
    assert found["fill_s"] < 1.0
    assert found["table_s"] < 0.2
    assert found["look_s"] < 0.001


def test_texts_of_the_strip_are_cut_to_their_box(blender_python: BlenderPython) -> None:
    found = blender_python(
        TAKE
        + """
import blf
strip = importlib.import_module(EXTENSION + ".addon.word_strip")
blf.size(0, 11.0)
whole = blf.dimensions(0, "character")[0]
print(json.dumps({
    "whole": whole, "fits": strip.fitted("character", whole + 1), "cut": strip.fitted("character", whole / 2),
    "letter": strip.fitted("character", blf.dimensions(0, "c")[0] + 0.5), "a": strip.fitted("a", whole), "none": strip.fitted("a", 1.0),
    "empty": strip.fitted("", 50.0),
}))
"""
    ).json
    assert found["fits"] == ["character", found["whole"]]
    text, width = found["cut"]
    assert 2 <= len(text) < 9 and "character".startswith(text) and 0 < width <= found["whole"] / 2
    assert found["letter"] == found["none"] == found["empty"] == ["", 0.0]
    assert found["a"][0] == "a"


def test_a_click_on_a_take_puts_it_in_use(blender_python: BlenderPython) -> None:
    found = blender_python(
        """
import importlib, json
bpy.ops.declaim.add_avatar()
rig = bpy.context.scene.declaim.character or bpy.context.active_object
for name in ("one", "two"):
    take = rig.declaim.takes.add()
    take.name, take.action = name, bpy.data.actions.new(name)
    if hasattr(take.action, "slots"):
        take.action.slots.new("OBJECT", "Avatar")
bpy.context.scene.declaim.take = 1
first = [bpy.context.scene.declaim.take, rig.declaim.take, rig.animation_data.action.name]
bpy.context.scene.declaim.take = 0
second = [bpy.context.scene.declaim.take, rig.declaim.take, rig.animation_data.action.name, rig.declaim.previous]
bpy.context.scene.declaim.take = 7
bpy.data.actions.remove(rig.declaim.takes[1].action)
bpy.context.scene.declaim.take = 1  # its action is gone: nothing changes
print(json.dumps([first, second, [bpy.context.scene.declaim.take, rig.animation_data.action.name]]))
"""
    ).json
    assert found == [[1, 1, "two"], [0, 0, "one", 1], [0, "one"]]


def test_boxes_are_drawn_in_the_colours_given(blender_python: BlenderPython, each_blender: str, tmp_path: Path) -> None:
    done = blender_python(
        """
import importlib, json, os, sys
import gpu
if hasattr(gpu, "init"):
    gpu.init()
else:  # in background mode before 5.2 a render is what sets up graphics
    scene = bpy.context.scene
    scene.render.engine, scene.render.filepath = "BLENDER_WORKBENCH", sys.argv[1]
    scene.render.resolution_x = scene.render.resolution_y = 16
    bpy.ops.render.render()
boxes = importlib.import_module(EXTENSION + ".addon.word_boxes")
shader = boxes.made_shader()
batch = boxes.batch(shader, [(90.0, 95.0), (100.0, 105.0), (106.0, 110.0), (111.0, 112.0)], [0.0, 0.0, 1.0, 0.0])
offscreen = gpu.types.GPUOffScreen(100, 20)
with offscreen.bind():
    buffer = gpu.state.active_framebuffer_get()
    buffer.clear(color=(0.0, 0.0, 0.0, 1.0))
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("view", (100.0, 10.0, 100.0, 20.0))  # the box before lies left of the view, the last right of it
    shader.uniform_float("box", (2.0, 18.0, 3.0, 1.0))
    for name, colour in {"plain": (1, 0, 0, 1), "strike": (0, 0, 1, 1), "rim": (0, 1, 0, 1)}.items():
        shader.uniform_float(name, colour)
    shader.uniform_float("rimWidth", 1.0)
    batch.draw_range(shader, elem_start=6, elem_count=12)
    seen = buffer.read_color(0, 0, 100, 20, 4, 0, "UBYTE")
seen.dimensions = 100 * 20 * 4
at = lambda x, y: [seen[(y * 100 + x) * 4 + channel] for channel in range(3)]
print(json.dumps({"plain": at(25, 10), "strike": at(80, 10), "between": at(55, 10), "rim": at(25, 2), "above": at(25, 19),
                  "corner": at(1, 2)}))
sys.stdout.flush()
os._exit(0)  # software graphics may fall over on the way out
""",
        tmp_path / "set_up.png",
        version=each_blender,
        check=False,
    )
    if done.returncode and "made_shader" not in done.stderr:
        pytest.skip(f"Blender {each_blender} has no graphics here in background mode.")
    found = done.json
    assert found["plain"] == [255, 0, 0]
    assert found["strike"] == [0, 0, 255]
    assert found["rim"] == [0, 255, 0]
    assert found["between"] == found["above"] == [0, 0, 0]
    assert 0 < found["corner"][1] < 255  # rounded, without stairs

"""Takes and words of a file that was saved: rows clicked, renamed, compared, made again, deleted; the playhead jumps."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import EXTENSION, part, settings
from robot import EDGE, Robot, Steps, run, until


def scenario(robot: Robot) -> Steps:
    found, status = robot.found, part("status").STATUS
    assert EXTENSION in bpy.context.preferences.addons
    yield from robot.open_tab()
    yield from robot.maximise()
    yield from robot.use("declaim.dismiss_first_steps", share=EDGE)
    yield 0.7  # what lies below slides up
    robot.forget()
    rig = settings().character
    data = rig.declaim
    found["takes"] = [take.name for take in data.takes]

    place = yield from robot.find("takes[0].name", share=0.4)
    robot.picture("1_takes")
    yield from robot.click(place)
    yield 0.5
    found["after_click"] = data.take
    found["action"] = rig.animation_data.action.name
    yield from robot.click(place, ctrl=True)  # as a double click, which Blender does not simulate
    yield from robot.press("A", place, ctrl=True)
    yield from robot.type("the good one", place)
    yield from robot.press("RET", place)
    yield 0.4
    found["renamed"] = [data.takes[0].name, data.takes[0].action.name]

    side = yield from robot.buttons(share=EDGE)
    found["side"] = sorted(side)
    for _ in range(2):
        yield from robot.click(side["declaim.take_compare"])
        yield 0.3
        found.setdefault("compared", []).append(data.take)
    yield from robot.click(side["declaim.take_again"])
    yield from until(lambda: status.busy, 10, "performing begins")
    yield from until(lambda: not status.busy, 90, "the new take")
    assert status.error is None, str(status.error)
    data = settings().character.declaim
    found["again"] = [[take.name, take.seed] for take in data.takes]
    yield from robot.click(side["declaim.take_delete"])
    yield 0.5
    found["deleted"] = [take.name for take in data.takes]

    # the word list: the rows are one button each, the list's own
    yield from robot.scroll(30, place)
    seen = yield from robot.rows(share=0.5)
    rows = next(places for name, places in seen.items() if name.endswith("declaim.word"))
    take = data.takes[data.take]
    starts = part("words").table(take).frames
    found["jumps"] = []
    for place in (rows[0], rows[len(rows) // 2]):
        yield from robot.click(place)
        yield 0.4
        found["jumps"].append(bpy.context.scene.frame_current)
    found["starts"] = starts
    side = yield from robot.rows(share=EDGE)
    jumps = side["declaim.word_jump"]
    yield from robot.click(jumps[-1])  # the lowest: to the next stroke
    yield 0.3
    found["stroke"] = bpy.context.scene.frame_current
    found["strokes"] = [start for start, stroke in zip(starts, part("words").table(take).strokes, strict=True) if stroke]
    robot.picture("2_words")
    yield from robot.hover(jumps[-1])
    robot.picture("3_tooltip")
    yield from robot.use("declaim.words_to_markers", share=0.4)
    found["markers"] = len(bpy.context.scene.timeline_markers)


run(scenario)

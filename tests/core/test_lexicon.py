"""The gesture lexicon: what ships is sound and varied, and in a wrong file the line and the reason are told and the rest read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import lexicon
from declaim.core.errors import InputError
from declaim.core.gestures import match
from declaim.core.lexicon import THUMB_OUT, Role, Unit, read_lexicon
from declaim.core.timeline import Word

SHIPPED = lexicon.SHIPPED.read_text(encoding="utf-8")
ARM = 0.5  # m, a usual one
MIDDLE = -0.37  # of the body, arm lengths outward
NEEDED = """beat beat_both offer offer_both hold sweep precise detail self you there here near far left_side right_side count_one
count_two count_three big small tall low rise fall stop negate wag shrug think question list_item welcome dismiss chop resolve
steeple before after together apart again out take weigh heart oath push calm explain question_tilt measure look listen money
go""".split()  # noqa: SIM905


def way(unit: Unit) -> NDArray[Any]:
    """(40, 3) m, the wrist along the gesture, evenly over its postures."""
    points = np.array([p.wrist for p in unit.points()]) * ARM
    return np.stack(
        [np.interp(np.linspace(0, len(points) - 1, 40), np.arange(len(points)), row) for row in points.T], axis=1
    )


def same_shapes(a: Unit, b: Unit) -> bool:
    return all(np.array_equal(p.shape, q.shape) for p, q in ((a.before, b.before), (a.after, b.after)))


def fingertips(shape: NDArray[Any]) -> NDArray[Any]:
    """(5, 3) m, of a usual hand: along the palm, out of it, and to the side; the thumb last."""
    bent = np.cumsum(shape[:15].reshape(5, 3), axis=1)
    bones = np.array([0.042, 0.026, 0.022])
    aside = np.append(np.full(4, shape[-1]), shape[THUMB_OUT])
    return np.stack([(np.cos(bent) * bones).sum(axis=1), (np.sin(bent) * bones).sum(axis=1), 0.09 * aside], axis=1)


def spoken(text: str) -> list[Word]:
    return [Word(text=word, start=i, end=i + 0.5) for i, word in enumerate(text.split())]


def test_there_is_a_unit_for_what_people_do_while_speaking() -> None:
    found = read_lexicon()
    assert set(NEEDED) <= set(found.units) and len(found.units) >= 60
    assert len(found.shapes) >= 20 and {"hanging", "relaxed"} <= set(found.shapes)
    assert all(found.having(role) for role in get_args(Role))
    assert len(found.beats) >= 5


def test_every_unit_can_be_chosen_and_its_words_choose_it() -> None:
    found = read_lexicon()
    for unit in found.units.values():
        assert unit.words or unit.beat or unit.roles, unit.id
        for phrase in unit.words:
            assert [hit.id for hit in match(spoken(phrase), found.entries)] == [unit.id], phrase
    for phrase in found.quiet:
        assert match(spoken(phrase), found.entries) == [], phrase


def test_every_hand_shape_is_used() -> None:
    found = read_lexicon()
    text = re.sub("#.*", "", SHIPPED)
    assert all(f'shape = "{name}"' in text for name in found.shapes if name != "hanging")


def test_units_strike_far_enough_and_stay_in_gesture_space() -> None:
    for unit in read_lexicon().units.values():
        moved = np.abs(np.diff(way(unit), axis=0)).sum() / ARM + 0.3 * abs(unit.after.turn - unit.before.turn)
        assert moved > 0.14, unit.id
        for posture in unit.points():
            outward, up, forward = posture.wrist
            assert 0.25 < np.linalg.norm(posture.wrist) < 0.97, unit.id
            assert -0.85 < up < 0.35 and forward > 0.1, unit.id  # from the thighs to the eyes, never behind the back
            assert outward > (MIDDLE + 0.12 if unit.hands == "two" else MIDDLE + 0.09), unit.id  # each hand on its side
            assert outward < 0.5, unit.id
            if outward < 0 and up < 0.1:
                assert forward > 0.33, unit.id  # clear of the ribs
        assert unit.amplitude[0] <= 1 <= unit.amplitude[1], unit.id
        assert len(set(unit.roles)) == len(unit.roles)


def test_any_two_units_are_ten_centimetres_or_a_hand_shape_apart() -> None:
    for a, b in itertools.combinations(read_lexicon().units.values(), 2):
        one_handed = {a.hands, b.hands} <= {"one", "any", "left", "right"} and {a.hands, b.hands} != {"left", "right"}
        if one_handed or {a.hands, b.hands} <= {"two", "any"}:  # else one has a hand where the other has none
            assert np.linalg.norm(way(a) - way(b), axis=1).max() >= 0.10 or not same_shapes(a, b), (a.id, b.id)


def test_hand_shapes_look_different() -> None:
    for (a, first), (b, second) in itertools.combinations(read_lexicon().shapes.items(), 2):
        moved = np.linalg.norm(fingertips(first) - fingertips(second), axis=1).max()
        assert moved > 0.012, (a, b, moved)


def test_the_page_shows_every_unit_as_it_is() -> None:
    """After a change: python docs/draw_gestures.py."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    rows = [row for row in (docs / "gestures.md").read_text(encoding="utf-8").splitlines() if row.startswith("| <img")]
    units = read_lexicon().units.values()
    assert len(rows) == len(units)
    for row, unit in zip(rows, units):
        assert f"images/gestures/{unit.id}.jpg" in row and f"`{unit.id}` | {', '.join(unit.words)} |" in row, unit.id
    pictures = {path.stem: path.stat().st_size for path in (docs / "images" / "gestures").glob("*.jpg")}
    assert set(pictures) == {unit.id for unit in units} and max(pictures.values()) <= 12_000


GOOD = """format = 1
[shapes.mine]
index = [1, 2, 3]
middle = [1, 2, 3]
ring = [1, 2, 3]
pinky = [1, 2, 3]
thumb = [1, 2, 3]

[units.wide]
words = ["wide"]
before = { at = [0.0, -0.4, 0.5], turn = 10, shape = "mine" }
via = [{ at = [0.1, -0.4, 0.5], bend = 5 }]
stroke = { at = [0.3, -0.4, 0.5], elbow = 8, shape = "open" }
then = [{ turn = -90 }]

[units.last]
words = ["last"]
before = { at = [0.0, -0.4, 0.5], turn = 10, shape = "flat" }
stroke = { at = [0.1, -0.5, 0.5] }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own_goes_before_ours(tmp_path: Path) -> None:
    own = read_lexicon(written(tmp_path, GOOD.replace("[units.last]", "[units.tall]").replace('["last"]', '["huge"]')))
    both = read_lexicon().under(own)
    assert both.units["tall"] is own.units["tall"] and {"wide", "big"} <= set(both.units)
    assert [hit.id for hit in match(spoken("huge, wide, big. Of course!"), both.entries)] == ["tall", "wide", "big"]


def test_a_posture_takes_what_it_leaves_out_from_the_one_before(tmp_path: Path) -> None:
    found = read_lexicon(written(tmp_path, GOOD))
    unit = found.units["wide"]
    told = [(p.wrist[0], *np.degrees([p.turn, p.bend, p.elbow]).round(6)) for p in unit.points()]
    assert told == [(0.0, 10, 0, 0), (0.1, 10, 5, 0), (0.3, 10, 5, 8), (0.3, -90, 5, 8)]
    assert [p.shape is found.shapes["mine"] for p in unit.points()] == [True, True, False, False]
    assert unit.after.shape is found.shapes["open"] and unit.title == "Wide" and unit.hands == "any"


def test_hands_that_alternate_take_their_points_in_turn() -> None:
    units = read_lexicon().units
    weigh = units["weigh"]
    up, down, level = weigh.after, *weigh.then
    assert weigh.alternate and weigh.points() == (weigh.before, up, down, level)
    assert weigh.points(second=True) == (weigh.before, down, up, level)
    assert units["big"].points(second=True) == units["big"].points()


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ('words = ["wide"]', 'wrods = ["wide"]', 10, '"wrods" is no field; did you mean words'),
        ('words = ["wide"]', 'words = ["..."]', 10, 'words has "...", in which there is nothing to be spoken'),
        (
            'words = ["wide"]',
            'words = ["wide"]\nroles = ["beet"]',
            11,
            'roles has "beet", which there is not; did you mean beat',
        ),
        ('words = ["wide"]', 'words = ["wide"]\nhands = 2', 11, "hands should be a text, not 2"),
        ('words = ["wide"]', 'words = ["wide"]\nhead = "shook"', 11, 'head has "shook", .*did you mean shake'),
        ('words = ["wide"]', 'words = ["wide"]\ntempo = [0.5, 0.3]', 11, "tempo should begin with the smaller number"),
        ('words = ["wide"]', 'words = ["wide"]\nalternate = true', 11, 'alternate needs hands = "two" and a then'),
        ('words = ["wide"]', 'words = ["wide"]\nchance = 2', 11, "chance should be from 0 to 1, not 2"),
        ("at = [0.3, -0.4, 0.5]", "at = [0.3, -0.4]", 13, "at should be a list of 3 numbers"),
        ("at = [0.3, -0.4, 0.5]", "at = [0.9, -0.9, 0.5]", 13, "at should be 0.2 to 1.05 arm lengths from the shoulder"),
        ("at = [0.3, -0.4, 0.5]", "at = [0.1, 0, 0.1]", 13, "at should be 0.2 to 1.05 arm lengths from the shoulder"),
        ("elbow = 8", "elbwo = 8", 13, '"elbwo" is no field; did you mean elbow'),
        ('shape = "open"', 'shape = "oppen"', 13, 'shape has "oppen", which there is not; did you mean open'),
        ("turn = 10, shape", "shape", 11, "turn is missing"),
        ("stroke = { at = [0.3", "strike = { at = [0.3", 13, '"strike" is no field; did you mean stroke'),
        ("then = [{ turn = -90 }]", "then = { turn = -90 }", 14, "then should be a list of tables"),
        ("then = [{ turn = -90 }]", "then = [{}, { turn = 400 }]", 14, "turn should be from -120 to 120, not 400"),
    ],
)
def test_a_wrong_unit_is_told_with_its_line_and_the_rest_is_read(
    tmp_path: Path, right: str, wrong: str, line: int, told: str
) -> None:
    assert right in GOOD
    path = written(tmp_path, GOOD.replace(right, wrong, 1))
    heard: list[str] = []
    assert list(read_lexicon(path, warn=heard.append).units) == ["last"]
    assert len(heard) == 1 and re.search(
        rf"^mine.toml, line {line}, \[units.wide.*{told}.*\. It is passed over\.$", heard[0]
    )
    with pytest.raises(InputError, match=told):
        read_lexicon(path)


def test_a_wrong_hand_shape_is_told_with_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("ring = [1, 2, 3]", "ring = [1, 2]").replace('shape = "mine"', 'shape = "flat"')
    heard: list[str] = []
    found = read_lexicon(written(tmp_path, text), warn=heard.append)
    assert list(found.units) == ["wide", "last"] and "mine" not in found.shapes
    assert heard == ["mine.toml, line 5, [shapes.mine]: ring should be a list of 3 numbers, not [1, 2]. It is passed over."]


def test_words_that_two_units_want_stay_with_the_first(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace('["last"]', '["Wide", "end"]'))
    heard: list[str] = []
    assert read_lexicon(path, warn=heard.append).units["last"].words == ("end",)
    assert heard == [
        'mine.toml, line 17, [units.last]: "Wide" already calls for wide, with the same priority. It is passed over.'
    ]
    more = written(tmp_path, GOOD.replace('["last"]', '["Wide", "end"]\npriority = 1'))
    assert read_lexicon(more).units["last"].words == ("Wide", "end")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("format = 9\n" + GOOD[11:], "mine.toml has not the format 1"),
        (GOOD[11:], "mine.toml has not the format 1"),
        ("[units.beat", "not valid TOML"),
        ("format = 1\n[units.a]\nx = 1\n", "no gesture that can be used"),
        ("format = 1\nunits = 3\n", "no gesture that can be used"),
    ],
)
def test_a_file_of_no_use_raises(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_lexicon(written(tmp_path, text), warn=lambda sentence: None)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_lexicon(tmp_path / "none.toml")

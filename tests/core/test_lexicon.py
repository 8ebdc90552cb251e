"""The gesture lexicon: what ships is sound, and a wrong file says which table and why."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from declaim.core import lexicon
from declaim.core.errors import InputError
from declaim.core.lexicon import read_lexicon

SHIPPED = lexicon.SHIPPED.read_text(encoding="utf-8")


def test_every_unit_can_be_chosen_and_strikes_far_enough() -> None:
    units = read_lexicon().units
    assert len(units) >= 15
    for unit in units.values():
        assert unit.words or unit.beat, unit.id
        assert np.linalg.norm(unit.after.wrist - unit.before.wrist) > 0.15, unit.id  # arm lengths: 8 cm and more
        assert 0.5 < np.linalg.norm(unit.after.wrist) < 0.97, unit.id


def test_no_word_calls_for_two_units_by_accident() -> None:
    owners: dict[str, list[int]] = {}
    for entry in read_lexicon().entries:
        for word in entry.words:
            owners.setdefault(word, []).append(entry.priority)
    assert all(len(set(priorities)) == len(priorities) for priorities in owners.values())


def test_any_two_units_look_different() -> None:
    for a, b in itertools.combinations(read_lexicon().units.values(), 2):
        if {a.id, b.id} == {"left_side", "right_side"}:
            continue  # each other's mirror image
        way = np.linalg.norm([a.before.wrist - b.before.wrist, a.after.wrist - b.after.wrist], axis=1).max()
        turned = abs(a.after.turn - b.after.turn)
        shaped = np.abs(a.after.shape - b.after.shape).max()
        assert way > 0.15 or turned > 0.4 or shaped > 0.3 or a.hands != b.hands, (a.id, b.id)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (SHIPPED.replace("to = [0.09, -0.53, 0.56]", "to = [0.09, -0.53]"), r"\[units.beat\].*'to' should be 3 numbers"),
        (SHIPPED.replace('shape = "pinch"', 'shape = "pinhc"'), r"\[units.precise\].*'pinhc'"),
        (SHIPPED.replace("beat = 0.9", "beets = 0.9"), r"\[units.beat_out\].*'beets' is no field"),
        (SHIPPED.replace('head = "shake"', 'head = "shook"'), r"\[units.negate\].*'head' should be one of nod"),
        (SHIPPED.replace("format = 1", "format = 9"), "format 1"),
        ("[units.beat", "cannot be read"),
    ],
)
def test_a_wrong_file_says_where_and_why(tmp_path: Path, wrong: str, told: str) -> None:
    assert wrong != SHIPPED
    path = tmp_path / "mine.toml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_lexicon(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_lexicon(tmp_path / "none.toml")

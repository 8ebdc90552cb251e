"""The gesture lexicon: hand shapes and gesture units, read from TOML files in one documented format (docs/gestures.md)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .gestures import Entry, words_of
from .toml_file import TomlTable, read_or, read_toml

Array = NDArray[Any]
Hands = Literal["one", "two", "any", "left", "right"]
HeadMove = Literal["nod", "shake", "tilt", "none"]
Gaze = Literal["listener", "hands", "aside", "up"]
Role = Literal["beat", "emphasis", "question", "negation", "self", "you", "list", "contrast", "closing"]

FINGERS = ("index", "middle", "pinky", "ring", "thumb")  # the skeleton's order
SHAPE_SIZE = 17  # three joints a finger in that order, how far the thumb comes out of the palm, the spread
THUMB_OUT = 15
FORMAT = 1
_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "gestures"
SHIPPED, SHIPPED_SHAPES = _FOLDER / "gestures.toml", _FOLDER / "hand_shapes.toml"
_Warn = Callable[[str], None] | None
_Choice = TypeVar("_Choice", bound=str)
_POSTURE_FIELDS = ("at", "turn", "bend", "swing", "elbow", "shape")
_UNIT_FIELDS = (
    *("title", "words", "roles", "hands", "amplitude", "tempo", "hold", "chance", "beat", "priority"),
    *("head", "gaze", "shoulders", "alternate", "same_hand", "before", "via", "stroke", "then"),
)
_FARTHEST = 1.05  # arm lengths; a little more than an arm can reach, which is then stretched towards it


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Posture:
    """Where one hand is: seen by that hand, so that left and right are alike."""

    wrist: Array  # (3,) outward, up, forward from the shoulder, arm lengths
    turn: float  # rad, forearm; 0 thumb up, positive palm up
    bend: float  # rad, wrist, positive towards the palm
    swing: float = 0.0  # rad, wrist, positive towards the thumb
    elbow: float = 0.0  # rad, positive lifts the elbow outwards
    shape: Array  # (SHAPE_SIZE,) rad


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Unit:
    """A gesture: the posture before its stroke, what the hand passes on the way, and the posture that the stroke ends in."""

    id: str
    title: str
    before: Posture  # where the stroke begins
    after: Posture  # its apex
    hands: Hands
    via: tuple[Posture, ...] = ()  # passed on the way, without a stop: they bend the path
    then: tuple[Posture, ...] = ()  # turning points after the apex: a wag, a shake, the second half of a pair
    words: tuple[str, ...] = ()  # what calls for it by meaning: words or phrases, any inflection
    roles: tuple[Role, ...] = ()  # what else may call for it
    amplitude: tuple[float, float] = (0.6, 1.4)  # how far its size may go below and above what is written here
    tempo: tuple[float, float] = (0.22, 0.45)  # s, shortest and longest stroke
    hold: tuple[float, float] = (0.12, 0.45)  # s, shortest and longest hold after the stroke
    chance: float = 1.0  # how often its words get it
    beat: float = 0.0  # weight in the choice by rhythm
    priority: int = 0
    head: HeadMove = "nod"
    gaze: Gaze = "listener"  # where the eyes go meanwhile
    shoulders: float = 0.0  # 0..1, raised: a shrug
    alternate: bool = False  # of two hands, the second takes the points from the apex on in the other order, two by two
    same_hand: bool = False  # of one hand, always the leading one: a count that changed hands would not be a count

    def points(self, *, second: bool = False) -> tuple[Posture, ...]:
        """All postures in time, ``before`` first; of the ``second`` of two hands."""
        ends = [self.after, *self.then]
        if second and self.alternate:
            ends = [ends[other] if (other := n ^ 1) < len(ends) else ends[n] for n in range(len(ends))]
        return (self.before, *self.via, *ends)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """All units and hand shapes."""

    units: Mapping[str, Unit]
    shapes: Mapping[str, Array]
    quiet: tuple[str, ...] = ()  # phrases that call for nothing, whatever their words would call for

    @functools.cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The units that words call for, and the quiet phrases."""
        units = tuple(Entry(id=u.id, words=u.words, priority=u.priority) for u in self.units.values() if u.words)
        return (*units, Entry(id="", words=self.quiet)) if self.quiet else units

    def having(self, role: Role) -> tuple[Unit, ...]:
        """The units that the role may choose, in the file's order."""
        return tuple(unit for unit in self.units.values() if role in unit.roles)

    def under(self, own: Lexicon) -> Lexicon:
        """This lexicon with ``own`` on top: a unit or shape of the same name is replaced, and own words come first."""
        mine = {name: unit for name, unit in self.units.items() if name not in own.units}
        return Lexicon(units={**own.units, **mine}, shapes={**self.shapes, **own.shapes}, quiet=self.quiet + own.quiet)

    @functools.cached_property
    def beats(self) -> tuple[Unit, ...]:
        """The units that rhythm alone may choose."""
        return tuple(unit for unit in self.units.values() if unit.beat > 0)


def read_lexicon(path: Path | None = None, *, warn: Callable[[str], None] | None = None) -> Lexicon:
    """The lexicon in ``path``, or our own. Its units may use our hand shapes and its own.

    ``warn`` hears of each wrong entry in one sentence with file and line, and the rest is read; without ``warn`` the
    first one raises. Raises InputError in any case where the file cannot be read, is of another format, or holds no
    unit that can be used.
    """
    source = path or SHIPPED
    file = read_toml(source, "The gesture lexicon")
    read_or(None, lambda: file.only("format", "shapes", "units", "quiet"), warn)
    _check_format(file, source)
    shapes = {**(_shapes(SHIPPED_SHAPES, warn) if source != SHIPPED_SHAPES else {}), **_own_shapes(file, warn)}
    table = read_or(None, lambda: file.table("units"), warn)
    units = table.each(lambda row: _unit(row, shapes), warn) if table is not None else {}
    if not units:
        raise InputError(
            f"The gesture lexicon {source.name} has no gesture that can be used.",
            hint="It needs a [units.NAME]; docs/gestures.md tells how.",
        )
    return Lexicon(units=_owners(table, units, warn), shapes=shapes, quiet=read_or((), lambda: _quiet(file), warn))


@functools.cache
def shipped_lexicon() -> Lexicon:
    """Our own lexicon, read once."""
    return read_lexicon()


def _shapes(path: Path, warn: _Warn) -> dict[str, Array]:
    file = read_toml(path, "The file of hand shapes")
    _check_format(file, path)
    return _own_shapes(file, warn)


def _check_format(file: TomlTable, path: Path) -> None:
    if "format" not in file or file.integer("format") != FORMAT:
        raise InputError(f"{path.name} has not the format {FORMAT}.", hint=f"It begins with 'format = {FORMAT}'.")


def _own_shapes(file: TomlTable, warn: _Warn) -> dict[str, Array]:
    table = read_or(None, lambda: file.table("shapes"), warn)
    return {} if table is None else table.each(_shape, warn)


def _quiet(file: TomlTable) -> tuple[str, ...]:
    table = file.table("quiet")
    table.only("words")
    return table.texts("words")


def _shape(table: TomlTable) -> Array:
    table.only(*FINGERS, "thumb_out", "spread")
    degrees = [angle for finger in FINGERS for angle in table.numbers(finger, 3, low=-40, high=110)]
    aside = (table.number("thumb_out", 0.0, low=-60, high=40), table.number("spread", 0.0, low=-10, high=30))
    return np.radians([*degrees, *aside])


def _unit(table: TomlTable, shapes: Mapping[str, Array]) -> Unit:
    table.only(*_UNIT_FIELDS)
    for name in ("before", "stroke"):
        if name not in table:
            raise table.wrong("", f"{name} is missing")
    before = _posture(table.table("before"), None, shapes)
    last, via = before, []
    for row in table.tables("via"):
        via.append(last := _posture(row, last, shapes))
    after = last = _posture(table.table("stroke"), last, shapes)
    then = []
    for row in table.tables("then"):
        then.append(last := _posture(row, last, shapes))
    return Unit(
        id=table.name,
        title=table.text("title", table.name.replace("_", " ").capitalize()),
        before=before,
        via=tuple(via),
        after=after,
        then=tuple(then),
        hands=_one_of(table, "hands", "any", get_args(Hands)),
        words=_words(table),
        roles=tuple(table.texts("roles", choices=get_args(Role))),  # type: ignore[arg-type]
        amplitude=_range(table, "amplitude", (0.6, 1.4), high=2.0),
        tempo=_range(table, "tempo", (0.22, 0.45), low=0.1, high=1.5),
        hold=_range(table, "hold", (0.12, 0.45), high=3.0),
        chance=table.number("chance", 1.0, low=0, high=1),
        beat=table.number("beat", 0.0, low=0, high=10),
        priority=table.integer("priority", 0),
        head=_one_of(table, "head", "nod", get_args(HeadMove)),
        gaze=_one_of(table, "gaze", "listener", get_args(Gaze)),
        shoulders=table.number("shoulders", 0.0, low=0, high=1),
        alternate=_alternate(table),
        same_hand=table.flag("same_hand", False),
    )


def _alternate(table: TomlTable) -> bool:
    given = table.flag("alternate", False)
    if given and (table.text("hands", "any") != "two" or "then" not in table):
        raise table.wrong("alternate", 'alternate needs hands = "two" and a then')
    return given


def _posture(table: TomlTable, last: Posture | None, shapes: Mapping[str, Array]) -> Posture:
    """A posture; what it leaves out is as in the ``last`` one."""
    table.only(*_POSTURE_FIELDS)
    wrist = np.array(table.numbers("at", 3, None if last is None else last.wrist.tolist(), low=-_FARTHEST, high=_FARTHEST))
    if not 0.2 <= float(np.linalg.norm(wrist)) <= _FARTHEST:
        raise table.wrong("at", f"at should be 0.2 to {_FARTHEST:g} arm lengths from the shoulder")

    def angle(name: str, limit: float, default: float | None = 0.0) -> float:
        usual = default if last is None else float(np.degrees(getattr(last, name)))
        return float(np.radians(table.number(name, usual, low=-limit, high=limit)))

    if "shape" in table or last is None:
        shape = shapes[table.text("shape", choices=tuple(shapes))]
    else:
        shape = last.shape
    return Posture(
        wrist=wrist,
        turn=angle("turn", 120, None),
        bend=angle("bend", 80),
        swing=angle("swing", 35),
        elbow=angle("elbow", 60),
        shape=shape,
    )


def _words(table: TomlTable) -> tuple[str, ...]:
    words = table.texts("words")
    for phrase in words:
        if not words_of(phrase):
            raise table.wrong("words", f'words has "{phrase}", in which there is nothing to be spoken')
    return words


def _range(
    table: TomlTable, name: str, default: tuple[float, float], *, low: float = 0.0, high: float
) -> tuple[float, float]:
    least, most = table.numbers(name, 2, default, low=low, high=high)
    if least > most:
        raise table.wrong(name, f"{name} should begin with the smaller number, not {least:g}")
    return least, most


def _one_of(table: TomlTable, name: str, default: _Choice, choices: tuple[_Choice, ...]) -> _Choice:
    given = table.text(name, default, choices=choices)
    return next(choice for choice in choices if choice == given)


def _owners(table: TomlTable, units: dict[str, Unit], warn: _Warn) -> dict[str, Unit]:
    """The units; where two of one priority have the same words, the earlier keeps them, and ``warn`` hears of it."""
    owners: dict[tuple[int, tuple[str, ...]], str] = {}
    kept = {}
    for name, unit in units.items():
        words = []
        for phrase in unit.words:
            owner = owners.setdefault((unit.priority, words_of(phrase)), name)

            def taken(phrase: str = phrase, owner: str = owner, name: str = name) -> bool:
                if owner != name:
                    row = table.table(name)
                    raise row.wrong("words", f'"{phrase}" already calls for {owner}, with the same priority')
                return True

            if read_or(False, taken, warn):
                words.append(phrase)
        kept[name] = dataclasses.replace(unit, words=tuple(words))
    return kept

"""The gesture lexicon: hand shapes and gesture units, read from TOML files in one documented format (docs/gestures.md)."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .gestures import Entry

Array = NDArray[Any]
Hands = Literal["one", "two", "any", "left", "right"]
HeadMove = Literal["nod", "shake", "tilt", "none"]
Gaze = Literal["listener", "hands", "aside", "up"]
Role = Literal["beat", "emphasis", "question", "negation", "self", "you", "list", "contrast", "closing"]

FINGERS = ("index", "middle", "pinky", "ring", "thumb")  # the skeleton's order
SHAPE_SIZE = 16  # three joints a finger in that order, then the spread
_FORMAT = 1
SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "gestures" / "gestures.toml"


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


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """All units and hand shapes."""

    units: Mapping[str, Unit]
    shapes: Mapping[str, Array]

    @functools.cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The units that words call for."""
        return tuple(Entry(id=u.id, words=u.words, priority=u.priority) for u in self.units.values() if u.words)

    def having(self, role: Role) -> tuple[Unit, ...]:
        """The units that the role may choose, in the file's order."""
        return tuple(unit for unit in self.units.values() if role in unit.roles)

    @functools.cached_property
    def beats(self) -> tuple[Unit, ...]:
        """The units that rhythm alone may choose."""
        return tuple(unit for unit in self.units.values() if unit.beat > 0)


def read_lexicon(path: Path | None = None) -> Lexicon:
    """The lexicon in ``path``, or our own. Raises InputError naming the table and field that are wrong."""
    source = path or SHIPPED
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The gesture lexicon {source.name} cannot be read: {error}.", hint="Check the file.") from error
    if data.get("format") != _FORMAT:
        raise InputError(f"The gesture lexicon {source.name} has not the format {_FORMAT}.", hint="Add 'format = 1'.")
    shapes = {name: _guarded(source, f"shapes.{name}", _shape, row) for name, row in data.get("shapes", {}).items()}
    units = {
        name: _guarded(source, f"units.{name}", _unit, {"id": name, "shapes": shapes, **row})
        for name, row in data.get("units", {}).items()
    }
    return Lexicon(units=units, shapes=shapes)


def _guarded(source: Path, table: str, read: Any, row: dict[str, Any]) -> Any:
    try:
        return read(row)
    except KeyError as error:
        raise InputError(
            f"[{table}] in {source.name} lacks or misnames {error}.", hint="See the head of the file."
        ) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"[{table}] in {source.name} is wrong: {error}.", hint="See the head of the file.") from error


def _shape(row: dict[str, Any]) -> Array:
    degrees = [_vector(row[finger], finger) for finger in FINGERS]
    return np.asarray(np.radians(np.concatenate([*degrees, [float(row.get("spread", 0.0))]])))


def _vector(values: Any, name: str, size: int = 3) -> Array:
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise ValueError(f"'{name}' should be {size} numbers")
    return vector


_UNIT_FIELDS = frozenset(
    "id shapes words chance priority beat hands from to turn bend elbow shape shape_from head".split()  # noqa: SIM905
)


def _unit(row: dict[str, Any]) -> Unit:
    unknown = sorted(set(row) - _UNIT_FIELDS)
    if unknown:
        raise ValueError(f"'{unknown[0]}' is no field")
    for field, allowed in (("hands", ("one", "two", "any", "left", "right")), ("head", ("nod", "shake", "tilt", "none"))):
        if row.get(field, allowed[0]) not in allowed:
            raise ValueError(f"'{field}' should be one of {', '.join(allowed)}")
    turn, bend = np.radians(_vector(row["turn"], "turn", 2)), np.radians(_vector(row["bend"], "bend", 2))
    elbow = float(np.radians(row.get("elbow", 0.0)))
    shapes = row["shapes"]
    before, after = (
        Posture(
            wrist=_vector(row[place], place), turn=float(turn[i]), bend=float(bend[i]), elbow=elbow, shape=shapes[shape]
        )
        for i, (place, shape) in enumerate((("from", row.get("shape_from", row["shape"])), ("to", row["shape"])))
    )
    return Unit(
        id=row["id"],
        title=row["id"].replace("_", " ").capitalize(),
        before=before,
        after=after,
        hands=row.get("hands", "one"),
        words=tuple(row.get("words", ())),
        chance=float(row.get("chance", 1.0)),
        beat=float(row.get("beat", 0.0)),
        priority=int(row.get("priority", 0)),
        head=row.get("head", "nod"),
    )

"""The table of mouth shapes and sounds (``visemes.toml``), read into arrays."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import PluginError
from ...core.face import ARKIT_INDEX
from ...core.oculus import VISEMES as VISEMES

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Contact:
    """How a viseme whose lips touch something is enforced."""

    sealed: bool  # the lips meet each other: mouthClose takes back what the jaw opens
    shapes: Array  # (S,) weights added in contact
    keep: Array  # (S,) share of the neighbours' weight that stays
    limit: Array  # (S,) the most that stays of it
    attack: float  # s
    release: float  # s


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """One mouth shape of a sound."""

    viseme: int  # index into VISEMES
    share: float  # of the sound's time
    shapes: Array  # (S,) weights
    dominance: Array  # (G,) per articulator
    scale: float  # how much of the viseme's shape the sound takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manner:
    """How somebody speaks: a style's preset, or that with the sliders on it."""

    strength: float  # how far lips and jaw go
    jaw: float  # how far the jaw goes
    loudness: float  # how much they follow the voice's level
    blending: float  # how far sounds reach into each other
    smile: float  # -1 (a frown) .. 1
    tension: float  # 0..1, pressed lips
    snarl: float  # 0..1, bared teeth while the mouth is open


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """S mouth shapes in G articulators, and what each sound, mood and style does with them."""

    shapes: Array  # (S,) indices into core.face.ARKIT
    jaw: int  # where among the S
    close: int  # mouthClose, where among the S
    articulator: Array  # (S,) the articulator of each shape
    before: Array  # (G,) s
    after: Array  # (G,) s
    opening: Array  # (S,) bool: grows with loudness
    contacts: Mapping[int, Contact]  # by viseme
    phones: Mapping[str, tuple[Target, ...]]  # by ARPAbet symbol
    sounds: Mapping[str, Array]  # (S,) by VocalSound.kind
    moods: Mapping[str, Array]  # (S,) by name: smile, frown, tension
    lopsided: Array  # (S,) 1 left, -1 right, 0 for shapes that a face does evenly
    styles: Mapping[str, Manner]

    def columns(self, *names: str) -> list[int]:
        """Where among the S the shapes are; a name without a side stands for both."""
        wanted = [ARKIT_INDEX[name] for name in _expanded(list(names))]
        return [self.shapes.tolist().index(index) for index in wanted]


@functools.cache
def read_table() -> Table:
    """The table that ships with the plugin. Raises PluginError where the file has been damaged."""
    path = Path(__file__).with_name("visemes.toml")
    try:
        return _table(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise PluginError(f"{path} cannot be read ({error!r}).", hint="Install Declaim again.") from error


def _table(data: Mapping[str, Any]) -> Table:
    articulators = data["articulators"]
    order: list[str] = []
    groups: list[int] = []
    for group, row in enumerate(articulators.values()):
        names = _expanded(row["shapes"])
        order += names
        groups += [group] * len(names)
    place = {name: index for index, name in enumerate(order)}

    def vector(weights: Mapping[str, float]) -> Array:
        values = np.zeros(len(order))
        for name, weight in weights.items():
            for single in _expanded([name]):
                values[place[single]] = weight
        return values

    rows = data["visemes"]
    if tuple(rows) != VISEMES:
        raise ValueError(f"the visemes are not {', '.join(VISEMES)}")
    shapes = [vector(rows[name]["shapes"]) for name in VISEMES]
    dominances = [np.array([rows[name]["dominance"][group] for group in articulators]) for name in VISEMES]

    def target(row: Mapping[str, Any], count: int) -> Target:
        viseme = VISEMES.index(row["viseme"])
        changed = vector(row.get("shapes", {}))
        named = vector(dict.fromkeys(row.get("shapes", {}), 1.0)) > 0
        scale = float(row.get("scale", 1.0))
        return Target(
            viseme=viseme,
            share=float(row.get("share", 1.0 / count)),
            shapes=np.where(named, changed, shapes[viseme] * scale),
            dominance=dominances[viseme],
            scale=scale,
        )

    def contact(row: Mapping[str, Any], own: Array) -> Contact:
        limited = vector(dict.fromkeys(row["limit"], 1.0)) > 0
        return Contact(
            sealed=row["sealed"],
            shapes=np.where(np.arange(len(order)) == place["jawOpen"], 0.0, own),
            keep=vector(row["keep"]),
            limit=np.where(limited, vector(row["limit"]), 1.0),
            attack=row["attack"],
            release=row["release"],
        )

    return Table(
        shapes=np.array([ARKIT_INDEX[name] for name in order]),
        jaw=place["jawOpen"],
        close=place["mouthClose"],
        articulator=np.array(groups),
        before=np.array([row["before"] for row in articulators.values()]),
        after=np.array([row["after"] for row in articulators.values()]),
        opening=vector(dict.fromkeys(data["opening"]["shapes"], 1.0)) > 0,
        contacts={
            index: contact(rows[name]["contact"], shapes[index])
            for index, name in enumerate(VISEMES)
            if "contact" in rows[name]
        },
        sounds={name: vector(data["sounds"][name]["shapes"]) for name in _SOUNDS},
        moods={name: vector(data["moods"][name]["shapes"]) for name in _MOODS},
        lopsided=np.array([_side(name) for name in order]),
        styles={name: Manner(**row) for name, row in data["styles"].items()},
        phones={symbol: tuple(target(row, len(targets)) for row in targets) for symbol, targets in data["phones"].items()},
    )


_SOUNDS = ("breath", "sigh", "laugh")
_MOODS = ("smile", "frown", "tension")
_CORNERS = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")  # no face draws both of its corners alike


def _side(name: str) -> float:
    return 0.0 if not name.startswith(_CORNERS) else 1.0 if name.endswith("Left") else -1.0


def _expanded(names: list[str]) -> list[str]:
    """ARKit's own names: ``mouthSmile`` stands for its left and its right."""
    return [single for name in names for single in ((name,) if name in ARKIT_INDEX else (f"{name}Left", f"{name}Right"))]

"""``plugin.toml``: what a plugin says of itself, read and checked without importing anything."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from ..core.errors import PluginError
from ..core.face import FaceEncoding
from ..core.skeleton import CHANNELS, Channel
from ..core.speech import NEEDS, Need
from .parameters import schema_problems

Kind = Literal["generator", "transcriber", "synthesiser", "renderer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ABILITIES: dict[str, tuple[str, ...]] = {
    "generator": ("start_pose", "end_pose", "pinned", "diverse", "streaming"),
    "transcriber": ("words", "phones"),
    "synthesiser": ("words", "phones"),
    "renderer": (),
}
_ID = re.compile(r"[a-z][a-z0-9_-]*")  # it is typed: -g mouth=ID, -p ID.key=value
_REQUIRED = ("id", "kind", "title", "summary", "version", "licence", "entry")
_OPTIONAL = ("extra", "python", "needs", "fps", "channels", "face", "abilities", "parameters", "weights")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """A weights file beside the manifest."""

    file: str
    sha256: str
    licence: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """One plugin, as its ``plugin.toml`` has it."""

    id: str
    kind: Kind
    title: str
    summary: str  # one sentence
    version: str
    licence: str
    entry: str  # "module:Class", the module inside the plugin's folder
    folder: Path
    package: str = ""  # the import package that the folder is, where it is one; else it is loaded from its path
    extra: str = ""  # of declaim's extras, the one it needs
    python: str = ""  # an interpreter of its own
    needs: tuple[Need, ...] = ()
    fps: float | None = None  # native frame rate; None: any
    channels: tuple[Channel, ...] = ()
    face: tuple[FaceEncoding, ...] = ()  # the face encodings it makes
    abilities: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # JSON Schema of an object
    weights: tuple[Weights, ...] = ()


def read_manifest(folder: Path, *, package: str = "") -> Manifest:
    """Read and check ``folder/plugin.toml``. Raises PluginError naming the first thing that is wrong."""
    path = folder / "plugin.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PluginError(f"{folder} has no plugin.toml.", hint="Every plugin is a folder with a plugin.toml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PluginError(f"{path} cannot be read ({error}).", hint="Save it as UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"{path} is not valid TOML: {error}.", hint="Correct that line.") from None
    problem = next(_problems(data, folder), None)
    if problem:
        raise PluginError(f"{path}: {problem}", hint="See the plugin chapter of the documentation.")
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v := data[name], list) else v for name in data}
    fields["version"] = str(fields["version"])
    fields["weights"] = tuple(Weights(**row) for row in data.get("weights", ()))
    return Manifest(**fields, folder=folder, package=package)


def _problems(data: dict[str, Any], folder: Path) -> Any:
    for name in _REQUIRED:
        if not isinstance(data.get(name), str) or not data[name].strip():
            yield f'"{name}" is missing or not a text.'
    for name in data:
        if name not in _REQUIRED + _OPTIONAL:
            near = difflib.get_close_matches(name, _REQUIRED + _OPTIONAL, n=1)
            yield f'"{name}" is not a key of plugin.toml{f"; did you mean {near[0]}" if near else ""}.'
    if not _ID.fullmatch(data["id"]):
        yield f'id is "{data["id"]}"; it may have small letters, figures, "-" and "_" and begins with a letter.'
    if data["kind"] not in KINDS:
        yield f'kind is "{data["kind"]}"; it must be one of {", ".join(KINDS)}.'
    module, _, name = data["entry"].partition(":")
    if not (all(part.isidentifier() for part in module.split(".")) and name.isidentifier()):
        yield f'entry is "{data["entry"]}"; it must read module:Class.'
    if not (folder / Path(*module.split("."))).with_suffix(".py").is_file():
        yield f"entry names the module {module}, but the folder has no {module.replace('.', '/')}.py."
    allowed: dict[str, tuple[str, ...]] = {
        "needs": NEEDS,
        "channels": CHANNELS,
        "face": get_args(FaceEncoding),
        "abilities": ABILITIES[data["kind"]],
    }
    for key, values in allowed.items():
        given = data.get(key, [])
        if not isinstance(given, list) or any(not isinstance(value, str) for value in given):
            yield f"{key} must be a list of texts."
        for value in given:
            if value not in values:
                yield f'{key} has "{value}"; it may have {", ".join(values) or "nothing for this kind"}.'
    if data["kind"] == "generator":
        if not data.get("channels"):
            yield "a generator must name the channels it makes."
        if {"mouth", "upper_face"} & set(data["channels"]) and not data.get("face"):
            yield 'a generator that makes the face must say in "face" which encodings it makes.'
    if data.get("python") and data["kind"] != "generator":
        yield "only a generator can have an interpreter of its own."
    if "fps" in data and not (isinstance(data["fps"], int | float) and data["fps"] > 0):
        yield "fps must be a number above 0."
    yield from schema_problems(data.get("parameters", {}))
    for row in data.get("weights", []):
        if not isinstance(row, dict) or set(row) != {"file", "sha256", "licence"}:
            yield "each entry of weights must have file, sha256 and licence."

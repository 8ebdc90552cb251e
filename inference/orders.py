"""What the command line was asked, turned into a request: scripts, pronunciations, parameters and poses read and checked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import InputError, ScriptError
from ..core.face import ARKIT
from ..core.shapes import SHAPES
from ..core.skeleton import CHANNELS, Channel
from ..core.wire import DEFAULT_GENERATORS, DEFAULT_TRANSCRIBER, PerformRequest, Pose

_DOCUMENT = re.compile(r"[^\n]{0,250}\.(txt|text|md|rtf|docx?|odt|pdf|srt|vtt)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """A ``declaim perform`` or ``declaim transcribe``, as typed."""

    voice: Path
    outputs: tuple[Path, ...]
    script: str | None = None
    generators: tuple[str, ...] = ()
    transcriber: str = DEFAULT_TRANSCRIBER
    seed: int = 0
    fps: float = 30.0
    body: Path | None = None
    shape: str = ""
    start_pose: Path | None = None
    end_pose: Path | None = None
    parameters: tuple[str, ...] = ()
    pronunciations: Path | None = None
    language: str = "en"


def request_of(order: Order) -> PerformRequest:
    """Raises a DeclaimError for whatever was mistyped or is not there."""
    generators = generators_of(order.generators)
    return PerformRequest(
        script=script_text(order.script),
        language=order.language,
        transcriber=order.transcriber,
        generators=generators,
        seeds=(order.seed,),
        fps=order.fps,
        betas=_shape(order.shape),
        start_pose=_pose(order.start_pose, -1),
        end_pose=_pose(order.end_pose, 0),
        body=str(order.body) if order.body else None,
        parameters=parameters_of(order.parameters, order.transcriber, generators),
        pronunciations=pronunciations_of(order.pronunciations, order.voice),
    )


def script_text(given: str | None) -> str | None:
    """The script: the contents of ``given`` where that is a file, else ``given`` itself. None and blank mean no script."""
    if given is None:
        return None
    path = Path(given)
    if _is_file(path):
        if path.suffix.lower() in (".srt", ".vtt"):
            raise ScriptError(f"{path} holds subtitles, not a plain script.", hint=f"Use them by -t import -p file={path}")
        given = read_text(path)
        if given.startswith("{\\rtf"):
            raise ScriptError(f"{path} is a rich text document.", hint="Save the script as plain text.")
    elif _DOCUMENT.fullmatch(given.strip()):
        raise ScriptError(
            f"There is no script file {given}.", hint="Check the path; if it is the text itself, end it with a full stop."
        )
    return given if given.strip() else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def read_text(path: Path) -> str:
    """A text file in UTF-8, in UTF-16 with its mark, or else in Windows-1252. Raises ScriptError for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(
            f"{path} cannot be read ({(error.strerror or str(error)).lower()}).", hint="Check its permissions."
        ) from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    for attempt in (encoding, "cp1252"):
        try:
            text = data.decode(attempt)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ScriptError(f"{path} is not a text file.", hint="Save the script as plain text.")


def generators_of(given: tuple[str, ...]) -> Mapping[Channel, str]:
    """Channel -> generator id. A bare id takes every channel that it makes; CHANNEL=ID takes that one."""
    from ..plugins import registry

    chosen: dict[Channel, str] = dict(DEFAULT_GENERATORS)
    for text in sorted(given, key=lambda text: "=" in text):
        channel, equals, plugin_id = text.partition("=")
        if not equals:
            manifest = registry.find("generator", text)
            chosen.update(dict.fromkeys(manifest.channels, text))
        elif channel in CHANNELS:
            chosen[channel] = plugin_id  # type: ignore[index]
        else:
            raise InputError(f'There is no channel "{channel}".', hint=f"The channels are {', '.join(CHANNELS)}.")
    return chosen


def parameters_of(given: tuple[str, ...], transcriber: str, generators: Mapping[Channel, str]) -> dict[str, dict[str, Any]]:
    """Plugin id -> its parameters. ``key=value`` goes to every plugin taking part that has the key, ``id.key=value`` to one."""
    from ..plugins import registry
    from ..plugins.parameters import from_text

    ids = [("generator", plugin_id) for plugin_id in dict.fromkeys(generators.values())] + [("transcriber", transcriber)]
    manifests = {plugin_id: registry.find(kind, plugin_id) for kind, plugin_id in ids}  # type: ignore[arg-type]
    result: dict[str, dict[str, Any]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f'"{text}" is not a parameter.', hint="Write it as key=value, for instance energy=0.8.")
        owner, dot, name = key.rpartition(".")
        if dot:
            owners = [owner] if owner in manifests else []
            if not owners:
                raise InputError(f'"{owner}" takes no part.', hint=f"Taking part: {', '.join(manifests)}.")
        else:
            owners = [i for i, manifest in manifests.items() if name in manifest.parameters.get("properties", {})]
        if not owners:
            raise _unknown_parameter(name, manifests)
        for plugin_id in owners:
            result.setdefault(plugin_id, {})[name] = from_text(manifests[plugin_id].parameters, name, value)
    return result


def _unknown_parameter(name: str, manifests: Mapping[str, Any]) -> InputError:
    import difflib

    every = [key for manifest in manifests.values() for key in manifest.parameters.get("properties", {})]
    near = difflib.get_close_matches(name, every, n=3)
    return InputError(
        f'No plugin taking part has a parameter "{name}".',
        hint=f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(dict.fromkeys(every))}.",
    )


def pronunciations_of(given: Path | None, voice: Path) -> dict[str, str]:
    """Lower-case word -> ARPAbet. Read from ``given``, else from ``<voice>.pronunciations.txt`` or
    ``pronunciations.txt`` beside the voice where there is one."""
    if given is not None:
        if not given.is_file():
            raise InputError(f"There is no pronunciation file {given}.", hint="Check the path.")
        paths = [given]
    else:
        beside = [voice.parent / f"{voice.stem}.pronunciations.txt", voice.parent / "pronunciations.txt"]
        paths = [path for path in beside if _is_file(path)]
    found: dict[str, str] = {}
    for path in reversed(paths):
        for number, line in enumerate(read_text(path).splitlines(), 1):
            word, *phones = line.split("#")[0].split()[:64] or [""]
            if not word:
                continue
            bad = [phone for phone in phones if not re.fullmatch(r"[A-Z]{1,2}[012]?", phone)]
            if bad or not phones:
                raise InputError(
                    f"{path}, line {number}: {f'{bad[0]!r} is not an ARPAbet phone' if bad else f'{word!r} has no phones'}.",
                    hint="Write a word and its phones on each line, for instance: DECLAIM D IH K L EY M",
                )
            found[word.lower()] = " ".join(phones)
    return found


def _shape(text: str) -> tuple[float, ...]:
    """Betas: a name from ``core.shapes`` or the numbers themselves."""
    if text.strip().lower() in SHAPES:
        return SHAPES[text.strip().lower()]
    try:
        return tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise InputError(
            f'"{text}" is not a shape.',
            hint=f"Give {' or '.join(SHAPES)}, or up to 10 numbers with commas between them, as 1.5,0,-1.",
        ) from None


def _pose(path: Path | None, frame: int) -> Pose | None:
    if path is None:
        return None
    from ..core.clip_file import load_clip

    clip = load_clip(path)
    x, y, z = (float(value) for value in clip.trans[frame])
    return Pose(
        poses=tuple(float(value) for value in clip.poses[frame].reshape(-1)),
        trans=(x, y, z),
        blendshapes={name: float(clip.blendshapes[frame, i]) for i, name in enumerate(ARKIT) if clip.blendshapes[frame, i]},
    )

"""Clips as .npz: a valid AMASS/BEAT2 file plus our fields as one JSON string. Never pickle."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .clip import FORMAT_VERSION, BodyRef, GeneratorRef, MotionClip, Provenance
from .errors import ClipError
from .face import ARKIT, ARKIT_INDEX
from .files import replacing
from .skeleton import JOINT_COUNT
from .timeline import Timeline

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that the same clip gives the same bytes


def save_clip(clip: MotionClip, path: Path) -> None:
    """Write ``clip`` as npz: ``poses`` (T, 165), ``trans``, ``betas``, ``expressions``, ``gender``,
    ``mocap_frame_rate`` as AMASS and BEAT2 have them, then ``blendshapes``, ``contacts`` and ``declaim`` (JSON).

    Raises ExportError where the file cannot be written.
    """
    header = {
        "format_version": clip.format_version,
        "body": dataclasses.asdict(clip.body),
        "blendshape_names": list(ARKIT),
        "timeline": clip.timeline.to_dict(),
        "provenance": dataclasses.asdict(clip.provenance),
    }
    arrays: dict[str, Any] = {
        "poses": clip.poses.reshape(len(clip), -1),
        "trans": clip.trans,
        "betas": clip.betas,
        "expressions": clip.expressions,
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(clip.fps),
        "blendshapes": clip.blendshapes,
        "contacts": clip.contacts,
        "declaim": np.array(json.dumps(header, ensure_ascii=False, sort_keys=True, allow_nan=False)),
    }
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def load_clip(path: Path) -> MotionClip:
    """Read a clip from our npz, or from a Y-up SMPL-X motion file in AMASS/BEAT2 layout (its blend shapes are zero).

    Raises ClipError where the file is missing, damaged or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise ClipError(f"There is no file {path}.", hint="Check the path.") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, AttributeError) as error:
        raise ClipError(
            f"{path} is not a motion file ({error}).", hint="Give an .npz that Declaim, AMASS or BEAT2 wrote."
        ) from None
    missing = [name for name in ("poses", "trans") if name not in arrays]
    if missing:
        raise ClipError(
            f"{path} has no {' and no '.join(missing)}.", hint="Give an .npz that Declaim, AMASS or BEAT2 wrote."
        )
    try:
        return _from_arrays(arrays)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise ClipError(
            f"{path} cannot be read ({error}).", hint="The file was damaged or written by another program."
        ) from None


def _from_arrays(arrays: dict[str, Any]) -> MotionClip:
    frames = len(arrays["poses"])
    if arrays["poses"].reshape(frames, -1).shape[1] != JOINT_COUNT * 3:
        raise ValueError(f"its poses have {arrays['poses'].reshape(frames, -1).shape[1]} numbers a frame, not 165")
    header = json.loads(str(arrays["declaim"])) if "declaim" in arrays else {}
    if header.get("format_version", 1) > FORMAT_VERSION:
        raise ValueError("it was written by a newer version of Declaim")
    rate = next((float(arrays[name]) for name in ("mocap_frame_rate", "mocap_framerate", "fps") if name in arrays), 30.0)
    names = header.get("blendshape_names", list(ARKIT))
    blendshapes = np.zeros((frames, len(ARKIT)), dtype=np.float32)
    if "blendshapes" in arrays:
        for column, name in enumerate(names):
            if name in ARKIT_INDEX:
                blendshapes[:, ARKIT_INDEX[name]] = arrays["blendshapes"][:, column]
    provenance = dict(header.get("provenance", {}))
    provenance["generators"] = tuple(
        GeneratorRef(id=row["id"], version=row["version"], channels=tuple(row["channels"]))
        for row in provenance.get("generators", ())
    )
    provenance["warnings"] = tuple(provenance.get("warnings", ()))
    return MotionClip(
        fps=rate,
        body=BodyRef(**header["body"]) if "body" in header else BodyRef(id="unknown", sha256=""),
        poses=arrays["poses"].reshape(frames, JOINT_COUNT, 3),
        trans=arrays["trans"],
        blendshapes=blendshapes,
        expressions=arrays.get("expressions", np.zeros((frames, 0))),
        betas=arrays.get("betas", np.zeros(10)).reshape(-1),
        contacts=arrays.get("contacts", np.zeros((frames, 4))),
        timeline=Timeline.from_dict(header.get("timeline", {})),
        provenance=Provenance(**provenance),
    )
